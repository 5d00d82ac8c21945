//! `meshform init`: the modules that a stack uses are fetched, and their versions locked; its state is moved where its backend has changed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use meshform_engine::modules::problems;

use crate::exit::Exit;
use crate::input::{ReadModule, Stack, VariableArguments, existing_folder};
use crate::modules::{Fetching, LOCK_FILE, LockChange, ModuleStore};
use crate::problem::Problem;
use crate::session::Session;
use crate::{json, render, terminal};

/// What to fetch.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The stack's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Look for newer versions of all modules, within what their calls allow
    #[arg(long, conflicts_with = "lockfile")]
    upgrade: bool,
    /// With "readonly": leave the lock file as it is, and fail if it would have to change
    #[arg(long, value_name = "MODE")]
    lockfile: Option<LockMode>,
    /// Move the states in the stack's folder to where its `backend` block says, with their history
    #[arg(long, conflicts_with = "reconfigure")]
    migrate_state: bool,
    /// Take it that the state is where the `backend` block says, wherever it was before
    #[arg(long)]
    reconfigure: bool,
    #[command(flatten)]
    variables: VariableArguments,
    /// Print what was done as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the lock file is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LockMode {
    /// It is only read.
    Readonly,
}

/// Fetches what the stack's modules need, and tells it.
///
/// # Errors
/// When a module cannot be had, or the lock file may not say so.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Problem> {
    existing_folder(&arguments.folder)?;
    let mode = match arguments.lockfile {
        Some(LockMode::Readonly) => Fetching::Locked,
        None => Fetching::Update { upgrade: arguments.upgrade },
    };
    let mut store = ModuleStore::open(&arguments.folder, mode)?;
    let (sources, modules) = Stack::sources(&arguments.folder, &mut store)?;
    let problems = problems(&sources);
    if problems.has_errors() {
        return Err(Problem::found(problems, sources));
    }
    let lock = match mode {
        Fetching::Locked => unchanged(&store)?,
        Fetching::Update { .. } => store.remember()?,
    };
    tell(&modules, lock, arguments.json)?;
    if arguments.migrate_state || arguments.reconfigure {
        keep(arguments, session)?;
    }
    Ok(Exit::Done)
}

/// Moves the state, or notes that it is where it is to be.
fn keep(arguments: &Arguments, session: &Session) -> Result<(), Problem> {
    let stack = Stack::read_own(&arguments.folder)?;
    let registry = session.registry(&stack.folder);
    let inputs = arguments.variables.inputs(&session.environment, &stack, Some(&registry))?;
    let kept = session.kept_whatever_workspace(&stack, &inputs, &registry)?;
    if arguments.reconfigure {
        session.note_place(&stack.folder, &kept.place)?;
        terminal::say(&format!("From now on the state is in {}.\n", kept.place));
        return Ok(());
    }
    let moved = session.migrate(&stack.folder, &kept)?;
    terminal::say(&match moved.len() {
        0 => format!("There was nothing to move: the state is in {}.\n", kept.place),
        _ => format!(
            "Moved to {}, with its history: {}. What was in .meshform stays there, and is not used any more.\n",
            kept.place,
            moved.join(", ")
        ),
    });
    Ok(())
}

fn unchanged(store: &ModuleStore) -> Result<LockChange, Problem> {
    if !store.has_leftovers() {
        return Ok(LockChange::Unchanged);
    }
    let detail = format!(
        "{LOCK_FILE} names modules that the stack does not use any more. Run \"meshform init\" where it may be changed, and commit it."
    );
    Err(Problem::new("The lock file would change", detail))
}

fn tell(modules: &[ReadModule], lock: LockChange, as_json: bool) -> Result<(), Problem> {
    let text = match as_json {
        true => json::text(&json::init::document(modules, lock)),
        false => render::init::text(modules, lock),
    };
    Ok(terminal::print(&text)?)
}
