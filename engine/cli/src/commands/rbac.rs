//! `meshform rbac`: what must whoever plans and applies this stack be allowed to do?

use std::path::PathBuf;

use clap::Args;
use meshform_engine::rights::rights;

use super::carry_out::{self, Prepared};
use crate::arguments::RunArguments;
use crate::exit::Exit;
use crate::input::{Stack, VariableArguments};
use crate::problem::Problem;
use crate::progress::{Display, Watcher};
use crate::session::{Session, runtime};
use crate::{json, render, terminal};

const UNTOLD: &str = "Not among these roles is what these take, which only an apply tells: ";

/// Of which stack, and for whom to read.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The stack's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    #[command(flatten)]
    variables: VariableArguments,
    /// Print the roles of all clusters as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Plans the stack, and prints the roles that this and an apply need.
///
/// # Errors
/// When there is no plan to be had.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Problem> {
    let stack = Stack::read(&arguments.folder)?;
    let flags = RunArguments {
        variables: arguments.variables.clone(),
        json: arguments.json,
        ..RunArguments::default()
    };
    let Prepared { world, options, .. } = carry_out::prepare(&stack, true, &flags, false, session)?;
    let watcher = match arguments.json {
        true => Watcher::Nobody,
        false => Watcher::Person(Display::new(session.environment.line_by_line)),
    };
    let runtime = runtime()?;
    let planned = runtime.block_on(carry_out::plan(&stack, &world, &options, &watcher))?;
    drop(watcher);
    let rights = runtime.block_on(rights(&planned, &world));
    let rights = rights.map_err(|failure| Problem::from_engine(failure, stack.sources))?;
    if arguments.json {
        terminal::print(&json::text(&json::rights::document(&rights)))?;
        return Ok(Exit::Done);
    }
    terminal::print(&render::yaml_text::documents(&rights.documents))?;
    if !rights.untold.is_empty() {
        let untold: Vec<_> = rights.untold.iter().map(ToString::to_string).collect();
        terminal::say(&format!("{UNTOLD}{}\n", untold.join(", ")));
    }
    Ok(Exit::Done)
}
