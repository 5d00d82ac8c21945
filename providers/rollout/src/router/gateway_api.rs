//! `gateway_api`: the weights of an HTTPRoute's backends.
//!
//! A backend without a weight weighs 1, and one of weight 0 may stand; a backend without endpoints answers 503 for its share. The route is in
//! force when every parent says `Accepted` and `ResolvedRefs` of this very generation.

use serde_json::{Value as Json, json};

use super::{Abilities, Goal, Reading, Refusal, Router, Side, Versions, required, weighed};
use crate::live::{Live, Reference, list, text};
use crate::spec::Match;
use crate::write::Write;

/// The weight of the only backend of a rule that takes what matches. It tells such a rule from all others: a version that has everything
/// weighs 100. (Names of rules are not served everywhere.)
const MATCH_WEIGHT: u8 = 1;

/// Splits by an HTTPRoute.
#[derive(Clone, Debug)]
pub struct GatewayApi {
    /// The HTTPRoute.
    pub route: String,
    /// The Service that its rules lead to before the first rollout.
    pub service: String,
    /// The port of the Services.
    pub port: u16,
    /// The port of the pods.
    pub target_port: u16,
}

impl GatewayApi {
    fn reference(&self) -> Reference {
        Reference::http_route(&self.route)
    }

    fn side(&self, backend: &Json, versions: &Versions) -> Option<Side> {
        let kind = text(backend, "/kind").unwrap_or("Service");
        let name = text(backend, "/name").filter(|_| kind == "Service")?;
        versions.side(name, Some(&self.service))
    }

    fn leads_to_versions(&self, rule: &Json, versions: &Versions) -> bool {
        list(rule, "/backendRefs").iter().any(|backend| self.side(backend, versions).is_some())
    }

    /// The weights of the versions in one rule: old, new.
    fn weights(&self, rule: &Json, versions: &Versions) -> (u64, u64) {
        let mut sums = (0u64, 0u64);
        for backend in list(rule, "/backendRefs") {
            let weight = backend.get("weight").and_then(Json::as_u64).unwrap_or(1);
            match self.side(backend, versions) {
                Some(Side::Old) => sums.0 = sums.0.saturating_add(weight),
                Some(Side::New) => sums.1 = sums.1.saturating_add(weight),
                None => {}
            }
        }
        sums
    }

    /// The rules as they are to be.
    fn rules(
        &self,
        route: &Json,
        versions: &Versions,
        weights: &[(&str, u8)],
        matching: Option<&Match>,
    ) -> Json {
        let mut rules = Vec::new();
        for rule in list(route, "/spec/rules").iter().filter(|rule| !is_match_rule(rule, versions)) {
            if !self.leads_to_versions(rule, versions) {
                rules.push(rule.clone());
                continue;
            }
            if let Some(matching) = matching {
                rules.push(self.match_rule(rule, versions, matching));
            }
            rules.push(self.led_to(rule, versions, weights));
        }
        rules.into()
    }

    /// The rule with these backends in the place of all that lead to a version.
    fn led_to(&self, rule: &Json, versions: &Versions, weights: &[(&str, u8)]) -> Json {
        let backends = list(rule, "/backendRefs");
        let is_ours = |backend: &&Json| self.side(backend, versions).is_some();
        let model = backends.iter().find(is_ours).cloned().unwrap_or_else(|| json!({}));
        let ours = weights.iter().map(|(service, weight)| {
            let mut backend = model.clone();
            backend["name"] = (*service).into();
            backend["port"] = self.port.into();
            backend["weight"] = (*weight).into();
            backend
        });
        let others = backends.iter().filter(|backend| !is_ours(backend)).cloned();
        let mut rule = rule.clone();
        rule["backendRefs"] = ours.chain(others).collect();
        rule
    }

    /// The rule that comes before `rule` and takes of its requests those that match.
    fn match_rule(&self, rule: &Json, versions: &Versions, matching: &Match) -> Json {
        let (name, kind, value) = match matching {
            Match::Header(name, value) => (name.as_str(), "Exact", value.clone()),
            Match::HeaderPattern(name, pattern) => (name.as_str(), "RegularExpression", pattern.clone()),
            Match::Cookie(name, value) => ("Cookie", "RegularExpression", cookie_pattern(name, value)),
        };
        let header = json!({ "type": kind, "name": name, "value": value });
        let mut taking = self.led_to(rule, versions, &[(&versions.new.service, MATCH_WEIGHT)]);
        let own = list(rule, "/matches");
        let own = if own.is_empty() { vec![json!({})] } else { own.to_vec() };
        let with_header = own.into_iter().map(|mut one| {
            let mut headers = list(&one, "/headers").to_vec();
            headers.push(header.clone());
            one["headers"] = headers.into();
            one
        });
        taking["matches"] = with_header.collect();
        taking
    }

