//! Who owns whom: an index over owner references.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::kube::object::{self, list, text};
use crate::kube::store::{Change, Key};

/// Where an object is.
pub(super) type Place = (Arc<str>, Key);

/// Live objects by UID, and the dependents of each.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    live: HashMap<String, Place>,
    dependents: HashMap<String, BTreeSet<Place>>,
}

impl Owners {
    /// Takes a change into the index.
    pub(super) fn note(&mut self, change: &Change) {
        let place = (Arc::clone(&change.resource), Key::of(&change.object));
        if let Some(before) = &change.before {
            self.forget(before, &place);
        }
        if change.removed {
            self.live.remove(object::uid(&change.object));
            return;
        }
        self.live.insert(object::uid(&change.object).to_owned(), place.clone());
        for owner in list(&change.object, "/metadata/ownerReferences") {
            self.dependents.entry(text(owner, "/uid").to_owned()).or_default().insert(place.clone());
        }
    }

    fn forget(&mut self, before: &Value, place: &Place) {
        for owner in list(before, "/metadata/ownerReferences") {
            let uid = text(owner, "/uid");
            if let Some(places) = self.dependents.get_mut(uid) {
                places.remove(place);
                if places.is_empty() {
                    self.dependents.remove(uid);
                }
            }
        }
    }

    /// Where the object with a UID is, if it is.
    pub(super) fn find(&self, uid: &str) -> Option<&Place> {
        self.live.get(uid)
    }

    /// The dependents of the object with a UID, by resource.
    pub(super) fn of(&self, uid: &str) -> BTreeMap<Arc<str>, Vec<Key>> {
        let mut by_resource: BTreeMap<Arc<str>, Vec<Key>> = BTreeMap::new();
        for (resource, key) in self.dependents.get(uid).into_iter().flatten() {
            by_resource.entry(Arc::clone(resource)).or_default().push(key.clone());
        }
        by_resource
    }

    /// The dependents in one resource.
    pub(super) fn of_in(&self, uid: &str, resource: &str) -> Vec<Key> {
        let places = self.dependents.get(uid).into_iter().flatten();
        places.filter(|(own, _)| **own == *resource).map(|(_, key)| key.clone()).collect()
    }
}
