//! `alb_ingress`: canary Ingresses of the ALB ingress controller. A match and a weight must be on separate ones, and each must come before
//! the main Ingress.

use serde_json::{Value as Json, json};

use super::backends::Lead;
use super::canary::{Canary, Dialect};
use super::{Abilities, Goal, Reading, Refusal, Router, Versions};
use crate::lint::{self, Finding};
use crate::live::{Live, Reference};
use crate::write::Write;

const DIALECT: Dialect = Dialect {
    prefix: "alb.ingress.kubernetes.io",
    // The smaller number comes first; an Ingress without one has 10.
    order: Some(("alb.ingress.kubernetes.io/order", ["2", "1"])),
    is_match_apart: true,
};

/// Splits by canary Ingresses of an ALB.
#[derive(Clone, Debug)]
pub struct AlbIngress {
    /// The main Ingress.
    pub ingress: String,
    /// The Service that its paths lead to before the first rollout.
    pub service: String,
    /// The port of the Services.
    pub port: u16,
    /// The port of the pods.
    pub target_port: u16,
}

impl AlbIngress {
    fn canary(&self) -> Canary<'_> {
        Canary {
            dialect: DIALECT,
            ingress: &self.ingress,
            lead: Lead { original: &self.service, port: self.port },
        }
    }
}

impl Router for AlbIngress {
    fn name(&self) -> &'static str {
        "alb_ingress"
    }

    fn abilities(&self) -> Abilities {
        Abilities { header_pattern: false, ..Abilities::ALL }
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

    fn grace_ms(&self) -> i64 {
        // The controller writes the rules through the load balancer's own API.
        15_000
    }

    fn lint(&self, versions: &Versions, live: &Live) -> Vec<Finding> {
        lint::ingress(&Reference::ingress(&self.ingress), versions, live)
    }
}
