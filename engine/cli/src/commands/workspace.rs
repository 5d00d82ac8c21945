//! `meshform workspace list|show|new|select|delete`: several states of one stack, one of which is selected.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use meshform_engine::ports::{DEFAULT_WORKSPACE, StateStore};
use serde_json::json;

use crate::exit::Exit;
use crate::input::{Stack, VariableArguments};
use crate::json::FORMAT_VERSION;
use crate::keeping::{Kept, no_such_workspace};
use crate::problem::Problem;
use crate::render::text::counted;
use crate::session::Session;
use crate::workspace::{select, valid};
use crate::{json, terminal};

/// What to do with workspaces.
///
/// Each workspace is a state of its own of the same stack: expressions see its name as `meshform.workspace`. The selected one is noted in
/// .meshform/workspace of this working copy; the environment variable MESHFORM_WORKSPACE outranks it.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List all workspaces, and mark the present one
    List {
        #[command(flatten)]
        place: Place,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the name of the present workspace
    Show {
        #[command(flatten)]
        place: Place,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a workspace, whose state is empty, and select it
    New {
        /// Its name: lower-case letters, digits and "-"
        name: String,
        #[command(flatten)]
        place: Place,
    },
    /// Select a workspace for this working copy
    Select {
        /// Its name
        name: String,
        /// Make it if there is none
        #[arg(long)]
        or_create: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Remove a workspace and its state
    Delete {
        /// Its name
        name: String,
        /// Remove its state even if things are recorded in it: they stay where they are, and nobody knows them any more
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        place: Place,
    },
}

/// Whose workspaces.
#[derive(Args, Debug)]
pub(crate) struct Place {
    /// The stack's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    #[command(flatten)]
    variables: VariableArguments,
}

impl Command {
    /// Whether a machine reads the result.
    pub(crate) fn json(&self) -> bool {
        matches!(self, Self::List { json: true, .. } | Self::Show { json: true, .. })
    }
}

/// Does it.
///
/// # Errors
/// When there is no such workspace, there is one already, or the backend cannot be reached.
pub(crate) fn run(command: &Command, session: &Session) -> Result<Exit, Problem> {
    match command {
        Command::List { place, json } => list(&kept(place, session)?, *json, session)?,
        Command::Show { place, json } => show(&kept(place, session)?, *json)?,
        Command::New { name, place } => {
            let kept = kept(place, session)?;
            valid(name)?;
            if all(&kept, session)?.iter().any(|known| known == name) {
                let detail = format!("There is a workspace \"{name}\": meshform workspace select {name}.");
                return Err(Problem::new("The workspace is there already", detail));
            }
            make(name, place, &kept, session)?;
        }
        Command::Select { name, or_create, place } => {
            let kept = kept(place, session)?;
            let known = all(&kept, session)?;
            valid(name)?;
            match known.iter().any(|known| known == name) {
                true => take(name, place, session)?,
                false if *or_create => make(name, place, &kept, session)?,
                false => return Err(no_such_workspace(name, &known)),
            }
        }
        Command::Delete { name, force, place } => delete(name, *force, &kept(place, session)?, session)?,
    }
    Ok(Exit::Done)
}

fn kept(place: &Place, session: &Session) -> Result<Kept, Problem> {
    let stack = Stack::read_own(&place.folder)?;
    let inputs = place.variables.inputs(&session.environment, &stack, None)?;
    session.kept_whatever_workspace(&stack, &inputs, &session.registry(&place.folder))
}

/// The names of all workspaces, the default one first.
fn all(kept: &Kept, session: &Session) -> Result<Vec<String>, Problem> {
    let others = session.runtime()?.block_on(kept.backend.workspaces())?;
    Ok([DEFAULT_WORKSPACE.to_owned()].into_iter().chain(others).collect())
}

fn list(kept: &Kept, as_json: bool, session: &Session) -> Result<(), Problem> {
    let known = all(kept, session)?;
    if as_json {
        let document = json!({
            "format_version": FORMAT_VERSION,
            "workspaces": known,
            "present": kept.workspace,
        });
        return Ok(terminal::print(&json::text(&document))?);
    }
    let mark = |name: &str| if name == kept.workspace { "*" } else { " " };
    let lines = known.iter().map(|name| format!("{} {name}\n", mark(name)));
    Ok(terminal::print(&lines.collect::<String>())?)
}

fn show(kept: &Kept, as_json: bool) -> Result<(), Problem> {
    let name = &kept.workspace;
    let text = match as_json {
        true => json::text(&json!({ "format_version": FORMAT_VERSION, "workspace": name })),
        false => format!("{name}\n"),
    };
    Ok(terminal::print(&text)?)
}

fn make(name: &str, place: &Place, kept: &Kept, session: &Session) -> Result<(), Problem> {
    session.runtime()?.block_on(kept.backend.add(name))?;
    terminal::say(&format!("Made the workspace \"{name}\". Its state is empty.\n"));
    take(name, place, session)
}

fn take(name: &str, place: &Place, session: &Session) -> Result<(), Problem> {
    select(&place.folder, name)?;
    match session.environment.workspace.as_deref() {
        Some(other) if other != name => terminal::say(&format!(
            "Selected \"{name}\". But MESHFORM_WORKSPACE says \"{other}\", and outranks it.\n"
        )),
        _ => terminal::say(&format!("Selected \"{name}\".\n")),
    }
    Ok(())
}

fn delete(name: &str, force: bool, kept: &Kept, session: &Session) -> Result<(), Problem> {
    let refused = |detail: String| Problem::new("The workspace cannot be deleted", detail);
    if name == DEFAULT_WORKSPACE {
        return Err(refused("There is always a default workspace.".to_owned()));
    }
    let known = all(kept, session)?;
    if !known.iter().any(|known| known == name) {
        return Err(no_such_workspace(name, &known));
    }
    if name == kept.workspace {
        let detail =
            format!("\"{name}\" is the present one. Go to another one: meshform workspace select default.");
        return Err(refused(detail));
    }
    let runtime = session.runtime()?;
    let store = kept.backend.store(name);
    if let Some(detail) = runtime.block_on(in_use(name, &*store, force))? {
        return Err(refused(detail));
    }
    runtime.block_on(kept.backend.remove(name))?;
    terminal::say(&format!("Deleted the workspace \"{name}\".\n"));
    Ok(())
}

/// Why a state is still needed. That nobody works on it its lease proves.
async fn in_use(name: &str, store: &dyn StateStore, force: bool) -> Result<Option<String>, Problem> {
    let lease = store.lock("workspace delete", 0).await?;
    let loaded = store.load().await;
    lease.release().await?;
    let count = match loaded {
        // Whatever is wrong with it, it is to go.
        Err(_) if force => 0,
        loaded => loaded?.snapshot.records.len(),
    };
    Ok((count > 0 && !force).then(|| {
        format!(
            "{} recorded in \"{name}\". Take the things down there by \"meshform destroy\", or give -force to leave them where they are and \
             forget them.",
            counted(count, "instance") + if count == 1 { " is" } else { " are" }
        )
    }))
}
