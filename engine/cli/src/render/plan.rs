//! A plan for its reviewer: what takes something away comes first, what stays is only counted.
//!
//! ```text
//! drift · destructive changes · other changes · outputs · what is out of reach · one line that sums up · one of what policies say
//! ```

mod body;
mod fold;
mod header;
mod markdown;
mod summary;
pub(crate) mod unreachable;

use meshform_engine::plan::{Action, Change, Plan};
use meshform_engine::value::Path;

use self::fold::{Entry, fold};
pub(crate) use self::markdown::markdown;
use super::fields::{self, Notation, Owner};
use super::style::{DANGER, STRONG, paint};
use super::text::{harmless, indented};
use super::{outputs, policies};
use crate::counts::Counts;
use crate::veil;

/// What stands above all that has drifted.
const DRIFT: &str = "Changed outside of meshform since the last apply";

/// How much of a plan is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Detail {
    /// Whether long values are shown to their end.
    pub(crate) full: bool,
    /// How wide sentences may be, in columns.
    pub(crate) columns: usize,
}

/// The whole plan as text, each line ended.
pub(crate) fn text(plan: &Plan, detail: Detail) -> String {
    let mut lines = drift(plan);
    if !lines.is_empty() {
        lines.insert(0, paint(STRONG, format!("{DRIFT}:")));
        lines.insert(1, String::new());
    }
    let entries = fold(plan.shown().filter(|change| change.action != Action::NoOp), detail);
    let (destructive, other): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| header::destroys(entry.action()));
    if !destructive.is_empty() {
        lines.push(paint(DANGER, summary::destructive(&Counts::of(plan))));
        section(&mut lines, &destructive);
        if !other.is_empty() {
            lines.push(paint(STRONG, "Other changes:"));
        }
    }
    section(&mut lines, &other);
    let outputs = outputs::changes(&plan.outputs);
    if !outputs.is_empty() {
        lines.push(paint(STRONG, "Outputs:"));
        lines.extend(indented(outputs, 2));
        lines.push(String::new());
    }
    let out_of_reach = unreachable::lines(plan, detail);
    if !out_of_reach.is_empty() && !lines.last().is_none_or(String::is_empty) {
        lines.push(String::new());
    }
    lines.extend(out_of_reach);
    lines.push(summary::line(plan));
    lines.extend(unreachable::summary(plan));
    lines.extend(summary::partial(plan));
    lines.extend(summary::unseen(plan));
    lines.extend(policies::line(plan));
    lines.into_iter().map(|line| line + "\n").collect()
}

/// What sums a plan up, in one line, and one more for each way in which it is not of all.
pub(crate) fn summary(plan: &Plan) -> String {
    let further = [unreachable::summary(plan), summary::partial(plan), summary::unseen(plan)];
    let lines = std::iter::once(summary::line(plan)).chain(further.into_iter().flatten());
    lines.collect::<Vec<_>>().join("\n")
}

fn section(lines: &mut Vec<String>, entries: &[Entry<'_>]) {
    if !entries.is_empty() && !lines.is_empty() && !lines.last().is_some_and(String::is_empty) {
        lines.push(String::new());
    }
    for (at, entry) in entries.iter().enumerate() {
        lines.extend(entry.lines());
        // One-line entries stand close together.
        if !entry.is_short() || !entries.get(at + 1).is_some_and(Entry::is_short) {
            lines.push(String::new());
        }
    }
}

fn drift(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for change in plan.changes.iter().filter(|change| !change.drift.is_empty()) {
        lines.push(format!("    {}{}", paint(STRONG, harmless(&change.address.to_string())), fate(change)));
        let (prefix, notation) = body::notation(change);
        lines.extend(indented(fields::lines(&veil::drift(change), &prefix, notation, Owner::Changed), 6));
        lines.push(String::new());
    }
    lines
}

/// What becomes of a drift, where the changes below do not tell.
fn fate(change: &Change) -> &'static str {
    match change.action {
        Action::NoOp => " (stays: the configuration does not ask for anything else)",
        _ => "",
    }
}

/// The path that is left out of all others, and how compound values are written.
fn kube_style() -> (Path, Notation) {
    (Path::attribute("manifest"), Notation::Yaml)
}

#[cfg(test)]
mod tests;
