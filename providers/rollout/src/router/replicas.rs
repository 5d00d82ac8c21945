//! `replicas`: one Service selects both versions, and the share of the traffic is the share of ready pods.

use serde_json::Value as Json;

use super::{Abilities, Goal, Reading, Refusal, Router, Versions, percent, required};
use crate::lint::{self, Finding};
use crate::live::{Live, Reference};
use crate::write::Write;

/// Splits by pods.
#[derive(Clone, Debug)]
pub struct Replicas {
    /// The Service that selects the pods of every version.
    pub service: String,
}

impl Router for Replicas {
    fn name(&self) -> &'static str {
        "replicas"
    }

    fn abilities(&self) -> Abilities {
        Abilities { weighs: false, header: false, header_pattern: false, cookie: false }
    }

    fn references(&self, _: &Versions) -> Vec<Reference> {
        vec![Reference::service(&self.service)]
    }

    fn ports(&self) -> Option<Json> {
        None
    }

    fn read(&self, versions: &Versions, live: &Live) -> Result<Reading, Refusal> {
        let service = required(live, &Reference::service(&self.service))?;
        let selector = service.pointer("/spec/selector").cloned().unwrap_or(Json::Null);
        let ready = |deployment: &str| live.pods(deployment).map_or(0, |pods| pods.ready);
        let new = ready(&versions.new.deployment);
        let old = versions.old.as_ref().map_or(0, |old| ready(&old.deployment));
        // The pods come and go by themselves: only the selector is what somebody may change.
        let form = format!("{} selects {selector}", self.service);
        Ok(Reading { share: percent(new, new + old), has_match: false, form })
    }

    fn toward(&self, _: &Goal<'_>, _: &Versions, _: &Live) -> Result<Option<Write>, Refusal> {
        Ok(None)
    }

    fn lint(&self, _: &Versions, live: &Live) -> Vec<Finding> {
        live.get(&Reference::service(&self.service)).map(lint::sticky_service).unwrap_or_default()
    }
}
