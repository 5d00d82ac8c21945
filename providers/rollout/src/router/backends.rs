//! The backends of an Ingress: which of its paths lead to a version.

use serde_json::{Value as Json, json};

use super::{Refusal, Side, Versions};
use crate::live::{Reference, list, text};

/// Where paths lead before the first rollout, and to which port of the Services they lead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lead<'a> {
    pub(super) original: &'a str,
    pub(super) port: u16,
}

/// The Service that a path leads to.
pub(super) fn service_of(path: &Json) -> Option<&str> {
    text(path, "/backend/service/name")
}

/// Every path of every rule.
pub(super) fn paths(ingress: &Json) -> impl Iterator<Item = &Json> {
    list(ingress, "/spec/rules").iter().flat_map(|rule| list(rule, "/http/paths"))
}

/// Which versions the paths lead to, each once, in the order of the paths. Paths that lead elsewhere are none of the rollout's.
///
/// # Errors
/// When no path leads to a version, or one does by another port than the Services of versions have.
pub(super) fn sides(
    ingress: &Json,
    reference: &Reference,
    versions: &Versions,
    Lead { original, port }: Lead<'_>,
) -> Result<Vec<Side>, Refusal> {
    let mut sides = Vec::new();
    for path in paths(ingress) {
        let Some(side) = service_of(path).and_then(|name| versions.side(name, Some(original))) else {
            continue;
        };
        let there = path.pointer("/backend/service/port/number").and_then(Json::as_u64);
        if there != Some(u64::from(port)) {
            let what =
                format!("a path leads to another port than {port}. Give `port` and the path the same number");
            return Err(Refusal::foreign(reference, what));
        }
        if !sides.contains(&side) {
            sides.push(side);
        }
    }
    if sides.is_empty() {
        let what = format!("none of its paths leads to {original} or a version of this rollout");
        return Err(Refusal::foreign(reference, what));
    }
    Ok(sides)
}

/// Whether any path leads to that Service.
pub(super) fn leads_to(ingress: &Json, service: &str) -> bool {
    paths(ingress).any(|path| service_of(path) == Some(service))
}

/// The rules with every path to a version replaced by one path to each of these Services.
pub(super) fn rules_to(ingress: &Json, versions: &Versions, original: &str, services: &[&str]) -> Json {
    let is_ours =
        |path: &Json| service_of(path).is_some_and(|name| versions.side(name, Some(original)).is_some());
    let rules = list(ingress, "/spec/rules").iter().map(|rule| {
        let mut rule = rule.clone();
        if let Some(paths) = rule.pointer_mut("/http/paths").and_then(Json::as_array_mut) {
            *paths = expanded(paths, is_ours, services);
        }
        rule
    });
    rules.collect()
}

fn expanded(paths: &[Json], is_ours: impl Fn(&Json) -> bool, services: &[&str]) -> Vec<Json> {
    let mut expanded: Vec<Json> = Vec::new();
    for path in paths {
        let made: Vec<_> = match is_ours(path) {
            true => services.iter().map(|service| led_to(path, service)).collect(),
            false => vec![path.clone()],
        };
        // Two paths to two versions come to the same paths.
        for path in made {
            if !expanded.contains(&path) {
                expanded.push(path);
            }
        }
    }
    expanded
}

fn led_to(path: &Json, service: &str) -> Json {
    let mut path = path.clone();
    path["backend"]["service"]["name"] = service.into();
    path
}

/// Only the rules with paths to a version, and of these only such paths: what a canary takes over.
pub(super) fn rules_of_versions(ingress: &Json, versions: &Versions, original: &str, service: &str) -> Json {
    let all = rules_to(ingress, versions, original, &[service]);
    let kept = all.as_array().into_iter().flatten().filter_map(|rule| {
        let paths: Vec<_> = list(rule, "/http/paths")
            .iter()
            .filter(|path| service_of(path) == Some(service))
            .cloned()
            .collect();
        let mut rule = rule.clone();
        rule["http"] = json!({ "paths": paths });
        (!paths.is_empty()).then_some(rule)
    });
    kept.collect()
}
