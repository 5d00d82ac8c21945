//! `meshform graph`: what depends on what.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use meshform_engine::graph::Graph;
use meshform_engine::pipeline::check;

use crate::exit::Exit;
use crate::input::Stack;
use crate::problem::{Problem, tell};
use crate::session::Session;
use crate::{json, render, terminal};

/// What to draw, and for which program.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The stack's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The language of the graph
    #[arg(long, value_enum, default_value_t = Format::Dot)]
    format: Format,
    /// Show variables and local values, too
    #[arg(long)]
    all: bool,
    /// The same as -format=json
    #[arg(long)]
    json: bool,
}

/// A language for graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Graphviz
    Dot,
    /// Mermaid
    Mermaid,
    /// JSON
    Json,
}

impl Arguments {
    /// Whether a machine reads the result.
    pub(crate) fn is_json(&self) -> bool {
        self.json || self.format == Format::Json
    }
}

/// Prints the graph of a stack, by its files alone.
///
/// # Errors
/// When the stack cannot be read or has errors.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Problem> {
    let stack = Stack::read(&arguments.folder)?;
    let world = session.world_of_text(&stack.folder)?;
    let (config, diagnostics) = check(&stack.sources, &world, &stack.folder_name());
    let Some(config) = config else { return Err(Problem::found(diagnostics, stack.sources)) };
    let graph = Graph::of(&config, arguments.all);
    if arguments.is_json() {
        terminal::print(&json::text(&json::graph::document(&graph)))?;
        return Ok(Exit::Done);
    }
    tell(&diagnostics, &stack.sources);
    terminal::print(&match arguments.format {
        Format::Mermaid => render::graph::mermaid(&graph),
        Format::Dot | Format::Json => render::graph::dot(&graph),
    })?;
    Ok(Exit::Done)
}
