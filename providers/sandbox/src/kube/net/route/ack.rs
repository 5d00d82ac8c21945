//! What ACK's edition of ingress-nginx adds: weights and matches for several backends of one path.
//!
//! `nginx.ingress.kubernetes.io/service-match` first excludes what a request doesn't match, then
//! `nginx.ingress.kubernetes.io/service-weight` weighs what is left; `ingress.aliyun.weight/SERVICE` is the oldest form.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use super::ingress::{Flavour, annotation, share};
use super::matching::matches_part;
use super::{Asked, Share};
use crate::kube::object::{map, text};

const LEGACY: &str = "ingress.aliyun.weight/";
const WEIGHT_WHOLE: u32 = 100;
/// A service's rule: its name, what is looked at, its name, and an expression or an exact value.
const RULE: &str =
    r#"([A-Za-z0-9.-]+)\s*:\s*(header|cookie|query)\(\s*"([^"]*)"\s*,\s*(?:/([^/]*)/|"([^"]*)")\s*\)"#;

/// The shares of the backends that an Ingress names for one path. Without these annotations the first one has all.
pub(super) fn shares(asked: Asked<'_>, ingress: &Value, backends: &[&Value]) -> Vec<Share> {
    let names: Vec<&str> = backends.iter().map(|backend| text(backend, "/service/name")).collect();
    let matched = matched(asked, annotation(ingress, Flavour::Nginx.prefix(), "service-match"));
    let given = weights(annotation(ingress, Flavour::Nginx.prefix(), "service-weight"));
    let legacy = legacy_weights(ingress);
    if matched.is_empty() && given.is_empty() && legacy.is_empty() {
        return backends.first().map(|backend| share(ingress, backend)).into_iter().collect();
    }
    let taken: u32 = names.iter().filter_map(|name| legacy.get(*name)).sum();
    let weight = |name: &str| match (matched.get(name), given.get(name)) {
        (Some(false), _) => 0,
        (_, Some(weight)) => *weight,
        (Some(true), None) => WEIGHT_WHOLE,
        // Those that match have all if nothing weighs them.
        (None, None) if given.is_empty() && matched.values().any(|matches| *matches) => 0,
        (None, None) if legacy.is_empty() => WEIGHT_WHOLE,
        (None, None) => *legacy.get(name).unwrap_or(&WEIGHT_WHOLE.saturating_sub(taken)),
    };
    let weighed = backends.iter().zip(&names);
    weighed.map(|(backend, name)| Share { weight: weight(name), ..share(ingress, backend) }).collect()
}

/// Whether the request matches, for each service that has a rule.
fn matched(asked: Asked<'_>, rules: &str) -> BTreeMap<String, bool> {
    let Ok(rule) = Regex::new(RULE) else { return BTreeMap::new() };
    let part =
        |found: &regex::Captures<'_>, group: usize| found.get(group).map(|text| text.as_str().to_owned());
    let mut all = BTreeMap::new();
    for found in rule.captures_iter(rules) {
        let (Some(service), Some(kind), Some(name)) = (part(&found, 1), part(&found, 2), part(&found, 3))
        else {
            continue;
        };
        let value = match kind.as_str() {
            "header" => asked.header(&name),
            "cookie" => asked.cookie(&name),
            _ => asked.query(&name),
        };
        let matches = value.is_some_and(|value| match (part(&found, 4), part(&found, 5)) {
            (Some(expression), _) => matches_part(&expression, value),
            (None, exact) => exact.as_deref() == Some(value),
        });
        all.insert(service, matches);
    }
    all
}

/// `new-nginx: 20, old-nginx: 80`.
fn weights(text: &str) -> BTreeMap<String, u32> {
    let pairs = text.split([',', '\n']).filter_map(|pair| pair.split_once(':'));
    pairs.filter_map(|(name, weight)| Some((name.trim().to_owned(), weight.trim().parse().ok()?))).collect()
}

fn legacy_weights(ingress: &Value) -> BTreeMap<String, u32> {
    let annotations = map(ingress, "/metadata/annotations").iter();
    annotations
        .filter_map(|(key, value)| {
            Some((key.strip_prefix(LEGACY)?, value.as_str()?.trim().parse::<u32>().ok()?))
        })
        .map(|(service, weight)| (service.to_owned(), weight.min(WEIGHT_WHOLE)))
        .collect()
}
