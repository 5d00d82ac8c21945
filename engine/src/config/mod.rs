//! AST + schemas → [`Config`]: what the blocks say, with every name resolved and the blocks in order.
//!
//! Nothing is evaluated here: expressions stay expressions, and `for_each` is expanded when a plan is drafted.

mod blocks;
mod body;
mod data;
mod decode;
mod import;
mod lifecycle;
mod module_call;
mod nested;
mod policy;
mod refactoring;
mod references;
mod registry;
mod repeated;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

pub(crate) use self::blocks::conditions;
pub(crate) use self::body::{BodyReader, FileText};
pub use self::data::DataBlock;
pub use self::decode::decode;
pub(crate) use self::decode::decode_settings;
pub(crate) use self::decode::labels;
pub use self::import::Import;
pub(crate) use self::nested::wrong_count;
pub use self::nested::{Content, Dynamic, Nested};
pub use self::policy::Policy;
pub use self::refactoring::Named;
pub(crate) use self::refactoring::{check as check_refactorings, destination, literal_key, named_by};
pub use self::registry::Registry;
pub(crate) use self::repeated::Unrolled;
pub use self::repeated::{Refactoring, Repeated};
pub use self::settings::{BackendBlock, Settings};
use crate::address::{Address, ModulePath, TargetAddress, TargetKind};
use crate::diagnostic::Span;
use crate::lang::{Expression, Reference, TypeConstraint};
use crate::value::{Marks, Path};

/// A whole stack, decoded.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// What the stack says of itself.
    pub settings: Settings,
    /// What the stack's own files say.
    pub root: Module,
    /// The modules that it calls, directly or through others.
    pub called: BTreeMap<ModulePath, Module>,
    /// `moved` blocks.
    pub moved: Vec<Move>,
    /// `removed` blocks.
    pub removed: Vec<Removal>,
    /// Those of both that are repeated.
    pub repeated: Vec<Repeated>,
    /// `import` blocks.
    pub imports: Vec<Import>,
    /// What `depends_on` names, block by block.
    pub named_first: BTreeMap<BlockId, Vec<NamedFirst>>,
    /// What each block refers to.
    pub dependencies: IndexMap<BlockId, Vec<BlockId>>,
    /// All blocks, each after what it refers to.
    pub order: Vec<BlockId>,
    /// The resources that are made anew before they are removed, each with the one whose block says so: what it depends on must be there
    /// before it is made anew, and until its former self is removed.
    pub created_first: BTreeMap<BlockId, BlockId>,
    /// Blocks that something was found wrong with already: evaluating them would only repeat it.
    pub broken: BTreeSet<BlockId>,
    /// Whether all files parsed.
    pub is_complete: bool,
    /// What blocks refer to and nothing is named.
    pub unresolved: BTreeMap<BlockId, Vec<Reference>>,
}

/// What the files of one folder say: of the stack, or of a module.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// The folder, as seen from the stack's.
    pub folder: String,
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
    /// `data` blocks by type and name, those in `check` blocks too.
    pub data: IndexMap<(String, String), DataBlock>,
    /// `check` blocks by name: what should hold.
    pub checks: IndexMap<String, Vec<Condition>>,
    /// `policy` blocks by name: what must hold of a plan.
    pub policies: IndexMap<String, Policy>,
    /// `module` blocks by name.
    pub calls: IndexMap<String, ModuleCall>,
}

/// A node of the graph of blocks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId {
    /// The module that it is in.
    pub module: ModulePath,
    /// Its name there.
    pub name: BlockName,
}

/// A block as the others of its module name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockName {
    /// `var.NAME`
    Variable(String),
    /// `local.NAME`
    Local(String),
    /// `cluster.NAME` or `host.NAME`
    Target(TargetKind, String),
    /// `TYPE.NAME`
    Resource(String, String),
    /// `data.TYPE.NAME`
    Data(String, String),
    /// `module.NAME`: its call. What it gives are the outputs of the module.
    Module(String),
    /// `output.NAME`
    Output(String),
    /// `check.NAME`
    Check(String),
    /// `policy.NAME`
    Policy(String),
}

