//! `meshform init`: the modules that a stack uses are fetched, and their versions locked.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use meshform_engine::modules::problems;

use crate::exit::Exit;
use crate::input::{ReadModule, Stack, existing_folder};
use crate::modules::{Fetching, LOCK_FILE, LockChange, ModuleStore};
use crate::problem::Problem;
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
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Problem> {
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
    Ok(Exit::Done)
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
