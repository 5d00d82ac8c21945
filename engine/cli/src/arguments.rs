//! The command line's grammar. Flags may also be written with one dash: see `dashes`.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use meshform_engine::address::Address;
use meshform_engine::budget::Budget;
use meshform_engine::plan::Refresh;

use crate::commands::{
    apply, console, destroy, fmt, graph, init, output, plan, rbac, sandbox, show, state, test, validate,
    version, workspace,
};
use crate::input::{RestrictionArguments, VariableArguments};
use crate::problem::{Problem, ReportStyle};

/// Plans and applies infrastructure that spans Kubernetes clusters, SSH hosts, meshes and rollouts
#[derive(Debug, Parser)]
#[command(name = "meshform", version, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Work as if started in this folder
    #[arg(short = 'C', long = "chdir", value_name = "FOLDER", global = true)]
    directory: Option<PathBuf>,
    /// Print without colours
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fetch the modules that the stack uses, and lock their versions; move its state
    Init(init::Arguments),
    /// Check the configuration without asking any target
    Validate(validate::Arguments),
    /// Put files into canonical layout
    Fmt(fmt::Arguments),
    /// Evaluate expressions, one after the other
    Console(console::Arguments),
    /// Run the tests of a stack, in worlds of their own
    Test(test::Arguments),
    /// Show what depends on what, as a graph
    Graph(graph::Arguments),
    /// Show what apply would change
    Plan(plan::Arguments),
    /// Make it so: plan, ask, change; or apply a saved plan
    Apply(apply::Arguments),
    /// Take the whole stack down
    Destroy(destroy::Arguments),
    /// Show a saved plan, or what the state records
    Show(show::Arguments),
    /// Print the outputs of the last apply
    Output(output::Arguments),
    /// Look into the state, or change what is recorded
    #[command(subcommand)]
    State(state::Command),
    /// Keep several states of one stack
    #[command(subcommand)]
    Workspace(workspace::Command),
    /// Print the roles that planning and applying a stack needs in its clusters
    Rbac(rbac::Arguments),
    /// Run the embedded cluster and hosts
    #[command(subcommand)]
    Sandbox(sandbox::Command),
    /// Print the version
    Version(version::Arguments),
}

/// The flags of every command that plans.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) variables: VariableArguments,
    /// Replace an instance, or all of a block, though it need not be (may be repeated)
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) replace: Vec<Address>,
    /// Let the plan remove or replace at most so many instances, or such a part of the stack as 20%
    #[arg(long, value_name = "N|PERCENT")]
    pub(crate) max_deletes: Option<Budget>,
    #[command(flatten)]
    pub(crate) restriction: RestrictionArguments,
    #[command(flatten)]
    pub(crate) refresh: RefreshArguments,
    /// Wait so long for the state's lock, such as 30s or 5m
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = milliseconds)]
    pub(crate) lock_timeout: u64,
    /// Print everything as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Show long values to their end
    #[arg(long)]
    pub(crate) full: bool,
}

/// The flags that say what a plan looks at.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RefreshArguments {
    /// Whether to look at what the configuration does not change; "false" takes that as it is recorded
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    refresh: Option<bool>,
    /// Only bring what is recorded up to date with what is there; nothing on a target changes
    #[arg(long, conflicts_with_all = ["refresh", "replace"])]
    refresh_only: bool,
}

/// How a plan is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a terminal
    #[default]
    Text,
    /// For programs; the same as -json
    Json,
    /// For a comment on a pull request, of at most 65,536 characters
    Markdown,
}

impl Format {
    /// What is asked for by this and a flag that asks for JSON.
    pub(crate) fn or_json(self, json: bool) -> Self {
        if json { Self::Json } else { self }
    }
}

impl RefreshArguments {
    pub(crate) fn refresh(&self) -> Refresh {
        match (self.refresh_only, self.refresh) {
            (true, _) => Refresh::Only,
            (false, Some(false)) => Refresh::Changes,
            (false, _) => Refresh::Whole,
        }
    }
}

/// The flags of every command that changes targets.
#[derive(Args, Clone, Debug)]
pub(crate) struct ChangeArguments {
    /// Do not ask
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Run at most so many steps at once on each target: as the stack's settings say, or else 16
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) parallelism: Option<u16>,
    #[command(flatten)]
    pub(crate) run: RunArguments,
}

impl Arguments {
    /// Goes where `-C` says.
    ///
    /// # Errors
    /// When there is no such folder.
    pub(crate) fn enter_directory(&self) -> Result<(), Problem> {
        let Some(directory) = &self.directory else { return Ok(()) };
        std::env::set_current_dir(directory).map_err(|error| Problem::io("go to", directory, &error))
    }
}

impl RunArguments {
    /// A flag that says what is to be planned, if one is given: a saved plan has that behind it.
    pub(crate) fn planning_flag(&self) -> Option<&'static str> {
        let flags = [
            ("-replace", !self.replace.is_empty()),
            ("-max-deletes", self.max_deletes.is_some()),
            ("-target and -exclude", self.restriction.is_given()),
            ("-refresh and -refresh-only", self.refresh.refresh() != Refresh::Whole),
        ];
        flags.into_iter().find_map(|(flag, is_given)| is_given.then_some(flag))
    }
}

impl Command {
    /// How a problem is reported.
    pub(crate) fn report_style(&self) -> ReportStyle {
        let document = |json: bool| if json { ReportStyle::Document } else { ReportStyle::Text };
        let events = |json: bool| if json { ReportStyle::Events } else { ReportStyle::Text };
        match self {
            Self::Init(arguments) => document(arguments.json),
            Self::Validate(arguments) => document(arguments.json),
            Self::Fmt(_) => ReportStyle::Text,
            Self::Console(arguments) => document(arguments.json),
            Self::Test(arguments) => events(arguments.json),
            Self::Graph(arguments) => document(arguments.is_json()),
            Self::Plan(arguments) => document(arguments.is_json()),
            Self::Apply(arguments) => events(arguments.change.run.json),
            Self::Destroy(arguments) => events(arguments.change.run.json),
            Self::Show(arguments) => document(arguments.is_json()),
            Self::Output(arguments) => document(arguments.json),
            Self::State(command) => command.report_style(),
            Self::Workspace(command) => document(command.json()),
            Self::Rbac(arguments) => document(arguments.json),
            Self::Sandbox(command) => document(command.json()),
            Self::Version(arguments) => document(arguments.json),
        }
    }
}

/// A duration as milliseconds: `500ms`, `30s`, `5m`, `1h`; a number alone counts seconds.
pub(crate) fn milliseconds(text: &str) -> Result<u64, String> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("expected a duration such as 30s, 5m or 1h".to_owned()),
    };
    let number: Option<u64> = number.parse().ok();
    number
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "expected a duration such as 30s, 5m or 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_grammar_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn durations_have_units() {
        let check = |given, expect: Option<u64>| assert_eq!(milliseconds(given).ok(), expect, "{given}");
        check("30s", Some(30_000));
        check("5m", Some(300_000));
        check("1h", Some(3_600_000));
        check("250ms", Some(250));
        check("7", Some(7_000));
        check("", None);
        check("s", None);
        check("5d", None);
        check("99999999999999999999h", None);
    }
}
