//! What makes a plan a partial one.

use meshform_engine::address::{Address, Selector};
use meshform_engine::plan::{Partial, Restriction};
use serde::{Deserialize, Serialize};

use super::Text;

/// What was asked for, and what is left out.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartialBody {
    restriction: RestrictionBody,
    left_out: Vec<Text<Address>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RestrictionBody {
    Only(Vec<Text<Selector>>),
    Except(Vec<Text<Selector>>),
}

impl PartialBody {
    pub(super) fn new(partial: &Partial) -> Self {
        let named = |selectors: &[Selector]| selectors.iter().cloned().map(Text).collect();
        let restriction = match &partial.restriction {
            Restriction::Only(selectors) => RestrictionBody::Only(named(selectors)),
            Restriction::Except(selectors) => RestrictionBody::Except(named(selectors)),
        };
        Self { restriction, left_out: partial.left_out.iter().cloned().map(Text).collect() }
    }

    pub(super) fn into_partial(self) -> Partial {
        let named = |selectors: Vec<Text<Selector>>| selectors.into_iter().map(|it| it.0).collect();
        let restriction = match self.restriction {
            RestrictionBody::Only(selectors) => Restriction::Only(named(selectors)),
            RestrictionBody::Except(selectors) => Restriction::Except(named(selectors)),
        };
        Partial { restriction, left_out: self.left_out.into_iter().map(|it| it.0).collect() }
    }
}
