//! What policies say of a plan, in a line.

use meshform_engine::plan::Plan;
use meshform_engine::policy::{Judgement, Verdict};

use super::style::{DANGER, WARNING, paint};

/// `Policies: 2 hold; policy.keep (mandatory) does not hold.`, or nothing where there is no policy.
pub(crate) fn line(plan: &Plan) -> Option<String> {
    if plan.policies.is_empty() {
        return None;
    }
    let (holding, other): (Vec<_>, Vec<_>) =
        plan.policies.iter().partition(|judgement| judgement.verdict == Verdict::Holds);
    let held = match holding.len() {
        0 => None,
        1 => Some("1 holds".to_owned()),
        count => Some(format!("{count} hold")),
    };
    let parts: Vec<_> = held.into_iter().chain(other.into_iter().map(objection)).collect();
    Some(format!("Policies: {}.", parts.join("; ")))
}

fn objection(judgement: &Judgement) -> String {
    let says = match judgement.verdict {
        Verdict::Holds => "holds",
        Verdict::Unknown => "cannot be told",
        Verdict::Fails => "does not hold",
    };
    let style = if judgement.forbids() { DANGER } else { WARNING };
    paint(style, format!("{} ({}) {says}", judgement.policy, judgement.level.as_str()))
}
