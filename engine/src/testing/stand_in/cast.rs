//! Who is made up, and what is known of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::made_up::overlaid;
use crate::address::Address;
use crate::config::Named;
use crate::testing::file::{Moment, Targets};
use crate::value::Value;

/// What is made up in a file, and in the run that is under way.
pub(in crate::testing) struct Cast {
    pub(super) targets: Targets,
    played: Mutex<Played>,
}

/// What is made up from now on.
#[derive(Clone, Default)]
pub(in crate::testing) struct Played {
    /// All of a type; of data types, `data.` comes before.
    pub(in crate::testing) mocks: BTreeMap<String, Made>,
    /// Single things; a later one outranks those before it.
    pub(in crate::testing) doubles: Vec<(Named, Made)>,
}

/// What is known of something that is made up.
#[derive(Clone)]
pub(in crate::testing) struct Made {
    /// Attributes that are as they are given.
    pub(in crate::testing) values: Value,
    /// From when on they are known.
    pub(in crate::testing) moment: Moment,
}

impl Cast {
    pub(in crate::testing) fn new(targets: Targets) -> Self {
        Self { targets, played: Mutex::default() }
    }

    /// From now on these are made up.
    pub(in crate::testing) fn play(&self, played: Played) {
        *self.played.lock().unwrap_or_else(PoisonError::into_inner) = played;
    }

    /// What is known of an instance or look-up, if it is made up. `kind` is the type that its attributes are of.
    pub(super) fn role(&self, address: &Address, kind: &str) -> Option<Made> {
        let played = self.played.lock().unwrap_or_else(PoisonError::into_inner);
        // Of a part of a composite, both the composite's type and its own are meant.
        let mock = played
            .mocks
            .get(&address.kind)
            .or_else(|| played.mocks.get(kind).filter(|_| address.data_type().is_none()));
        let double =
            played.doubles.iter().rev().find(|(named, _)| named.contains(address)).map(|(_, made)| made);
        match (mock, double) {
            (Some(mock), Some(double)) => {
                Some(Made { values: overlaid(&mock.values, &double.values), moment: double.moment })
            }
            (Some(made), None) | (None, Some(made)) => Some(made.clone()),
            (None, None) if self.targets == Targets::Mock => {
                Some(Made { values: Value::object([]), moment: Moment::default() })
            }
            (None, None) => None,
        }
    }
}
