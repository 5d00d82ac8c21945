//! Names of things in a stack: resources, their instances, and the targets on which they live.

mod module;
mod selector;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

pub use self::module::{ModuleInstance, ModulePath, ModuleStep};
pub use self::selector::Selector;

/// The key of one instance of a block: a position under `count`, a name under `for_each` or in a composite.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A position under `count`.
    Index(u64),
    /// A key of `for_each`, or the name that a composite gave to one of its parts.
    Name(String),
}

/// One resource instance: `kube_object.web`, `host_file.motd["db"]`, `kube_manifests.app["v1/ConfigMap/web/page"]`,
/// `module.site["east"].kube_object.web`.
///
/// A composite under `for_each` has two keys: its own, then its part's.
///
/// What was replaced and is not removed yet is recorded beside its successor: `kube_object.web (deposed "cluster.c v1/ConfigMap/x/web")`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The module that it is in.
    pub module: ModuleInstance,
    /// The resource type, such as `kube_object`; of what is only looked up, `data.` and the data type.
    pub kind: String,
    /// The block's own name.
    pub name: String,
    /// What it is on which target, if another thing has taken its place as the instance.
    pub deposed: Option<String>,
    /// The instance's keys, outermost first.
    pub keys: Vec<Key>,
}

/// What stands between an instance and what was deposed of it.
const DEPOSED: &str = " (deposed \"";

/// What the kinds of look-ups begin with. No resource type has a dot in it.
const LOOK_UP: &str = "data.";

impl Address {
    /// Whether `other` is this instance, one of this block or composite, or what was deposed of one.
    pub fn contains(&self, other: &Self) -> bool {
        if self.deposed.is_some() {
            return self == other;
        }
        self.kind == other.kind
            && self.name == other.name
            && other.keys.starts_with(&self.keys)
            && self.module.contains(&other.module)
    }

    /// Whether something is meant by both.
    pub fn meets(&self, other: &Self) -> bool {
        if self.deposed.is_some() {
            return self == other;
        }
        self.kind == other.kind
            && self.name == other.name
            && (self.keys.starts_with(&other.keys) || other.keys.starts_with(&self.keys))
            && self.module.0.len() == other.module.0.len()
            && self.module.is_on_the_way_to(&other.module)
    }

    /// The address of a block's only instance, in the stack itself.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self::within(ModuleInstance::ROOT, kind, name)
    }

    /// The address of a block's only instance in a module.
    pub fn within(module: ModuleInstance, kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { module, kind: kind.into(), name: name.into(), deposed: None, keys: Vec::new() }
    }

    /// The address of a `data` block's only instance in a module.
    pub fn look_up(module: ModuleInstance, ty: &str, name: impl Into<String>) -> Self {
        Self::within(module, format!("{LOOK_UP}{ty}"), name)
    }

    /// The data type, if this is of a `data` block: nothing is managed there.
    pub fn data_type(&self) -> Option<&str> {
        self.kind.strip_prefix(LOOK_UP)
    }

    /// The same address with one more key.
    #[must_use]
    pub fn with_key(mut self, key: Key) -> Self {
        self.keys.push(key);
        self
    }

    /// The address of what this instance was until another thing took its place: of that identity on that target.
    #[must_use]
    pub fn depose(&self, target: Option<&TargetAddress>, identity: &str) -> Self {
        let target = target.map(|target| format!("{target} ")).unwrap_or_default();
        Self { deposed: Some(target + identity), ..self.clone() }
    }

    /// The instance whose place another thing has taken, if this was deposed.
    pub fn successor(&self) -> Option<Self> {
        self.deposed.as_ref().map(|_| Self { deposed: None, ..self.clone() })
    }

    /// All instances of its block in its instance of the module.
    #[must_use]
    pub fn block(&self) -> Self {
        Self::within(self.module.clone(), self.kind.clone(), self.name.clone())
    }

    /// Whether both are instances of one block in one instance of a module. What was deposed is none.
    pub fn is_sibling(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.name == other.name
            && self.deposed == other.deposed
            && self.module == other.module
    }
}

