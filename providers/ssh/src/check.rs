//! What is wrong with a resource's values, as far as they are known.

use meshform_engine::diagnostic::Severity;
use meshform_engine::ports::Problem;
use meshform_engine::value::{Path, PathStep, Value};

use crate::attributes::{given, sensitive, text};
use crate::file::{Files, Mode, check_content};
use crate::managed::end;
use crate::resource::{self, Resource};
use crate::{confirm, schema};

/// Checks one resource.
pub(crate) fn check(kind: &str, desired: &Value) -> Vec<Problem> {
    let Some(resource) = resource::named(kind) else { return Vec::new() };
    let mut problems = resource.check(desired);
    for problem in &mut problems {
        conceal(problem, desired);
    }
    problems.extend(exposed(resource, desired));
    problems
}

/// Checks one look-up.
pub(crate) fn check_data(kind: &str, arguments: &Value) -> Vec<Problem> {
    let (mut problems, shown) = match kind {
        schema::FILE => {
            let path = text(arguments, "path").and_then(|path| place("path", path));
            (path.into_iter().collect(), exposed(&Files, arguments))
        }
        schema::COMMAND => (command(arguments), Vec::new()),
        _ => return Vec::new(),
    };
    for problem in &mut problems {
        conceal(problem, arguments);
    }
    problems.extend(shown);
    problems
}

/// What is wrong with a sensitive value is told without the value.
fn conceal(problem: &mut Problem, desired: &Value) {
    let Some(PathStep::Attribute(name)) = problem.path.0.first() else { return };
    if sensitive(desired, name) {
        problem.detail = format!("The value does not fit `{name}`. It is sensitive, and so not shown.");
    }
}

/// What is shown or stored as it is, and so must not be sensitive.
fn exposed(resource: &dyn Resource, desired: &Value) -> Vec<Problem> {
    let shown = resource.exposed().iter().filter(|(name, _)| given(desired, name).is_some());
    let secret = shown.filter(|(name, _)| sensitive(desired, name));
    secret.map(|(name, reason)| wrong(name, (*reason).to_owned())).collect()
}

/// What is wrong with a file.
pub(crate) fn file(desired: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(text(desired, "path").and_then(|path| place("path", path)));
    problems.extend(check_content(desired));
    problems.extend(mode(desired));
    problems.extend(["owner", "group"].into_iter().filter_map(|name| account(name, text(desired, name)?)));
    problems.extend(end::check(desired, end::WITH_RESTORE));
    problems.extend(confirm::check(desired));
    problems
}

/// The permissions, if they are none.
pub(crate) fn mode(desired: &Value) -> Option<Problem> {
    let mode = text(desired, "mode").filter(|mode| Mode::parse(mode).is_none())?;
    let detail = format!(
        "{mode:?} is not a file mode. Write three or four octal digits, such as \"0644\" or \"0755\"."
    );
    Some(wrong("mode", detail))
}

/// A text that is none of these, of which there are two or more.
pub(crate) fn choice(desired: &Value, name: &str, choices: &[&str]) -> Option<Problem> {
    let given = text(desired, name).filter(|given| !choices.contains(given))?;
    let choices: Vec<_> = choices.iter().map(|choice| format!("{choice:?}")).collect();
    let (last, first) = choices.split_last()?;
    Some(wrong(name, format!("{given:?} is none of {} and {last}.", first.join(", "))))
}

/// A text that is to be one line and is not.
pub(crate) fn one_line(name: &str, text: &str) -> Option<Problem> {
    let detail = match text {
        text if text.trim().is_empty() => "It is empty: nothing would be found by it.",
        text if text.contains(['\n', '\r', '\0']) => "It is more than one line, or holds a NUL byte.",
        _ => return None,
    };
    Some(wrong(name, detail.to_owned()))
}

/// What is wrong with a command.
pub(crate) fn command(desired: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in ["run", "unless", "onlyif", "creates", "on_destroy", "working_directory", "revert"] {
        problems.extend(text(desired, name).filter(|text| text.contains('\0')).map(|_| nul(name)));
    }
    for name in ["creates", "working_directory"] {
        problems.extend(
            text(desired, name).filter(|path| !path.starts_with('/')).map(|path| relative(name, path)),
        );
    }
    problems.extend(environment(desired));
    problems.extend(confirm::check(desired));
    let waits = given(desired, confirm::NAME).is_some_and(|seconds| seconds.as_number().is_some());
    if waits && given(desired, "revert").is_none() {
        let detail = "Nothing says how the command is undone: write that as `revert`.";
        problems.push(wrong(confirm::NAME, detail.to_owned()));
    }
    problems
}

