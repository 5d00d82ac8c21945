//! Containers: what docker does with them, with a stand-in for what is in them.
//!
//! ```text
//! docker     the program: its words and what it says; look: what it shows
//!   ↓ create, inspect, template   how a container is asked for, told of and shown
//! life       its process, which ends and is started again
//! serve      what it answers by HTTP where its ports are published
//!   ↓
//! store      containers and images, in files of the host's
//! ```
//!
//! A command that the host has the program for is run as it is; any other is stood in for by a process that runs until it's told to stop.

mod create;
mod docker;
mod image;
mod inspect;
mod life;
mod look;
mod serve;
mod store;
mod template;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinSet;

pub(super) use docker::docker;
pub(super) use life::boot;

/// What the containers of one boot are doing.
#[derive(Default)]
pub(super) struct Containers {
    /// By whom a running one is told to stop.
    stops: Mutex<BTreeMap<String, watch::Sender<bool>>>,
    /// What they have written since the boot, by their numbers.
    logs: Mutex<BTreeMap<String, Vec<String>>>,
    /// How those have ended that went with their end.
    ends: Mutex<BTreeMap<String, i32>>,
    /// Whoever changes what is stored has this.
    changing: Mutex<()>,
    tasks: Mutex<JoinSet<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Containers {
    /// Ends whatever attends containers. Their processes end with the host's first one.
    pub(super) fn end(&self) {
        lock(&self.tasks).abort_all();
    }

    fn attend(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    fn log(&self, id: &str, line: &str) {
        let mut logs = lock(&self.logs);
        let lines = logs.entry(id.to_owned()).or_default();
        if lines.len() >= LOG_LINES_MAX {
            lines.remove(0);
        }
        lines.push(line.to_owned());
    }
}

/// Lines that are kept of what one container writes.
const LOG_LINES_MAX: usize = 2000;
