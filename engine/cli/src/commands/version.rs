//! `meshform version`

use clap::Args;
use serde_json::json;

use crate::exit::Exit;
use crate::problem::Problem;
use crate::{VERSION, json, terminal};

/// Which version.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Prints the version.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Problem> {
    match arguments.json {
        true => terminal::print(&json::text(
            &json!({ "format_version": json::FORMAT_VERSION, "meshform": VERSION }),
        ))?,
        false => terminal::print(&format!("meshform {VERSION}\n"))?,
    }
    Ok(Exit::Done)
}
