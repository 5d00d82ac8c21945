//! How many requests each pod has got.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// More pods than this are forgotten.
const PODS_MAX: usize = 10_000;

/// Requests by the pod's UID.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    requests: Mutex<HashMap<String, u64>>,
}

impl Tally {
    pub(super) fn count(&self, pod: &str) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() > PODS_MAX {
            requests.clear();
        }
        *requests.entry(pod.to_owned()).or_default() += 1;
    }

    pub(super) fn of(&self, pod: &str) -> u64 {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).get(pod).copied().unwrap_or(0)
    }
}
