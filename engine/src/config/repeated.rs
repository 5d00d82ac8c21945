//! `moved` and `removed` blocks with `for_each`: what they come to is told once that is known.

use super::refactoring::{Named, address, literal_key, one_move};
use super::{Move, Removal};
use crate::address::{Key, ModulePath};
use crate::diagnostic::{Diagnostics, Span};
use crate::lang::Expression;

/// A `moved` or `removed` block with `for_each`.
#[derive(Clone, Debug)]
pub struct Repeated {
    /// The module that it is in.
    pub module: ModulePath,
    /// What it says of each element.
    pub each: Refactoring,
    /// What repeats it.
    pub for_each: Expression,
    /// Where the block is.
    pub span: Option<Span>,
}

/// What a repeated block says, in terms of `each`.
#[derive(Clone, Debug)]
pub enum Refactoring {
    /// `moved`
    Moved {
        /// Under what it was recorded.
        from: Expression,
        /// What it is now.
        to: Expression,
    },
    /// `removed`
    Removed {
        /// What is no longer in the configuration.
        from: Expression,
        /// Whether it is to go from its target, too.
        destroy: bool,
    },
}

/// What a repeated block comes to for one element.
pub(crate) enum Unrolled {
    /// A move.
    Move(Move),
    /// A removal.
    Removal(Removal),
}

impl Repeated {
    /// What it comes to for the element for which `key` tells the keys.
    pub(crate) fn unrolled(
        &self,
        key: &mut dyn FnMut(&Expression) -> Option<Key>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Unrolled> {
        let mut place = |it: &Expression| -> Option<Named> { address(it, &self.module, key, diagnostics) };
        match &self.each {
            Refactoring::Moved { from, to } => {
                let (from, to) = (place(from), place(to));
                one_move(from?, to?, self.span.clone(), diagnostics).map(Unrolled::Move)
            }
            Refactoring::Removed { from, destroy } => {
                let (from, destroy, span) = (place(from)?, *destroy, self.span.clone());
                Some(Unrolled::Removal(Removal { from, destroy, span }))
            }
        }
    }

    /// Complains of what is wrong whatever the elements.
    pub(super) fn check(&self, diagnostics: &mut Diagnostics) {
        let mut any = |key: &Expression| literal_key(key).or(Some(Key::Index(0)));
        drop(self.unrolled(&mut any, diagnostics));
    }
}
