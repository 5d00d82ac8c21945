//! `ingress_nginx`: a second Ingress with the canary annotations of ingress-nginx.
//!
//! ingress-nginx answers 503 when the *main* Ingress's Service has no endpoints, even with the canary at 100 (its issue 9635): the main
//! Ingress leads to the new version before the old one goes.

use serde_json::{Value as Json, json};

use super::backends::Lead;
use super::canary::{Canary, Dialect};
use super::{Abilities, Goal, Reading, Refusal, Router, Versions};
use crate::lint::{self, Finding};
use crate::live::{Live, Reference};
use crate::write::Write;

/// Splits by a canary Ingress of ingress-nginx.
#[derive(Clone, Debug)]
pub struct IngressNginx {
    /// The main Ingress.
    pub ingress: String,
    /// The Service that its paths lead to before the first rollout.
    pub service: String,
    /// The port of the Services.
    pub port: u16,
    /// The port of the pods.
    pub target_port: u16,
}

impl IngressNginx {
    fn canary(&self) -> Canary<'_> {
        let dialect = Dialect { prefix: "nginx.ingress.kubernetes.io", order: None, is_match_apart: false };
        Canary { dialect, ingress: &self.ingress, lead: Lead { original: &self.service, port: self.port } }
    }
}

impl Router for IngressNginx {
    fn name(&self) -> &'static str {
        "ingress_nginx"
    }

    fn abilities(&self) -> Abilities {
        Abilities::ALL
    }

    fn references(&self, versions: &Versions) -> Vec<Reference> {
        self.canary().references(versions)
    }

    fn ports(&self) -> Option<Json> {
        Some(json!([{ "port": self.port, "targetPort": self.target_port, "protocol": "TCP" }]))
    }

    fn read(&self, versions: &Versions, live: &Live) -> Result<Reading, Refusal> {
        self.canary().read(versions, live)
    }

    fn toward(&self, goal: &Goal<'_>, versions: &Versions, live: &Live) -> Result<Option<Write>, Refusal> {
        self.canary().toward(goal, versions, live)
    }

    fn lint(&self, versions: &Versions, live: &Live) -> Vec<Finding> {
        let mut findings = vec![lint::retired_nginx()];
        findings.extend(lint::ingress(&Reference::ingress(&self.ingress), versions, live));
        findings
    }
}
