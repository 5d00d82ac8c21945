//! `meshform output [NAME] [FOLDER]`: the outputs of the last apply.

use clap::Args;
use meshform_engine::diagnostic::did_you_mean;
use meshform_engine::state::Snapshot;
use meshform_engine::value::{Kind, Value};

use super::state;
use crate::exit::Exit;
use crate::input::{VariableArguments, output_operands};
use crate::problem::Problem;
use crate::render::{hcl_text, outputs};
use crate::session::Session;
use crate::{json, terminal};

/// Which output, and how to print it.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// One output (all of them unless given)
    #[arg(value_name = "NAME")]
    first: Option<String>,
    /// The stack's folder
    #[arg(value_name = "FOLDER")]
    second: Option<String>,
    #[command(flatten)]
    variables: VariableArguments,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print one text, number or truth value as it is, without quotes and without a line end
    #[arg(long, conflicts_with = "json")]
    raw: bool,
}

/// Prints outputs.
///
/// # Errors
/// When the state cannot be read, or holds no such output.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Problem> {
    let (name, folder) = output_operands(arguments.first.as_deref(), arguments.second.as_deref());
    let snapshot = state::load(&folder, &arguments.variables, session)?;
    match name {
        Some(name) => one(&name, find(&name, &snapshot)?, arguments)?,
        None if arguments.raw => {
            return Err(Problem::new("Which output?", "-raw prints one output: meshform output NAME -raw."));
        }
        None if arguments.json => terminal::print(&json::text(&json::value::by_name(&snapshot.outputs)))?,
        None => all(&snapshot)?,
    }
    Ok(Exit::Done)
}

fn all(snapshot: &Snapshot) -> Result<(), Problem> {
    if snapshot.outputs.is_empty() {
        terminal::say("The state records no outputs: declare some by \"output\" blocks and apply.\n");
    }
    let lines = outputs::values(&snapshot.outputs).into_iter().map(|line| line + "\n");
    Ok(terminal::print(&lines.collect::<String>())?)
}

fn one(name: &str, value: &Value, arguments: &Arguments) -> Result<(), Problem> {
    if arguments.raw {
        return Ok(terminal::print_raw(raw(name, value)?.as_bytes())?);
    }
    let text = match arguments.json {
        true => json::text(&json::value::redacted(value)),
        false => hcl_text::lines(value).join("\n") + "\n",
    };
    Ok(terminal::print(&text)?)
}

fn raw(name: &str, value: &Value) -> Result<String, Problem> {
    match value.kind() {
        _ if value.is_sensitive() => Err(Problem::new(
            "A sensitive output cannot be printed",
            format!(
                "\"{name}\" is sensitive: the state keeps only a fingerprint of it. Read it from where it lives."
            ),
        )),
        Kind::String(text) => Ok(text.to_string()),
        Kind::Number(_) | Kind::Bool(_) => Ok(hcl_text::inline(value)),
        _ => Err(Problem::new(
            "Not a simple value",
            format!(
                "\"{name}\" is a {}, and -raw prints texts, numbers and truth values. Use -json.",
                value.type_name()
            ),
        )),
    }
}

fn find<'a>(name: &str, snapshot: &'a Snapshot) -> Result<&'a Value, Problem> {
    snapshot.outputs.get(name).ok_or_else(|| {
        let hint = match did_you_mean(name, snapshot.outputs.keys().map(String::as_str)) {
            Some(candidate) => format!("Did you mean \"{candidate}\"?"),
            None => "\"meshform output\" lists those that are.".to_owned(),
        };
        Problem::new("No such output", format!("The state records no output \"{name}\". {hint}"))
    })
}
