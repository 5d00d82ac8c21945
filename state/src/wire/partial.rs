//! What makes a plan a partial one.

use meshform_engine::address::{Address, Selector, TargetAddress};
use meshform_engine::plan::{Partial, Restriction, Unreachable};
use serde::{Deserialize, Serialize};

use super::Text;

/// What was asked for, what could not be reached, and what is left out.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartialBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    restriction: Option<RestrictionBody>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unreachable: Vec<UnreachableBody>,
    left_out: Vec<Text<Address>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnreachableBody {
    target: Text<TargetAddress>,
    summary: String,
    detail: String,
    instances: Vec<Text<Address>>,
    dependants: Vec<Text<Address>>,
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
        let restriction = partial.restriction.as_ref().map(|restriction| match restriction {
            Restriction::Only(selectors) => RestrictionBody::Only(named(selectors)),
            Restriction::Except(selectors) => RestrictionBody::Except(named(selectors)),
        });
        let unreachable = partial.unreachable.iter().cloned().map(UnreachableBody::new).collect();
        Self { restriction, unreachable, left_out: texts(partial.left_out.clone()) }
    }

    pub(super) fn into_partial(self) -> Partial {
        let named = |selectors: Vec<Text<Selector>>| selectors.into_iter().map(|it| it.0).collect();
        let restriction = self.restriction.map(|restriction| match restriction {
            RestrictionBody::Only(selectors) => Restriction::Only(named(selectors)),
            RestrictionBody::Except(selectors) => Restriction::Except(named(selectors)),
        });
        let unreachable = self.unreachable.into_iter().map(UnreachableBody::into_unreachable).collect();
        Partial { restriction, unreachable, left_out: addresses(self.left_out) }
    }
}

impl UnreachableBody {
    fn new(lost: Unreachable) -> Self {
        Self {
            target: Text(lost.target),
            summary: lost.summary,
            detail: lost.detail,
            instances: texts(lost.instances),
            dependants: texts(lost.dependants),
        }
    }

    fn into_unreachable(self) -> Unreachable {
        Unreachable {
            target: self.target.0,
            summary: self.summary,
            detail: self.detail,
            instances: addresses(self.instances),
            dependants: addresses(self.dependants),
        }
    }
}

fn texts(all: Vec<Address>) -> Vec<Text<Address>> {
    all.into_iter().map(Text).collect()
}

fn addresses(all: Vec<Text<Address>>) -> Vec<Address> {
    all.into_iter().map(|it| it.0).collect()
}