/// The two kinds of targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetKind {
    /// A Kubernetes cluster.
    Cluster,
    /// A machine reached over SSH.
    Host,
}

impl TargetKind {
    /// The block type that declares such a target.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Host => "host",
        }
    }
}

/// One target: `cluster.prod`, `host.ecs["db"]`, `module.site["east"].cluster.main`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetAddress {
    /// The module that it is in.
    pub module: ModuleInstance,
    /// Cluster or host.
    pub kind: TargetKind,
    /// The block's own name.
    pub name: String,
    /// The instance's key under `count` or `for_each`.
    pub key: Option<Key>,
}

impl TargetAddress {
    /// The address of a block's only instance, in the stack itself.
    pub fn new(kind: TargetKind, name: impl Into<String>) -> Self {
        Self { module: ModuleInstance::ROOT, kind, name: name.into(), key: None }
    }
}

/// Why a text is not an address.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("read {text:?} as an address: {problem}")]
pub struct AddressError {
    /// The text as given.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Name(name) => write!(f, "[\"{}\"]", escaped(name)),
        }
    }
}

fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// What stands before a name in a module: nothing in the stack itself.
fn prefix(module: &ModuleInstance) -> String {
    if module.0.is_empty() { String::new() } else { format!("{module}.") }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&prefix(&self.module))?;
        write!(f, "{}.{}", self.kind, self.name)?;
        self.keys.iter().try_for_each(|key| write!(f, "{key}"))?;
        self.deposed.iter().try_for_each(|what| write!(f, "{DEPOSED}{}\")", escaped(what)))
    }
}

impl fmt::Display for TargetAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&prefix(&self.module))?;
        write!(f, "{}.{}", self.kind.as_str(), self.name)?;
        self.key.iter().try_for_each(|key| write!(f, "{key}"))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let problem = |problem| AddressError { text: text.to_owned(), problem };
        // Quotes inside of a key are escaped: this cannot be part of one.
        let Some((instance, deposed)) = text.split_once(DEPOSED) else { return split(text).map_err(problem) };
        let deposed = take_quoted(deposed).filter(|(_, rest)| *rest == ")");
        let (deposed, _) = deposed.ok_or_else(|| problem("expected `(deposed \"…\")`"))?;
        Ok(Self { deposed: Some(deposed), ..split(instance).map_err(problem)? })
    }
}

impl FromStr for TargetAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let problem = |problem| AddressError { text: text.to_owned(), problem };
        let Address { module, kind, name, mut keys, .. } = split(text).map_err(problem)?;
        let kind = match kind.as_str() {
            "cluster" => TargetKind::Cluster,
            "host" => TargetKind::Host,
            _ => return Err(problem("a target starts with \"cluster.\" or \"host.\"")),
        };
        if keys.len() > 1 {
            return Err(problem("a target has at most one key"));
        }
        Ok(Self { module, kind, name, key: keys.pop() })
    }
}

/// The parts of an address: calls of modules, each with at most one key, then a type, a name, and keys.
fn split(text: &str) -> Result<Address, &'static str> {
    let mut module = Vec::new();
    let mut rest = text;
    loop {
        // The kind of a look-up has two parts.
        let (prefix, inner) = match rest.strip_prefix(LOOK_UP) {
            Some(inner) => (LOOK_UP, inner),
            None => ("", rest),
        };
        let (kind, after) = inner.split_once('.').ok_or("expected TYPE.NAME")?;
        let (name, mut after) = after.split_at(after.find(['[', '.']).unwrap_or(after.len()));
        if !is_identifier(kind) || !is_identifier(name) {
            return Err("expected TYPE.NAME, both identifiers");
        }
        let mut keys = Vec::new();
        while !after.is_empty() && !after.starts_with('.') {
            let (key, remainder) = take_key(after).ok_or("expected a key such as [0] or [\"name\"]")?;
            keys.push(key);
            after = remainder;
        }
        match (kind, after.strip_prefix('.')) {
            ("module", Some(_)) if keys.len() > 1 => return Err("a module has at most one key"),
            ("module", Some(inner)) => {
                module.push(ModuleStep { name: name.to_owned(), key: keys.pop() });
                rest = inner;
            }
            ("module", None) => return Err("expected what is meant in the module: module.NAME.TYPE.NAME"),
            (_, Some(_)) => {
                return Err("expected nothing after TYPE.NAME but keys such as [0] or [\"name\"]");
            }
            (kind, None) => {
                let (kind, name) = (format!("{prefix}{kind}"), name.to_owned());
                return Ok(Address { module: ModuleInstance(module), kind, name, deposed: None, keys });
            }
        }
    }
}

