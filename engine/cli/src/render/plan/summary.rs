//! The line that sums a plan up.

use meshform_engine::plan::Plan;

use crate::counts::Counts;
use crate::render::style::{CHANGED, GOOD, STRONG, paint};
use crate::render::text::{counted, harmless};

/// `Plan: 3 to create, 1 to update, 0 to delete.`, or that there is nothing to do.
pub(super) fn line(plan: &Plan) -> String {
    let counts = Counts::of(plan);
    if plan.is_empty() {
        let style = if plan.unreachable().is_empty() { GOOD } else { STRONG };
        return paint(style, nothing(plan, counts.unchanged));
    }
    if plan.refresh_only {
        return paint(STRONG, refresh(&counts));
    }
    let replace = if counts.replace > 0 { format!("{} to replace, ", counts.replace) } else { String::new() };
    let mut line = format!(
        "Plan: {} to create, {} to update, {replace}{} to delete.",
        counts.create, counts.update, counts.delete
    );
    let rare = [
        (counts.adopt, "to adopt"),
        (counts.refresh, "to record as it is"),
        (counts.step, "to roll out"),
        (counts.read, "to read"),
        (counts.forget, "to forget"),
        (counts.defer, "deferred to the next apply"),
    ];
    let rare: Vec<_> =
        rare.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if !rare.is_empty() {
        line.push_str(&format!(" Besides: {}.", rare.join(", ")));
    }
    if counts.unchanged > 0 {
        line.push_str(&format!(" {} unchanged.", counts.unchanged));
    }
    paint(STRONG, line)
}

/// `Drift: 2 to record, 1 to forget.`
fn refresh(counts: &Counts) -> String {
    let words = [(counts.refresh, "to record as it is"), (counts.forget, "to forget")];
    let words = words.iter().filter(|(count, _)| *count > 0);
    let mut words: Vec<_> = words.map(|(count, word)| format!("{count} {word}")).collect();
    if words.is_empty() {
        words.push("only outputs differ".to_owned());
    }
    format!("Drift: {}. Nothing on a target changes.", words.join(", "))
}

/// What was not looked at, if anything was not.
pub(super) fn unseen(plan: &Plan) -> Option<String> {
    let count = plan.unseen.len();
    let verb = if count == 1 {
        "was not looked at, and is taken as it is"
    } else {
        "were not looked at, and are taken as they are"
    };
    (count > 0).then(|| paint(CHANGED, format!("{} {verb} recorded.", counted(count, "instance"))))
}

/// What keeps the plan to a part of the stack, if that was asked for.
pub(super) fn partial(plan: &Plan) -> Option<String> {
    let restriction = plan.partial.as_ref()?.restriction.as_ref()?.to_string();
    let line =
        format!("This plan is partial: {}. What it leaves out stays as it is.", harmless(&restriction));
    Some(paint(CHANGED, line))
}

/// What the destructive part of a plan is headed by.
pub(super) fn destructive(counts: &Counts) -> String {
    let parts = [(counts.delete, "to delete"), (counts.replace, "to replace")];
    let parts: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    format!("Destructive changes: {}", parts.join(", "))
}

fn nothing(plan: &Plan, unchanged: usize) -> String {
    match (plan.destroy, unchanged) {
        (true, _) if plan.partial.is_some() => {
            "Nothing to destroy: the state records none of these instances.".to_owned()
        }
        (true, _) => "Nothing to destroy: the state records no instances.".to_owned(),
        (false, 0) if plan.refresh_only => "No drift: no instance is recorded.".to_owned(),
        (false, count) if plan.refresh_only => {
            let verb = if count == 1 { "is" } else { "are" };
            format!("No drift: {} {verb} as recorded.", counted(count, "instance"))
        }
        (false, 0) if plan.partial.is_some() => "Nothing to do: no instance is planned.".to_owned(),
        (false, 0) => "Nothing to do: the configuration declares no instances.".to_owned(),
        (false, count) => {
            let verb = if count == 1 { "is" } else { "are" };
            format!("Nothing to do: {} {verb} as the configuration says.", counted(count, "instance"))
        }
    }
}
