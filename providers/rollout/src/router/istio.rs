//! `istio`: the weights of a VirtualService over the subsets of a DestinationRule, which the rollout owns.
//!
//! A subset is there before a route names it, and goes after the last route that did; weights that are all 0 are rejected, so they always sum
//! to 100. A split is in force when every proxy has acknowledged it, or, where the control plane does not tell, after a time of grace.

use serde_json::{Value as Json, json};

use super::{Abilities, Goal, Reading, Refusal, Router, Side, Versions, own, required, weighed};
use crate::live::{Live, Reference, list, text};
use crate::spec::Match;
use crate::version::{ROLLOUT_LABEL, Version, label_of};
use crate::write::Write;

/// What the names of routes that take what matches begin with.
const MATCH_ROUTE: &str = "meshform-match-";

/// Splits by a VirtualService.
#[derive(Clone, Debug)]
pub struct Istio {
    /// The VirtualService.
    pub virtual_service: String,
    /// The host, a Service that selects the pods of every version.
    pub host: String,
}

impl Istio {
    fn reference(&self) -> Reference {
        Reference::virtual_service(&self.virtual_service)
    }

    fn rule_reference(versions: &Versions) -> Reference {
        Reference::destination_rule(format!("{}-versions", versions.rollout))
    }

    /// Whether a destination is one of the rollout's, and which version it is. Without a subset it is what the old version takes over.
    fn side(&self, destination: &Json, versions: &Versions) -> Result<Option<Side>, Refusal> {
        if text(destination, "/destination/host") != Some(&self.host) {
            return Ok(None);
        }
        let old = versions.old.as_ref().map(subset);
        match text(destination, "/destination/subset") {
            None => Ok(Some(Side::Old)),
            Some(name) if name == subset(&versions.new) => Ok(Some(Side::New)),
            Some(name) if Some(name) == old.as_deref() => Ok(Some(Side::Old)),
            Some(name) => {
                let what = format!("it leads to the subset {name}, which is no version of this rollout");
                Err(Refusal::foreign(&self.reference(), what))
            }
        }
    }

    /// The weights of the versions in one route: old, new; `None` if it leads elsewhere.
    fn weights(&self, route: &Json, versions: &Versions) -> Result<Option<(u64, u64)>, Refusal> {
        let destinations = list(route, "/route");
        let mut sums = None;
        for destination in destinations {
            let Some(side) = self.side(destination, versions)? else { continue };
            let alone = if destinations.len() == 1 { 100 } else { 0 };
            let weight = destination.get("weight").and_then(Json::as_u64).unwrap_or(alone);
            let (old, new) = sums.unwrap_or((0u64, 0u64));
            sums = Some(match side {
                Side::Old => (old.saturating_add(weight), new),
                Side::New => (old, new.saturating_add(weight)),
            });
        }
        Ok(sums)
    }

    /// The weights of the versions in each route of the user's own that leads to them.
    fn splits(&self, service: &Json, versions: &Versions) -> Result<Vec<(u64, u64)>, Refusal> {
        let mut splits = Vec::new();
        for route in list(service, "/spec/http").iter().filter(|route| !is_match_route(route)) {
            splits.extend(self.weights(route, versions)?);
        }
        if splits.is_empty() {
            let what = format!("none of its routes leads to {}", self.host);
            return Err(Refusal::foreign(&self.reference(), what));
        }
        Ok(splits)
    }

    /// The routes as they are to be.
    fn routes(
        &self,
        service: &Json,
        versions: &Versions,
        weights: &[(Option<&Version>, u8)],
        matching: Option<&Match>,
    ) -> Result<Json, Refusal> {
        let mut routes = Vec::new();
        for route in list(service, "/spec/http").iter().filter(|route| !is_match_route(route)) {
            if self.weights(route, versions)?.is_none() {
                routes.push(route.clone());
                continue;
            }
            if let Some(matching) = matching {
                let name = format!("{MATCH_ROUTE}{}", routes.len());
                routes.push(self.match_route(name, route, versions, matching)?);
            }
            routes.push(self.led_to(route, versions, weights)?);
        }
        Ok(routes.into())
    }

    fn led_to(
        &self,
        route: &Json,
        versions: &Versions,
        weights: &[(Option<&Version>, u8)],
    ) -> Result<Json, Refusal> {
        let (mut model, mut others) = (None, Vec::new());
        for destination in list(route, "/route") {
            match self.side(destination, versions)? {
                Some(_) => model = model.or(Some(destination)),
                None => others.push(destination.clone()),
            }
        }
        let model = model.cloned().unwrap_or_else(|| json!({ "destination": { "host": self.host } }));
        let ours = weights.iter().map(|(version, weight)| {
            let mut destination = model.clone();
            if let Some(version) = version {
                destination["destination"]["subset"] = subset(version).into();
            }
            destination["weight"] = (*weight).into();
            destination
        });
        let mut route = route.clone();
        route["route"] = ours.chain(others).collect();
        Ok(route)
    }

