//! How an apply ended: `Applied: 3 created, 1 updated, 0 deleted in 2.1s.`

use std::collections::BTreeMap;

use meshform_engine::apply::Applied;
use meshform_engine::plan::Plan;
use meshform_engine::value::Value;

use super::style::{DANGER, GOOD, STRONG, paint};
use super::text::{duration, harmless, indented, wrap};
use crate::counts::Counts;

/// What was done, as the last line but the outputs.
pub(crate) fn line(counts: &Counts, plan: &Plan, applied: &Applied, elapsed_ms: u64) -> String {
    let rare = [
        (counts.replace, "replaced"),
        (counts.adopt, "adopted"),
        (counts.step, "rolled out"),
        (counts.forget, "forgotten"),
        (applied.failed.len(), "failed"),
        (applied.skipped.len(), "not run"),
        (applied.deferred.len(), "deferred"),
    ];
    let mut line = format!("{} created, {} updated, {} deleted", counts.create, counts.update, counts.delete);
    for (count, word) in rare.iter().filter(|(count, _)| *count > 0) {
        line.push_str(&format!(", {count} {word}"));
    }
    let (word, style) = match is_whole(plan, applied) {
        true => ("Applied", GOOD),
        false => ("Applied in part", DANGER),
    };
    paint(style, format!("{word}: {line} in {}.", duration(elapsed_ms)))
}

/// Every failure once more, for it may have scrolled away, and how to go on; empty if all was done.
pub(crate) fn failures(plan: &Plan, applied: &Applied, columns: usize) -> String {
    let mut lines = Vec::new();
    for failed in &applied.failed {
        let (name, summary) = (failed.address.to_string(), harmless(&failed.error.summary));
        lines.push(String::new());
        lines.push(format!("{} {}: {summary}", paint(DANGER, "✗"), paint(STRONG, harmless(&name))));
        lines.extend(indented(wrap(&harmless(&failed.error.detail), columns.saturating_sub(4)), 4));
    }
    lines.extend(way_on(plan, applied).map(|sentence| format!("\n{sentence}")));
    lines.into_iter().map(|line| line + "\n").collect()
}

fn way_on(plan: &Plan, applied: &Applied) -> Option<String> {
    if !applied.failed.is_empty() {
        return Some("What succeeded is recorded. Mend the cause and run apply again to go on.".to_owned());
    }
    if !is_whole(plan, applied) {
        return Some("Stopped. What was done is recorded: run apply again to go on.".to_owned());
    }
    match applied.deferred.len() {
        0 => None,
        1 => Some("1 instance waits for what is known only now: run apply again.".to_owned()),
        count => Some(format!("{count} instances wait for what is known only now: run apply again.")),
    }
}

fn is_whole(plan: &Plan, applied: &Applied) -> bool {
    applied.succeeded.len() == plan.steps.len()
}

/// The outputs, each line ended, after an empty line; empty if there are none.
pub(crate) fn outputs(outputs: &BTreeMap<String, Value>) -> String {
    let lines = super::outputs::values(outputs);
    let gap = if lines.is_empty() { "" } else { "\n" };
    lines.into_iter().fold(gap.to_owned(), |text, line| text + &line + "\n")
}
