//! What is not as reviewed any more, below a step that was turned down for it.
//!
//! ```text
//! manifest.data.page
//!   reviewed  "one"
//!   now       "by hand"
//!   wanted    "two"
//! ```

use meshform_engine::apply::MovedField;
use meshform_engine::value::{Kind, Value};

use super::hcl_text::{self, SENSITIVE};
use super::measured::is_shown;
use super::style::{ADDED, CHANGED, FAINT, REMOVED, paint};
use super::text::{harmless, indented};
use super::text_diff;

/// Values longer than this are cut: the beginning is enough to know them by.
const VALUE_WIDTH: usize = 200;

/// The rows of all fields.
pub(crate) fn lines(moved: &[MovedField]) -> Vec<String> {
    moved.iter().flat_map(field).collect()
}

fn field(field: &MovedField) -> Vec<String> {
    let mut lines = vec![harmless(&field.path.to_string()).into_owned()];
    if let (Some(reviewed), Some(now)) = (long_text(&field.reviewed), long_text(&field.now)) {
        lines.push("  changed since the review:".to_owned());
        lines.extend(indented(text_diff::lines(reviewed, now), 4));
        if let Some(wanted) = long_text(&field.wanted).filter(|wanted| *wanted != now) {
            lines.push("  to come to what is wanted:".to_owned());
            lines.extend(indented(text_diff::lines(now, wanted), 4));
        }
        return lines;
    }
    let sides = [
        ("reviewed", &field.reviewed, REMOVED),
        ("now", &field.now, CHANGED),
        ("wanted", &field.wanted, ADDED),
    ];
    lines.extend(sides.map(|(name, value, style)| {
        let value =
            value.as_ref().map_or_else(|| paint(FAINT, "nothing"), |value| paint(style, written(value)));
        format!("  {name:<8}  {value}")
    }));
    lines
}

/// A text of several lines that is shown.
fn long_text(value: &Option<Value>) -> Option<&str> {
    let value = value.as_ref().filter(|value| !value.is_sensitive())?;
    let text = value.as_str().filter(|text| is_shown(text))?;
    text.trim_end_matches('\n').contains('\n').then_some(text)
}

fn written(value: &Value) -> String {
    if value.has_sensitive() || matches!(value.kind(), Kind::Fingerprint(_)) {
        return SENSITIVE.to_owned();
    }
    let text = hcl_text::inline(value);
    match text.char_indices().nth(VALUE_WIDTH) {
        Some((end, _)) => format!("{}…", harmless(&text[..end])),
        None => harmless(&text).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use meshform_engine::value::Path;

    use super::*;

    fn check(sides: [Option<Value>; 3], expect: &[&str]) {
        let [reviewed, now, wanted] = sides;
        let lines = lines(&[MovedField { path: Path::attribute("page"), reviewed, now, wanted }]);
        let lines: Vec<_> = lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect();
        assert_eq!(lines, expect);
    }

    #[test]
    fn a_field_is_told_three_times() {
        check(
            [Some("one".into()), Some("by hand".into()), Some("two".into())],
            &["page", "  reviewed  \"one\"", "  now       \"by hand\"", "  wanted    \"two\""],
        );
        check(
            [Some("one".into()), None, None],
            &["page", "  reviewed  \"one\"", "  now       nothing", "  wanted    nothing"],
        );
        let secret = || Some(Value::string("hush").sensitive());
        check(
            [secret(), secret(), secret()],
            &["page", "  reviewed  (sensitive)", "  now       (sensitive)", "  wanted    (sensitive)"],
        );
    }

    #[test]
    fn long_texts_are_compared_line_by_line() {
        check(
            [Some("a\nb\n".into()), Some("a\nc\n".into()), Some("a\nd\n".into())],
            &[
                "page",
                "  changed since the review:",
                "      a",
                "    - b",
                "    + c",
                "  to come to what is wanted:",
                "      a",
                "    - c",
                "    + d",
            ],
        );
    }
}
