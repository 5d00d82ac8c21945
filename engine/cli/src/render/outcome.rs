//! How an apply ended: `Applied: 3 created, 1 updated, 0 deleted in 2.1s.`

use std::collections::BTreeMap;

use meshform_engine::apply::Applied;
use meshform_engine::plan::Plan;
use meshform_engine::value::Value;

use super::moved;
use super::plan::unreachable;
use super::style::{DANGER, GOOD, STRONG, paint};
use super::text::{duration, harmless, indented, wrap};
use crate::counts::Counts;

/// What was done, as the last line but the outputs.
pub(crate) fn line(counts: &Counts, plan: &Plan, applied: &Applied, elapsed_ms: u64) -> String {
    let rare = [
        (counts.replace, "replaced"),
        (counts.adopt, "adopted"),
        (counts.refresh, "recorded as found"),
        (counts.step, "rolled out"),
        (counts.read, "looked up"),
        (counts.forget, "forgotten"),
        (applied.failed.len(), "failed"),
        (abandoned(plan, applied), "abandoned"),
        (applied.skipped.len(), "not run"),
        (applied.deferred.len(), "deferred"),
        (unreachable::left_out(plan), "left out"),
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

/// Every failure once more, for it may have scrolled away; empty if there is none. What a program wrote stands above, once and whole.
pub(crate) fn failures(applied: &Applied, columns: usize) -> String {
    let mut lines = Vec::new();
    for failed in &applied.failed {
        let (name, summary) = (failed.address.to_string(), harmless(&failed.error.summary));
        lines.push(String::new());
        lines.push(format!("{} {}: {summary}", paint(DANGER, "✗"), paint(STRONG, harmless(&name))));
        let cause = failed.error.detail.lines().next().unwrap_or_default();
        lines.extend(indented(wrap(&harmless(cause), columns.saturating_sub(4)), 4));
        lines.extend(indented(moved::lines(&failed.moved), 6));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// How to go on, after an empty line; empty if all was done.
pub(crate) fn way_on(plan: &Plan, applied: &Applied) -> String {
    let sentence = match (applied.failed.len(), applied.deferred.len()) {
        (1.., _) => {
            "What succeeded is recorded. Mend the cause and apply the stack again to go on.".to_owned()
        }
        _ if !is_whole(plan, applied) => {
            "Stopped. What was done is recorded: apply the stack again to go on.".to_owned()
        }
        (0, 0) => return String::new(),
        (0, 1) => "1 instance waits for what is known only now: apply the stack again.".to_owned(),
        (0, count) => format!("{count} instances wait for what is known only now: apply the stack again."),
    };
    format!("\n{sentence}\n")
}

/// Steps that were under way when the run was stopped at once.
fn abandoned(plan: &Plan, applied: &Applied) -> usize {
    plan.steps.len().saturating_sub(applied.succeeded.len() + applied.failed.len() + applied.skipped.len())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use meshform_engine::address::Address;
    use meshform_engine::apply::FailedStep;
    use meshform_engine::diagnostic::Diagnostics;
    use meshform_engine::plan::{Step, StepOperation};
    use meshform_engine::ports::{ErrorCode, Operation, ProviderError};
    use meshform_engine::state::Snapshot;

    const CREATE: StepOperation = StepOperation::Perform(Operation::Create);

    fn address(name: &str) -> Address {
        Address::new("value", name)
    }

    fn failed(name: &str) -> FailedStep {
        let (summary, detail) = ("Denied".to_owned(), "The host does not let us in.".to_owned());
        let error = ProviderError { code: ErrorCode::Denied, summary, detail, path: None };
        FailedStep { address: address(name), operation: CREATE, error, moved: Vec::new() }
    }

    /// Of a plan of these many steps, some succeeded, some failed, some were skipped, and one waits.
    fn check(steps: usize, ended: (&[&str], &[&str], &[&str], &[&str]), line: &str, rest: &str) {
        let mut plan = samples::plan(Vec::new());
        plan.steps = vec![Step { address: address("x"), operation: CREATE, after: Vec::new() }; steps];
        let (succeeded, failed_steps, skipped, deferred) = ended;
        let pairs = |names: &[&str]| names.iter().map(|name| (address(name), CREATE)).collect();
        let applied = Applied {
            snapshot: Snapshot::default(),
            succeeded: pairs(succeeded),
            failed: failed_steps.iter().map(|name| failed(name)).collect(),
            skipped: pairs(skipped),
            deferred: deferred.iter().map(|name| address(name)).collect(),
            stopped: false,
            diagnostics: Diagnostics::new(),
            instances: BTreeMap::new(),
        };
        let counts = Counts { create: succeeded.len(), ..Counts::default() };
        let plain = |text: String| anstream::adapter::strip_str(&text).to_string();
        assert_eq!(plain(super::line(&counts, &plan, &applied, 2_140)), line);
        assert_eq!(plain(failures(&applied, 80) + &way_on(&plan, &applied)), rest);
    }

    #[test]
    fn what_was_left_out_is_told_again() {
        let plan = samples::out_of_reach(samples::plan(Vec::new()));
        let told = anstream::adapter::strip_str(&unreachable::reminder(&plan, 80)).to_string();
        assert_eq!(
            told,
            "\n! host.web could not be reached, and what is left out stays as it was:\n    there: host_file.motd\n    needs that: value.greeting\n\nApply the stack again when all of it can be reached.\n"
        );
    }

    #[test]
    fn an_end_says_what_was_done_and_how_to_go_on() {
        check(2, (&["a", "b"], &[], &[], &[]), "Applied: 2 created, 0 updated, 0 deleted in 2.1s.", "");
        check(
            3,
            (&["a"], &["b"], &["c"], &[]),
            "Applied in part: 1 created, 0 updated, 0 deleted, 1 failed, 1 not run in 2.1s.",
            "\n✗ value.b: Denied\n    The host does not let us in.\n\nWhat succeeded is recorded. Mend the cause and apply the stack again to go on.\n",
        );
        check(
            3,
            (&["a"], &[], &["c"], &[]),
            "Applied in part: 1 created, 0 updated, 0 deleted, 1 abandoned, 1 not run in 2.1s.",
            "\nStopped. What was done is recorded: apply the stack again to go on.\n",
        );
        check(
            1,
            (&["a"], &[], &[], &["d"]),
            "Applied: 1 created, 0 updated, 0 deleted, 1 deferred in 2.1s.",
            "\n1 instance waits for what is known only now: apply the stack again.\n",
        );
    }
}
