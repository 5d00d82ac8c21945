//! `meshform validate`: is the configuration right, as far as it can be told without asking any target?

use std::path::{Path, PathBuf};

use clap::Args;
use meshform_engine::diagnostic::{Diagnostics, Sources};
use meshform_engine::pipeline::check;

use crate::exit::Exit;
use crate::input::{Stack, TEST_FOLDER, Tests};
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

/// Reads the stack and its tests, and tells all that is wrong with them.
///
/// # Errors
/// When the stack cannot be read.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Problem> {
    let stack = Stack::read(&arguments.folder)?;
    let world = session.world_of_text(&stack.folder)?;
    let tests = Tests::read(&stack, Path::new(TEST_FOLDER))?;
    let (config, mut diagnostics) = check(&stack.sources, &world, &stack.folder.display().to_string());
    if let Some(config) = config {
        diagnostics.extend(tests.decoded(&config, &world.registry).1);
    }
    if arguments.json {
        terminal::print(&json::text(&json::diagnostics::document(&diagnostics, &tests.sources)))?;
    } else {
        tell(&diagnostics, &tests.sources);
        praise(&diagnostics, &tests.sources)?;
    }
    Ok(if diagnostics.has_errors() { Exit::Failed } else { Exit::Done })
}

fn praise(diagnostics: &Diagnostics, sources: &Sources) -> Result<(), Problem> {
    if diagnostics.has_errors() {
        return Ok(());
    }
    let files = counted(sources.iter().count(), "file");
    Ok(terminal::print(&format!("{}\n", paint(GOOD, format!("The configuration is valid ({files})."))))?)
}
