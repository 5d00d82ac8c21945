//! What of a stack a plan is about, where it is not about all of it.

use std::fmt;

use crate::address::{Address, Selector};

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

/// What makes a plan a partial one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial {
    /// What was asked for.
    pub restriction: Restriction,
    /// What is configured and left out, sorted: instances, and blocks of which all is.
    pub left_out: Vec<Address>,
}

impl Partial {
    /// Whether something of what `address` stands for is left out.
    pub fn leaves_out(&self, address: &Address) -> bool {
        self.left_out.iter().any(|left_out| left_out.meets(address))
    }
}
