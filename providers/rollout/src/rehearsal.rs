//! A rollout before a world in which all goes well: what a plan shows.
//!
//! It is the same machine that an apply runs, so what is shown is what will be written, but for the versions of objects that the cluster counts up.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::gate::{Measured, Tally};
use crate::live::{Live, Reference};
use crate::machine::{Action, Stop, Wanted, next, written};
use crate::pods::Level;
use crate::record::{Record, Stage};
use crate::write::Write;

/// The most actions of a rehearsal. One that needs more goes in circles.
const ACTIONS_MAX: usize = 20_000;
const SECOND_MS: i64 = 1_000;

/// One stage of a rollout, unrolled.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsed {
    /// Which one.
    pub stage: Stage,
    /// Of a step, what it comes to.
    pub level: Option<Level>,
    /// What is written, in order.
    pub writes: Vec<Write>,
    /// What would be written to go back from the end of the stage; none where there is no way back by itself.
    pub way_back: Vec<Write>,
}

/// The stages that are still to come, each with its writes.
///
/// # Errors
/// When the rollout could not even go well.
pub fn rehearse(wanted: &Wanted<'_>, live: &Live) -> Result<Vec<Rehearsed>, Stop> {
    let mut world = World::new(live);
    let mut stages: Vec<Rehearsed> = Vec::new();
    for _ in 0..ACTIONS_MAX {
        let before = world.live.record.clone();
        match world.act(wanted) {
            Done::Wrote(write) => {
                if let Some(stage) = stages.last_mut() {
                    stage.writes.push(write);
                }
            }
            Done::Noted => {
                if let (Some(before), Some(stage)) = (&before, stages.last_mut()) {
                    stage.way_back = way_back(wanted, &world, before);
                }
            }
            Done::Nothing => {}
            Done::Ended => return Ok(stages),
            Done::Stopped(stop) => return Err(stop),
        }
        if let Some(record) = &world.live.record {
            begin_stage(&mut stages, wanted, &record.stage);
        }
    }
    Err(Stop::Stuck("the rehearsal has no end".to_owned()))
}

fn begin_stage(stages: &mut Vec<Rehearsed>, wanted: &Wanted<'_>, stage: &Stage) {
    let is_new = stages.last().is_none_or(|last| last.stage != *stage);
    if !is_new || matches!(stage, Stage::Ended(_)) {
        return;
    }
    let level = match stage {
        Stage::Step(index) => wanted.levels.get(*index).cloned(),
        _ => None,
    };
    stages.push(Rehearsed { stage: stage.clone(), level, writes: Vec::new(), way_back: Vec::new() });
}

/// What would be written to go back from here.
fn way_back(wanted: &Wanted<'_>, world: &World, record: &Record) -> Vec<Write> {
    let Some(aborted) = record.aborted("") else { return Vec::new() };
    let mut world = World { live: Live { record: Some(aborted), ..world.live.clone() }, ..world.clone() };
    let mut writes = Vec::new();
    for _ in 0..ACTIONS_MAX {
        match world.act(wanted) {
            Done::Wrote(write) => writes.push(write),
            Done::Noted if world.live.record.as_ref().is_some_and(is_over) => return writes,
            Done::Noted | Done::Nothing => {}
            Done::Ended | Done::Stopped(_) => return writes,
        }
    }
    writes
}

fn is_over(record: &Record) -> bool {
    matches!(record.stage, Stage::Ended(_))
}

/// A cluster in which pods are ready as soon as they are asked for, and every gate is passed.
#[derive(Clone)]
struct World {
    live: Live,
    now_ms: i64,
    tallies: BTreeMap<String, Tally>,
}

enum Done {
    Wrote(Write),
    Noted,
    Nothing,
    Ended,
    Stopped(Stop),
}

impl World {
    fn new(live: &Live) -> Self {
        let mut world = Self { live: live.clone(), now_ms: 0, tallies: BTreeMap::new() };
        world.live.is_mesh_synced = None;
        world.forget_times();
        world.settle();
        world
    }

    /// The rehearsal's clock begins at 0.
    fn forget_times(&mut self) {
        let Some(record) = &mut self.live.record else { return };
        record.lacking_since_ms = None;
        record.held_since_ms = record.held_since_ms.map(|_| 0);
        if let Some(seen) = &mut record.seen {
            seen.since_ms = 0;
        }
    }

    fn act(&mut self, wanted: &Wanted<'_>) -> Done {
        match next(wanted, &self.live, self.now_ms, &self.tallies) {
            Action::Write(write) => {
                self.live = written(&self.live, &write);
                self.settle();
                return Done::Wrote(write);
            }
            Action::Note(record) => {
                self.note(*record);
                return Done::Noted;
            }
            Action::Measure(gate) => {
                self.tallies.entry(gate).or_default().add(self.now_ms, Measured::Passed);
            }
            Action::Wait { until_ms, .. } => {
                self.now_ms = until_ms.unwrap_or(0).max(self.now_ms.saturating_add(SECOND_MS));
            }
            Action::Paused(why) => match self.live.record.as_ref().and_then(Record::resumed) {
                Some(record) if self.live.record.as_ref() != Some(&record) => self.note(record),
                _ => return Done::Stopped(Stop::Stuck(why)),
            },
            Action::Refused(stop) => return Done::Stopped(stop),
            Action::Ended(_) => return Done::Ended,
        }
        Done::Nothing
    }

    fn note(&mut self, record: Record) {
        let is_other_stage = self.live.record.as_ref().is_none_or(|before| before.stage != record.stage);
        if is_other_stage {
            self.tallies.clear();
        }
        self.live.record = Some(record);
    }

    /// Everything is as it is asked for.
    fn settle(&mut self) {
        let mut ready = BTreeMap::new();
        for (reference, object) in &mut self.live.objects {
            // What the cluster counts up is not known before.
            if let Some(metadata) = object.pointer_mut("/metadata").and_then(Json::as_object_mut) {
                metadata.remove("resourceVersion");
                metadata.remove("generation");
            }
            match reference.kind {
                "Deployment" => {
                    let replicas = object.pointer("/spec/replicas").and_then(Json::as_u64).unwrap_or(1);
                    object["status"] = json!({ "readyReplicas": replicas });
                    ready.insert(reference.name.clone(), replicas);
                }
                "HTTPRoute" => {
                    let holds = |kind: &str| json!({ "type": kind, "status": "True" });
                    let conditions = [holds("Accepted"), holds("ResolvedRefs")];
                    object["status"] = json!({ "parents": [{ "conditions": conditions }] });
                }
                _ => {}
            }
        }
        let Some(record) = &self.live.record else { return };
        for version in record.versions.old.iter().chain([&record.versions.new]) {
            let is_there = self.live.get(&Reference::service(&version.service)).is_some();
            let pods = ready.get(&version.deployment).copied().filter(|_| is_there);
            self.live.endpoints.insert(version.service.clone(), pods.unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests;
