//! One cluster: its objects, its controllers and what they answer.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use http::{Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::Value;

use super::control;
use super::error::Error;
use super::net::{self, Balancer, Plane, Tally};
use super::object;
use super::options::Options;
use super::state::State;
use super::store::Store;

/// What a world holds, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorldStatus {
    /// All objects.
    pub objects: usize,
    /// Namespaces.
    pub namespaces: usize,
    /// Nodes.
    pub nodes: usize,
    /// Pods.
    pub pods: usize,
    /// Pods whose `Ready` condition holds.
    pub pods_ready: usize,
    /// The newest resource version.
    pub revision: u64,
}

/// An embedded cluster.
pub struct World {
    options: Options,
    state: Mutex<State>,
    plane: Plane,
    balancer: Balancer,
    tally: Tally,
}

impl fmt::Debug for World {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("World").field("options", &self.options).field("status", &self.status()).finish()
    }
}

impl World {
    /// Opens the world that lives in the folder `dir`, or makes it; must be called in a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used, when its files are corrupt (a torn last line is not), or outside of a runtime.
    pub fn open(dir: &Path, options: Options) -> Result<Arc<Self>, Error> {
        Self::start(Store::open(dir)?, options)
    }

    /// A world that is gone when it is dropped; must be called in a Tokio runtime if controllers are on.
    ///
    /// # Errors
    ///
    /// Outside of a runtime.
    pub fn in_memory(options: Options) -> Result<Arc<Self>, Error> {
        Self::start(Store::in_memory(), options)
    }

    fn start(store: Store, options: Options) -> Result<Arc<Self>, Error> {
        let mut state = State::new(store, &options)?;
        control::found(&mut state, &options);
        let world = Arc::new_cyclic(|world| Self {
            options,
            state: Mutex::new(state),
            plane: Plane::new(world.clone()),
            balancer: Balancer::default(),
            tally: Tally::default(),
        });
        if world.options.controllers {
            let runtime = tokio::runtime::Handle::try_current().map_err(|_| Error::NoRuntime)?;
            runtime.spawn(control::run(Arc::downgrade(&world)));
        }
        Ok(world)
    }

    /// What it was opened with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What it holds, in numbers.
    #[must_use]
    pub fn status(&self) -> WorldStatus {
        let state = self.lock();
        let counts = state.counts();
        let count = |resource: &str| counts.get(resource).copied().unwrap_or(0);
        let pods_ready = state.store.list("pods", None).filter(|pod| is_ready(pod)).count();
        WorldStatus {
            objects: counts.values().sum(),
            namespaces: count("namespaces"),
            nodes: count("nodes"),
            pods: count("pods"),
            pods_ready,
            revision: state.store.revision(),
        }
    }

    /// The answer to a request to an address of the cluster (a pod's, a Service's, an ingress controller's, a Gateway's),
    /// without a socket. Nothing is there: 502.
    pub async fn answer(self: &Arc<Self>, address: SocketAddr, request: Request<Body>) -> Response<Body> {
        let entrance = net::at(&self.lock().store, address);
        match entrance {
            Some(entrance) => net::answer(&Arc::downgrade(self), entrance, address.ip(), request).await,
            None => {
                let mut response = Response::new(Body::from("nothing listens there\n"));
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                response
            }
        }
    }

    /// What is open on loopback.
    pub(crate) fn plane(&self) -> &Plane {
        &self.plane
    }

    /// Whose turn it is where requests are shared out.
    pub(crate) fn balancer(&self) -> &Balancer {
        &self.balancer
    }

    /// How many requests pods have got.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// The state. A panic elsewhere does not make it unusable: every write is one step.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a pod's `Ready` condition holds.
pub(crate) fn is_ready(pod: &Value) -> bool {
    object::list(pod, "/status/conditions")
        .iter()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}
