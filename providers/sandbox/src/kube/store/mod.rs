//! The objects, their revisions and the change feed. Knows nothing of kinds.

mod journal;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::error::Error;
use super::object;
use journal::{Journal, Record};

/// How many changes are kept for watches that resume.
const HISTORY_MAX: usize = 20_000;

/// Where an object is within its resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    pub(crate) fn of(object: &Value) -> Self {
        Self::new(object::namespace(object), object::name(object))
    }
}

/// One committed change.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    pub(crate) resource: Arc<str>,
    pub(crate) before: Option<Arc<Value>>,
    /// The object after the change; of a removal its last state, with the revision of the removal.
    pub(crate) object: Arc<Value>,
    pub(crate) removed: bool,
}

/// A revision that is no longer in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooOld;

type Collection = BTreeMap<Key, Arc<Value>>;

/// All objects of a world.
#[derive(Debug)]
pub(crate) struct Store {
    revision: u64,
    collections: BTreeMap<Arc<str>, Collection>,
    history: VecDeque<Arc<Change>>,
    /// Changes up to this revision are not in the history.
    forgotten: u64,
    feed: watch::Sender<u64>,
    journal: Option<Journal>,
}

impl Store {
    pub(crate) fn in_memory() -> Self {
        Self {
            revision: 0,
            collections: BTreeMap::new(),
            history: VecDeque::new(),
            forgotten: 0,
            feed: watch::Sender::new(0),
            journal: None,
        }
    }

    /// The store that a folder holds.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used or its journal is corrupt.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let mut store = Self::in_memory();
        let (mut journal, records) = Journal::open(dir)?;
        for record in records {
            store.replay(record);
        }
        store.forgotten = store.revision;
        store.feed.send_replace(store.revision);
        journal.compact(&store.records())?;
        store.journal = Some(journal);
        Ok(store)
    }

    fn replay(&mut self, record: Record) {
        match record {
            Record::Revision(revision) => self.revision = self.revision.max(revision),
            Record::Put { resource, object } => {
                self.revision = self.revision.max(object::revision(&object));
                self.collection(&resource).insert(Key::of(&object), Arc::new(object));
            }
            Record::Remove { resource, key, revision } => {
                self.revision = self.revision.max(revision);
                self.collection(&resource).remove(&key);
            }
        }
    }

    fn records(&self) -> Vec<Record> {
        let mut records = vec![Record::Revision(self.revision)];
        for (resource, objects) in &self.collections {
            records.extend(
                objects.values().map(|object| Record::Put {
                    resource: resource.to_string(),
                    object: Value::clone(object),
                }),
            );
        }
        records
    }

    /// The newest revision.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Tells the newest revision whenever there is a newer one.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.feed.subscribe()
    }

    pub(crate) fn get(&self, resource: &str, key: &Key) -> Option<&Arc<Value>> {
        self.collections.get(resource)?.get(key)
    }

    /// The objects of a resource in the order of namespace and name; of one namespace if it is given.
    pub(crate) fn list<'s>(
        &'s self,
        resource: &str,
        namespace: Option<&'s str>,
    ) -> Box<dyn Iterator<Item = &'s Arc<Value>> + 's> {
        let Some(objects) = self.collections.get(resource) else { return Box::new(std::iter::empty()) };
        match namespace {
            None => Box::new(objects.values()),
            Some(namespace) => Box::new(
                objects
                    .range(Key::new(namespace, "")..)
                    .take_while(move |(key, _)| key.namespace == namespace)
                    .map(|(_, object)| object),
            ),
        }
    }

    /// The objects as they were at a revision.
    ///
    /// # Errors
    ///
    /// When the changes since are no longer kept.
    pub(crate) fn list_at(
        &self,
        resource: &str,
        namespace: Option<&str>,
        revision: u64,
    ) -> Result<Vec<Arc<Value>>, TooOld> {
        let since = self.since(revision)?;
        let mut changed = since.iter().rev().filter(|change| *change.resource == *resource).peekable();
        if changed.peek().is_none() {
            return Ok(self.list(resource, namespace).cloned().collect());
        }
        let mut objects = self.collections.get(resource).cloned().unwrap_or_default();
        for change in changed {
            let key = Key::of(&change.object);
            match &change.before {
                Some(before) => drop(objects.insert(key, Arc::clone(before))),
                None => drop(objects.remove(&key)),
            }
        }
        objects.retain(|key, _| namespace.is_none_or(|namespace| key.namespace == namespace));
        Ok(objects.into_values().collect())
    }

    /// Every object with its resource's id.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Value>)> {
        self.collections
            .iter()
            .flat_map(|(resource, objects)| objects.values().map(move |object| (resource, object)))
    }

    /// Stores an object under the next revision.
    pub(crate) fn put(&mut self, resource: &str, mut object: Value) -> Arc<Value> {
        self.revision += 1;
        object::metadata(&mut object)["resourceVersion"] = json!(self.revision.to_string());
        if let Some(journal) = &mut self.journal {
            journal.append_put(resource, &object);
        }
        let object = Arc::new(object);
        let before = self.collection(resource).insert(Key::of(&object), Arc::clone(&object));
        self.record(resource, before, Arc::clone(&object), false);
        object
    }

    /// Removes an object; tells its last state.
    pub(crate) fn remove(&mut self, resource: &str, key: &Key) -> Option<Arc<Value>> {
        let before = self.collection(resource).remove(key)?;
        self.revision += 1;
        let mut last = Value::clone(&before);
        object::metadata(&mut last)["resourceVersion"] = json!(self.revision.to_string());
        if let Some(journal) = &mut self.journal {
            journal.append_remove(resource, key, self.revision);
        }
        let last = Arc::new(last);
        self.record(resource, Some(before), Arc::clone(&last), true);
        Some(last)
    }

    fn record(&mut self, resource: &str, before: Option<Arc<Value>>, object: Arc<Value>, removed: bool) {
        let resource = self.interned(resource);
        let change = Change { revision: self.revision, resource, before, object, removed };
        self.history.push_back(Arc::new(change));
        if self.history.len() > HISTORY_MAX
            && let Some(oldest) = self.history.pop_front()
        {
            self.forgotten = oldest.revision;
        }
        self.feed.send_replace(self.revision);
        self.compact_if_grown();
    }

    fn compact_if_grown(&mut self) {
        if !self.journal.as_ref().is_some_and(Journal::has_grown) {
            return;
        }
        let records = self.records();
        if let Some(journal) = &mut self.journal {
            // The journal as it is stays valid when it cannot be compacted: the next change tries again.
            let _ = journal.compact(&records);
        }
    }

    /// The changes after a revision.
    ///
    /// # Errors
    ///
    /// When some of them are no longer kept.
    pub(crate) fn since(&self, revision: u64) -> Result<Vec<Arc<Change>>, TooOld> {
        if revision < self.forgotten {
            return Err(TooOld);
        }
        let start = self.history.partition_point(|change| change.revision <= revision);
        Ok(self.history.range(start..).cloned().collect())
    }

    fn interned(&mut self, resource: &str) -> Arc<str> {
        self.collections.get_key_value(resource).map_or_else(|| resource.into(), |(id, _)| Arc::clone(id))
    }

    fn collection(&mut self, resource: &str) -> &mut Collection {
        self.collections.entry(resource.into()).or_default()
    }
}
