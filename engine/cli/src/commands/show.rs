//! `meshform show`: a saved plan, or what the state records.

use std::path::PathBuf;

use clap::Args;
use meshform_engine::plan::Plan;
use meshform_engine::ports::DEFAULT_WORKSPACE;

use super::{carry_out, state};
use crate::arguments::Format;
use crate::exit::Exit;
use crate::input::{Subject, VariableArguments};
use crate::problem::Problem;
use crate::render::plan::Detail;
use crate::render::style::{FAINT, paint};
use crate::render::text::duration;
use crate::session::Session;
use crate::{json, render, terminal};

/// What to show.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// A saved plan, or the stack's folder
    #[arg(default_value = ".", value_name = "PLANFILE|FOLDER")]
    subject: PathBuf,
    #[command(flatten)]
    variables: VariableArguments,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    /// How to show a plan
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, conflicts_with = "json")]
    format: Format,
    /// Show long values to their end
    #[arg(long)]
    full: bool,
}

impl Arguments {
    pub(crate) fn is_json(&self) -> bool {
        self.format.or_json(self.json) == Format::Json
    }
}

/// Shows it.
///
/// # Errors
/// When there is no such plan or stack, or it cannot be read.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Problem> {
    match Subject::find(&arguments.subject)? {
        Subject::PlanFile(bytes) => {
            show_plan(&carry_out::saved(&bytes, &arguments.variables, session)?, arguments, session)?
        }
        Subject::Folder(folder) => {
            let snapshot = state::load(&folder, &arguments.variables, session)?;
            match arguments.is_json() {
                true => terminal::print(&json::text(&json::state::document(&snapshot)))?,
                false => terminal::print(&render::state::text(&snapshot))?,
            }
        }
    }
    Ok(Exit::Done)
}

fn show_plan(plan: &Plan, arguments: &Arguments, session: &Session) -> Result<(), Problem> {
    match arguments.format.or_json(arguments.json) {
        Format::Json => return Ok(terminal::print(&json::text(&json::plan::document(plan)))?),
        Format::Markdown => return Ok(terminal::print(&render::plan::markdown(plan))?),
        Format::Text => {}
    }
    let age_ms = u64::try_from(session.clock().now_ms() - plan.created_ms).unwrap_or(0);
    let workspace = match plan.workspace.as_str() {
        DEFAULT_WORKSPACE => String::new(),
        name => format!(" in the workspace \"{name}\""),
    };
    let header = format!(
        "A plan for {}{workspace}, made {} ago (state serial {}).",
        plan.folder,
        duration(age_ms),
        plan.serial
    );
    terminal::say(&format!("{}\n\n", paint(FAINT, header)));
    carry_out::warn(plan);
    let detail = Detail { full: arguments.full, columns: terminal::columns() };
    terminal::print(&render::plan::text(plan, detail))?;
    carry_out::object(plan);
    Ok(())
}
