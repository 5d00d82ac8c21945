//! `meshform destroy`: plan to take the stack down, ask, and do so.

use std::path::PathBuf;

use clap::Args;

use super::carry_out;
use crate::arguments::ChangeArguments;
use crate::exit::Exit;
use crate::input::Stack;
use crate::problem::Problem;
use crate::session::Session;

/// What to destroy, and how.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The stack's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    #[command(flatten)]
    pub(crate) change: ChangeArguments,
}

/// Destroys.
///
/// # Errors
/// When nothing could be planned or begun.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Problem> {
    carry_out::whole(&Stack::read(&arguments.folder)?, &arguments.change, true, session)
}
