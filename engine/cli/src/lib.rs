//! The command line of meshform. Alone in the workspace, it reads arguments, asks and prints.
//!
//! ```text
//! arguments ──▶ commands ──▶ input (files, variables) ──▶ the engine's pipeline
//!                  │                                          │ events
//!                  ▼                                          ▼
//!               render / json ──▶ terminal ◀────────────── progress
//! ```
//!
//! It knows no provider and no store: [`Parts`] brings them. Results go to standard output, progress and diagnostics to standard error.

mod arguments;
mod commands;
mod counts;
mod dashes;
mod environment;
mod exit;
mod input;
mod interrupt;
mod json;
mod junit;
mod keeping;
mod line_editor;
mod migration;
mod modules;
mod notes;
mod problem;
mod progress;
mod render;
#[cfg(test)]
mod samples;
mod session;
mod terminal;
mod tested;
mod veil;
mod workspace;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use meshform_engine::ports::{Backend, Clock, Keeping, Place, Provider, Sandbox, SettingProblem, StateStore};

use self::arguments::Arguments;
use self::environment::Environment;
use self::exit::Exit;
use self::session::Session;

/// The version that is told to users and machines.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The providers of a program.
pub type Providers = Vec<Arc<dyn Provider>>;

/// What a test runs in: where its state lives, and what stands in for its targets.
pub type Scratch = (Arc<dyn StateStore>, Arc<dyn Sandbox>);

/// What the program is put together from. Making any of it does no work yet: a command that needs none of it starts at once.
#[derive(Clone)]
pub struct Parts {
    /// Every provider, given the sandbox in which its embedded targets run.
    pub providers: fn(Arc<dyn Sandbox>) -> Providers,
    /// Block types that are kept for later, each with a sentence that says so.
    pub reserved: &'static [(&'static str, &'static str)],
    /// What `backend` and `encryption` blocks may say.
    pub keeping: fn() -> Keeping,
    /// The states of a stack at a place. Nothing is asked of it yet.
    pub backend: fn(&Place) -> Result<Arc<dyn Backend>, SettingProblem>,
    /// The sandbox of the stack whose `.meshform` folder is given.
    pub sandbox: fn(&Path) -> Arc<dyn Sandbox>,
    /// A store and a sandbox for one use, which leave nothing behind.
    pub scratch: fn() -> Scratch,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Runs the command that the process's arguments name.
pub fn run(parts: Parts) -> ExitCode {
    let arguments = dashes::normalised(std::env::args_os());
    let exit = parse(arguments).map_or_else(|exit| exit, |arguments| execute(parts, arguments));
    exit.into()
}

/// Arguments, or how the program ends without a command: after its help, or with a complaint.
fn parse(arguments: Vec<OsString>) -> Result<Arguments, Exit> {
    Arguments::try_parse_from(arguments).map_err(|error| {
        // There is nobody left to tell when this fails.
        let _ = error.print();
        if error.use_stderr() { Exit::Failed } else { Exit::Done }
    })
}

fn execute(parts: Parts, arguments: Arguments) -> Exit {
    if arguments.no_color {
        anstream::ColorChoice::Never.write_global();
    }
    let style = arguments.command.report_style();
    let ended = arguments.enter_directory().and_then(|()| {
        let session = Session::new(parts, Environment::read(std::env::vars_os()));
        commands::run(arguments.command, &session)
    });
    ended.unwrap_or_else(|problem| {
        problem.report(style);
        Exit::Failed
    })
}
