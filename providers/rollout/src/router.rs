//! Who splits the traffic between two versions.
//!
//! A router reads how the traffic is split from live objects, and names the next write on the way to a wanted split. It keeps nothing:
//! who calls it again after any write, or after none, gets the write that is next then. How long to wait between two writes, and whether
//! pods are there for what a write sends to them, is the machine's business.

mod ack;
mod ack_ingress;
mod ack_ingress_legacy;
mod alb_ingress;
mod backends;
mod canary;
mod clb_vgroup;
mod gateway_api;
mod ingress_nginx;
mod istio;
mod replicas;
#[cfg(test)]
mod tests;

use std::fmt::Debug;

use serde_json::Value as Json;
use thiserror::Error;

pub use self::ack_ingress::AckIngress;
pub use self::ack_ingress_legacy::AckIngressLegacy;
pub use self::alb_ingress::AlbIngress;
pub use self::clb_vgroup::ClbVgroup;
pub use self::gateway_api::GatewayApi;
pub use self::ingress_nginx::IngressNginx;
pub use self::istio::Istio;
pub use self::replicas::Replicas;
use crate::lint::Finding;
use crate::live::{Live, Reference};
use crate::spec::Match;
use crate::version::{ROLLOUT_LABEL, Version, label_of};
use crate::write::Write;

/// One way to split traffic.
pub trait Router: Debug + Send + Sync {
    /// What it is called in a `route` block.
    fn name(&self) -> &'static str;

    /// What it can do.
    fn abilities(&self) -> Abilities;

    /// The objects that it reads, beside the Services of the versions.
    fn references(&self, versions: &Versions) -> Vec<Reference>;

    /// The ports of the Services that it wants, one for each version; `None` if it wants none.
    fn ports(&self) -> Option<Json>;

    /// How the traffic is split now.
    ///
    /// # Errors
    /// When the objects are not there, or in a form that is none of ours: changing them would be guessing.
    fn read(&self, versions: &Versions, live: &Live) -> Result<Reading, Refusal>;

    /// The next write on the way to the goal; `None` when it is reached.
    ///
    /// # Errors
    /// As [`Router::read`].
    fn toward(&self, goal: &Goal<'_>, versions: &Versions, live: &Live) -> Result<Option<Write>, Refusal>;

    /// What shows that the live split is in force: nothing more to wait for, or what is still waited for.
    fn unconfirmed(&self, _versions: &Versions, _live: &Live) -> Option<String> {
        None
    }

    /// How long after a write its split is in force, where nothing tells: in milliseconds.
    fn grace_ms(&self) -> i64 {
        5_000
    }

    /// What would spoil a rollout.
    fn lint(&self, _versions: &Versions, _live: &Live) -> Vec<Finding> {
        Vec::new()
    }
}

/// What a router can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Whether it splits by weight; otherwise the share is that of the pods.
    pub weighs: bool,
    /// The matches that it knows.
    pub header: bool,
    /// Whether headers may match a pattern.
    pub header_pattern: bool,
    /// Whether cookies may match.
    pub cookie: bool,
}

impl Abilities {
    /// Weights and nothing else.
    pub(crate) const WEIGHT: Self =
        Self { weighs: true, header: false, header_pattern: false, cookie: false };
    /// Weights and every match.
    pub(crate) const ALL: Self = Self { weighs: true, header: true, header_pattern: true, cookie: true };

    /// Whether it can send such requests to one version.
    pub fn matches(&self, matching: &Match) -> bool {
        match matching {
            Match::Header(..) => self.header,
            Match::HeaderPattern(..) => self.header_pattern,
            Match::Cookie(..) => self.cookie,
        }
    }
}

/// The two versions of a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// What the rollout is called.
    pub rollout: String,
    /// The one that has the traffic at first; `None` if there is none yet.
    pub old: Option<Version>,
    /// The one that is to have it.
    pub new: Version,
}

/// One of the two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The one that has the traffic at first.
    Old,
    /// The one that is to have it.
    New,
}

impl Versions {
    /// Which version's Service that is. The Service that a route names before its first rollout counts as the old version's.
    pub(crate) fn side(&self, service: &str, original: Option<&str>) -> Option<Side> {
        if service == self.new.service {
            return Some(Side::New);
        }
        let is_old = self.old.as_ref().is_some_and(|old| old.service == service);
        (is_old || original == Some(service)).then_some(Side::Old)
    }