/// One entry of `depends_on`.
#[derive(Clone, Debug)]
pub struct NamedFirst {
    /// Where it is.
    pub span: Span,
    /// What it names.
    pub blocks: Vec<BlockId>,
    /// Whether the block refers to all of them besides.
    pub is_referred_to: bool,
}

/// A `module` block.
#[derive(Clone, Debug)]
pub struct ModuleCall {
    /// Where its name is.
    pub span: Option<Span>,
    /// Where the module's files come from.
    pub source: Option<Expression>,
    /// Its instances.
    pub repetition: Repetition,
    /// The values of the module's variables.
    pub inputs: BTreeMap<String, Expression>,
    /// What all in the module is to come after.
    pub depends_on: Option<Expression>,
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
    /// Whether its value is known while a run lasts, and never recorded.
    pub ephemeral: bool,
    /// Whether null is a value of its own rather than "use the default".
    pub nullable: bool,
    /// What it means.
    pub description: Option<String>,
    /// What must hold of its value.
    pub validations: Vec<Condition>,
}

impl Variable {
    /// The marks that its value gets.
    pub fn marks(&self) -> Marks {
        let ephemeral = if self.ephemeral { Marks::EPHEMERAL } else { Marks::NONE };
        Marks::from(self.sensitive) | ephemeral
    }
}

/// What a `validation`, `precondition`, `postcondition` or `assert` block says.
#[derive(Clone, Debug)]
pub struct Condition {
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
    /// What must hold for it to be given out.
    pub preconditions: Vec<Condition>,
}

/// A `moved` block.
#[derive(Clone, Debug)]
pub struct Move {
    /// Under what it was recorded.
    pub from: Named,
    /// What it is now.
    pub to: Named,
    /// Where the block is.
    pub span: Option<Span>,
}

/// A `removed` block.
#[derive(Clone, Debug)]
pub struct Removal {
    /// What is no longer in the configuration.
    pub from: Named,
    /// Whether it is to go from its target, too.
    pub destroy: bool,
    /// Where the block is.
    pub span: Option<Span>,
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
    /// Its attributes and nested blocks.
    pub content: Arc<Content>,
}

/// A `resource` block.
#[derive(Clone, Debug)]
pub struct ResourceBlock {
    /// Where its type and name are.
    pub span: Option<Span>,
    /// Its instances.
    pub repetition: Repetition,
    /// Its attributes and nested blocks, meta-arguments apart.
    pub content: Arc<Content>,
    /// Where it lives, if it says so.
    pub target: Option<Expression>,
    /// What it is to come after, besides what it refers to.
    pub depends_on: Option<Expression>,
    /// The longest that its steps may take.
    pub timeouts: Timeouts,
    /// How it may change.
    pub lifecycle: Lifecycle,
}

/// A `lifecycle` block.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// Where it is.
    pub span: Option<Span>,
    /// Whether what replaces an instance is made before the instance is removed.
    pub create_before_destroy: bool,
    /// Whether a plan that removes an instance is an error.
    pub prevent_destroy: bool,
    /// What may differ from the configuration once the instance is there.
    pub ignore_changes: IgnoredChanges,
    /// What replaces the instance when it changes: references to resources or their attributes.
    pub replace_triggered_by: Vec<Expression>,
    /// What must hold before it is planned or applied.
    pub preconditions: Vec<Condition>,
    /// What must hold of it (`self`) afterwards.
    pub postconditions: Vec<Condition>,
}

/// `ignore_changes`.
#[derive(Clone, Debug)]
pub enum IgnoredChanges {
    /// Whatever changes.
    All,
    /// These parts of its attributes.
    Paths(Vec<Path>),
}

