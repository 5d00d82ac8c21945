//! How much one plan may remove: `max_deletes` in the `meshform` block, or `-max-deletes` in its place.
//!
//! Removed is what is deleted, and what is replaced. A plan beyond the budget is told like one that a mandatory policy forbids. A destroy has
//! no budget: to remove everything is what it is for.

use std::fmt;
use std::str::FromStr;

use crate::diagnostic::Diagnostic;
use crate::plan::{Action, Plan};
use crate::policy::{Judgement, Level, Verdict};

/// What the budget is called where policies are told.
const NAME: &str = "max_deletes";
/// So many of what is removed is named.
const NAMES_MAX: usize = 5;

/// The most that one plan may remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// So many instances.
    Count(usize),
    /// So much of what is recorded, in percent, rounded up.
    Percent(u8),
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = match text.strip_suffix('%') {
            Some(percent) => percent.parse().ok().filter(|percent| *percent <= 100).map(Self::Percent),
            None => text.parse().ok().map(Self::Count),
        };
        parsed
            .ok_or_else(|| "expected a whole number such as 5, or a part of the stack such as 20%".to_owned())
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Budget {
    fn instances(self, recorded: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => recorded.saturating_mul(percent.into()).div_ceil(100),
        }
    }

    /// What it says of a plan, made from a state that records so many instances.
    pub(crate) fn judge(self, plan: &Plan, recorded: usize) -> Judgement {
        let removes = [Action::Delete, Action::ReplaceDeleteFirst, Action::ReplaceCreateFirst];
        let removed: Vec<_> = plan.shown().filter(|change| removes.contains(&change.action)).collect();
        let allowed = self.instances(recorded);
        let is_kept = removed.len() <= allowed;
        let names: Vec<_> = removed.iter().take(NAMES_MAX).map(|change| change.address.to_string()).collect();
        let more = match removed.len().saturating_sub(NAMES_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let detail = format!(
            "This plan removes or replaces {} of {recorded} instances, and `{NAME}` allows {allowed} ({self}): {}{more}. If that is meant, say so \
             by -max-deletes={}.",
            removed.len(),
            names.join(", "),
            removed.len()
        );
        let finding = (!is_kept).then(|| Diagnostic::error("More would be removed than allowed", detail));
        Judgement {
            policy: NAME.to_owned(),
            description: Some(format!("A plan removes or replaces at most {self} of the stack.")),
            level: Level::Mandatory,
            verdict: if is_kept { Verdict::Holds } else { Verdict::Fails },
            findings: finding.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_numbers_or_parts() {
        let check = |text: &str, recorded: usize, expect: Option<usize>| {
            let budget = text.parse::<Budget>().ok();
            assert_eq!(budget.map(|budget| budget.instances(recorded)), expect, "{text} of {recorded}");
            assert!(budget.is_none_or(|budget| budget.to_string() == text));
        };
        check("0", 10, Some(0));
        check("5", 10, Some(5));
        check("20%", 10, Some(2));
        check("20%", 11, Some(3));
        check("0%", 10, Some(0));
        check("100%", 7, Some(7));
        check("101%", 7, None);
        check("-1", 7, None);
        check("%", 7, None);
        check("", 7, None);
    }
}
