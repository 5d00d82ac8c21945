//! `ack_ingress_legacy`: `ingress.aliyun.weight/SERVICE`, which only ACK's own controller of 2018 reads.

use serde_json::{Value as Json, json};

use super::ack::{Notation, Paired};
use super::backends::Lead;
use super::{Abilities, Goal, Reading, Refusal, Router, Versions};
use crate::lint::{self, Finding};
use crate::live::{Live, Reference};
use crate::write::Write;

/// Splits by `ingress.aliyun.weight`.
#[derive(Clone, Debug)]
pub struct AckIngressLegacy {
    /// The Ingress.
    pub ingress: String,
    /// The Service that its paths lead to before the first rollout.
    pub service: String,
    /// The port of the Services.
    pub port: u16,
    /// The port of the pods.
    pub target_port: u16,
}

impl AckIngressLegacy {
    fn paired(&self) -> Paired<'_> {
        Paired {
            notation: Notation::Legacy,
            ingress: &self.ingress,
            lead: Lead { original: &self.service, port: self.port },
        }
    }
}

impl Router for AckIngressLegacy {
    fn name(&self) -> &'static str {
        "ack_ingress_legacy"
    }

    fn abilities(&self) -> Abilities {
        Abilities::WEIGHT
    }

    fn references(&self, _: &Versions) -> Vec<Reference> {
        vec![self.paired().reference()]
    }

    fn ports(&self) -> Option<Json> {
        Some(json!([{ "port": self.port, "targetPort": self.target_port, "protocol": "TCP" }]))
    }

    fn read(&self, versions: &Versions, live: &Live) -> Result<Reading, Refusal> {
        self.paired().read(versions, live)
    }

    fn toward(&self, goal: &Goal<'_>, versions: &Versions, live: &Live) -> Result<Option<Write>, Refusal> {
        self.paired().toward(goal, versions, live)
    }

    fn lint(&self, versions: &Versions, live: &Live) -> Vec<Finding> {
        let mut findings = vec![lint::aliyun_legacy()];
        findings.extend(lint::ingress(&self.paired().reference(), versions, live));
        findings
    }
}
