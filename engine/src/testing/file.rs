//! What a test file says.

use indexmap::IndexMap;

use crate::address::Address;
use crate::config::{BlockId, Condition, Named};
use crate::diagnostic::{SourceId, Span};
use crate::lang::Expression;

/// One `*.mftest.hcl` file.
#[derive(Clone, Debug)]
pub struct TestFile {
    /// Which file.
    pub source: SourceId,
    /// Its name, as shown.
    pub name: String,
    /// What stands in for the stack's clusters and hosts.
    pub targets: Targets,
    /// The values of variables in all of its runs.
    pub variables: IndexMap<String, Expression>,
    /// `mock_resource` and `mock_data` blocks, by kind: of data types, `data.` comes before.
    pub mocks: IndexMap<String, Mock>,
    /// `override_resource` and `override_data` blocks.
    pub doubles: Vec<Double>,
    /// What is done, in this order.
    pub runs: Vec<Run>,
}

/// What stands in for clusters and hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Targets {
    /// An embedded world that is made for the file, and is gone after it.
    #[default]
    Sandbox,
    /// Nothing: whatever is asked for is made at once, and what targets would tell is made up.
    Mock,
    /// The clusters and hosts that the stack names.
    Real,
}

impl Targets {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sandbox, Self::Mock, Self::Real];

    /// As one writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Mock => "mock",
            Self::Real => "real",
        }
    }
}

/// A `mock_resource` or `mock_data` block: all of a type are made up.
#[derive(Clone, Debug)]
pub struct Mock {
    /// What is known of all of them.
    pub defaults: Option<Expression>,
    /// From when on.
    pub moment: Moment,
    /// Where its label is.
    pub span: Option<Span>,
}

/// An `override_resource` or `override_data` block: one thing is made up.
#[derive(Clone, Debug)]
pub struct Double {
    /// Which.
    pub target: Named,
    /// What is known of it.
    pub values: Option<Expression>,
    /// From when on.
    pub moment: Moment,
}

/// From when on what is made up is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Moment {
    /// While it is planned.
    Plan,
    /// When it is applied, as with what is not made up.
    #[default]
    Apply,
}

/// A `run` block.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its name.
    pub name: String,
    /// Where its name is.
    pub span: Option<Span>,
    /// What is done.
    pub command: Command,
    /// The values of variables, before those of the file.
    pub variables: IndexMap<String, Expression>,
    /// Instances that are replaced though they need not be; a block means all of its own.
    pub replace: Vec<Address>,
    /// What must hold afterwards.
    pub asserts: Vec<Condition>,
    /// What must fail.
    pub expected: Vec<Checked>,
    /// What is made up in this run, besides what is made up in all of the file.
    pub doubles: Vec<Double>,
    /// The earlier runs whose outputs it uses.
    pub needs: Vec<String>,
}

/// What a run does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Command {
    /// It plans.
    Plan,
    /// It plans, and applies the plan.
    #[default]
    Apply,
}

impl Command {
    /// As one writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
        }
    }
}

/// Something that has conditions of its own, and is expected not to hold them.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What: a variable, an output, a check, a policy, a resource or a look-up.
    pub what: BlockId,
    /// Where it is written.
    pub span: Option<Span>,
}
