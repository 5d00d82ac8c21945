//! Measurements of one gate in one step, and what they come to.

use super::{Limits, Measured};

/// What has been measured so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    passed: u64,
    failed: u64,
    consecutive_failures: u64,
    inconclusive: u64,
    last: Option<(i64, Measured)>,
}

/// What a tally comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is to be measured, not before this time, in milliseconds since the Unix epoch.
    Open(i64),
    /// The gate is passed.
    Passed,
    /// It is not; the last measurement's reason.
    Failed(String),
    /// Too many measurements told nothing: a person has to look.
    Inconclusive(String),
}

impl Tally {
    /// One measurement more.
    pub fn add(&mut self, at_ms: i64, measured: Measured) {
        match measured {
            Measured::Passed => self.passed += 1,
            Measured::Failed(_) => self.failed += 1,
            Measured::Inconclusive(_) => self.inconclusive += 1,
        }
        self.consecutive_failures = match measured {
            Measured::Passed => 0,
            Measured::Failed(_) => self.consecutive_failures + 1,
            // What tells nothing does not end a row of failures.
            Measured::Inconclusive(_) => self.consecutive_failures,
        };
        self.last = Some((at_ms, measured));
    }

    /// What it comes to, in a step that has held since then.
    pub fn judge(&self, limits: &Limits, held_since_ms: i64) -> Judgement {
        let row_max = limits.consecutive_failures_max.unwrap_or(limits.failures_max);
        if self.failed > limits.failures_max || self.consecutive_failures > row_max {
            return Judgement::Failed(self.reason());
        }
        if self.inconclusive > limits.inconclusive_max {
            return Judgement::Inconclusive(self.reason());
        }
        if self.passed >= limits.count {
            return Judgement::Passed;
        }
        Judgement::Open(match &self.last {
            Some((at_ms, _)) => at_ms.saturating_add(limits.interval_ms),
            None => held_since_ms.saturating_add(limits.delay_ms),
        })
    }

    fn reason(&self) -> String {
        match &self.last {
            Some((_, Measured::Failed(reason) | Measured::Inconclusive(reason))) => reason.clone(),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A measurement for each letter, one second apart: `p`assed, `f`ailed, `i`nconclusive.
    fn check(limits: &Limits, measurements: &str, expect: Judgement) {
        let mut tally = Tally::default();
        for (second, letter) in (1..).zip(measurements.chars()) {
            let measured = match letter {
                'p' => Measured::Passed,
                'f' => Measured::Failed(format!("failure {second}")),
                _ => Measured::Inconclusive(format!("nothing {second}")),
            };
            tally.add(second * 1_000, measured);
        }
        assert_eq!(tally.judge(limits, 500), expect, "{measurements}");
    }

    #[test]
    fn the_tally_is_judged_by_the_limits() {
        let one = Limits { delay_ms: 100, ..Limits::default() };
        check(&one, "", Judgement::Open(600));
        check(&one, "p", Judgement::Passed);
        check(&one, "f", Judgement::Failed("failure 1".to_owned()));
        check(&one, "i", Judgement::Inconclusive("nothing 1".to_owned()));

        let three = Limits {
            count: 3,
            failures_max: 2,
            consecutive_failures_max: Some(1),
            inconclusive_max: 1,
            ..Limits::default()
        };
        check(&three, "pp", Judgement::Open(12_000));
        check(&three, "pfpfp", Judgement::Passed);
        check(&three, "pff", Judgement::Failed("failure 3".to_owned()));
        check(&three, "pfif", Judgement::Failed("failure 4".to_owned()));
        check(&three, "fpfpf", Judgement::Failed("failure 5".to_owned()));
        check(&three, "ippi", Judgement::Inconclusive("nothing 4".to_owned()));
    }
}
