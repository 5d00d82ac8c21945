//! `meshform state list|show`: what is recorded.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use meshform_engine::address::Address;
use meshform_engine::diagnostic::did_you_mean;
use meshform_engine::state::{RecordStatus, Snapshot};

use crate::exit::Exit;
use crate::input::{Stack, VariableArguments};
use crate::keeping::Kept;
use crate::problem::Problem;
use crate::render::text::counted;
use crate::session::{Session, small_runtime};
use crate::{json, render, terminal};

/// What to look at.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the addresses of all recorded instances
    List {
        /// The stack's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
        #[command(flatten)]
        variables: VariableArguments,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what is recorded about one instance
    Show {
        /// The instance, such as 'host_file.motd["db"]'
        address: String,
        /// The stack's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
        #[command(flatten)]
        variables: VariableArguments,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    /// Whether a machine reads the result.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::List { json, .. } | Self::Show { json, .. } => *json,
        }
    }
}

/// Looks into the state.
///
/// # Errors
/// When it cannot be read, or holds no such instance.
pub(crate) fn run(command: &Command, session: &Session) -> Result<Exit, Problem> {
    match command {
        Command::List { folder, variables, json } => list(&load(folder, variables, session)?, *json)?,
        Command::Show { address, folder, variables, json } => {
            show(address, &load(folder, variables, session)?, *json)?;
        }
    }
    Ok(Exit::Done)
}

/// The state of a stack, with every unfinished journal folded in.
///
/// # Errors
/// When there is no such folder, its settings are wrong, or the state cannot be read.
pub(super) fn load(
    folder: &Path,
    variables: &VariableArguments,
    session: &Session,
) -> Result<Snapshot, Problem> {
    let kept = kept(folder, variables, session)?;
    let loaded = small_runtime()?.block_on(kept.store.load())?;
    if loaded.interrupted {
        terminal::say("note: the last apply was cut off; the next one settles what became of its steps\n");
    }
    Ok(loaded.snapshot)
}

/// Where the state of a stack is, as the stack's own files say.
///
/// # Errors
/// When there is no such folder, or its settings are wrong.
pub(super) fn kept(folder: &Path, variables: &VariableArguments, session: &Session) -> Result<Kept, Problem> {
    let stack = Stack::read_own(folder)?;
    let registry = session.registry(folder);
    let inputs = variables.inputs(&session.environment, &stack, None)?;
    session.kept(&stack, &inputs, &registry)
}

fn list(snapshot: &Snapshot, as_json: bool) -> Result<(), Problem> {
    let addresses = snapshot.records.keys().map(ToString::to_string);
    if as_json {
        return Ok(terminal::print(&json::text(&addresses.collect()))?);
    }
    terminal::print(&addresses.map(|address| address + "\n").collect::<String>())?;
    let incomplete =
        snapshot.records.values().filter(|record| record.status == RecordStatus::Incomplete).count();
    if incomplete > 0 {
        terminal::say(&format!(
            "note: {} incomplete: the next apply settles it\n",
            counted(incomplete, "record")
        ));
    }
    Ok(())
}

fn show(text: &str, snapshot: &Snapshot, as_json: bool) -> Result<(), Problem> {
    let address: Address =
        text.parse().map_err(|error| Problem::new("Not an address", format!("Failed to {error}.")))?;
    let Some(record) = snapshot.records.get(&address) else { return Err(unknown(&address, snapshot)) };
    match as_json {
        true => terminal::print(&json::text(&json::state::record(record)))?,
        false => terminal::print(&render::state::record(&address, record))?,
    }
    Ok(())
}

fn unknown(address: &Address, snapshot: &Snapshot) -> Problem {
    let wanted = address.to_string();
    let known: Vec<_> = snapshot.records.keys().map(ToString::to_string).collect();
    let hint = match did_you_mean(&wanted, known.iter().map(String::as_str)) {
        Some(candidate) => format!("Did you mean {candidate}?"),
        None => "\"meshform state list\" lists those that are.".to_owned(),
    };
    Problem::new("No such instance", format!("{wanted} is not recorded. {hint}"))
}
