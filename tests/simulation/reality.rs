//! What is really there: things on targets, who changed them, and what goes wrong there.
//!
//! It keeps books that no process sees: what was done by whom, and what was there before. The invariants are about them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use meshform_engine::address::Address;
use meshform_engine::ports::{Operation, Precondition};
use meshform_engine::value::Value;

use crate::books::Books;
use crate::executor::Process;
use crate::random::Random;

/// Where something lies, and what it is there.
pub(crate) type Key = (String, String);

/// Something on a target.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Thing {
    pub(crate) attributes: Value,
    /// Changes with every change.
    pub(crate) revision: u64,
    /// Whether meshform made it, or took it over.
    pub(crate) ours: bool,
    /// The process that changed it last; nobody's if that was someone else.
    pub(crate) changed_by: Option<Process>,
}

/// Something that was done to a target.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub(crate) process: Process,
    pub(crate) address: Address,
    pub(crate) operation: Operation,
    pub(crate) key: Key,
    pub(crate) precondition: Precondition,
    /// What was there before.
    pub(crate) before: Option<Thing>,
    /// What was wanted.
    pub(crate) desired: Option<Value>,
}

/// What goes wrong, and how often.
#[derive(Clone, Debug)]
pub(crate) struct Weather {
    random: Random,
    /// One request in so many fails.
    rarity: u64,
}

#[derive(Default)]
struct Kept {
    things: BTreeMap<Key, Thing>,
    revision: u64,
    weather: Option<Weather>,
    effects: Vec<Effect>,
    /// What each process saw, and when it was last changed then.
    seen: BTreeMap<Process, BTreeMap<Key, Option<u64>>>,
    dead: BTreeSet<Process>,
}

/// All targets.
#[derive(Clone, Default)]
pub(crate) struct Reality {
    kept: Arc<Mutex<Kept>>,
    books: Books,
}

impl Reality {
    pub(crate) fn new(books: &Books) -> Self {
        Self { kept: Arc::default(), books: books.clone() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on one request in so many fails.
    pub(crate) fn storm(&self, random: Random, rarity: u64) {
        self.kept().weather = Some(Weather { random, rarity });
    }

    pub(crate) fn calm(&self) {
        self.kept().weather = None;
    }

    /// One of so many faults, if this request is to fail.
    pub(crate) fn fault(&self, kinds: u64) -> Option<u64> {
        let mut kept = self.kept();
        let weather = kept.weather.as_mut()?;
        weather.random.one_in(weather.rarity).then(|| weather.random.below(kinds))
    }

    /// Nothing that a killed process has begun is done any more.
    pub(crate) fn kill(&self, process: Process) {
        self.kept().dead.insert(process);
    }

    pub(crate) fn is_dead(&self, process: Process) -> bool {
        self.kept().dead.contains(&process)
    }

    pub(crate) fn things(&self) -> BTreeMap<Key, Thing> {
        self.kept().things.clone()
    }

    /// What a process finds under a key.
    pub(crate) fn look(&self, process: Process, key: &Key) -> Option<Thing> {
        let mut kept = self.kept();
        let thing = kept.things.get(key).cloned();
        let revision = thing.as_ref().map(|thing| thing.revision);
        kept.seen.entry(process).or_default().insert(key.clone(), revision);
        thing
    }

    /// What a process has seen so far; it begins anew.
    pub(crate) fn take_seen(&self, process: Process) -> BTreeMap<Key, Option<u64>> {
        self.kept().seen.remove(&process).unwrap_or_default()
    }

    pub(crate) fn take_effects(&self) -> Vec<Effect> {
        std::mem::take(&mut self.kept().effects)
    }

    /// Whether what is there is what a request may change.
    pub(crate) fn proves(&self, key: &Key, precondition: &Precondition) -> bool {
        match (precondition, self.kept().things.get(key)) {
            (Precondition::Unproven, _) | (Precondition::Absent, None) => true,
            (Precondition::Version(version), Some(there)) => *version == there.revision.to_string(),
            _ => false,
        }
    }

    /// Does what was asked for.
    pub(crate) fn change(&self, mut effect: Effect) -> Value {
        self.books.note(format!(
            "process {}: {:?} {} {} ({:?})",
            effect.process, effect.operation, effect.key.0, effect.key.1, effect.precondition
        ));
        let mut kept = self.kept();
        effect.before = kept.things.get(&effect.key).cloned();
        let (key, process, desired) = (effect.key.clone(), effect.process, effect.desired.clone());
        kept.effects.push(effect);
        match desired {
            None => {
                kept.things.remove(&key);
                Value::null()
            }
            Some(desired) => kept.put(key, &desired, Some(process)),
        }
    }

    /// Someone else makes or changes something.
    pub(crate) fn meddle(&self, key: &Key, fields: &Value) {
        self.books.note(format!("others: change {} {}", key.0, key.1));
        self.kept().put(key.clone(), fields, None);
    }

    /// Someone else removes something.
    pub(crate) fn steal(&self, key: &Key) {
        self.books.note(format!("others: remove {} {}", key.0, key.1));
        self.kept().things.remove(key);
    }

    /// What meshform has let go is nobody's.
    pub(crate) fn release(&self, key: &Key) {
        if let Some(thing) = self.kept().things.get_mut(key) {
            thing.ours = false;
        }
    }
}

impl Kept {
    /// A thing that is made anew has another id.
    fn put(&mut self, key: Key, desired: &Value, changed_by: Option<Process>) -> Value {
        self.revision += 1;
        let former = self.things.get(&key);
        let id = former.and_then(|thing| thing.attributes.get("id").cloned());
        let id = id.unwrap_or_else(|| Value::string(format!("{}.{}", key.1, self.revision)));
        let mut fields = desired.unmarked().as_map().cloned().unwrap_or_default();
        let echo = fields.get("input").cloned().unwrap_or_else(Value::null);
        fields.extend([("id".to_owned(), id), ("echo".to_owned(), echo)]);
        let ours = changed_by.is_some() || former.is_some_and(|thing| thing.ours);
        let attributes = Value::object(fields);
        let thing = Thing { attributes: attributes.clone(), revision: self.revision, ours, changed_by };
        self.things.insert(key, thing);
        attributes
    }
}