/// Environment variables whose names or values no process can have.
pub(crate) fn environment(desired: &Value) -> Vec<Problem> {
    let Some(variables) = desired.get("environment").and_then(Value::as_map) else { return Vec::new() };
    let at = |name: &str| Path::attribute("environment").join(PathStep::Attribute(name.to_owned()));
    let mut problems = Vec::new();
    for (name, value) in variables {
        if !is_variable(name) {
            let detail = format!(
                "{name:?} is not the name of an environment variable: letters, digits and _, no digit first."
            );
            problems.push(Problem { path: at(name), ..wrong("environment", detail) });
        }
        if value.as_str().is_some_and(|text| text.contains('\0')) {
            problems.push(Problem { path: at(name), ..nul("environment") });
        }
    }
    problems
}

/// Whether a shell takes it as a variable's name.
pub(crate) fn is_variable(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// A path has one spelling only, as it is what tells one file from another.
pub(crate) fn place(name: &str, path: &str) -> Option<Problem> {
    if path.contains('\0') {
        return Some(nul(name));
    }
    let Some(inside) = path.strip_prefix('/') else { return Some(relative(name, path)) };
    if inside.split('/').any(|part| matches!(part, "" | "." | "..")) {
        let detail = format!(
            "{path:?} is not the plain path of a file: write it without \".\", \"..\", \"//\" and a \"/\" at the end."
        );
        return Some(wrong(name, detail));
    }
    None
}

/// A name of a user or group that is none.
pub(crate) fn account(name: &str, account: &str) -> Option<Problem> {
    let odd = |letter: char| letter == ':' || letter == '/' || letter.is_whitespace() || letter.is_control();
    let fits = !account.is_empty() && !account.starts_with(['-', '+']) && !account.contains(odd);
    (!fits).then(|| {
        wrong(
            name,
            format!(
                "{account:?} is not the name or number of a {}.",
                if name == "owner" { "user" } else { name }
            ),
        )
    })
}

fn relative(name: &str, path: &str) -> Problem {
    wrong(name, format!("{path:?} is not an absolute path: it has to start with \"/\"."))
}

fn nul(name: &str) -> Problem {
    wrong(name, "It holds a NUL byte, which no path, argument or environment variable can.".into())
}

/// A problem with an attribute.
pub(crate) fn wrong(name: &str, detail: String) -> Problem {
    let summary = format!("Invalid {}", name.replace('_', " "));
    Problem { severity: Severity::Error, summary, detail, path: Path::attribute(name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::types::Type;

    fn check(kind: &str, fields: &[(&str, Value)], expect: &[&str]) {
        let desired = Value::object(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let found: Vec<_> =
            super::check(kind, &desired).iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(found, expect, "{desired:?}");
    }

    #[test]
    fn files() {
        let check = |fields: &[(&str, Value)], expect: &[&str]| {
            check("host_file", &[fields, &[("content", "x".into())]].concat(), expect);
        };
        check(&[("path", "/etc/motd".into()), ("mode", "0644".into()), ("on_destroy", "keep".into())], &[]);
        check(&[("path", Value::unknown(Type::String)), ("mode", Value::unknown(Type::String))], &[]);
        for path in ["", "etc/motd", "/", "/etc/", "/etc//motd", "/etc/./motd", "/etc/../motd", "/a\0b"] {
            check(&[("path", path.into())], &["path"]);
        }
        for path in ["/a b", "/a\nb", "/$(x)", "/.a", "/..a", "/ü'\""] {
            check(&[("path", path.into())], &[]);
        }
        for mode in ["", "64", "0888", "00644", "rw", "+644"] {
            check(&[("mode", mode.into())], &["mode"]);
        }
        check(&[("owner", "a:b".into()), ("group", "-g".into())], &["owner", "group"]);
        check(&[("owner", "0".into()), ("group", "www-data".into())], &[]);
        check(&[("path", Value::string("/x").sensitive())], &["path"]);
        check(&[("on_destroy", "delete".into())], &["on_destroy"]);
    }

    #[test]
    fn sensitive_values_are_not_shown() {
        let fields = ["path", "mode", "owner", "on_destroy"]
            .map(|name| (name.to_owned(), Value::string("s3 cret").sensitive()));
        let found = super::check("host_file", &Value::object(fields));
        assert_eq!(found.len(), 6);
        assert!(found.iter().all(|problem| !problem.detail.contains("s3")), "{found:?}");
    }

    #[test]
    fn commands() {
        let check = |fields: &[(&str, Value)], expect: &[&str]| check("host_command", fields, expect);
        check(&[("run", "true".into()), ("creates", "/x".into())], &[]);
        check(&[("run", "a\0".into()), ("creates", "x".into())], &["run", "creates"]);
        check(&[("on_destroy", Value::string("rm").sensitive())], &["on_destroy"]);
        let variables =
            Value::map([("A_1".into(), "x".into()), ("1A".into(), "x".into()), ("B".into(), "\0".into())]);
        check(&[("environment", variables)], &["environment[\"1A\"]", "environment.B"]);
    }
}
