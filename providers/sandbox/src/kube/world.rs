//! One cluster: its objects, its controllers and what they answer.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

use super::control;
use super::error::Error;
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
        let mut state = State::new(store, options.seed, options.network)?;
        control::found(&mut state, &options);
        let world = Arc::new(Self { options, state: Mutex::new(state) });
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
