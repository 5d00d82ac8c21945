//! Where a request goes: pure functions from a request and the objects to a verdict.
//!
//! ```text
//! asked                       the request
//!   ↓
//! ingress  (canary, ack, alb) Ingresses and their annotations
//! http_route                  Gateway API
//! virtual_service             Istio
//!   ↓
//! Verdict                     backends with shares, what to change on the way; or an answer
//!   ↓
//! balance                     whose turn it is
//! ```
//!
//! Nothing here knows sockets, Services or endpoints.

mod ack;
mod alb;
mod asked;
mod balance;
mod canary;
mod edits;
pub(crate) mod gateway;
pub(super) mod http_route;
pub(crate) mod ingress;
mod matching;
#[cfg(test)]
mod tables;
pub(crate) mod virtual_service;

use std::time::Duration;

use serde_json::{Map, Value};

pub(super) use asked::Asked;
pub(crate) use balance::Balancer;
pub(super) use edits::{Edits, HeaderEdits};

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    Forward(Box<Forward>),
    Answer(Canned),
}

impl Verdict {
    pub(super) fn answer(status: u16, body: &str) -> Self {
        Self::Answer(Canned { status, location: None, body: body.to_owned() })
    }
}

/// An answer that no backend gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Canned {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

/// A request that goes to one of several backends.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Forward {
    /// What tells this rule from every other one: the turns are taken within it.
    pub(crate) rule: String,
    pub(crate) shares: Vec<Share>,
    pub(crate) edits: Edits,
    /// Backends that get a copy, with the percentage of requests that are copied.
    pub(crate) mirrors: Vec<(Backend, f64)>,
    pub(crate) fault: Fault,
    pub(crate) timeout: Option<Duration>,
    /// Without a ready endpoint of this one nothing is forwarded, whatever the shares say.
    pub(crate) required: Option<Backend>,
}

/// A backend and its part of the requests.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Share {
    pub(crate) weight: u32,
    pub(crate) target: Target,
    pub(crate) edits: Edits,
}

impl Share {
    pub(super) fn new(weight: u32, backend: Backend) -> Self {
        Self { weight, target: Target::Backend(backend), edits: Edits::default() }
    }
}

/// Where a share goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    Backend(Backend),
    /// The backend is none that may be used: these requests are answered with this status.
    Broken(u16),
}

/// The endpoints of a Service's port, or those of them whose pods have some labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Backend {
    pub(crate) namespace: String,
    pub(crate) service: String,
    pub(crate) port: Port,
    pub(crate) labels: Map<String, Value>,
}

/// A port of a Service.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Port {
    Number(u16),
    Name(String),
    /// The Service's only one.
    #[default]
    Only,
}

/// What is done to requests on purpose.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fault {
    /// A percentage of the requests, and how long they are held up.
    pub(crate) delay: Option<(f64, Duration)>,
    /// A percentage of the requests, and the status that they are answered with.
    pub(crate) abort: Option<(f64, u16)>,
}
