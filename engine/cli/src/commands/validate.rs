//! `meshform validate`: is the configuration right, as far as it can be told without asking any target?

use std::path::PathBuf;

use clap::Args;
use meshform_engine::diagnostic::Diagnostics;
use meshform_engine::pipeline::check;

use crate::exit::Exit;
use crate::input::Stack;
use crate::problem::{Problem, tell};
use crate::render::style::{GOOD, paint};
use crate::render::text::counted;
use crate::session::Session;
use crate::{json, terminal};

/// What to validate.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The stack's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Print the diagnostics as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads the stack and tells all that is wrong with it.
///
/// # Errors
/// When the stack cannot be read.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Problem> {
    let stack = Stack::read(&arguments.folder)?;
    let (_, diagnostics) =
        check(&stack.sources, &session.world(&stack.folder), &stack.folder.display().to_string());
    if arguments.json {
        terminal::print(&json::text(&json::diagnostics::document(&diagnostics, &stack.sources)))?;
    } else {
        tell(&diagnostics, &stack.sources);
        praise(&diagnostics, &stack)?;
    }
    Ok(if diagnostics.has_errors() { Exit::Failed } else { Exit::Done })
}

fn praise(diagnostics: &Diagnostics, stack: &Stack) -> Result<(), Problem> {
    if diagnostics.has_errors() {
        return Ok(());
    }
    let files = counted(stack.sources.iter().count(), "file");
    Ok(terminal::print(&format!("{}\n", paint(GOOD, format!("The configuration is valid ({files})."))))?)
}
