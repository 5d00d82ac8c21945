//! What a rollout has noted in the cluster: only what cannot be read from live objects.

pub mod wire;

use crate::router::Versions;
use crate::version::Version;

/// The note of one rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// From which version to which.
    pub versions: Versions,
    /// How far it is.
    pub stage: Stage,
    /// The form in which the route was last seen, and since when. What others make of it is noticed by this.
    pub seen: Option<Seen>,
    /// The form that the route has after the write that is under way.
    pub expected: Option<String>,
    /// Since when something has been missing, without a break; in milliseconds since the Unix epoch.
    pub lacking_since_ms: Option<i64>,
    /// Since when the stage has had all that it wants.
    pub held_since_ms: Option<i64>,
    /// Whether a person has said that this stage may end.
    pub is_resumed: bool,
}

/// How a route looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// [`Reading::form`](crate::router::Reading::form).
    pub form: String,
    /// Since when, in milliseconds since the Unix epoch.
    pub since_ms: i64,
}

/// The stages of a rollout.
///
/// ```text
/// Preparing → Step(0) → … → Step(n) → Promoting → Retiring → Ended(Promoted)
///      └─────────┴──────────────┴─────────┴→ Aborting → Ended(RolledBack | Failed)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Selectors are pinned, before there are pods.
    Preparing,
    /// The step of that index; the one after all steps gives the new version everything.
    Step(usize),
    /// The new version takes the old one's place in the route.
    Promoting,
    /// The old version's pods go.
    Retiring,
    /// Traffic goes back, then the new version's pods go; the reason.
    Aborting(String),
    /// Nothing is left to be done.
    Ended(Outcome),
}

/// How a rollout has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The new version has everything.
    Promoted,
    /// The old version has everything again; why.
    RolledBack(String),
    /// There was no old version to go back to; why.
    Failed(String),
}

impl Record {
    /// Of a rollout that begins.
    pub fn begin(rollout: &str, old: Option<Version>, new: Version) -> Self {
        Self {
            versions: Versions { rollout: rollout.to_owned(), old, new },
            stage: Stage::Preparing,
            seen: None,
            expected: None,
            lacking_since_ms: None,
            held_since_ms: None,
            is_resumed: false,
        }
    }

    /// The same rollout in another stage.
    #[must_use]
    pub fn in_stage(&self, stage: Stage) -> Self {
        Self { stage, lacking_since_ms: None, held_since_ms: None, is_resumed: false, ..self.clone() }
    }

    /// The version that has the traffic when nothing is under way.
    pub fn stable(&self) -> Option<&Version> {
        match self.stage {
            Stage::Retiring | Stage::Ended(Outcome::Promoted) => Some(&self.versions.new),
            _ => self.versions.old.as_ref(),
        }
    }

    /// A person lets a pause or a manual gate of this very stage end. Nothing for a rollout that has ended.
    #[must_use]
    pub fn resumed(&self) -> Option<Self> {
        matches!(self.stage, Stage::Step(_)).then(|| Self { is_resumed: true, ..self.clone() })
    }

    /// A person wants to go back. Nothing for what is past promotion: there the way back is a rollout to the previous version.
    #[must_use]
    pub fn aborted(&self, reason: &str) -> Option<Self> {
        let is_under_way = matches!(self.stage, Stage::Preparing | Stage::Step(_) | Stage::Promoting);
        is_under_way.then(|| self.in_stage(Stage::Aborting(reason.to_owned())))
    }

    /// A person leaves out all steps before the last one, that of this index.
    #[must_use]
    pub fn promoted(&self, last: usize) -> Option<Self> {
        match self.stage {
            Stage::Step(index) if index < last => Some(self.in_stage(Stage::Step(last))),
            _ => None,
        }
    }

    /// A person lets it go on from what is there: from the start if it has gone back, and with the route as somebody else left it.
    #[must_use]
    pub fn retried(&self) -> Option<Self> {
        let stage = match &self.stage {
            Stage::Ended(Outcome::Promoted) => return None,
            Stage::Ended(_) => Stage::Preparing,
            under_way => under_way.clone(),
        };
        Some(Self { seen: None, expected: None, ..self.in_stage(stage) })
    }

    /// A person wants the previous version again, after promotion.
    #[must_use]
    pub fn undone(&self) -> Option<Self> {
        let Versions { rollout, old, new } = &self.versions;
        let is_past = matches!(self.stage, Stage::Ended(Outcome::Promoted) | Stage::Retiring);
        let old = old.clone().filter(|_| is_past)?;
        Some(Self::begin(rollout, Some(new.clone()), old))
    }
}