    /// The weights of the versions in each rule of the route's own that leads to them.
    fn splits(&self, route: &Json, versions: &Versions) -> Result<Vec<(u64, u64)>, Refusal> {
        let own = list(route, "/spec/rules")
            .iter()
            .filter(|rule| !is_match_rule(rule, versions) && self.leads_to_versions(rule, versions));
        let splits: Vec<_> = own.map(|rule| self.weights(rule, versions)).collect();
        if splits.is_empty() {
            let what = format!("none of its rules leads to {} or a version of this rollout", self.service);
            return Err(Refusal::foreign(&self.reference(), what));
        }
        Ok(splits)
    }
}

fn is_match_rule(rule: &Json, versions: &Versions) -> bool {
    let [backend] = list(rule, "/backendRefs") else { return false };
    let weight = backend.get("weight").and_then(Json::as_u64);
    text(backend, "/name") == Some(&versions.new.service) && weight == Some(u64::from(MATCH_WEIGHT))
}

/// What a Cookie header with that cookie looks like.
pub(super) fn cookie_pattern(name: &str, value: &str) -> String {
    format!("(^|.*; ?){}={}(;.*|$)", literally(name), literally(value))
}

/// A regular expression that matches just this text.
fn literally(text: &str) -> String {
    let escaped = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() || "-_".contains(letter) => letter.to_string(),
        letter => format!("\\{letter}"),
    };
    text.chars().map(escaped).collect()
}

impl Router for GatewayApi {
    fn name(&self) -> &'static str {
        "gateway_api"
    }

    fn abilities(&self) -> Abilities {
        Abilities::ALL
    }

    fn references(&self, _: &Versions) -> Vec<Reference> {
        vec![self.reference()]
    }

    fn ports(&self) -> Option<Json> {
        Some(json!([{ "port": self.port, "targetPort": self.target_port, "protocol": "TCP" }]))
    }

    fn read(&self, versions: &Versions, live: &Live) -> Result<Reading, Refusal> {
        let route = required(live, &self.reference())?;
        let taking = list(route, "/spec/rules").iter().filter(|rule| is_match_rule(rule, versions));
        let matches: Vec<_> = taking.map(|rule| rule.get("matches").unwrap_or(&Json::Null)).collect();
        Ok(weighed(&self.reference(), self.splits(route, versions)?, &matches))
    }

    fn toward(&self, goal: &Goal<'_>, versions: &Versions, live: &Live) -> Result<Option<Write>, Refusal> {
        let route = required(live, &self.reference())?;
        let is_both = self.read(versions, live)?.sends_to_new();
        let old = versions.old_service(Some(&self.service)).unwrap_or(&self.service);
        let new = versions.new.service.as_str();
        let (weights, matching) = match goal {
            Goal::Split(weight, matching) => {
                (vec![(old, 100u8.saturating_sub(*weight)), (new, *weight)], *matching)
            }
            Goal::Promoted => (vec![(new, 100)], None),
            // Its weight goes to 0 before it goes.
            Goal::Withdrawn if is_both => (vec![(old, 100), (new, 0)], None),
            Goal::Withdrawn => (vec![(old, 100)], None),
        };
        let rules = self.rules(route, versions, &weights, matching);
        let is_there = route.pointer("/spec/rules") == Some(&rules);
        Ok((!is_there).then(|| Write::merge(self.reference(), route, json!({ "spec": { "rules": rules } }))))
    }

    fn unconfirmed(&self, _: &Versions, live: &Live) -> Option<String> {
        let route = live.get(&self.reference())?;
        let generation = route.pointer("/metadata/generation").and_then(Json::as_u64);
        let parents = list(route, "/status/parents");
        if parents.is_empty() {
            return Some(format!("no gateway has taken on the {} yet", self.reference()));
        }
        let holds = |parent: &Json, kind: &str| {
            list(parent, "/conditions").iter().any(|condition| {
                let seen = condition.get("observedGeneration").and_then(Json::as_u64);
                text(condition, "/type") == Some(kind)
                    && text(condition, "/status") == Some("True")
                    && (generation.is_none() || seen >= generation)
            })
        };
        let kinds = ["Accepted", "ResolvedRefs"];
        let lacking = kinds.into_iter().find(|kind| parents.iter().any(|parent| !holds(parent, kind)))?;
        Some(format!("a gateway does not say {lacking} of the {} as it is now", self.reference()))
    }
}
