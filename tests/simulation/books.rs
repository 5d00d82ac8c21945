//! What is written down about a run: its trace, what was reviewed by whom, and what must not be and was.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use meshform_engine::plan::Plan;
use meshform_engine::state::Snapshot;

use crate::executor::Process;
use crate::reality::Key;
use crate::stack::HUSH;

/// A plan as its maker saw it.
#[derive(Debug)]
pub(crate) struct Review {
    pub(crate) plan: Plan,
    /// The state that it was made from.
    pub(crate) prior: Option<Snapshot>,
    /// When what was there was last changed, as it was seen; `None` for what was not there.
    pub(crate) seen: BTreeMap<Key, Option<u64>>,
}

/// The books of one run, shared by all that goes on in it.
#[derive(Clone, Default)]
pub(crate) struct Books(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    trace: Vec<String>,
    violations: Vec<String>,
    reviews: BTreeMap<Process, Arc<Review>>,
    /// The highest token under which a journal was begun.
    token: u64,
}

impl Books {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what happens, for whoever has to find out why.
    pub(crate) fn note(&self, text: String) {
        self.kept().trace.push(text);
    }

    /// Takes note of something that must not be.
    pub(crate) fn accuse(&self, problem: String) {
        self.kept().violations.push(problem);
    }

    /// Hears what comes out of a run: no secret may.
    pub(crate) fn listen(&self, what: &str, said: &str) {
        if let Some(at) = said.find(HUSH) {
            let around: String = said[at.saturating_sub(60).min(at)..].chars().take(120).collect();
            self.accuse(format!("a secret is in {what}: {around}"));
        }
    }

    pub(crate) fn reviewed(&self, process: Process, review: Arc<Review>) {
        self.kept().reviews.insert(process, review);
    }

    pub(crate) fn review(&self, process: Process) -> Option<Arc<Review>> {
        self.kept().reviews.get(&process).cloned()
    }

    /// From now on only the journal under this token may be written, or one under a higher one.
    pub(crate) fn begin_writing(&self, token: u64) {
        let mut kept = self.kept();
        kept.token = kept.token.max(token);
    }

    pub(crate) fn may_write(&self, token: u64) -> bool {
        self.kept().token <= token
    }

    /// The first thing that must not be and was.
    ///
    /// # Errors
    /// If there was any.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        self.kept().violations.first().cloned().map_or(Ok(()), Err)
    }

    pub(crate) fn trace(&self) -> String {
        self.kept().trace.join("\n")
    }

    /// A number that two runs have in common only if all that happened is the same.
    pub(crate) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.kept().trace.iter().for_each(|line| hasher.write(line.as_bytes()));
        hasher.finish()
    }
}
