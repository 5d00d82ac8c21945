//! Two backends under one path of one Ingress, with weights in an annotation: what the two forms of the ACK Nginx Ingress controller have
//! in common.
//!
//! Without its annotation a path with two backends splits evenly, so the second backend and the annotation come in one write.

use serde_json::{Map, Value as Json, json};

use super::backends::{Lead, rules_to, sides};
use super::{Goal, Reading, Refusal, Side, Versions, required, weight_of};
use crate::live::{Live, Reference, annotation};
use crate::spec::Match;
use crate::write::Write;

const WEIGHT: &str = "nginx.ingress.kubernetes.io/service-weight";
const MATCH: &str = "nginx.ingress.kubernetes.io/service-match";
const LEGACY: &str = "ingress.aliyun.weight/";

/// How the weights are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    /// `service-weight: 'new: 50,old: 50'`
    ServiceWeight,
    /// `ingress.aliyun.weight/new: "50"`
    Legacy,
}

/// An Ingress and what its paths led to before there were versions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paired<'a> {
    pub(super) notation: Notation,
    pub(super) ingress: &'a str,
    pub(super) lead: Lead<'a>,
}

impl Paired<'_> {
    pub(super) fn reference(self) -> Reference {
        Reference::ingress(self.ingress)
    }

    pub(super) fn read(self, versions: &Versions, live: &Live) -> Result<Reading, Refusal> {
        let reference = self.reference();
        let ingress = required(live, &reference)?;
        let sides = sides(ingress, &reference, versions, self.lead)?;
        let weight = self.weight(ingress, versions);
        let matching = annotation(ingress, MATCH).filter(|_| self.notation == Notation::ServiceWeight);
        let (share, backends) = match sides.as_slice() {
            [Side::Old] => (0, "the old version"),
            [Side::New] => (100, "the new version"),
            // What the controller does without weights.
            _ => (weight.as_deref().map_or(50, weight_of), "both versions"),
        };
        let weight = weight.map_or_else(|| "no weight".to_owned(), |weight| format!("weight {weight}"));
        let shown = matching.map_or_else(String::new, |matching| format!(", matching {matching}"));
        let form = format!("{reference} leads to {backends}, {weight}{shown}");
        Ok(Reading { share, has_match: matching.is_some() && sides.contains(&Side::New), form })
    }

    /// What the new version's weight is written as, if it is.
    fn weight(self, ingress: &Json, versions: &Versions) -> Option<String> {
        match self.notation {
            Notation::Legacy => annotation(ingress, &self.legacy_key(versions)).map(str::to_owned),
            Notation::ServiceWeight => annotation(ingress, WEIGHT).map(|text| of_service(text, versions)),
        }
    }

    fn legacy_key(self, versions: &Versions) -> String {
        format!("{LEGACY}{}", versions.new.service)
    }

    pub(super) fn toward(
        self,
        goal: &Goal<'_>,
        versions: &Versions,
        live: &Live,
    ) -> Result<Option<Write>, Refusal> {
        let ingress = required(live, &self.reference())?;
        let sides = sides(ingress, &self.reference(), versions, self.lead)?;
        let old = versions.old_service(Some(self.lead.original)).unwrap_or(self.lead.original);
        let new = versions.new.service.as_str();
        let none = || self.annotations(None, None, versions);
        let (services, annotations) = match goal {
            // What a weight of 0 means to the old controller is not known.
            Goal::Split(0, None) if self.notation == Notation::Legacy => (vec![old], none()),
            Goal::Split(weight, matching) => {
                (vec![old, new], self.annotations(Some(*weight), *matching, versions))
            }
            Goal::Promoted if sides.contains(&Side::Old) => (vec![new], Map::new()),
            Goal::Promoted => (vec![new], none()),
            Goal::Withdrawn if self.is_weighed(&sides, ingress, versions) => {
                (vec![old, new], self.annotations(Some(0), None, versions))
            }
            Goal::Withdrawn => (vec![old], none()),
        };
        Ok(self.write(ingress, versions, &services, annotations))
    }

    /// Whether the weight is to go to 0 before the backend goes.
    fn is_weighed(self, sides: &[Side], ingress: &Json, versions: &Versions) -> bool {
        let is_at_0 =
            self.weight(ingress, versions).as_deref() == Some("0") && annotation(ingress, MATCH).is_none();
        self.notation == Notation::ServiceWeight && sides.len() > 1 && !is_at_0
    }

    /// The one write that brings the backends and the annotations to be so, if they are not.
    fn write(
        self,
        ingress: &Json,
        versions: &Versions,
        services: &[&str],
        annotations: Map<String, Json>,
    ) -> Option<Write> {
        let rules = rules_to(ingress, versions, self.lead.original, services);
        let mut patch = json!({});
        if ingress.pointer("/spec/rules") != Some(&rules) {
            patch["spec"]["rules"] = rules;
        }
        let changed: Map<_, _> = annotations
            .into_iter()
            .filter(|(name, value)| annotation(ingress, name) != value.as_str())
            .collect();
        if !changed.is_empty() {
            patch["metadata"]["annotations"] = Json::Object(changed);
        }
        let is_changed = patch.as_object().is_some_and(|fields| !fields.is_empty());
        is_changed.then(|| Write::merge(self.reference(), ingress, patch))
    }

    /// All annotations of this notation: null where there is to be none.
    fn annotations(
        self,
        weight: Option<u8>,
        matching: Option<&Match>,
        versions: &Versions,
    ) -> Map<String, Json> {
        let mut annotations = Map::new();
        if self.notation == Notation::Legacy {
            let value = weight.map_or(Json::Null, |weight| weight.to_string().into());
            annotations.insert(self.legacy_key(versions), value);
            return annotations;
        }
        let (new, old) = (&versions.new.service, versions.old_service(Some(self.lead.original)));
        let weights = weight.map(|weight| {
            let rest = old.map(|old| format!(",{old}: {}", 100u8.saturating_sub(weight)));
            format!("{new}: {weight}{}", rest.unwrap_or_default())
        });
        let matching = matching.map(|matching| format!("{new}: {}", condition(matching)));
        annotations.insert(WEIGHT.to_owned(), weights.map_or(Json::Null, Json::from));
        annotations.insert(MATCH.to_owned(), matching.map_or(Json::Null, Json::from));
        annotations
    }
}

/// The weight that `new: 50,old: 50` gives the new version; "0" if it does not name it.
fn of_service(weights: &str, versions: &Versions) -> String {
    let mut pairs = weights.split(',').filter_map(|pair| pair.split_once(':'));
    let found = pairs.find(|(service, _)| service.trim() == versions.new.service);
    found.map_or_else(|| "0".to_owned(), |(_, weight)| weight.trim().to_owned())
}

fn condition(matching: &Match) -> String {
    match matching {
        Match::Header(name, value) => format!("header({name:?}, {value:?})"),
        Match::HeaderPattern(name, pattern) => format!("header({name:?}, /{pattern}/)"),
        Match::Cookie(name, value) => format!("cookie({name:?}, {value:?})"),
    }
}
