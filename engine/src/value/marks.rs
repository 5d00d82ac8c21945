//! The marks that values carry through every operation.

use std::ops::{BitOr, BitOrAssign};

use super::Value;

/// What must not happen to a value: a *sensitive* one is not shown and not stored in the clear, an *ephemeral* one is not stored at all,
/// and of one that *stands in* for what is left out of a plan nothing is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u8);

impl Marks {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// Neither shown nor stored in the clear.
    pub const SENSITIVE: Self = Self(1);
    /// Not stored in any form: known while one run lasts.
    pub const EPHEMERAL: Self = Self(2);
    /// In the place of what a plan leaves out because it is out of reach: what needs it is left out, too.
    pub const STAND_IN: Self = Self(4);

    /// All marks of some values and of their parts.
    pub fn of<'v>(values: impl IntoIterator<Item = &'v Value>) -> Self {
        values.into_iter().fold(Self::NONE, |marks, value| marks | value.all_marks())
    }

    /// The marks of some values themselves; their parts may carry more.
    pub fn of_whole<'v>(values: impl IntoIterator<Item = &'v Value>) -> Self {
        values.into_iter().fold(Self::NONE, |marks, value| marks | value.marks())
    }

    /// Whether there is any.
    pub fn is_any(self) -> bool {
        self != Self::NONE
    }

    /// Whether the mark of what is not shown is among them.
    pub fn is_sensitive(self) -> bool {
        self.0 & Self::SENSITIVE.0 != 0
    }

    /// Whether the mark of what is not stored is among them.
    pub fn is_ephemeral(self) -> bool {
        self.0 & Self::EPHEMERAL.0 != 0
    }

    /// Whether the mark of what stands in for something left out is among them.
    pub fn is_stand_in(self) -> bool {
        self.0 & Self::STAND_IN.0 != 0
    }

    /// Those without that of what is not shown.
    #[must_use]
    pub fn without_sensitive(self) -> Self {
        Self(self.0 & !Self::SENSITIVE.0)
    }
}

impl BitOr for Marks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Marks {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// Sensitive or not.
impl From<bool> for Marks {
    fn from(is_sensitive: bool) -> Self {
        if is_sensitive { Self::SENSITIVE } else { Self::NONE }
    }
}