    fn match_route(
        &self,
        name: String,
        route: &Json,
        versions: &Versions,
        matching: &Match,
    ) -> Result<Json, Refusal> {
        let (header, condition) = match matching {
            Match::Header(name, value) => (name.to_lowercase(), json!({ "exact": value })),
            Match::HeaderPattern(name, pattern) => (name.to_lowercase(), json!({ "regex": pattern })),
            Match::Cookie(name, value) => {
                ("cookie".to_owned(), json!({ "regex": super::gateway_api::cookie_pattern(name, value) }))
            }
        };
        let own = list(route, "/match");
        let own = if own.is_empty() { vec![json!({})] } else { own.to_vec() };
        let with_header = own.into_iter().map(|mut one| {
            one["headers"][header.as_str()] = condition.clone();
            one
        });
        let mut taking = self.led_to(route, versions, &[(Some(&versions.new), 100)])?;
        taking["name"] = name.into();
        taking["match"] = with_header.collect();
        Ok(taking)
    }

    /// The write that makes the subsets be just these, if they are not.
    fn subsets(
        &self,
        versions: &Versions,
        wanted: &[&Version],
        live: &Live,
    ) -> Result<Option<Write>, Refusal> {
        let reference = Self::rule_reference(versions);
        let subsets: Json =
            wanted.iter().map(|version| json!({ "name": subset(version), "labels": version.pin })).collect();
        let spec = json!({ "host": self.host, "subsets": subsets });
        let there = own(live, &reference, versions)?;
        let is_there = there.is_some_and(|rule| {
            rule.pointer("/spec/subsets") == Some(&subsets) && text(rule, "/spec/host") == Some(&self.host)
        });
        let labels = json!({ ROLLOUT_LABEL: label_of(&versions.rollout) });
        let document = json!({ "metadata": { "labels": labels }, "spec": spec });
        Ok((!is_there).then(|| Write::apply(reference, document)))
    }

    /// The next write after which only one version has a route and a subset. Its subset may not be there yet.
    fn toward_only(
        &self,
        version: &Version,
        both: &[&Version],
        versions: &Versions,
        live: &Live,
    ) -> Result<Option<Write>, Refusal> {
        let routed = self.routed(versions, &[(Some(version), 100)], None, live)?;
        if routed.is_none() {
            return self.subsets(versions, &[version], live);
        }
        let subsets = self.subsets(versions, both, live)?;
        Ok(subsets.or(routed))
    }

    fn routed(
        &self,
        versions: &Versions,
        weights: &[(Option<&Version>, u8)],
        matching: Option<&Match>,
        live: &Live,
    ) -> Result<Option<Write>, Refusal> {
        let service = required(live, &self.reference())?;
        let routes = self.routes(service, versions, weights, matching)?;
        let is_there = service.pointer("/spec/http") == Some(&routes);
        Ok((!is_there)
            .then(|| Write::merge(self.reference(), service, json!({ "spec": { "http": routes } }))))
    }
}

/// The subset of a version.
fn subset(version: &Version) -> String {
    format!("v-{}", version.id)
}

fn is_match_route(route: &Json) -> bool {
    text(route, "/name").is_some_and(|name| name.starts_with(MATCH_ROUTE))
}

impl Router for Istio {
    fn name(&self) -> &'static str {
        "istio"
    }

    fn abilities(&self) -> Abilities {
        Abilities::ALL
    }

    fn references(&self, versions: &Versions) -> Vec<Reference> {
        vec![self.reference(), Self::rule_reference(versions), Reference::service(&self.host)]
    }

    fn ports(&self) -> Option<Json> {
        None
    }

    fn read(&self, versions: &Versions, live: &Live) -> Result<Reading, Refusal> {
        let service = required(live, &self.reference())?;
        let taking = list(service, "/spec/http").iter().filter(|route| is_match_route(route));
        let matches: Vec<_> = taking.map(|route| route.get("match").unwrap_or(&Json::Null)).collect();
        Ok(weighed(&self.reference(), self.splits(service, versions)?, &matches))
    }

    fn toward(&self, goal: &Goal<'_>, versions: &Versions, live: &Live) -> Result<Option<Write>, Refusal> {
        let (old, new) = (versions.old.as_ref(), &versions.new);
        let both: Vec<_> = old.into_iter().chain([new]).collect();
        match goal {
            Goal::Split(weight, matching) => match self.subsets(versions, &both, live)? {
                Some(write) => Ok(Some(write)),
                None => {
                    let weights = [(old, 100u8.saturating_sub(*weight)), (Some(new), *weight)];
                    self.routed(versions, &weights, *matching, live)
                }
            },
            Goal::Promoted => self.toward_only(new, &both, versions, live),
            // Before there was a version the route led to all pods, and there is no way back to that.
            Goal::Withdrawn => match old {
                Some(old) => self.toward_only(old, &both, versions, live),
                None => Ok(None),
            },
        }
    }

    fn unconfirmed(&self, _: &Versions, live: &Live) -> Option<String> {
        (live.is_mesh_synced == Some(false))
            .then(|| format!("not every proxy has acknowledged the {}", self.reference()))
    }

    fn grace_ms(&self) -> i64 {
        10_000
    }

    fn lint(&self, versions: &Versions, live: &Live) -> Vec<crate::lint::Finding> {
        let others = live.objects.iter().filter(|(reference, rule)| {
            reference.kind == "DestinationRule"
                && **reference != Self::rule_reference(versions)
                && text(rule, "/spec/host") == Some(&self.host)
        });
        others.map(|(reference, _)| crate::lint::second_rule(reference, &self.host)).collect()
    }
}
