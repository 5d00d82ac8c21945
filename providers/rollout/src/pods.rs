//! How many pods of each version a step has, and the share that this comes to with whole pods.
//!
//! | the router weighs | new pods                      | old pods                                  |
//! | ----------------- | ----------------------------- | ----------------------------------------- |
//! | yes               | as many as the share needs    | all of them, until the end                |
//! | no, by weight     | its share of the capacity     | the rest, and one at least before the end |
//! | no, by pods       | as said                       | all of them, until the end                |

use crate::router::{Abilities, percent};
use crate::spec::{Spec, Step, Strategy};

/// How far the realised share may be from the wanted one before it is worth a warning, in points.
const POINTS_OFF_MAX: u8 = 3;

/// What one step comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// What the block says; of the last level, that the new version gets everything.
    pub step: Step,
    /// The weight to give to the new version; `None` where the router knows no weights.
    pub weight: Option<u8>,
    /// The share of the traffic that the new version comes to, in percent.
    pub share: u8,
    /// How many pods the new version has.
    pub new: u64,
    /// How many pods the old version has.
    pub old: u64,
}

/// How many of the pods that serve everything are needed for a share of it.
pub fn needed(share: u8, capacity: u64) -> u64 {
    capacity.saturating_mul(u64::from(share)).div_ceil(100)
}

/// The steps and, as the last one, that the new version gets everything.
pub fn levels(spec: &Spec) -> Vec<Level> {
    let last = Step { weight: Some(100), ..Step::default() };
    let abilities = spec.router.abilities();
    let capacity = spec.workload.replicas.max(1);
    let steps = spec.steps.iter().cloned().chain([last]);
    let mut levels: Vec<Level> = steps.map(|step| level(step, capacity, spec.strategy, abilities)).collect();
    // The version that is there has what the steps before gave it.
    for index in 1..levels.len() {
        levels[index].new = levels[index].new.max(levels[index - 1].new);
    }
    levels
}

fn level(step: Step, capacity: u64, strategy: Strategy, abilities: Abilities) -> Level {
    if abilities.weighs { weighed(step, capacity, strategy) } else { counted(step, capacity) }
}

fn weighed(step: Step, capacity: u64, strategy: Strategy) -> Level {
    let share = step.weight.unwrap_or(0).min(100);
    let serves = share > 0 || step.matching.is_some() || !step.gates.is_empty();
    let fewest = needed(share, capacity).max(u64::from(serves));
    let new = match strategy {
        Strategy::BlueGreen => capacity,
        Strategy::Canary => step.replicas.unwrap_or(0).max(fewest),
    };
    Level { step, weight: Some(share), share, new, old: capacity }
}

fn counted(step: Step, capacity: u64) -> Level {
    let (new, old) = match (step.replicas, step.weight) {
        (Some(replicas), _) => (replicas, capacity),
        (None, Some(100)) => (capacity, 0),
        (None, weight) => {
            let new = nearest(weight.unwrap_or(0), capacity);
            (new, capacity.saturating_sub(new).max(1))
        }
    };
    Level { step, weight: None, share: percent(new, new.saturating_add(old)), new, old }
}

/// That share of the pods, rounded, but at least one for more than nothing.
fn nearest(share: u8, capacity: u64) -> u64 {
    let rounded = capacity.saturating_mul(u64::from(share)).saturating_add(50) / 100;
    rounded.max(u64::from(share > 0))
}

impl Level {
    /// What is to be said about a share that whole pods do not come near to.
    pub fn caution(&self) -> Option<String> {
        let asked = self.step.weight.filter(|_| self.step.replicas.is_none())?;
        if self.weight.is_some() || asked.abs_diff(self.share) <= POINTS_OFF_MAX {
            return None;
        }
        let (new, total) = (self.new, self.new.saturating_add(self.old));
        let fewest = 100 / common_divisor(u64::from(asked), 100);
        Some(format!(
            "{asked} % of the traffic cannot be had with {total} pods: {new} of them come to {} %. {asked} % needs {fewest} pods, or a router that weighs.",
            self.share,
        ))
    }
}

fn common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a.max(1) } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_pods_come_to_shares() {
        let check = |capacity: u64, weight: u8, expect: (u64, u64, u8)| {
            let step = Step { weight: Some(weight), ..Step::default() };
            let level = counted(step, capacity);
            assert_eq!((level.new, level.old, level.share), expect, "{weight} % of {capacity}");
        };
        check(1, 50, (1, 1, 50));
        check(1, 100, (1, 0, 100));
        check(20, 5, (1, 19, 5));
        check(2, 5, (1, 1, 50));
        check(5, 80, (4, 1, 80));
        check(10, 33, (3, 7, 30));
        check(10, 0, (0, 10, 0));
        check(3, 99, (3, 1, 75));
    }

    #[test]
    fn explicit_pods_leave_the_old_ones_alone() {
        let step = Step { replicas: Some(4), ..Step::default() };
        let level = counted(step, 1);
        assert_eq!((level.new, level.old, level.share), (4, 1, 80));
    }

    #[test]
    fn a_weight_has_the_pods_that_it_needs() {
        let check = |strategy, step: Step, expect: u64| {
            let level = weighed(step, 10, strategy);
            assert_eq!((level.new, level.old), (expect, 10), "{level:?}");
        };
        let step = |weight, replicas| Step { weight: Some(weight), replicas, ..Step::default() };
        check(Strategy::Canary, step(5, None), 1);
        check(Strategy::Canary, step(11, None), 2);
        check(Strategy::Canary, step(20, Some(5)), 5);
        check(Strategy::Canary, step(50, Some(1)), 5);
        check(Strategy::Canary, step(0, None), 0);
        check(Strategy::BlueGreen, step(0, None), 10);
        let gated = Step { gates: vec!["works".to_owned()], ..step(0, None) };
        check(Strategy::Canary, gated, 1);
    }

    #[test]
    fn a_share_far_from_the_asked_one_is_told() {
        let check = |capacity: u64, weight: u8, expect: Option<&str>| {
            let level = counted(Step { weight: Some(weight), ..Step::default() }, capacity);
            let caution = level.caution();
            assert_eq!(caution.is_some(), expect.is_some(), "{weight} % of {capacity}: {caution:?}");
            assert!(expect.is_none_or(|part| caution.unwrap_or_default().contains(part)));
        };
        check(20, 5, None);
        check(4, 5, Some("5 % needs 20 pods"));
        check(4, 25, None);
        check(4, 33, Some("33 % needs 100 pods"));
        check(7, 30, None);
    }
}
