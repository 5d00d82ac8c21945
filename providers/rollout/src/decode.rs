//! A `rollout` block's value → what it says, or all that is wrong with it, each with the path to the attribute.

mod gates;
mod reader;
mod route;
mod steps;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use meshform_engine::ports::Problem;
use meshform_engine::value::Value;
use serde_json::Value as Json;

use self::reader::{At, Findings};
use crate::spec::{OnFailure, Spec, Strategy, Workload};
use crate::version::{ROLLOUT_LABEL, VERSION_LABEL};

/// What a block says; `None` while a part of it is known only after apply and nothing is wrong with the rest.
///
/// # Errors
/// When something is wrong: everything that is.
pub fn decode(desired: &Value) -> Result<Option<Spec>, Vec<Problem>> {
    let mut findings = Findings::default();
    let spec = spec(&At::top(desired), &mut findings);
    findings.outcome(spec)
}

fn spec(block: &At<'_>, findings: &mut Findings) -> Option<Spec> {
    let workload = workload(&block.get("workload"), findings);
    let router = route::router(&block.get("route"), findings);
    let strategy = block.get("strategy").one_of(
        &[("canary", Strategy::Canary), ("blue_green", Strategy::BlueGreen)],
        Strategy::Canary,
        findings,
    );
    let gates = gates::gates(&block.get("gate"), findings);
    let context = steps::Context {
        abilities: router.as_ref().map(|router| router.abilities()),
        router: router.as_ref().map_or("", |router| router.name()),
        capacity: workload.as_ref().map_or(1, |workload| workload.replicas),
        gates: &gates::names(&block.get("gate"), findings),
    };
    let steps = steps::steps(&block.get("step"), &context, findings);
    if strategy == Strategy::BlueGreen && context.abilities.is_some_and(|abilities| !abilities.weighs) {
        let detail = format!(
            "The router {} splits by the number of pods, so all pods of the new version would take their share at once. Use strategy canary, or a router that weighs.",
            context.router
        );
        findings.error("A strategy that needs weights", detail, &block.get("strategy"));
    }
    let on_failure = block.get("on_failure").one_of(
        &[("rollback", OnFailure::Rollback), ("pause", OnFailure::Pause)],
        OnFailure::Rollback,
        findings,
    );
    let namespace = block.get("namespace").text(findings);
    let progress_deadline_ms = block.get("progress_deadline").duration_ms(findings);
    let drain_ms = block.get("drain").duration_ms(findings);
    let keep_previous_ms = block.get("keep_previous").duration_ms(findings);
    let adopt = block.get("adopt").text(findings);
    Some(Spec {
        namespace: namespace.unwrap_or_else(|| "default".to_owned()),
        workload: workload?,
        strategy,
        router: router?,
        steps,
        gates,
        on_failure,
        progress_deadline_ms: progress_deadline_ms.unwrap_or(600_000),
        drain_ms: drain_ms.unwrap_or(30_000),
        keep_previous_ms: keep_previous_ms.unwrap_or(0),
        adopt,
    })
}

fn workload(block: &At<'_>, findings: &mut Findings) -> Option<Workload> {
    let replicas = block.get("replicas").whole(1, u64::from(u32::MAX), findings);
    let selector = selector(&block.get("selector"), findings);
    let template_at = block.get("template");
    let template = template_at.json(findings);
    if let (Some(template), Some(selector)) = (&template, &selector) {
        check_labels(template, selector, &template_at, findings);
    }
    Some(Workload { template: template?, replicas: replicas.unwrap_or(1), selector: selector? })
}

fn selector(at: &At<'_>, findings: &mut Findings) -> Option<BTreeMap<String, String>> {
    let labels = at.texts_by_name(findings)?;
    if labels.is_empty() {
        let detail =
            "Name at least one label, such as app = \"shop\": by it the pods of all versions are found.";
        findings.error("An empty selector", detail, at);
        return None;
    }
    Some(labels)
}

fn check_labels(template: &Json, selector: &BTreeMap<String, String>, at: &At<'_>, findings: &mut Findings) {
    if template.pointer("/spec/containers").and_then(Json::as_array).is_none_or(Vec::is_empty) {
        let detail = "A pod template is an object with a `spec` that has `containers`, and perhaps `metadata` with labels.";
        findings.error("Not a pod template", detail, at);
        return;
    }
    let labels = template.pointer("/metadata/labels").and_then(Json::as_object);
    for (name, value) in labels.into_iter().flatten() {
        if [VERSION_LABEL, ROLLOUT_LABEL].contains(&name.as_str()) {
            let detail = format!("The rollout gives its pods the label {name} itself. Remove it.");
            findings.error("A label of the rollout's own", detail, at);
        }
        if selector.get(name).is_some_and(|selected| value.as_str() != Some(selected)) {
            let detail = format!(
                "The label {name} of the template is {value}, and the selector has {:?}. A selector must match the pods: give both the same value.",
                selector.get(name).map_or("", String::as_str),
            );
            findings.error("The selector does not match the template", detail, at);
        }
    }
}
