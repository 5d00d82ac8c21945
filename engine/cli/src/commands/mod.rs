//! One file per command.

pub(crate) mod apply;
mod carry_out;
pub(crate) mod console;
pub(crate) mod destroy;
pub(crate) mod fmt;
pub(crate) mod graph;
pub(crate) mod init;
pub(crate) mod output;
pub(crate) mod plan;
pub(crate) mod rbac;
pub(crate) mod sandbox;
pub(crate) mod show;
pub(crate) mod state;
pub(crate) mod test;
pub(crate) mod validate;
pub(crate) mod version;
pub(crate) mod workspace;

use crate::arguments::Command;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::session::Session;

/// Runs one command.
///
/// # Errors
/// When it could not do what it was asked for.
pub(crate) fn run(command: Command, session: &Session) -> Result<Exit, Problem> {
    match command {
        Command::Init(arguments) => init::run(&arguments, session),
        Command::Validate(arguments) => validate::run(&arguments, session),
        Command::Fmt(arguments) => fmt::run(&arguments),
        Command::Console(arguments) => console::run(&arguments, session),
        Command::Test(arguments) => test::run(&arguments, session),
        Command::Graph(arguments) => graph::run(&arguments, session),
        Command::Plan(arguments) => plan::run(&arguments, session),
        Command::Apply(arguments) => apply::run(&arguments, session),
        Command::Destroy(arguments) => destroy::run(&arguments, session),
        Command::Show(arguments) => show::run(&arguments, session),
        Command::Output(arguments) => output::run(&arguments, session),
        Command::State(command) => state::run(&command, session),
        Command::Workspace(command) => workspace::run(&command, session),
        Command::Rbac(arguments) => rbac::run(&arguments, session),
        Command::Sandbox(command) => sandbox::run(&command, session),
        Command::Version(arguments) => version::run(&arguments),
    }
}
