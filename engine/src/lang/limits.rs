//! What an expression may cost, in time and in space.
//!
//! A few lines of text can stand for a value, or for work, of any size: loops inside of loops, local values that double each
//! other, functions that repeat a text. Every value that an expression makes is weighed ([`Value::weight`]), every function and
//! operator that goes through values is charged with their weight, and what goes beyond a limit is an error with its place.
//! The limits are far beyond what stacks need: a hundred thousand objects of eighty parts each, files of 50 MB.

use std::cell::Cell;

use crate::value::Value;

/// How many bytes a text may have.
pub(super) const TEXT_MAX: usize = 64 << 20;

/// How large a value may be that an expression makes, in bytes as [`Value::weight`] counts them.
pub(super) const WEIGHT_MAX: u64 = 512 << 20;

/// How many parts a function's result may have, so that even without contents they stay below [`WEIGHT_MAX`].
pub(super) const PARTS_MAX: usize = 8 << 20;

/// How deep a value may be nested, as [`Value::depth`] counts: whatever reads what is stored goes at least as deep.
pub(super) const DEPTH_MAX: u8 = 100;

/// How many rounds the loops of one expression may make together.
pub(super) const ROUNDS_MAX: u64 = 2_000_000;

/// How much the functions and operators of one expression may go through together, as [`work`] counts it: some seconds.
pub(super) const WORK_MAX: u64 = 32 << 30;

/// How many times the work of other functions it is to match a pattern.
pub(super) const MATCHING: u64 = 8;

/// After how many problems in its rounds a loop gives up: the others are of the same kind.
pub(super) const PROBLEMS_MAX: usize = 20;

/// What the evaluation of one expression has cost so far.
#[derive(Default)]
pub(super) struct Spent {
    rounds: Cell<u64>,
    work: Cell<u64>,
}

/// Which limit was passed: a summary and a sentence.
pub(super) type Passed = (&'static str, String);

impl Spent {
    /// Counts rounds of a loop.
    pub(super) fn rounds(&self, more: usize) -> Result<(), Passed> {
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        self.rounds.set(self.rounds.get().saturating_add(more));
        self.check()
    }

    /// Counts work.
    pub(super) fn work(&self, bytes: u64) -> Result<(), Passed> {
        self.work.set(self.work.get().saturating_add(bytes));
        self.check()
    }

    /// Fails once a limit has been passed, so that loops around what passed it end as well.
    pub(super) fn check(&self) -> Result<(), Passed> {
        if self.rounds.get() > ROUNDS_MAX {
            let detail = format!("The loops of this expression make more than {ROUNDS_MAX} rounds.");
            return Err(("Too many rounds", detail));
        }
        if self.work.get() > WORK_MAX {
            let detail = "The functions and operators of this expression go through gigabytes of values. What is the same in every \
                          round of a loop can be a local value.";
            return Err(("Too much work", detail.into()));
        }
        Ok(())
    }
}

/// What it takes to go through a value. Texts are hashed, searched and parsed letter by letter; parts are compared or copied.
pub(super) fn work(value: &Value) -> u64 {
    const LETTER: u64 = 16;
    let letters = value.as_str().map_or(0, str::len);
    u64::from(value.weight())
        .saturating_add(u64::try_from(letters).unwrap_or(u64::MAX).saturating_mul(LETTER))
}

/// What it takes to make the type of a value.
pub(super) fn typing(value: &Value) -> u64 {
    const COPIES: u64 = 16;
    u64::from(value.weight()).saturating_mul(COPIES)
}

/// Adds up what goes into a value that is being made, so that it fails before it is too large.
#[derive(Default)]
pub(super) struct Tally(u64);

impl Tally {
    pub(super) fn add(&mut self, part: &Value) -> Result<(), Passed> {
        self.0 = self.0.saturating_add(u64::from(part.weight()));
        if self.0 > WEIGHT_MAX { Err(too_large()) } else { Ok(()) }
    }
}

/// Whether a value that was made is within the limits.
pub(super) fn check(value: &Value) -> Result<(), Passed> {
    if value.depth() > DEPTH_MAX {
        let detail = format!("The value is nested more than {DEPTH_MAX} deep (a set or a map counts twice).");
        return Err(("Value nested too deeply", detail));
    }
    if u64::from(value.weight()) > WEIGHT_MAX { Err(too_large()) } else { Ok(()) }
}

fn too_large() -> Passed {
    let detail = "The value has more than 512 MiB, with all that is repeated in it counted each time.";
    ("Value too large", detail.into())
}
