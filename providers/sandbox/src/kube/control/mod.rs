//! Controllers: what moves when objects change.
//!
//! One task follows the change feed. A change makes reconcile tasks due ([`route`]); a task reads the state, writes what
//! is missing (which makes further tasks due) and may ask to be run again later. Nothing polls.

mod account;
mod api;
mod budget;
mod collector;
pub(crate) mod condition;
mod daemon_set;
mod definition;
mod deployment;
mod endpoints;
mod found;
mod gateway;
mod ingress;
mod install;
mod job;
mod kubelet;
mod mesh;
mod namespace;
mod node;
mod owners;
mod pod_status;
mod replica_set;
mod role;
mod rollout;
mod route;
mod schedule;
mod service;
mod stateful_set;
mod template;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Weak;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

pub(crate) use found::found;

use self::owners::Owners;
use self::route::Task;
use super::net::Plane;
use super::options::Options;
use super::state::State;
use super::store::Change;
use super::world::World;

/// How many tasks run before other users of the state get their turn.
const TASKS_PER_TURN: usize = 64;
/// How long the loop sleeps when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// What a reconcile works with.
pub(super) struct Context<'c> {
    pub(super) now: Timestamp,
    pub(super) options: &'c Options,
    pub(super) plane: &'c Plane,
    pub(super) owners: &'c Owners,
    /// When the kubelet began with each pod, by UID.
    pub(super) begun: &'c mut HashMap<String, Instant>,
}

/// Follows the change feed until the world is gone.
pub(crate) async fn run(world: Weak<World>) {
    let Some(mut feed) = world.upgrade().map(|world| world.lock().store.subscribe()) else { return };
    let mut controllers = Controllers::default();
    if let Some(world) = world.upgrade() {
        controllers.start(&world.lock());
    }
    loop {
        let more = {
            let Some(world) = world.upgrade() else { return };
            controllers.turn(&world)
        };
        if more {
            tokio::task::yield_now().await;
            continue;
        }
        let due = controllers.next_due();
        tokio::select! {
            changed = feed.changed() => if changed.is_err() { return },
            () = sleep_until(due) => {}
        }
    }
}

#[derive(Default)]
struct Controllers {
    revision: u64,
    ready: BTreeSet<Task>,
    later: BTreeMap<Task, Instant>,
    owners: Owners,
    begun: HashMap<String, Instant>,
}

impl Controllers {
    /// Makes everything due that the state holds.
    fn start(&mut self, state: &State) {
        self.revision = state.store.revision();
        self.owners = Owners::default();
        for (resource, object) in state.store.all() {
            let change = Change {
                revision: self.revision,
                resource: resource.clone(),
                before: None,
                object: object.clone(),
                removed: false,
            };
            self.owners.note(&change);
            route::route(&change, state, &mut self.ready);
        }
    }

    /// Runs some of what is due; whether there is more.
    fn turn(&mut self, world: &World) -> bool {
        let now = Instant::now();
        let due: Vec<Task> =
            self.later.iter().filter(|(_, at)| **at <= now).map(|(task, _)| task.clone()).collect();
        for task in due {
            self.later.remove(&task);
            self.ready.insert(task);
        }
        let mut state = world.lock();
        for _ in 0..TASKS_PER_TURN {
            self.follow(&state);
            let Some(task) = self.ready.pop_first() else { return false };
            let mut context = Context {
                now: world.now(),
                options: world.options(),
                plane: world.plane(),
                owners: &self.owners,
                begun: &mut self.begun,
            };
            match route::reconcile(&task, &mut state, &mut context) {
                Some(delay) => {
                    let at = Instant::now() + delay;
                    let soonest = self.later.get(&task).map_or(at, |known| at.min(*known));
                    self.later.insert(task, soonest);
                }
                None => drop(self.later.remove(&task)),
            }
        }
        true
    }

    /// Makes due what the newest changes concern.
    fn follow(&mut self, state: &State) {
        let current = state.store.revision();
        if current == self.revision {
            return;
        }
        match state.store.since(self.revision) {
            Ok(changes) => {
                for change in changes {
                    self.owners.note(&change);
                    route::route(&change, state, &mut self.ready);
                }
                self.revision = current;
            }
            Err(_) => self.start(state),
        }
    }

    fn next_due(&self) -> Instant {
        self.later.values().min().copied().unwrap_or_else(|| Instant::now() + IDLE)
    }
}