    /// The Service that all traffic goes to when the new version gets none; the original one before there is any version.
    pub(crate) fn old_service<'a>(&'a self, original: Option<&'a str>) -> Option<&'a str> {
        self.old.as_ref().map(|old| old.service.as_str()).or(original)
    }
}

/// How a route is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal<'a> {
    /// The new version gets this share, in percent, and all requests that match.
    Split(u8, Option<&'a Match>),
    /// The new version is the only one.
    Promoted,
    /// The old version is the only one again.
    Withdrawn,
}

/// How the traffic is split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The share of the new version, in percent, of the requests that no match takes.
    pub share: u8,
    /// Whether some requests go to the new version because they match.
    pub has_match: bool,
    /// All that a rollout changes about the route, for people. Two readings of the same form are of the same split.
    pub form: String,
}

impl Reading {
    /// Whether the new version gets anything.
    pub fn sends_to_new(&self) -> bool {
        self.share > 0 || self.has_match
    }

    /// Whether the old version gets anything.
    pub fn sends_to_old(&self) -> bool {
        self.share < 100
    }
}

/// Why a route is not touched.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// An object is not there.
    #[error("find the {0}")]
    Missing(Reference),
    /// It has a backend that is no version of the rollout.
    #[error("use the {object}: {what}")]
    Foreign {
        /// The object.
        object: Reference,
        /// What it holds that is none of ours.
        what: String,
    },
}

impl Refusal {
    pub(crate) fn foreign(object: &Reference, what: impl Into<String>) -> Self {
        Self::Foreign { object: object.clone(), what: what.into() }
    }
}

/// The object, which must be there.
pub(crate) fn required<'a>(live: &'a Live, reference: &Reference) -> Result<&'a Json, Refusal> {
    live.get(reference).ok_or_else(|| Refusal::Missing(reference.clone()))
}

/// A route whose rules split by these weights of the old and the new version, with these matches that lead to the new one. Rules that
/// split differently are not of our making, but they are read: how to go back from them is clear.
pub(crate) fn weighed(reference: &Reference, mut splits: Vec<(u64, u64)>, matches: &[&Json]) -> Reading {
    splits.dedup();
    let share = splits.iter().map(|(old, new)| percent(*new, old.saturating_add(*new))).max().unwrap_or(0);
    let splits: Vec<_> =
        splits.iter().map(|(old, new)| format!("the old version weighs {old}, the new one {new}")).collect();
    let shown: String = matches.iter().map(|matching| format!(", matching {matching}")).collect();
    let form = format!("{reference}: {}{shown}", splits.join("; "));
    Reading { share, has_match: !matches.is_empty(), form }
}

/// The weight, from 0 to 100, that a text means. What means none may be anything: everything is the safe guess.
pub(crate) fn weight_of(text: &str) -> u8 {
    text.parse::<u8>().ok().filter(|weight| *weight <= 100).unwrap_or(100)
}

/// An object that the rollout has made, if it is there.
///
/// # Errors
/// When somebody else has made one of that name.
pub(crate) fn own<'a>(
    live: &'a Live,
    reference: &Reference,
    versions: &Versions,
) -> Result<Option<&'a Json>, Refusal> {
    let Some(object) = live.get(reference) else { return Ok(None) };
    let label = object.pointer("/metadata/labels").and_then(|labels| labels.get(ROLLOUT_LABEL));
    if label.and_then(Json::as_str) == Some(&label_of(&versions.rollout)) {
        return Ok(Some(object));
    }
    Err(Refusal::foreign(reference, "the rollout needs this name, and somebody else has an object of it"))
}

/// The share of `part` in `whole`, in percent, rounded, but neither 0 nor 100 unless it is so exactly.
pub(crate) fn percent(part: u64, whole: u64) -> u8 {
    if part == 0 || whole == 0 {
        return 0;
    }
    if part >= whole {
        return 100;
    }
    let rounded = (part.saturating_mul(200).saturating_add(whole)) / whole.saturating_mul(2);
    u8::try_from(rounded.clamp(1, 99)).unwrap_or(99)
}
