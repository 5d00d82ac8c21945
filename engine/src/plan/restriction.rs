//! What of a stack a plan is about, where it is not about all of it.

use std::fmt;

use crate::address::{Address, Selector, TargetAddress};
use crate::diagnostic::Diagnostic;
use crate::ports::ProviderError;

/// What is asked for.
///
/// Where the stack is to be taken down, what goes is turned around: with what is named goes all that needs it, and with what is left
/// out stays all that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restriction {
    /// Only these, and what they need.
    Only(Vec<Selector>),
    /// All but these and what needs them.
    Except(Vec<Selector>),
}

impl Restriction {
    /// What is named.
    pub fn selectors(&self) -> &[Selector] {
        match self {
            Self::Only(selectors) | Self::Except(selectors) => selectors,
        }
    }

    /// The flag by which it is given.
    pub fn flag(&self) -> &'static str {
        match self {
            Self::Only(_) => "-target",
            Self::Except(_) => "-exclude",
        }
    }
}

impl fmt::Display for Restriction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = self.selectors().iter().map(|selector| format!("{} {selector}", self.flag()));
        f.write_str(&flags.collect::<Vec<_>>().join(" "))
    }
}

/// What makes a plan a partial one: it was asked to be, or targets could not be reached, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partial {
    /// What was asked for; `None` if that was all of the stack.
    pub restriction: Option<Restriction>,
    /// The targets that could not be reached, by address.
    pub unreachable: Vec<Unreachable>,
    /// What is configured and left out, sorted: instances, and blocks of which all is.
    pub left_out: Vec<Address>,
}

impl Partial {
    /// Whether something of what `address` stands for is left out.
    pub fn leaves_out(&self, address: &Address) -> bool {
        self.left_out.iter().any(|left_out| left_out.meets(address))
    }
}

/// A target that could not be reached when the plan was made. What is on it, and what needs that, is left out as by `-exclude`: it is
/// neither looked at nor changed, and stays as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// Which.
    pub target: TargetAddress,
    /// Constant short text.
    pub summary: String,
    /// What failed, why and what to do, in sentences. Holds no secrets.
    pub detail: String,
    /// What is not planned because it is there, sorted: instances, and blocks of which all is.
    pub instances: Vec<Address>,
    /// What is not planned because of those, sorted: what needs them; where the stack is taken down, what they need.
    pub dependants: Vec<Address>,
}

impl Unreachable {
    /// One on which nothing is known to be yet.
    pub(crate) fn new(target: &TargetAddress, error: &ProviderError) -> Self {
        let (target, summary, detail) = (target.clone(), error.summary.clone(), error.detail.clone());
        Self { target, summary, detail, instances: Vec::new(), dependants: Vec::new() }
    }

    /// For whoever cannot go on without it.
    pub(crate) fn problem(&self) -> Diagnostic {
        Diagnostic::error(self.summary.clone(), format!("{} (at {})", self.detail, self.target))
    }

    /// How many addresses are not planned because of it.
    pub fn count(&self) -> usize {
        self.instances.len() + self.dependants.len()
    }
}
