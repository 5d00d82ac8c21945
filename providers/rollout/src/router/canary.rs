//! A second Ingress that takes a part of the first one's requests: what ingress-nginx and the ALB ingress controller have in common.
//!
//! ```text
//! up        make the canary at weight 0 → raise its weight
//! back      its weight to 0 → remove it
//! promote   the main Ingress to the new version, with the canary at 100 → the canary's weight to 0 → remove it
//! ```
//!
//! The canary is retargeted only at weight 0, by removing it and making it anew.

use serde_json::{Map, Value as Json, json};

use super::backends::{Lead, leads_to, rules_of_versions, rules_to, sides};
use super::{Goal, Reading, Refusal, Side, Versions, own, required, weight_of};
use crate::live::{Live, Reference, annotation};
use crate::spec::Match;
use crate::version::{ROLLOUT_LABEL, label_of};
use crate::write::Write;

/// Which annotations a controller reads, and whether one Ingress may bear a match and a weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialect {
    /// What its annotations begin with.
    pub(super) prefix: &'static str,
    /// What says that an Ingress comes before others: the annotation and its values for a canary by weight and by match.
    pub(super) order: Option<(&'static str, [&'static str; 2])>,
    /// Whether a match has an Ingress of its own.
    pub(super) is_match_apart: bool,
}

/// The main Ingress and what its paths led to before there were versions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Canary<'a> {
    pub(super) dialect: Dialect,
    pub(super) ingress: &'a str,
    pub(super) lead: Lead<'a>,
}

/// Which Ingress of the rollout's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Own {
    ByWeight,
    ByMatch,
}

