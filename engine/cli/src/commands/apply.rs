//! `meshform apply`: plan a stack, ask, and make it so; or apply a saved plan as it is.

use std::path::PathBuf;

use clap::Args;

use super::carry_out;
use crate::arguments::ChangeArguments;
use crate::exit::Exit;
use crate::input::{Stack, Subject};
use crate::problem::Problem;
use crate::progress::Watcher;
use crate::session::{Session, runtime};
use crate::{json, render, terminal};

/// What to apply, and how.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The stack's folder, or a saved plan
    #[arg(default_value = ".", value_name = "FOLDER|PLANFILE")]
    subject: PathBuf,
    /// Plan and apply at most so many times in a row, while something waits for what only an apply tells
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Take the whole stack down, as destroy does
    #[arg(long, conflicts_with = "rounds")]
    destroy: bool,
    #[command(flatten)]
    pub(crate) change: ChangeArguments,
}

/// Applies.
///
/// # Errors
/// When nothing could be planned or begun.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Problem> {
    match Subject::find(&arguments.subject)? {
        Subject::Folder(folder) => {
            let stack = Stack::read(&folder)?;
            let mut exit = Exit::Paused;
            for _ in 0..arguments.rounds {
                exit = carry_out::whole(&stack, &arguments.change, arguments.destroy, session)?;
                if exit != Exit::Paused {
                    break;
                }
            }
            Ok(exit)
        }
        Subject::PlanFile(_) if arguments.rounds > 1 => Err(Problem::new(
            "A saved plan has one round",
            "What waits for its apply has to be planned, and that plan was never reviewed. Apply the plan without -rounds, then plan again.",
        )),
        Subject::PlanFile(bytes) => {
            let destroy = arguments.destroy.then_some("-destroy");
            if let Some(flag) = destroy.or_else(|| arguments.change.run.planning_flag()) {
                let detail = format!(
                    "{flag}: this is for planning, and a saved plan is applied as it was reviewed. Give it to plan."
                );
                return Err(Problem::new("A saved plan is planned already", detail));
            }
            saved(&bytes, &arguments.change, session)
        }
    }
}

/// A saved plan has been reviewed: nobody is asked.
fn saved(bytes: &[u8], arguments: &ChangeArguments, session: &Session) -> Result<Exit, Problem> {
    let plan = carry_out::saved(bytes, &arguments.run.variables, session)?;
    let stack = carry_out::stack_of(&plan)?;
    let prepared = carry_out::prepare_change(&stack, false, arguments, plan.destroy, session)?;
    let watcher = carry_out::watcher(&arguments.run, session);
    match &watcher {
        Watcher::Machine(stream) => stream.write(json::events::planned(&plan)),
        Watcher::Person(_) | Watcher::Nobody => terminal::print(&(render::plan::summary(&plan) + "\n"))?,
    }
    let exit = runtime()?.block_on(carry_out::apply(plan, &prepared.world, &prepared.options, watcher))?;
    session.note_place(&stack.folder, &prepared.place)?;
    Ok(exit)
}
