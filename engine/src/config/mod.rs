//! AST + schemas → [`Config`]: what the blocks say, with every name resolved and the blocks in order.
//!
//! Nothing is evaluated here: expressions stay expressions, and `for_each` is expanded when a plan is drafted.

mod blocks;
mod body;
mod decode;
mod references;
mod registry;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use indexmap::IndexMap;

pub use self::decode::decode;
pub use self::registry::Registry;
use crate::address::TargetKind;
use crate::diagnostic::Span;
use crate::lang::{Expression, Reference, TypeConstraint};

/// A whole stack, decoded.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `variable` blocks by name.
    pub variables: IndexMap<String, Variable>,
    /// The entries of all `locals` blocks.
    pub locals: IndexMap<String, Expression>,
    /// `output` blocks by name.
    pub outputs: IndexMap<String, Output>,
    /// `cluster` and `host` blocks.
    pub targets: IndexMap<(TargetKind, String), TargetBlock>,
    /// `resource` blocks by type and name.
    pub resources: IndexMap<(String, String), ResourceBlock>,
    /// What each block refers to.
    pub dependencies: IndexMap<BlockId, Vec<BlockId>>,
    /// All blocks, each after what it refers to.
    pub order: Vec<BlockId>,
    /// Blocks that something was found wrong with already: evaluating them would only repeat it.
    pub broken: BTreeSet<BlockId>,
    /// What blocks refer to and nothing is named.
    pub unresolved: BTreeMap<BlockId, Vec<Reference>>,
}

/// A node of the graph of blocks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockId {
    /// `var.NAME`
    Variable(String),
    /// `local.NAME`
    Local(String),
    /// `cluster.NAME` or `host.NAME`
    Target(TargetKind, String),
    /// `TYPE.NAME`
    Resource(String, String),
    /// `output.NAME`
    Output(String),
}

/// A `variable` block.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Where its name is.
    pub span: Option<Span>,
    /// What it may hold.
    pub constraint: TypeConstraint,
    /// Its value when none is given.
    pub default: Option<Expression>,
    /// Whether its value is sensitive.
    pub sensitive: bool,
    /// Whether null is a value of its own rather than "use the default".
    pub nullable: bool,
    /// What it means.
    pub description: Option<String>,
    /// What must hold of its value.
    pub validations: Vec<Validation>,
}

/// A `validation` block.
#[derive(Clone, Debug)]
pub struct Validation {
    /// What must be true.
    pub condition: Expression,
    /// What to say when it is not.
    pub error_message: Expression,
}

/// An `output` block.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its value.
    pub value: Expression,
    /// Whether its value may be sensitive.
    pub sensitive: bool,
}

/// How many instances a block has.
#[derive(Clone, Debug)]
pub enum Repetition {
    /// One, without a key.
    None,
    /// `count`.
    Count(Expression),
    /// `for_each`.
    ForEach(Expression),
}

/// A `cluster` or `host` block.
#[derive(Clone, Debug)]
pub struct TargetBlock {
    /// Where its name is.
    pub span: Option<Span>,
    /// Its instances.
    pub repetition: Repetition,
    /// Its attributes.
    pub attributes: BTreeMap<String, Expression>,
}

/// A `resource` block.
#[derive(Clone, Debug)]
pub struct ResourceBlock {
    /// Where its type and name are.
    pub span: Option<Span>,
    /// Its instances.
    pub repetition: Repetition,
    /// Its attributes, meta-arguments apart.
    pub attributes: BTreeMap<String, Expression>,
    /// Where it lives, if it says so.
    pub target: Option<Expression>,
    /// What it is to come after, besides what it refers to.
    pub depends_on: Option<Expression>,
    /// The longest that its steps may take.
    pub timeouts: Timeouts,
}

/// A `timeouts` block, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// For making it.
    pub create_ms: Option<u64>,
    /// For changing it.
    pub update_ms: Option<u64>,
    /// For removing it.
    pub delete_ms: Option<u64>,
}

impl BlockId {
    /// The root and the name by which expressions refer to it.
    pub fn reference(&self) -> (&str, &str) {
        match self {
            Self::Variable(name) => ("var", name),
            Self::Local(name) => ("local", name),
            Self::Target(kind, name) => (kind.as_str(), name),
            Self::Resource(kind, name) => (kind, name),
            Self::Output(name) => ("output", name),
        }
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (root, name) = self.reference();
        write!(f, "{root}.{name}")
    }
}