impl Canary<'_> {
    pub(super) fn references(self, versions: &Versions) -> Vec<Reference> {
        let mut references = vec![self.main(), Self::named(versions, Own::ByWeight)];
        references.extend(self.dialect.is_match_apart.then(|| Self::named(versions, Own::ByMatch)));
        references
    }

    fn main(self) -> Reference {
        Reference::ingress(self.ingress)
    }

    fn named(versions: &Versions, own: Own) -> Reference {
        let suffix = if own == Own::ByWeight { "canary" } else { "match" };
        Reference::ingress(format!("{}-{suffix}", versions.rollout))
    }

    pub(super) fn read(self, versions: &Versions, live: &Live) -> Result<Reading, Refusal> {
        for reference in self.references(versions).iter().skip(1) {
            own(live, reference, versions)?;
        }
        let reference = self.main();
        let sides = sides(required(live, &reference)?, &reference, versions, self.lead)?;
        let weight = self.weight(versions, live);
        let matching = self.matching_shown(versions, live);
        let to_new = self.canary_leads_to_new(versions, live);
        let (share, main) = match sides.as_slice() {
            [Side::Old] => (weight.map(weight_of).filter(|_| to_new).unwrap_or(0), "the old version"),
            [Side::New] => (100, "the new version"),
            _ => (100, "both versions"),
        };
        let weight = weight.map_or_else(|| "no canary".to_owned(), |weight| format!("canary at {weight}"));
        let form = format!("{reference} leads to {main}, {weight}{matching}");
        Ok(Reading { share, has_match: !matching.is_empty() && to_new, form })
    }

    /// What the canary's weight is written as; `None` if there is no canary.
    fn weight<'a>(self, versions: &Versions, live: &'a Live) -> Option<&'a str> {
        let canary = live.get(&Self::named(versions, Own::ByWeight))?;
        Some(annotation(canary, &self.key("canary-weight")).unwrap_or("0"))
    }

    fn matching_shown(self, versions: &Versions, live: &Live) -> String {
        let Some(canary) = live.get(&self.matching_reference(versions)) else { return String::new() };
        let shown = |name: &str| annotation(canary, &self.key(name)).map(|value| format!(", {name} {value}"));
        ["canary-by-header", "canary-by-header-value", "canary-by-header-pattern", "canary-by-cookie"]
            .into_iter()
            .filter_map(shown)
            .collect()
    }

    fn matching_reference(self, versions: &Versions) -> Reference {
        Self::named(versions, if self.dialect.is_match_apart { Own::ByMatch } else { Own::ByWeight })
    }

    fn canary_leads_to_new(self, versions: &Versions, live: &Live) -> bool {
        let leads =
            |own| live.get(&Self::named(versions, own)).is_some_and(|it| leads_to(it, &versions.new.service));
        leads(Own::ByWeight) || leads(Own::ByMatch)
    }

    pub(super) fn toward(
        self,
        goal: &Goal<'_>,
        versions: &Versions,
        live: &Live,
    ) -> Result<Option<Write>, Refusal> {
        match goal {
            Goal::Split(weight, matching) => self.toward_split(*weight, *matching, versions, live),
            Goal::Promoted => match self.retarget(&versions.new.service, versions, live)? {
                Some(write) => Ok(Some(write)),
                None => self.without_canary(versions, live),
            },
            Goal::Withdrawn => match self.retarget_old(versions, live)? {
                Some(write) => Ok(Some(write)),
                None => self.without_canary(versions, live),
            },
        }
    }

    fn toward_split(
        self,
        weight: u8,
        matching: Option<&Match>,
        versions: &Versions,
        live: &Live,
    ) -> Result<Option<Write>, Refusal> {
        if let Some(write) = self.retarget_old(versions, live)? {
            return Ok(Some(write));
        }
        let by_weight = Self::named(versions, Own::ByWeight);
        if live.get(&by_weight).is_some_and(|canary| !leads_to(canary, &versions.new.service)) {
            return self.without_canary(versions, live);
        }
        let Some(now) = self.weight(versions, live) else {
            return Ok(Some(self.write(Own::ByWeight, 0, None, versions, live)?));
        };
        let (with_weight, apart) =
            if self.dialect.is_match_apart { (None, matching) } else { (matching, None) };
        if now != weight.to_string() || self.needs(Own::ByWeight, with_weight, versions, live) {
            return Ok(Some(self.write(Own::ByWeight, weight, with_weight, versions, live)?));
        }
        if !self.dialect.is_match_apart {
            return Ok(None);
        }
        let by_match = Self::named(versions, Own::ByMatch);
        match (apart, live.get(&by_match)) {
            (None, Some(_)) => Ok(Some(Write::Delete(by_match))),
            (Some(_), _) if self.needs(Own::ByMatch, apart, versions, live) => {
                Ok(Some(self.write(Own::ByMatch, 0, apart, versions, live)?))
            }
            _ => Ok(None),
        }
    }

    /// Whether one of the annotations of a match is not as it is to be.
    fn needs(self, own: Own, matching: Option<&Match>, versions: &Versions, live: &Live) -> bool {
        let there = live.get(&Self::named(versions, own));
        self.match_annotations(matching)
            .into_iter()
            .any(|(name, value)| there.and_then(|canary| annotation(canary, &name)) != value.as_str())
    }

    /// The main Ingress to this Service, where it is not already.
    fn retarget(self, service: &str, versions: &Versions, live: &Live) -> Result<Option<Write>, Refusal> {
        let reference = self.main();
        let main = required(live, &reference)?;
        sides(main, &reference, versions, self.lead)?;
        let rules = rules_to(main, versions, self.lead.original, &[service]);
        let is_there = main.pointer("/spec/rules") == Some(&rules);
        Ok((!is_there).then(|| Write::merge(reference, main, json!({ "spec": { "rules": rules } }))))
    }

    fn retarget_old(self, versions: &Versions, live: &Live) -> Result<Option<Write>, Refusal> {
        match versions.old_service(Some(self.lead.original)) {
            Some(service) => self.retarget(service, versions, live),
            None => Ok(None),
        }
    }

    /// The next write after which there is no canary: the one by match goes first, and the one by weight goes to 0 before it goes.
    fn without_canary(self, versions: &Versions, live: &Live) -> Result<Option<Write>, Refusal> {
        let by_match = Self::named(versions, Own::ByMatch);
        if self.dialect.is_match_apart && live.get(&by_match).is_some() {
            return Ok(Some(Write::Delete(by_match)));
        }
        let by_weight = Self::named(versions, Own::ByWeight);
        let Some(canary) = live.get(&by_weight) else { return Ok(None) };
        if self.weight(versions, live) == Some("0") && !self.needs(Own::ByWeight, None, versions, live) {
            return Ok(Some(Write::Delete(by_weight)));
        }
        let mut annotations = self.match_annotations(None);
        annotations.insert(self.key("canary-weight"), "0".into());
        let patch = json!({ "metadata": { "annotations": annotations } });
        Ok(Some(Write::merge(by_weight, canary, patch)))
    }

    /// The whole canary, with the class and the certificates of the main Ingress.
    fn write(
        self,
        own: Own,
        weight: u8,
        matching: Option<&Match>,
        versions: &Versions,
        live: &Live,
    ) -> Result<Write, Refusal> {
        let reference = self.main();
        let main = required(live, &reference)?;
        let mut annotations = self.match_annotations(matching);
        annotations.insert(self.key("canary"), "true".into());
        if own == Own::ByWeight {
            annotations.insert(self.key("canary-weight"), weight.to_string().into());
        }
        if let Some((name, values)) = self.dialect.order {
            annotations.insert(name.to_owned(), values[usize::from(own == Own::ByMatch)].into());
        }
        if let Some(class) = annotation(main, "kubernetes.io/ingress.class") {
            annotations.insert("kubernetes.io/ingress.class".to_owned(), class.into());
        }
        let mut spec = Map::new();
        let rules = rules_of_versions(main, versions, self.lead.original, &versions.new.service);
        spec.insert("rules".to_owned(), rules);
        for part in ["ingressClassName", "tls"] {
            if let Some(value) = main.pointer(&format!("/spec/{part}")) {
                spec.insert(part.to_owned(), value.clone());
            }
        }
        let labels = json!({ ROLLOUT_LABEL: label_of(&versions.rollout) });
        let document = json!({ "metadata": { "annotations": annotations, "labels": labels }, "spec": spec });
        Ok(match live.get(&Self::named(versions, own)) {
            // An apply takes nothing away that another manager has set too: the annotations are what changes.
            Some(there) => Write::merge(Self::named(versions, own), there, document),
            None => Write::apply(Self::named(versions, own), without_nulls(document)),
        })
    }

    /// The annotations of a match: null where there is to be none.
    fn match_annotations(self, matching: Option<&Match>) -> Map<String, Json> {
        let mut values: [Option<&str>; 4] = [None; 4];
        match matching {
            Some(Match::Header(name, value)) => values = [Some(name), Some(value), None, None],
            Some(Match::HeaderPattern(name, pattern)) => values = [Some(name), None, Some(pattern), None],
            Some(Match::Cookie(name, _)) => values = [None, None, None, Some(name)],
            None => {}
        }
        let names =
            ["canary-by-header", "canary-by-header-value", "canary-by-header-pattern", "canary-by-cookie"];
        names
            .into_iter()
            .zip(values)
            .map(|(name, value)| (self.key(name), value.map_or(Json::Null, Json::from)))
            .collect()
    }

    fn key(self, name: &str) -> String {
        format!("{}/{name}", self.dialect.prefix)
    }
}

/// An apply says what is there, and nothing of what is not.
fn without_nulls(mut document: Json) -> Json {
    if let Some(annotations) = document.pointer_mut("/metadata/annotations").and_then(Json::as_object_mut) {
        annotations.retain(|_, value| !value.is_null());
    }
    document
}
