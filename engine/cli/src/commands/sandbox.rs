//! `meshform sandbox up|down|status|reset|logs|kubeconfig|ssh`: the embedded clusters and hosts of a stack.

mod reach;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use meshform_engine::ports::{Sandbox, SandboxStatus};
use serde_json::json;

use crate::exit::Exit;
use crate::input::existing_folder;
use crate::problem::Problem;
use crate::session::{Session, runtime, small_runtime};
use crate::{json, render, terminal};

/// What to do with it.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start it, and show how to get at it
    Up(Place),
    /// Stop it, and keep its world
    Down(Place),
    /// Show what runs in it
    Status(Place),
    /// Stop it, and remove its world
    Reset(Place),
    /// Print the end of what it had to say
    Logs(reach::Logs),
    /// Print where the kubeconfig of a cluster lies, or of all of them, as KUBECONFIG takes it
    Kubeconfig(reach::Kubeconfig),
    /// Log in to a host by the machine's ssh, or run a command there
    Ssh(reach::Ssh),
    /// Serve it in this process
    #[command(hide = true)]
    Serve {
        /// The stack's .meshform folder
        #[arg(long)]
        dir: PathBuf,
    },
}

/// Whose sandbox.
#[derive(Args, Debug)]
pub(crate) struct Place {
    /// The stack's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Command {
    /// Whether a machine reads the result.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Up(place) | Self::Down(place) | Self::Status(place) | Self::Reset(place) => place.json,
            Self::Logs(_) | Self::Kubeconfig(_) | Self::Ssh(_) | Self::Serve { .. } => false,
        }
    }
}

/// Does it.
///
/// # Errors
/// When the sandbox cannot be had.
pub(crate) fn run(command: &Command, session: &Session) -> Result<Exit, Problem> {
    match command {
        Command::Up(place) => {
            let sandbox = place.sandbox(session)?;
            tell_status(Some(&small_runtime()?.block_on(sandbox.up())?), place)?;
        }
        Command::Status(place) => {
            let sandbox = place.sandbox(session)?;
            tell_status(small_runtime()?.block_on(sandbox.status())?.as_ref(), place)?;
        }
        Command::Down(place) => {
            let sandbox = place.sandbox(session)?;
            let was_up = small_runtime()?.block_on(sandbox.down())?;
            tell_end(
                was_up,
                "stopped",
                ["The sandbox is down; its world is kept.", "The sandbox was down already."],
                place,
            )?;
        }
        Command::Reset(place) => {
            let sandbox = place.sandbox(session)?;
            let was_there = small_runtime()?.block_on(sandbox.reset())?;
            tell_end(
                was_there,
                "removed",
                ["The sandbox and its world are gone.", "There was no sandbox."],
                place,
            )?;
        }
        Command::Logs(arguments) => arguments.run(session)?,
        Command::Kubeconfig(arguments) => arguments.run(session)?,
        Command::Ssh(arguments) => return arguments.run(session),
        Command::Serve { dir } => runtime()?.block_on(session.sandbox_in(dir).serve())?,
    }
    Ok(Exit::Done)
}

impl Place {
    fn sandbox(&self, session: &Session) -> Result<Arc<dyn Sandbox>, Problem> {
        existing_folder(&self.folder)?;
        Ok(session.sandbox(&self.folder))
    }
}

fn tell_status(status: Option<&SandboxStatus>, place: &Place) -> Result<(), Problem> {
    let text = match (place.json, status) {
        (true, status) => json::text(&json::sandbox::document(status)),
        (false, Some(status)) => render::sandbox::text(status),
        (false, None) => {
            "The sandbox is down. Start it by \"meshform sandbox up\", or by a plan that needs it.\n"
                .to_owned()
        }
    };
    Ok(terminal::print(&text)?)
}

/// Tells whether there was anything to end: `texts` are for yes and no.
fn tell_end(ended: bool, member: &str, texts: [&str; 2], place: &Place) -> Result<(), Problem> {
    let text = match place.json {
        true => json::text(&json!({ "format_version": json::FORMAT_VERSION, member: ended })),
        false => format!("{}\n", texts[usize::from(!ended)]),
    };
    Ok(terminal::print(&text)?)
}