/// Whether a text is an HCL identifier: letters, digits, `_` and `-`, not starting with a digit or `-`.
pub fn is_identifier(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-')
}

fn take_key(text: &str) -> Option<(Key, &str)> {
    let inside = text.strip_prefix('[')?;
    let Some(quoted) = inside.strip_prefix('"') else {
        let (digits, rest) = inside.split_once(']')?;
        return Some((Key::Index(digits.parse().ok()?), rest));
    };
    let (name, rest) = take_quoted(quoted)?;
    Some((Key::Name(name), rest.strip_prefix(']')?))
}

/// What stands before the closing quote, and what after it.
fn take_quoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((name, &text[at + 1..])),
            '\\' => name.push(match letters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => name.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<Address, &str>) {
        assert_eq!(text.parse::<Address>().map_err(|error| error.problem), expect, "{text}");
        if let Ok(address) = expect {
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn addresses_round_trip() {
        let web = || Address::new("kube_object", "web");
        check("kube_object.web", Ok(web()));
        check("kube_object.web[0]", Ok(web().with_key(Key::Index(0))));
        check(
            r#"kube_object.web["a\"b"]["v1/ConfigMap/x/y"]"#,
            Ok(web().with_key(Key::Name("a\"b".into())).with_key(Key::Name("v1/ConfigMap/x/y".into()))),
        );
        let east =
            ModuleInstance::ROOT.child("site", Some(Key::Name("e.]\"ast".into()))).child("inner", None);
        check(
            r#"module.site["e.]\"ast"].module.inner.kube_object.web[0]"#,
            Ok(Address::within(east, "kube_object", "web").with_key(Key::Index(0))),
        );
        let facts = Address::look_up(ModuleInstance::ROOT, "host_facts", "all");
        check("data.host_facts.all", Ok(facts.clone()));
        check("data.host_facts.all[1]", Ok(facts.with_key(Key::Index(1))));
        check(
            r#"kube_object.web["x"] (deposed "cluster.c[\"a\"] v1/Secret/x/y")"#,
            Ok(web()
                .with_key(Key::Name("x".into()))
                .depose(Some(&r#"cluster.c["a"]"#.parse().unwrap()), "v1/Secret/x/y")),
        );
        check("kube_object.web (deposed \"x\") y", Err("expected `(deposed \"…\")`"));
        check("kube_object.web (deposed \"x", Err("expected `(deposed \"…\")`"));
        check("data.host_facts", Err("expected TYPE.NAME"));
        check("module.site", Err("expected what is meant in the module: module.NAME.TYPE.NAME"));
        check("module.site[0][1].value.x", Err("a module has at most one key"));
        check("value.x.y", Err("expected nothing after TYPE.NAME but keys such as [0] or [\"name\"]"));
        check("kube_object", Err("expected TYPE.NAME"));
        check("kube_object.1web", Err("expected TYPE.NAME, both identifiers"));
        check("kube_object.web[x]", Err("expected a key such as [0] or [\"name\"]"));
        check("kube_object.web[\"x", Err("expected a key such as [0] or [\"name\"]"));
    }

    #[test]
    fn targets_round_trip() {
        for text in ["cluster.prod", "host.ecs[\"db\"]", "host.ecs[3]", "module.a[0].host.ecs"] {
            assert_eq!(text.parse::<TargetAddress>().map(|target| target.to_string()).as_deref(), Ok(text));
        }
        assert!("value.x".parse::<TargetAddress>().is_err());
    }
}
