//! `meshform plan`: what would apply do?

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::carry_out::{self, Prepared, detail};
use crate::arguments::{Format, RunArguments};
use crate::exit::Exit;
use crate::input::Stack;
use crate::problem::Problem;
use crate::progress::{Display, Watcher};
use crate::session::{Session, runtime};
use crate::{json, render, terminal};

/// What to plan, and how to show it.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The stack's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Save the plan to a file, so that apply does exactly this
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with 2 if there is anything to do, unless it is 3, as a target could not be reached
    #[arg(long)]
    detailed_exitcode: bool,
    /// Plan to take the whole stack down
    #[arg(long)]
    destroy: bool,
    /// How to show it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, conflicts_with = "json")]
    format: Format,
    #[command(flatten)]
    run: RunArguments,
}

impl Arguments {
    pub(crate) fn is_json(&self) -> bool {
        self.format() == Format::Json
    }

    fn format(&self) -> Format {
        self.format.or_json(self.run.json)
    }
}

/// Makes a plan, shows it, and saves it if asked to.
///
/// # Errors
/// When there is no plan to be had, or it cannot be saved.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Problem> {
    let stack = Stack::read(&arguments.folder)?;
    let prepared = carry_out::prepare(&stack, true, &arguments.run, arguments.destroy, session)?;
    let Prepared { world, options, backend, .. } = prepared;
    let watcher = match arguments.is_json() {
        true => Watcher::Nobody,
        false => Watcher::Person(Display::new(session.environment.line_by_line)),
    };
    let planned = runtime()?.block_on(carry_out::plan(&stack, &world, &options, &watcher))?;
    drop(watcher);
    match arguments.format() {
        Format::Json => terminal::print(&json::text(&json::plan::document(&planned.plan)))?,
        Format::Markdown => terminal::print(&render::plan::markdown(&planned.plan))?,
        Format::Text => {
            carry_out::preface(&planned);
            terminal::print(&render::plan::text(&planned.plan, detail(&arguments.run)))?;
            carry_out::object(&planned.plan);
        }
    }
    if planned.plan.is_forbidden() {
        let not_saved =
            arguments.out.iter().map(|path| format!(" Nothing was written to {}.", path.display()));
        terminal::say(&format!("{}{}\n", carry_out::FORBIDDEN, not_saved.collect::<String>()));
        return Ok(Exit::Failed);
    }
    if let Some(path) = &arguments.out {
        let bytes = runtime()?.block_on(async {
            let plain = world.store.encode_plan(&planned.plan).await?;
            backend.seal_plan(plain).await
        })?;
        save(&bytes, path)?;
        terminal::say(&format!("Saved. To do exactly this: meshform apply {}\n", path.display()));
    }
    // Who takes 2 for the whole of what is to be done must not be told so of a part of it.
    Ok(match planned.plan.unreachable().is_empty() {
        false => Exit::Incomplete,
        true if arguments.detailed_exitcode && !planned.plan.is_empty() => Exit::Changes,
        true => Exit::Done,
    })
}

/// Writes a saved plan for this user only, whole or not at all.
fn save(bytes: &[u8], path: &Path) -> Result<(), Problem> {
    let trouble = |error| Problem::io("write the plan to", path, &error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(trouble)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(trouble)?;
    file.persist(path).map_err(|error| trouble(error.error))?;
    Ok(())
}
