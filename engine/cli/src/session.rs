//! What the commands of one process share: the program's parts, the environment, the runtime.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use meshform_engine::config::Registry;
use meshform_engine::pipeline::{self, World};
use meshform_engine::ports::{Clock, Sandbox};
use meshform_engine::testing::{Bench, TestFile};
use tokio::runtime::{Builder, Runtime};

use crate::Parts;
use crate::environment::Environment;
use crate::input::DiskFiles;
use crate::keeping::Kept;
use crate::problem::Problem;
use crate::workspace;

/// The folder of a stack in which its state and its sandbox live.
pub(crate) const STATE_FOLDER: &str = ".meshform";

/// One run of the program.
pub(crate) struct Session {
    pub(crate) parts: Parts,
    pub(crate) environment: Environment,
    runtime: OnceLock<Runtime>,
}

impl Session {
    pub(crate) fn new(parts: Parts, environment: Environment) -> Self {
        Self { parts, environment, runtime: OnceLock::new() }
    }

    /// What is known of the language: all that providers and stores bring to it.
    pub(crate) fn registry(&self, folder: &Path) -> Registry {
        let providers = (self.parts.providers)(self.sandbox(folder));
        let reserved = self.parts.reserved.iter().copied();
        pipeline::registry(providers, reserved).keeping_in((self.parts.keeping)())
    }

    /// Everything that the engine needs to work on a stack whose state is kept there.
    pub(crate) fn world(&self, registry: Registry, kept: Kept) -> World {
        let files = Arc::new(DiskFiles);
        World::of(registry, kept.store, files, self.shared_clock()).in_workspace(kept.workspace)
    }

    /// Everything that the engine needs to look at a stack's text: its state is out of reach.
    ///
    /// # Errors
    /// When it cannot be told in which workspace it is.
    pub(crate) fn world_of_text(&self, folder: &Path) -> Result<World, Problem> {
        let (store, _) = (self.parts.scratch)();
        let world = World::of(self.registry(folder), store, Arc::new(DiskFiles), self.shared_clock());
        Ok(world.in_workspace(workspace::selected(folder, &self.environment)?))
    }

    /// Everything that the engine needs to run one test file, and the sandbox in it, which is to be reset in the end.
    pub(crate) fn bench(&self, file: &TestFile) -> (Bench, Arc<dyn Sandbox>) {
        let (store, sandbox) = (self.parts.scratch)();
        let providers = (self.parts.providers)(Arc::clone(&sandbox));
        let reserved = self.parts.reserved.iter().copied();
        let clock = Arc::clone(&self.parts.clock);
        (Bench::new(file, providers, reserved, store, Arc::new(DiskFiles), clock), sandbox)
    }

    /// The sandbox of a stack.
    pub(crate) fn sandbox(&self, folder: &Path) -> Arc<dyn Sandbox> {
        self.sandbox_in(&folder.join(STATE_FOLDER))
    }

    /// The sandbox whose `.meshform` folder is given.
    pub(crate) fn sandbox_in(&self, state_folder: &Path) -> Arc<dyn Sandbox> {
        (self.parts.sandbox)(state_folder)
    }

    /// The runtime for work on stores, whose connections last as long as it does.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub(crate) fn runtime(&self) -> Result<&Runtime, Problem> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let made = runtime()?;
        Ok(self.runtime.get_or_init(|| made))
    }

    /// The time.
    pub(crate) fn clock(&self) -> &dyn Clock {
        self.parts.clock.as_ref()
    }

    /// The same, for who keeps it.
    pub(crate) fn shared_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.parts.clock)
    }
}

/// A runtime for work on many targets at once.
///
/// # Errors
/// When the system gives no threads.
pub(crate) fn runtime() -> Result<Runtime, Problem> {
    built(Builder::new_multi_thread())
}

/// A runtime for one quick question, without threads of its own.
///
/// # Errors
/// When the system gives no event queue.
pub(crate) fn small_runtime() -> Result<Runtime, Problem> {
    built(Builder::new_current_thread())
}

fn built(mut builder: Builder) -> Result<Runtime, Problem> {
    let runtime = builder.enable_all().build();
    runtime
        .map_err(|error| Problem::new("The runtime cannot be started", format!("The system says: {error}.")))
}
