//! How a world is opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::clock::{Clock, SystemClock};

/// What a world is opened with.
#[derive(Clone)]
pub struct Options {
    /// The cluster's name, as its nodes carry it.
    pub name: String,
    /// The secret first segment of the path of every request; `None` lets everyone in.
    pub token: Option<String>,
    /// The clock that stamps objects.
    pub clock: Arc<dyn Clock>,
    /// Seeds every random choice (UIDs, generated names); `None` takes the system's randomness.
    pub seed: Option<u64>,
    /// Whether pods and Services listen on loopback addresses. Without it they only exist as objects.
    pub network: bool,
    /// Whether the controllers run (Deployments roll, pods start, namespaces end).
    pub controllers: bool,
    /// Whether ingress controllers and those of Gateways run, which a bare cluster doesn't have.
    pub routers: bool,
    /// Whether rights are asked for (RBAC). Without it whoever gets in may do everything, unless the namespace
    /// `kube-system` has the annotation `sandbox.meshform.dev/authorization: rbac`.
    pub rbac: bool,
    /// How long a pod takes from its creation until it is ready.
    pub pod_start: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "sandbox".to_owned(),
            token: None,
            clock: Arc::new(SystemClock),
            seed: None,
            network: true,
            controllers: true,
            routers: true,
            rbac: false,
            pod_start: Duration::from_millis(150),
        }
    }
}

impl fmt::Debug for Options {
    /// Shows everything but the token.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Options")
            .field("name", &self.name)
            .field("token", &self.token.as_ref().map(|_| "(secret)"))
            .field("seed", &self.seed)
            .field("network", &self.network)
            .field("controllers", &self.controllers)
            .field("routers", &self.routers)
            .field("rbac", &self.rbac)
            .field("pod_start", &self.pod_start)
            .finish_non_exhaustive()
    }
}
