//! `host_line`: one line in a file that others also write.

mod text;

use meshform_engine::address::Address;
use meshform_engine::ports::{Observation, Problem, ProviderError};
use meshform_engine::schema::Attribute;
use meshform_engine::state::Record;
use meshform_engine::types::Type;
use meshform_engine::value::Value;

use self::text::{Place, Spot};
use crate::attributes::{text, unknown};
use crate::check::{mode, one_line, place, wrong};
use crate::managed::{Managed, Subject, Text, end, missing, remembered, shared};

/// The resource type of lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line;

impl Managed for Line {
    fn name(&self) -> &'static str {
        "host_line"
    }

    fn attributes(&self) -> Vec<Attribute> {
        let text = |name, description| Attribute::optional(name, Type::String, description);
        let mut attributes = shared();
        attributes.extend([
            Attribute::required("line", Type::String, "The line, without a line feed."),
            text(
                "match",
                "How the line that it takes the place of begins, blanks apart, such as \"PermitRootLogin\": a plain text that ends with a \
                 whole word. By default, the line itself.",
            ),
            text("after", "How the line begins after which it goes if it has to be added, blanks apart; by default, the end of the file."),
            text("before", "How the line begins before which it goes if it has to be added, blanks apart."),
        ]);
        attributes
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(text(desired, "path").and_then(|path| place("path", path)));
        problems.extend(mode(desired));
        problems.extend(end::check(desired, end::WITH_RESTORE));
        problems.extend(
            ["line", "match", "after", "before"]
                .into_iter()
                .filter_map(|name| one_line(name, text(desired, name)?)),
        );
        if let (Some(line), Some(key)) = (text(desired, "line"), text(desired, "match"))
            && !text::begins(line, key)
        {
            let detail = "The line does not begin with `match`, so that it would not be found again.";
            problems.push(wrong("match", detail.to_owned()));
        }
        if text(desired, "after").is_some() && text(desired, "before").is_some() {
            problems.push(wrong(
                "before",
                "A line goes `after` or `before` another one: give one of them.".into(),
            ));
        }
        if desired.get("line").is_some_and(Value::has_sensitive)
            && desired.get("match").is_some_and(Value::is_null)
        {
            let detail = "A sensitive line is known by how it begins: give `match`, without the secret.";
            problems.push(wrong("line", detail.to_owned()));
        }
        problems
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        const REASON: &str =
            "Lines are known by their file and by how they begin, in every plan and in the state.";
        &[("path", REASON), ("match", REASON)]
    }

    fn identity(&self, _: &Address, desired: &Value) -> Option<String> {
        if unknown(desired, "match") {
            return None;
        }
        Some(format!("line:{} {:?}", text(desired, "path")?, key(desired)?))
    }

    fn fields(&self) -> &'static [&'static str] {
        &["line"]
    }

    fn settings(&self) -> &'static [&'static str] {
        &["match", "after", "before", "mode", "create_parents", "on_destroy"]
    }

    fn taken_over(&self, desired: &Value, there: &Observation) -> Vec<String> {
        let is_same = text(desired, "line") == text(&there.attributes, "line");
        let is_secret = desired.get("line").is_some_and(Value::has_sensitive);
        let end = match text(desired, "on_destroy") {
            Some("restore") if is_secret => {
                "nothing comes back in its place at the end, as no secret is remembered"
            }
            Some("restore") => "it comes back at the end (on_destroy = \"restore\")",
            Some("keep") => "the line stays at the end (on_destroy = \"keep\")",
            _ => "at the end the line goes (on_destroy = \"remove\")",
        };
        let what = if is_same { "The line is there already" } else { "Another line is there in its place" };
        vec![format!("{what}; {end}.")]
    }

    fn ends(&self, record: &Record, _: &Observation) -> Vec<String> {
        let was = remembered(Some(record), "former").and_then(|former| former.as_array());
        let note = match (text(&record.attributes, "on_destroy"), was.map(Vec::len)) {
            (Some("keep"), _) => "The line stays in the file (on_destroy = \"keep\").",
            (Some("restore"), Some(1..)) => {
                "What was in its place before comes back (on_destroy = \"restore\")."
            }
            _ => return Vec::new(),
        };
        vec![note.to_owned()]
    }
}

impl Text for Line {
    fn find(&self, text: &str, subject: &Subject<'_>) -> Option<Value> {
        let subject = subject.first()?;
        let found = text::matching(text, key(subject)?);
        let line = match found.as_slice() {
            [] => return None,
            [line] => (*line).to_owned(),
            // More than one: it is not as wanted, whatever they are.
            lines => lines.join("\n"),
        };
        Some(Value::object([
            ("path".to_owned(), subject.get("path").cloned().unwrap_or_else(Value::null)),
            ("line".to_owned(), Value::string(line)),
        ]))
    }

    fn put(&self, text: &str, desired: &Value, _: Option<&Record>) -> Result<String, ProviderError> {
        let line = crate::attributes::text(desired, "line").ok_or_else(|| missing("line"))?;
        let key = key(desired).ok_or_else(|| missing("match"))?;
        let beside = |name, spot| crate::attributes::text(desired, name).map(|near| Place { near, spot });
        let place = beside("after", Spot::After).or_else(|| beside("before", Spot::Before));
        Ok(text::put(text, key, line, place))
    }

    fn take(&self, text: &str, recorded: &Value, private: &serde_json::Value) -> String {
        let restores = crate::attributes::text(recorded, "on_destroy") == Some("restore");
        let former = private.get("former").and_then(|former| former.as_array()).filter(|_| restores);
        let lines = former.into_iter().flatten().filter_map(|line| line.as_str()).collect::<Vec<_>>();
        key(recorded).map_or_else(|| text.to_owned(), |key| text::replace(text, key, &lines))
    }

    /// A secret is not remembered: nothing comes back in its place.
    fn former(&self, text: &str, desired: &Value, known: Option<&serde_json::Value>) -> serde_json::Value {
        if let Some(known) = known {
            return known.clone();
        }
        let is_secret = desired.get("line").is_some_and(Value::has_sensitive);
        let found = key(desired).filter(|_| !is_secret).map(|key| text::matching(text, key));
        found.unwrap_or_default().into()
    }
}

/// How the line begins that is meant.
fn key(attributes: &Value) -> Option<&str> {
    text(attributes, "match").or_else(|| text(attributes, "line"))
}
