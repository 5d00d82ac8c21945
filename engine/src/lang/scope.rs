//! What names mean.

use std::collections::{BTreeMap, HashMap};

use crate::files::{Files, NoFiles};
use crate::ports::DEFAULT_WORKSPACE;
use crate::value::Value;

/// What expressions may know besides the names of blocks, and functions besides their arguments.
#[derive(Clone, Copy)]
pub struct FunctionContext<'a> {
    /// The files that they may read.
    pub files: &'a dyn Files,
    /// The folder of the stack, against which relative paths resolve; `""` and `"."` are where the user stands.
    pub base: &'a str,
    /// The workspace in which the stack is planned or applied.
    pub workspace: &'a str,
    /// The time at which the plan is or was made, in milliseconds since the epoch.
    pub now: i64,
    /// What is another each time that it is asked for. There is none while planning: what depends on it is unknown then.
    pub impure: Option<&'a dyn Impure>,
}

/// The clock and the dice that functions such as `timestamp` and `uuid` ask.
pub trait Impure: Send + Sync {
    /// Milliseconds since the epoch.
    fn now_ms(&self) -> i64;
    /// Bytes that nobody can foretell, others at each call.
    fn random(&self) -> [u8; 16];
}

impl FunctionContext<'static> {
    /// Without files, at the epoch: for expressions that must be constant.
    pub const fn constant() -> Self {
        Self { files: &NoFiles, base: "", workspace: DEFAULT_WORKSPACE, now: 0, impure: None }
    }
}

/// The names that an expression may use. A child borrows its parent's names and adds a few of its own.
pub struct Scope<'a> {
    functions: &'a FunctionContext<'a>,
    parent: Option<&'a Scope<'a>>,
    roots: BTreeMap<String, Root>,
}

/// Either a value of its own (`each`, `count`, `path`, `self`) or a family of names (`var`, `local`, every resource type).
#[derive(Default)]
struct Root {
    value: Option<Value>,
    names: HashMap<String, Value>,
}

/// What a name was found to be.
pub(super) enum Found<'s> {
    /// A value.
    Value(&'s Value),
    /// A family of names, which needs one more name.
    Namespace,
    /// Nothing.
    Missing,
}

impl<'a> Scope<'a> {
    /// A scope without any name.
    pub fn new(functions: &'a FunctionContext<'a>) -> Self {
        Self { functions, parent: None, roots: BTreeMap::new() }
    }

    /// A scope that sees all names of this one, and may add or hide some.
    pub fn child(&'a self) -> Scope<'a> {
        Self { functions: self.functions, parent: Some(self), roots: BTreeMap::new() }
    }

    /// Gives a whole root its value: `each`, `count`, `path`, `self`.
    pub fn set(&mut self, root: impl Into<String>, value: Value) {
        self.roots.insert(root.into(), Root { value: Some(value), names: HashMap::new() });
    }

    /// Gives a name inside a root its value: `var.region`, `kube_object.web`.
    pub fn set_in(&mut self, root: &str, name: impl Into<String>, value: Value) {
        self.namespace(root).insert(name.into(), value);
    }

    /// Takes a name out of this scope again (not out of its parent).
    pub fn remove_in(&mut self, root: &str, name: &str) {
        if let Some(root) = self.roots.get_mut(root) {
            root.names.remove(name);
        }
    }

    /// Says that a root exists, even when there is nothing in it: an unknown name in it is then reported as such.
    pub fn declare_root(&mut self, root: &str) {
        self.namespace(root);
    }

    /// What the functions know.
    pub fn functions(&self) -> &'a FunctionContext<'a> {
        self.functions
    }

    /// The value of a whole root.
    pub fn get(&self, root: &str) -> Option<&Value> {
        match self.root(root) {
            Found::Value(value) => Some(value),
            _ => None,
        }
    }

    /// The value of a name inside a root.
    pub fn get_in(&self, root: &str, name: &str) -> Option<&Value> {
        let own = self.roots.get(root);
        if own.is_some_and(|own| own.value.is_some()) {
            return None;
        }
        own.and_then(|own| own.names.get(name)).or_else(|| self.parent?.get_in(root, name))
    }

    pub(super) fn root(&self, root: &str) -> Found<'_> {
        match (self.roots.get(root), self.parent) {
            (Some(Root { value: Some(value), .. }), _) => Found::Value(value),
            (Some(_), _) => Found::Namespace,
            (None, Some(parent)) => parent.root(root),
            (None, None) => Found::Missing,
        }
    }

    /// Every root, here and in the parents.
    pub(super) fn root_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.roots.keys().map(String::as_str).collect();
        names.extend(self.parent.map(Scope::root_names).unwrap_or_default());
        names
    }

    /// Every name inside a root, here and in the parents.
    pub(super) fn names_in(&self, root: &str) -> Vec<&str> {
        let own = self.roots.get(root).into_iter();
        let mut names: Vec<&str> = own.flat_map(|own| own.names.keys()).map(String::as_str).collect();
        names.extend(self.parent.map(|parent| parent.names_in(root)).unwrap_or_default());
        names
    }

    fn namespace(&mut self, root: &str) -> &mut HashMap<String, Value> {
        let own = self.roots.entry(root.to_owned()).or_default();
        own.value = None;
        &mut own.names
    }
}
