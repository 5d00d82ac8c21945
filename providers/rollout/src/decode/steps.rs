//! `step { }`

use super::reader::{At, Findings};
use crate::pods::needed;
use crate::router::Abilities;
use crate::spec::{Match, Pause, Step};

/// What steps are checked against.
pub(super) struct Context<'a> {
    /// What the router can do; `None` if it is not known.
    pub(super) abilities: Option<Abilities>,
    pub(super) router: &'a str,
    pub(super) capacity: u64,
    /// The names of the gates, also of those with which something is wrong.
    pub(super) gates: &'a [String],
}

pub(super) fn steps(blocks: &At<'_>, context: &Context<'_>, findings: &mut Findings) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in blocks.elements(findings) {
        let step = step(&block, steps.last(), context, findings);
        steps.push(step);
    }
    steps
}

fn step(block: &At<'_>, before: Option<&Step>, context: &Context<'_>, findings: &mut Findings) -> Step {
    let own_weight = block.get("weight").percent(findings);
    let replicas = block.get("replicas").whole(0, u64::from(u32::MAX), findings);
    let matching = matching(&block.get("match"), context, findings);
    let pause = pause(&block.get("pause"), findings);
    let gates = gates(&block.get("gates"), context, findings);
    check_content(block, context, findings);
    let weighs = context.abilities.is_none_or(|abilities| abilities.weighs);
    let kept = before.and_then(|before| before.weight).unwrap_or(0);
    let weight = if weighs { Some(own_weight.unwrap_or(kept)) } else { own_weight };
    let step = Step { weight, replicas, matching, pause, gates };
    check_order(block, &step, before, findings);
    if weighs {
        check_capacity(block, &step, context, findings);
    }
    step
}

/// Whether the router can do what the step says, and the step says anything.
fn check_content(block: &At<'_>, context: &Context<'_>, findings: &mut Findings) {
    let Some(abilities) = context.abilities else { return };
    let given = |name: &str| block.get(name).is_given();
    let router = context.router;
    if !abilities.weighs && given("weight") == given("replicas") {
        let detail = format!(
            "With the router {router} a step says either `weight` or `replicas`: the share is that of the pods."
        );
        findings.error("A step with no or two sizes", detail, block);
    }
    if abilities.weighs && !given("weight") && !given("match") && !given("replicas") {
        findings.error("A step that changes nothing", "Give it a `weight`, a `match` or `replicas`.", block);
    }
}

/// Steps only go up: the way down is to abort.
fn check_order(block: &At<'_>, step: &Step, before: Option<&Step>, findings: &mut Findings) {
    let Some(before) = before else { return };
    if step.weight.zip(before.weight).is_some_and(|(now, then)| now < then) {
        let detail = "The weight is smaller than that of the step before. Steps only go up; a rollout goes back by itself when it fails, and by `meshform rollout abort`.";
        findings.error("A step down", detail, &block.get("weight"));
    }
    if step.replicas.zip(before.replicas).is_some_and(|(now, then)| now < then) {
        let detail = "The new version has fewer pods than in the step before. Steps only go up.";
        findings.error("A step down", detail, &block.get("replicas"));
    }
}

fn check_capacity(block: &At<'_>, step: &Step, context: &Context<'_>, findings: &mut Findings) {
    let fewest = needed(step.weight.unwrap_or(0), context.capacity);
    if step.replicas.is_some_and(|replicas| replicas < fewest) {
        let detail = format!(
            "{} % of what {} pods serve needs {fewest} of them. Ask for more, or leave `replicas` out.",
            step.weight.unwrap_or(0),
            context.capacity,
        );
        findings.error("Fewer pods than the weight needs", detail, &block.get("replicas"));
    }
}

fn pause(at: &At<'_>, findings: &mut Findings) -> Option<Pause> {
    if at.text(&mut Findings::default()).as_deref() == Some("manual") {
        return Some(Pause::Manual);
    }
    at.duration_ms(findings).map(Pause::For)
}

fn gates(at: &At<'_>, context: &Context<'_>, findings: &mut Findings) -> Vec<String> {
    let mut names = Vec::new();
    for (element, name) in at.texts(findings) {
        if !context.gates.contains(&name) {
            let known = match context.gates {
                [] => "There are none".to_owned(),
                names => format!("There are {}", names.join(", ")),
            };
            findings.error("An unknown gate", format!("No gate is called {name:?}. {known}."), &element);
        }
        names.push(name);
    }
    names
}

fn matching(block: &At<'_>, context: &Context<'_>, findings: &mut Findings) -> Option<Match> {
    if !block.is_given() {
        return None;
    }
    let [header, value, pattern, cookie] =
        ["header", "value", "pattern", "cookie"].map(|name| block.get(name).text(findings));
    let matching = match (header, value, pattern, cookie) {
        (Some(header), Some(value), None, None) => Match::Header(header, value),
        (Some(header), None, Some(pattern), None) => Match::HeaderPattern(header, pattern),
        (None, value, None, Some(cookie)) => {
            Match::Cookie(cookie, value.unwrap_or_else(|| "always".to_owned()))
        }
        _ => {
            let detail = "Write `header` with `value` or `pattern`, or `cookie` with or without `value`.";
            findings.error("No such match", detail, block);
            return None;
        }
    };
    if context.abilities.is_some_and(|abilities| !abilities.matches(&matching)) {
        let detail = format!(
            "The router {} cannot tell requests by this. Remove the match, or use another router.",
            context.router
        );
        findings.error("A match that the router does not know", detail, block);
    }
    Some(matching)
}
