//! What a plan leaves out because its targets could not be reached.

use meshform_engine::address::Address;
use meshform_engine::plan::{Plan, Unreachable};

use super::Detail;
use crate::render::style::{DANGER, STRONG, paint};
use crate::render::text::{counted, harmless, indented, wrap};

/// Lists longer than this are cut, unless everything is asked for.
const ADDRESSES_MAX: usize = 24;

/// Each target with why it could not be reached, and all that is not planned because of that; nothing if there is none.
pub(super) fn lines(plan: &Plan, detail: Detail) -> Vec<String> {
    let mut lines = Vec::new();
    for lost in plan.unreachable() {
        let (target, summary) = (lost.target.to_string(), harmless(&lost.summary));
        lines.push(format!("  {} {}: {summary}", paint(DANGER, "!"), paint(STRONG, harmless(&target))));
        let columns = detail.columns.saturating_sub(6);
        lines.extend(indented(wrap(&harmless(&lost.detail), columns), 6));
        lines.extend(indented(lists(plan, lost, Detail { columns, ..detail }), 6));
        lines.push(String::new());
    }
    if !lines.is_empty() {
        let heading = "Out of reach: what is there is not planned, and stays as it is recorded:";
        lines.splice(0..0, [paint(DANGER, heading), String::new()]);
    }
    lines
}

/// That the plan is not of all, in one line.
pub(super) fn summary(plan: &Plan) -> Option<String> {
    let lost = plan.unreachable();
    let targets: Vec<_> = lost.iter().map(|lost| lost.target.to_string()).collect();
    let line = format!(
        "Not whole: {} could not be reached, so that {} not planned.",
        harmless(&targets.join(", ")),
        are(left_out(plan)),
    );
    (!lost.is_empty()).then(|| paint(DANGER, line))
}

/// How much is left out because of targets that could not be reached: instances, and blocks of which all is.
pub(crate) fn left_out(plan: &Plan) -> usize {
    let mut all: Vec<_> =
        plan.unreachable().iter().flat_map(|lost| lost.instances.iter().chain(&lost.dependants)).collect();
    all.sort();
    all.dedup();
    all.len()
}

/// The end of an apply: what it left out, and when to go on; each line ended, after an empty one. Empty if nothing was out of reach.
pub(crate) fn reminder(plan: &Plan, columns: usize) -> String {
    let mut text = String::new();
    for lost in plan.unreachable() {
        let target = lost.target.to_string();
        let said =
            format!("{} could not be reached, and what is left out stays as it was:", harmless(&target));
        text.push_str(&format!("\n{} {said}\n", paint(DANGER, "!")));
        let columns = columns.saturating_sub(4);
        let lists = lists(plan, lost, Detail { full: true, columns });
        indented(lists, 4).into_iter().for_each(|line| text.push_str(&format!("{line}\n")));
    }
    if !text.is_empty() {
        text.push_str("\nApply the stack again when all of it can be reached.\n");
    }
    text
}

fn lists(plan: &Plan, lost: &Unreachable, detail: Detail) -> Vec<String> {
    let why = if plan.destroy { "needed by that" } else { "needs that" };
    let lists = [("there", &lost.instances), (why, &lost.dependants)];
    let lists = lists.into_iter().filter(|(_, addresses)| !addresses.is_empty());
    lists.flat_map(|(why, addresses)| wrap(&list(why, addresses, detail), detail.columns)).collect()
}

fn list(why: &str, addresses: &[Address], detail: Detail) -> String {
    let shown = if detail.full { addresses.len() } else { addresses.len().min(ADDRESSES_MAX) };
    let names: Vec<_> = addresses[..shown].iter().map(ToString::to_string).collect();
    let more = match addresses.len() - shown {
        0 => String::new(),
        more => format!(", … {more} more (-full shows them)"),
    };
    format!("{why}: {}{more}", harmless(&names.join(", ")))
}

fn are(count: usize) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    format!("{} {verb}", counted(count, "instance"))
}
