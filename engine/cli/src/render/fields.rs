//! Field changes as aligned rows: `~ spec.replicas  2 → 3  # forces replacement`.
//!
//! ```text
//! FieldChange ──split──▶ leaves ──row──▶ one line, or a line and a block below
//! ```

mod split;

use meshform_engine::plan::FieldChange;
use meshform_engine::value::{Kind, Path, Value};

pub(crate) use self::split::split;
use super::hcl_text::{self, SENSITIVE};
use super::measured::both_measured;
use super::style::{ADDED, CHANGED, DANGER, FAINT, REMOVED, paint};
use super::text::{indented, width};
use super::{text_diff, yaml_text};

/// Paths up to this wide are padded to one column.
const PATH_WIDTH: usize = 52;
/// A change of texts wider than this shows the two below each other.
const CHANGE_WIDTH: usize = 72;

/// Of a value that only apply replaces, so much is shown.
const BEFORE_WIDTH: usize = 40;

/// How compound values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notation {
    /// As in the configuration.
    Hcl,
    /// As in manifests.
    Yaml,
}

/// What an owner's name means next to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Another owner holds the field that would change.
    Holds,
    /// Another owner has changed the field already.
    Changed,
}

struct Row {
    marker: String,
    path: String,
    value: String,
    remark: String,
    below: Vec<String>,
}

/// The rows of all changes, paths aligned. `prefix` is left out of the paths.
pub(crate) fn lines(changes: &[FieldChange], prefix: &Path, notation: Notation, owner: Owner) -> Vec<String> {
    let leaves = changes.iter().flat_map(split);
    let rows: Vec<_> = leaves.map(|change| row(&change, prefix, notation, owner)).collect();
    let inline = rows.iter().filter(|row| row.below.is_empty());
    let column = inline.map(|row| width(&row.path)).filter(|width| *width <= PATH_WIDTH).max().unwrap_or(0);
    rows.into_iter().flat_map(|row| row.lines(column)).collect()
}

impl Row {
    fn lines(self, column: usize) -> Vec<String> {
        let padding = if self.value.is_empty() { 0 } else { column.saturating_sub(width(&self.path)) };
        let mut line = format!("{} {}{}", self.marker, self.path, " ".repeat(padding));
        for part in [self.value, self.remark] {
            if !part.is_empty() {
                line.push_str("  ");
                line.push_str(&part);
            }
        }
        std::iter::once(line).chain(indented(self.below, 4)).collect()
    }
}

fn row(change: &FieldChange, prefix: &Path, notation: Notation, owner: Owner) -> Row {
    let (marker, style) = match (&change.before, &change.after) {
        (None, _) => ("+", ADDED),
        (_, None) => ("-", REMOVED),
        (Some(before), Some(after)) if keeps(before, after) => ("=", FAINT),
        _ => ("~", CHANGED),
    };
    let (value, below) = shown(change, notation);
    let path = Path(change.path.0.strip_prefix(prefix.0.as_slice()).unwrap_or(&change.path.0).to_vec());
    let path = super::text::harmless(&path.to_string()).into_owned();
    Row { marker: paint(style, marker), path, value, remark: remark(change, owner), below }
}

fn remark(change: &FieldChange, owner: Owner) -> String {
    let mut parts = Vec::new();
    if change.forces_replace {
        parts.push(paint(DANGER, "# forces replacement"));
    }
    if let Some(name) = &change.owner {
        let verb = if owner == Owner::Holds { "owned" } else { "changed" };
        parts.push(paint(FAINT, format!("# {verb} by {}", super::text::harmless(name))));
    }
    parts.join(" ")
}

/// The value's part of the row, and what goes below it.
fn shown(change: &FieldChange, notation: Notation) -> (String, Vec<String>) {
    match (&change.before, &change.after) {
        // Only who owns it changes.
        (Some(before), Some(after)) if keeps(before, after) => one(after, notation, FAINT),
        (Some(before), Some(after)) => both(before, after, notation),
        (None, Some(only)) => one(only, notation, ADDED),
        (Some(only), None) => one(only, notation, REMOVED),
        (None, None) => (String::new(), Vec::new()),
    }
}

fn keeps(before: &Value, after: &Value) -> bool {
    before.same(after) && before.has_sensitive() == after.has_sensitive()
}

fn one(value: &Value, notation: Notation, style: anstyle::Style) -> (String, Vec<String>) {
    let lines = write(value, notation);
    let compound = value.as_map().is_some_and(|map| !map.is_empty());
    match <[String; 1]>::try_from(lines) {
        Ok([line]) if !compound || value.is_sensitive() => (paint(style, line), Vec::new()),
        Ok([line]) => (String::new(), vec![paint(style, line)]),
        Err(lines) => (String::new(), lines.into_iter().map(|line| paint(style, line)).collect()),
    }
}

fn both(before: &Value, after: &Value, notation: Notation) -> (String, Vec<String>) {
    let arrow = |before: String, after: String| {
        format!("{} {} {}", paint(REMOVED, before), paint(FAINT, "→"), paint(ADDED, after))
    };
    // A value that is sensitive on one side may well be the same on the other: neither is shown.
    if hides(before) || hides(after) {
        return (arrow(SENSITIVE.to_owned(), hidden_after(after)), Vec::new());
    }
    if let Kind::Unknown(_) = after.kind() {
        return (arrow(shortened(hcl_text::inline(before)), hcl_text::inline(after)), Vec::new());
    }
    if let (Some(old), Some(new)) = (before.as_str(), after.as_str()) {
        return texts(old, new, arrow);
    }
    let (old, new) = (hcl_text::inline(before), hcl_text::inline(after));
    let compound = [before, after].iter().any(|side| side.as_map().is_some() || side.as_list().is_some());
    if !compound || (old.chars().count() + new.chars().count() <= CHANGE_WIDTH) {
        return (arrow(old, new), Vec::new());
    }
    let text = |value| write(value, notation).into_iter().map(|line| line + "\n").collect::<String>();
    (String::new(), text_diff::lines(&text(before), &text(after)))
}

/// The beginning of what is going to be something else anyway.
fn shortened(text: String) -> String {
    match text.char_indices().nth(BEFORE_WIDTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn texts(old: &str, new: &str, arrow: impl Fn(String, String) -> String) -> (String, Vec<String>) {
    if let Some([old, new]) = both_measured(old, new) {
        return (arrow(old, new), Vec::new());
    }
    if old.trim_end_matches('\n').contains('\n') || new.trim_end_matches('\n').contains('\n') {
        return (String::new(), text_diff::lines(old, new));
    }
    let (old, new) = (hcl_text::quoted(old), hcl_text::quoted(new));
    if old.chars().count() + new.chars().count() > CHANGE_WIDTH {
        return (String::new(), text_diff::words(&old, &new).into());
    }
    (arrow(old, new), Vec::new())
}

fn hides(value: &Value) -> bool {
    value.is_sensitive() || matches!(value.kind(), Kind::Fingerprint(_))
}

fn hidden_after(after: &Value) -> String {
    match after.kind() {
        Kind::Unknown(_) => "(sensitive, known after apply)".to_owned(),
        _ => "(sensitive, changed)".to_owned(),
    }
}

fn write(value: &Value, notation: Notation) -> Vec<String> {
    match (notation, value.kind()) {
        (Notation::Yaml, Kind::List(_) | Kind::Set(_) | Kind::Map(_) | Kind::Object(_)) => {
            yaml_text::lines(value)
        }
        _ => hcl_text::lines(value),
    }
}

#[cfg(test)]
mod tests;