impl Lifecycle {
    /// Whether some parts of the attributes are to be ignored, and not all of them.
    pub(crate) fn ignores_parts(&self) -> bool {
        matches!(&self.ignore_changes, IgnoredChanges::Paths(paths) if !paths.is_empty())
    }
}

impl Default for IgnoredChanges {
    fn default() -> Self {
        Self::Paths(Vec::new())
    }
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

impl Config {
    /// A module, or the stack itself.
    pub fn module(&self, path: &ModulePath) -> Option<&Module> {
        if path.0.is_empty() { Some(&self.root) } else { self.called.get(path) }
    }

    /// The stack itself and all modules.
    pub fn modules(&self) -> impl Iterator<Item = (&ModulePath, &Module)> {
        const ROOT: &ModulePath = &ModulePath::ROOT;
        std::iter::once((ROOT, &self.root)).chain(&self.called)
    }

    /// The block of a resource.
    pub fn resource(&self, id: &BlockId) -> Option<&ResourceBlock> {
        let BlockName::Resource(kind, name) = &id.name else { return None };
        self.module(&id.module)?.resources.get(&(kind.clone(), name.clone()))
    }

    /// The block of a look-up.
    pub fn data(&self, id: &BlockId) -> Option<&DataBlock> {
        let BlockName::Data(ty, name) = &id.name else { return None };
        self.module(&id.module)?.data.get(&(ty.clone(), name.clone()))
    }

    /// The block of which this is an instance.
    pub fn resource_at(&self, address: &Address) -> Option<&ResourceBlock> {
        self.resource(&BlockId::of(address))
    }

    /// The block of a target.
    pub fn target(&self, id: &BlockId) -> Option<&TargetBlock> {
        let BlockName::Target(kind, name) = &id.name else { return None };
        self.module(&id.module)?.targets.get(&(*kind, name.clone()))
    }

    /// The block of which this is an instance.
    pub fn target_at(&self, address: &TargetAddress) -> Option<&TargetBlock> {
        let name = BlockName::Target(address.kind, address.name.clone());
        self.target(&name.within(address.module.path()))
    }

    /// The call of a module.
    pub fn call(&self, id: &BlockId) -> Option<&ModuleCall> {
        let BlockName::Module(name) = &id.name else { return None };
        self.module(&id.module)?.calls.get(name)
    }

    /// The call that leads into a module; nothing calls the stack itself.
    pub fn call_of(&self, module: &ModulePath) -> Option<(BlockId, &ModuleCall)> {
        let (caller, name) = module.split()?;
        let id = BlockName::Module(name.to_owned()).within(caller);
        let call = self.call(&id)?;
        Some((id, call))
    }
}

impl BlockId {
    /// The block of which this is an instance.
    pub fn of(address: &Address) -> Self {
        let name = address.name.clone();
        let name = match address.data_type() {
            Some(ty) => BlockName::Data(ty.to_owned(), name),
            None => BlockName::Resource(address.kind.clone(), name),
        };
        name.within(address.module.path())
    }
}

impl BlockName {
    /// The block of that name in a module.
    pub fn within(self, module: ModulePath) -> BlockId {
        BlockId { module, name: self }
    }

    /// The root and the name by which expressions refer to it; of a look-up, after `data`.
    pub fn reference(&self) -> (&str, &str) {
        match self {
            Self::Variable(name) => ("var", name),
            Self::Local(name) => ("local", name),
            Self::Target(kind, name) => (kind.as_str(), name),
            Self::Resource(kind, name) | Self::Data(kind, name) => (kind, name),
            Self::Module(name) => ("module", name),
            Self::Output(name) => ("output", name),
            Self::Check(name) => ("check", name),
            Self::Policy(name) => ("policy", name),
        }
    }
}

impl fmt::Display for BlockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (root, name) = self.reference();
        let prefix = if let Self::Data(..) = self { "data." } else { "" };
        write!(f, "{prefix}{root}.{name}")
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.0.is_empty() {
            write!(f, "{}.", self.module)?;
        }
        self.name.fmt(f)
    }
}
