//! `meshform state …`: what is recorded, and changes of it that touch no target.

mod change;
mod history;
mod look;
mod operands;
mod unlock;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use meshform_engine::config::Named;
use meshform_engine::ports::StateStore;
use meshform_engine::state::Snapshot;

use crate::arguments::milliseconds;
use crate::exit::Exit;
use crate::input::{Stack, VariableArguments};
use crate::keeping::Kept;
use crate::problem::{Problem, ReportStyle};
use crate::session::Session;
use crate::terminal;

/// What to look at, or to change.
///
/// All but "list", "show", "pull" and "history" take the state's lock, and write the change as an apply does: one that is cut off is settled
/// by the next command that takes the lock. Nothing here touches a cluster or a host.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the addresses of all recorded instances, or of some
    List {
        /// Resources, instances or modules, such as value.x, 'host_file.motd["db"]' or module.site (all unless given); and the stack's folder
        #[arg(value_name = "ADDRESS|FOLDER")]
        operands: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Show what is recorded about one instance
    Show {
        /// The instance, such as 'host_file.motd["db"]'
        address: String,
        /// The stack's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// Record a resource, an instance or a module under another address
    ///
    /// What depends on it does so as before. Where the configuration says `moved`, none of this is needed.
    Mv {
        /// What is recorded, such as value.x, 'host_file.motd["db"]' or module.site
        from: String,
        /// Its address from now on
        to: String,
        /// The stack's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Only say what would be moved
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        changing: Changing,
    },
    /// Forget resources, instances or modules: they stay where they are, and are nobody's
    Rm {
        /// What is recorded, such as value.x, 'host_file.motd["db"]' or module.site; and the stack's folder
        #[arg(value_name = "ADDRESS|FOLDER", required = true)]
        operands: Vec<String>,
        /// Only say what would be forgotten
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        changing: Changing,
    },
    /// Print the state as the document that is kept: without secrets, but with their fingerprints
    Pull {
        /// The stack's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
        #[command(flatten)]
        variables: VariableArguments,
    },
    /// Make a document that "pull" printed the state
    Push {
        /// The document; "-" is standard input
        file: PathBuf,
        /// The stack's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Push it even if it is of another state, or older than the present one
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        changing: Changing,
    },
    /// List the states that are kept: when, by whom and by what each came about, and what it changed
    History {
        /// The stack's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Only so many, the latest ones
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
        number: u16,
        #[command(flatten)]
        common: Common,
    },
    /// Make what a kept state records the state again
    ///
    /// Only what is recorded changes: clusters and hosts stay as they are, and the next plan shows how they differ. The state gets a new serial,
    /// and all those before it are kept.
    Rollback {
        /// The serial, as "history" lists it
        serial: u64,
        /// The stack's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Do not ask
        #[arg(long)]
        auto_approve: bool,
        #[command(flatten)]
        changing: Changing,
    },
    /// Write all that is kept of the state anew: encrypted for the keys of today, or not encrypted any more
    Rewrite {
        /// The stack's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
        #[command(flatten)]
        changing: Changing,
    },
    /// Take the lock away from whoever holds it: the last resort
    ///
    /// The lock of a run that has died expires by itself. One that loses its lock this way can write nothing any more, but what it is doing to
    /// a cluster or a host at that moment goes on.
    Unlock {
        /// The token of the lock, if it is to be taken away from no other holder; and the stack's folder
        #[arg(value_name = "TOKEN|FOLDER", num_args = 0..=2)]
        operands: Vec<String>,
        /// Do not ask
        #[arg(long)]
        auto_approve: bool,
        #[command(flatten)]
        common: Common,
    },
}

/// The flags of all.
#[derive(Args, Debug)]
pub(crate) struct Common {
    #[command(flatten)]
    variables: VariableArguments,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// The flags of those that change the state.
#[derive(Args, Debug)]
pub(crate) struct Changing {
    /// Wait so long for the state's lock, such as 30s or 5m
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = milliseconds)]
    lock_timeout: u64,
    #[command(flatten)]
    common: Common,
}

impl Command {
    /// How a problem is reported.
    pub(crate) fn report_style(&self) -> ReportStyle {
        let json = match self {
            Self::List { common, .. }
            | Self::Show { common, .. }
            | Self::History { common, .. }
            | Self::Unlock { common, .. } => common.json,
            Self::Mv { changing, .. }
            | Self::Rm { changing, .. }
            | Self::Push { changing, .. }
            | Self::Rollback { changing, .. }
            | Self::Rewrite { changing, .. } => changing.common.json,
            Self::Pull { .. } => false,
        };
        if json { ReportStyle::Document } else { ReportStyle::Text }
    }
}

/// Does it.
///
/// # Errors
/// When the state cannot be read or changed, or holds no such thing.
pub(crate) fn run(command: &Command, session: &Session) -> Result<Exit, Problem> {
    match command {
        Command::List { operands, common } => look::list(operands, common, session),
        Command::Show { address, folder, common } => look::show(address, folder, common, session),
        Command::Pull { folder, variables } => look::pull(folder, variables, session),
        Command::History { folder, number, common } => {
            history::list(folder, usize::from(*number), common, session)
        }
        Command::Mv { from, to, folder, dry_run, changing } => {
            change::mv((from, to), folder, *dry_run, changing, session)
        }
        Command::Rm { operands, dry_run, changing } => change::rm(operands, *dry_run, changing, session),
        Command::Push { file, folder, force, changing } => {
            change::push(file, folder, *force, changing, session)
        }
        Command::Rollback { serial, folder, auto_approve, changing } => {
            history::rollback(*serial, folder, *auto_approve, changing, session)
        }
        Command::Rewrite { folder, changing } => change::rewrite_all(folder, changing, session),
        Command::Unlock { operands, auto_approve, common } => {
            unlock::run(operands, *auto_approve, common, session)
        }
    }
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
    loaded(&*kept(folder, variables, session)?.store, session)
}

fn loaded(store: &dyn StateStore, session: &Session) -> Result<Snapshot, Problem> {
    let loaded = session.runtime()?.block_on(store.load())?;
    if loaded.interrupted {
        terminal::say("note: the last apply was cut off; the next one settles what became of its steps\n");
    }
    Ok(loaded.snapshot)
}

/// What an address on the command line means.
///
/// # Errors
/// When it is none.
fn named(text: &str) -> Result<Named, Problem> {
    text.parse().map_err(|error| Problem::new("Not an address", format!("Failed to {error}.")))
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

/// Whether a person approves; `what` is asked.
///
/// # Errors
/// When nobody is there to be asked.
fn approved(what: &str, auto_approve: bool, as_json: bool) -> Result<bool, Problem> {
    if auto_approve {
        return Ok(true);
    }
    if as_json || !terminal::can_ask() {
        let detail = "This needs a \"yes\", and this is not a terminal. Give -auto-approve to go ahead without asking. Nothing was changed.";
        return Err(Problem::new("Nobody is there to approve", detail));
    }
    let answer = terminal::ask(&format!("\n{what} Only \"yes\" is taken: "))
        .map_err(|error| Problem::new("No answer", format!("Failed to read the answer: {error}.")))?;
    let is_approved = answer.as_deref() == Some("yes");
    if !is_approved {
        terminal::say("Nothing was changed.\n");
    }
    Ok(is_approved)
}
