//! `clb_vgroup`: two LoadBalancer Services share one server group of an Alibaba CLB that the user manages, each with a weight of its own.
//!
//! The cloud controller manager reads the weight only where both the load balancer and the group are the user's.

use std::cmp::Reverse;

use serde_json::{Value as Json, json};

use super::{Abilities, Goal, Reading, Refusal, Router, Versions, percent, weight_of};
use crate::live::{Live, Reference, annotation};
use crate::version::{ROLLOUT_LABEL, Version, label_of};
use crate::write::Write;

const PREFIX: &str = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-";
const WEIGHT_MAX: u64 = 100;

/// Splits by the weights of two Services in one server group.
#[derive(Clone, Debug)]
pub struct ClbVgroup {
    /// The identity of the load balancer.
    pub load_balancer: String,
    /// The identity of its server group.
    pub group: String,
    /// The port of the Services.
    pub port: u16,
    /// The port of the pods.
    pub target_port: u16,
}

impl ClbVgroup {
    /// The weight of a version; `None` if it is not in the group.
    fn weight(version: Option<&Version>, live: &Live) -> Option<u64> {
        let service = live.get(&Reference::service(&version?.service))?;
        Some(
            annotation(service, &format!("{PREFIX}weight")).map_or(WEIGHT_MAX, |text| weight_of(text).into()),
        )
    }

    fn write(&self, version: &Version, weight: u64, versions: &Versions) -> Write {
        Write::apply(
            Reference::service(&version.service),
            json!({
                "metadata": {
                    "labels": { ROLLOUT_LABEL: label_of(&versions.rollout) },
                    "annotations": {
                        format!("{PREFIX}id"): self.load_balancer,
                        format!("{PREFIX}vgroup-port"): format!("{}:{}", self.group, self.port),
                        format!("{PREFIX}weight"): weight.to_string(),
                    },
                },
                "spec": {
                    "type": "LoadBalancer",
                    "selector": version.pin,
                    "ports": [{ "port": self.port, "targetPort": self.target_port, "protocol": "TCP" }],
                },
            }),
        )
    }

    /// The next write towards these weights: the one that grows goes first, so that their sum never is zero.
    fn toward_weights(&self, new: u64, versions: &Versions, live: &Live) -> Option<Write> {
        let rest = WEIGHT_MAX.saturating_sub(new);
        let mut wanted = Vec::new();
        for (version, weight) in [(Some(&versions.new), new), (versions.old.as_ref(), rest)] {
            let Some(version) = version else { continue };
            let now = Self::weight(Some(version), live);
            if now != Some(weight) {
                wanted.push((now.is_some_and(|now| now > weight), version, weight));
            }
        }
        wanted.sort_by_key(|(shrinks, _, weight)| (*shrinks, Reverse(*weight)));
        wanted.first().map(|(_, version, weight)| self.write(version, *weight, versions))
    }

    /// The next write after which only one of them is in the group: the other's weight is 0 before it leaves.
    fn toward_only(
        &self,
        kept: Option<&Version>,
        gone: Option<&Version>,
        versions: &Versions,
        live: &Live,
    ) -> Option<Write> {
        let is_there = |version: &&Version| live.get(&Reference::service(&version.service)).is_some();
        if let Some(gone) = gone.filter(is_there) {
            let share = if kept == Some(&versions.new) { WEIGHT_MAX } else { 0 };
            let weights = self.toward_weights(share, versions, live);
            return Some(weights.unwrap_or_else(|| Write::Delete(Reference::service(&gone.service))));
        }
        let kept = kept.filter(|kept| Self::weight(Some(kept), live) != Some(WEIGHT_MAX))?;
        Some(self.write(kept, WEIGHT_MAX, versions))
    }
}

impl Router for ClbVgroup {
    fn name(&self) -> &'static str {
        "clb_vgroup"
    }

    fn abilities(&self) -> Abilities {
        Abilities::WEIGHT
    }

    fn references(&self, _: &Versions) -> Vec<Reference> {
        Vec::new()
    }

    fn ports(&self) -> Option<Json> {
        // Its Services bear the weights, so it makes them itself.
        None
    }

    fn read(&self, versions: &Versions, live: &Live) -> Result<Reading, Refusal> {
        let new = Self::weight(Some(&versions.new), live);
        let old = Self::weight(versions.old.as_ref(), live);
        let (weight, rest) = (new.unwrap_or(0), old.unwrap_or(0));
        let shown =
            |weight: Option<u64>| weight.map_or_else(|| "none".to_owned(), |weight| weight.to_string());
        let form = format!("the new version weighs {}, the old one {}", shown(new), shown(old));
        Ok(Reading { share: percent(weight, weight + rest), has_match: false, form })
    }

    fn toward(&self, goal: &Goal<'_>, versions: &Versions, live: &Live) -> Result<Option<Write>, Refusal> {
        let (old, new) = (versions.old.as_ref(), Some(&versions.new));
        Ok(match goal {
            Goal::Split(weight, _) => self.toward_weights(u64::from(*weight), versions, live),
            Goal::Promoted => self.toward_only(new, old, versions, live),
            Goal::Withdrawn => self.toward_only(old, new, versions, live),
        })
    }

    fn grace_ms(&self) -> i64 {
        // The load balancer's own API is asked by the controller, and answers when it has done it.
        15_000
    }
}
