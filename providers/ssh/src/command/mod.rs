//! `host_command`: a shell command that runs when its guards, its triggers or its text say so.

mod diff;
mod observe;
mod perform;
mod read;

use meshform_engine::address::Address;
use meshform_engine::ports::{
    Difference, DifferenceRequest, ObserveItem, Observed, PerformRequest, Problem, ProviderError,
};
use meshform_engine::schema::Attribute;
use meshform_engine::state::{Record, RecordStatus};
use meshform_engine::types::Type;
use meshform_engine::value::{Kind, Value};

pub(crate) use self::read::{attributes as asked, found, question};
use crate::answer::Answer;
use crate::attributes::{flag, sensitive, text};
use crate::promise::Promises;
use crate::resource::{Resource, Work};
use crate::script::{Guards, Looks, Setting};
use crate::{check, confirm, schema};

/// How long a command may take, unless `timeouts` says otherwise, in seconds.
const COMMAND_SECONDS: u64 = 600;

/// The resource type of commands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Commands;

impl Resource for Commands {
    fn name(&self) -> &'static str {
        schema::COMMAND
    }

    fn attributes(&self) -> Vec<Attribute> {
        attributes()
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        check::command(desired)
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        &[(
            "on_destroy",
            "It is kept in the state until it is run, and the state never holds a secret. Let the command read the secret from where it \
             lies on the host.",
        )]
    }

    fn identity(&self, address: &Address, _: &Value) -> Option<String> {
        Some(format!("command:{address}"))
    }

    fn look<'a>(&self, index: usize, item: &'a ObserveItem, looks: &mut Looks<'a>) {
        looks.guards.extend(observe::look(index, item));
    }

    fn observed(
        &self,
        index: usize,
        item: &ObserveItem,
        answer: &Answer,
        _: &Promises,
    ) -> Option<Result<Observed, ProviderError>> {
        Some(observe::observed(index, item, answer))
    }

    fn difference(&self, request: &DifferenceRequest<'_>) -> Difference {
        diff::difference(request)
    }

    fn work<'a>(
        &'a self,
        request: &'a PerformRequest,
        limit: Option<u64>,
    ) -> Result<Work<'a>, ProviderError> {
        perform::work(request, limit.unwrap_or(COMMAND_SECONDS))
    }
}

fn attributes() -> Vec<Attribute> {
    let text = |name, description| Attribute::optional(name, Type::String, description);
    vec![
        Attribute::required("run", Type::String, "What to run, in POSIX sh."),
        text("unless", "Nothing is to be done while this command succeeds."),
        text("onlyif", "Nothing is to be done while this command fails."),
        text("creates", "Nothing is to be done while there is something at this path."),
        Attribute::optional("triggers", Type::Any, "Runs it again whenever this value changes."),
        text(
            "revert",
            "What undoes it, in POSIX sh: the host runs this by itself unless it can be reached over a new connection afterwards.",
        ),
        confirm::attribute(),
        text("on_destroy", "What to run at the end, in POSIX sh."),
        Attribute::optional(
            "environment",
            Type::String.map(),
            "Environment variables of all of its commands.",
        ),
        text("working_directory", "The folder in which its commands run."),
        Attribute::default(
            "sensitive",
            Type::Bool,
            false,
            "Whether its output is sensitive; it is so anyway if its text is.",
        ),
        Attribute::computed("stdout", Type::String, "What it wrote, without the line feeds at the end."),
        Attribute::computed("exit_code", Type::Number, "How it ended; null if it did not have to run."),
    ]
}

/// What decides about running again: everything that the command is made of.
const SUBSTANCE: [&str; 4] = ["run", "environment", "working_directory", "triggers"];

/// The guards that are known.
pub(crate) fn guards(attributes: &Value) -> Guards<'_> {
    Guards {
        creates: text(attributes, "creates"),
        unless: text(attributes, "unless"),
        onlyif: text(attributes, "onlyif"),
    }
}

/// In what the commands run, as far as it is known.
pub(crate) fn setting(attributes: &Value) -> Setting<'_> {
    let variables = attributes.get("environment").and_then(Value::as_map);
    let known =
        variables.into_iter().flatten().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    Setting { environment: known.collect(), folder: text(attributes, "working_directory") }
}

/// Whether what the command writes is sensitive as a whole: if it is said to be, or if there is a secret somewhere in its text. A secret in
/// its environment is known for itself, so that the engine finds it in the output.
fn says_secrets(attributes: &Value) -> bool {
    flag(attributes, "sensitive") || sensitive(attributes, "run")
}

/// Whether the command came to its end.
fn is_done(record: Option<&Record>) -> bool {
    record.is_some_and(|record| record.status == RecordStatus::Complete)
}

/// Whether an update runs the command again, or changes only what is recorded.
///
/// With guards, they alone say whether the command is needed, but new triggers always run it. Whether a sensitive part has changed cannot be
/// told from a fingerprint without its key: such a command runs again.
fn runs_again(recorded: &Value, desired: &Value) -> bool {
    let guarded = !guards(desired).is_empty();
    let counts = |name: &&&str| !guarded || **name == "triggers";
    SUBSTANCE.iter().filter(counts).any(|name| {
        let null = Value::null();
        let (was, wanted) = (recorded.get(name).unwrap_or(&null), desired.get(name).unwrap_or(&null));
        has_fingerprint(was) || !was.same(wanted)
    })
}

fn has_fingerprint(value: &Value) -> bool {
    match value.kind() {
        Kind::Fingerprint(_) => true,
        _ => {
            value.as_list().is_some_and(|elements| elements.iter().any(has_fingerprint))
                || value.as_map().is_some_and(|entries| entries.values().any(has_fingerprint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_output_is_sensitive() {
        let check = |name: &str, value: Value, expect: bool| {
            let attributes = Value::object([("run".to_owned(), "a".into()), (name.to_owned(), value)]);
            assert_eq!(says_secrets(&attributes), expect, "{attributes:?}");
        };
        check("environment", Value::map([("A".into(), "b".into())]), false);
        check("environment", Value::map([("A".into(), Value::string("b").sensitive())]), false);
        check("run", Value::string("b").sensitive(), true);
        check("sensitive", true.into(), true);
    }

    fn check(recorded: &[(&str, Value)], desired: &[(&str, Value)], expect: bool) {
        let object = |fields: &[(&str, Value)]| {
            Value::object(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())))
        };
        assert_eq!(runs_again(&object(recorded), &object(desired)), expect, "{recorded:?} {desired:?}");
    }

    #[test]
    fn what_runs_a_command_again() {
        let run = |text: &'static str| ("run", Value::string(text));
        let creates = ("creates", Value::string("/x"));
        let fingerprint = || Value::new(Kind::Fingerprint("f".into())).sensitive();
        check(&[run("a")], &[run("a")], false);
        check(&[run("a")], &[run("b")], true);
        check(&[run("a")], &[run("b"), creates.clone()], false);
        check(&[run("a"), ("triggers", 1.into())], &[run("a"), ("triggers", 2.into()), creates], true);
        check(&[run("a"), ("on_destroy", "x".into())], &[run("a"), ("on_destroy", "y".into())], false);
        check(&[("run", fingerprint())], &[run("a")], true);
    }
}
