//! Whose turn it is: smooth weighted round robin, so that shares are kept as exactly as whole requests allow.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// More rules than this are forgotten, and begin their turns anew.
const RULES_MAX: usize = 10_000;
/// In how many parts of a percent rates are counted.
const RATE_PARTS: f64 = 100.0;

/// The turns that were taken, by rule.
#[derive(Debug, Default)]
pub(crate) struct Balancer {
    turns: Mutex<HashMap<String, Turns>>,
}

#[derive(Debug)]
struct Turns {
    weights: Vec<u32>,
    /// How far each is ahead of (or behind) what it has got.
    credit: Vec<i64>,
}

impl Balancer {
    /// The index of the one whose turn it is; `None` if all weights are zero.
    pub(crate) fn pick(&self, rule: &str, weights: &[u32]) -> Option<usize> {
        let total: i64 = weights.iter().copied().map(i64::from).sum();
        if total == 0 {
            return None;
        }
        let mut all = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() > RULES_MAX {
            all.clear();
        }
        let fresh = || Turns { weights: weights.to_vec(), credit: vec![0; weights.len()] };
        let turns = all.entry(rule.to_owned()).or_insert_with(fresh);
        if turns.weights != weights {
            *turns = fresh();
        }
        for (credit, weight) in turns.credit.iter_mut().zip(weights) {
            *credit += i64::from(*weight);
        }
        let weighed = turns.credit.iter().enumerate().filter(|(at, _)| weights.get(*at) != Some(&0));
        // Of several that are equally far ahead, the first.
        let (chosen, _) = weighed.max_by_key(|(at, credit)| (**credit, std::cmp::Reverse(*at)))?;
        if let Some(credit) = turns.credit.get_mut(chosen) {
            *credit -= total;
        }
        Some(chosen)
    }

    /// Whether this is one of the requests that a percentage takes; they are spread evenly.
    pub(crate) fn hits(&self, what: &str, percent: f64) -> bool {
        let whole = 100.0 * RATE_PARTS;
        // Between 0 and 10,000: no precision is lost.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=10,000")]
        let part = (percent * RATE_PARTS).round().clamp(0.0, whole) as u32;
        self.pick(what, &[10_000 - part, part]) == Some(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_smooth() {
        let check = |weights: &[u32], expect: &[usize]| {
            let balancer = Balancer::default();
            let got: Vec<usize> = expect.iter().filter_map(|_| balancer.pick("rule", weights)).collect();
            assert_eq!(got, expect, "{weights:?}");
        };
        check(&[1, 1], &[0, 1, 0, 1]);
        check(&[4, 1], &[0, 0, 1, 0, 0, 0]);
        check(&[80, 20], &[0, 0, 1, 0, 0]);
        check(&[0, 1], &[1, 1, 1]);
        check(&[5, 1, 1], &[0, 0, 1, 0, 2, 0, 0]);
        assert_eq!(Balancer::default().pick("rule", &[0, 0]), None);
        assert_eq!(Balancer::default().pick("rule", &[]), None);
    }

    #[test]
    fn rates_are_kept() {
        for (percent, expect) in [(0.0, 0), (20.0, 200), (0.1, 1), (100.0, 1000), (250.0, 1000), (-1.0, 0)] {
            let balancer = Balancer::default();
            let hits = (0..1000).filter(|_| balancer.hits("fault", percent)).count();
            assert_eq!(hits, expect, "{percent} %");
        }
    }

    #[test]
    fn new_weights_begin_anew() {
        let balancer = Balancer::default();
        assert_eq!(balancer.pick("rule", &[1, 1]), Some(0));
        let got: Vec<Option<usize>> = (0..3).map(|_| balancer.pick("rule", &[2, 1])).collect();
        assert_eq!(got, [Some(0), Some(1), Some(0)]);
    }
}
