//! Names of modules: as they are written, and as they are once each call's `count` or `for_each` is known.

use std::fmt;

use super::Key;

/// A module as it is written: the names of the calls that lead to it. The stack itself has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModulePath(pub Vec<String>);

/// One instance of a module: `module.site["east"].module.web`. The stack itself is the one without steps.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleInstance(pub Vec<ModuleStep>);

/// One call on the way to a module's instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleStep {
    /// The name of the `module` block.
    pub name: String,
    /// The key under `count` or `for_each`. Where a whole block is named rather than an instance, none stands for any.
    pub key: Option<Key>,
}

impl ModulePath {
    /// The stack itself.
    pub const ROOT: Self = Self(Vec::new());

    /// The module that this one calls by such a name.
    #[must_use]
    pub fn child(&self, name: impl Into<String>) -> Self {
        Self(self.0.iter().cloned().chain([name.into()]).collect())
    }

    /// The module that calls this one, and by which name; nothing calls the stack itself.
    pub fn split(&self) -> Option<(Self, &str)> {
        let (name, callers) = self.0.split_last()?;
        Some((Self(callers.to_vec()), name))
    }

    /// Whether it is `outer`, or is called by it, directly or through others.
    pub fn is_within(&self, outer: &Self) -> bool {
        self.0.starts_with(&outer.0)
    }
}

impl ModuleInstance {
    /// The stack itself.
    pub const ROOT: Self = Self(Vec::new());

    /// Of which module it is an instance.
    pub fn path(&self) -> ModulePath {
        ModulePath(self.0.iter().map(|step| step.name.clone()).collect())
    }

    /// An instance of a module that this one calls.
    #[must_use]
    pub fn child(&self, name: impl Into<String>, key: Option<Key>) -> Self {
        Self(self.0.iter().cloned().chain([ModuleStep { name: name.into(), key }]).collect())
    }

    /// The instance that calls it; nothing calls the stack itself.
    pub fn caller(&self) -> Option<Self> {
        let (_, callers) = self.0.split_last()?;
        Some(Self(callers.to_vec()))
    }

    /// Whether `other` is this instance, or, where a step here has no key, one of those with any key.
    pub fn contains(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.leads_to(other)
    }

    /// Whether `other`, or a module on the way to it, is meant by this.
    pub fn leads_to(&self, other: &Self) -> bool {
        self.0.len() <= other.0.len() && self.0.iter().zip(&other.0).all(|(own, other)| own.contains(other))
    }

    /// Whether something in `other` may be in it, too: a step without a key is any on either side.
    pub fn is_on_the_way_to(&self, other: &Self) -> bool {
        let meet = |(own, other): (&ModuleStep, &ModuleStep)| own.contains(other) || other.contains(own);
        self.0.len() <= other.0.len() && self.0.iter().zip(&other.0).all(meet)
    }
}

impl ModuleStep {
    fn contains(&self, other: &Self) -> bool {
        self.name == other.name && (self.key.is_none() || self.key == other.key)
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.0.iter().map(|name| ModuleStep { name: name.clone(), key: None });
        ModuleInstance(steps.collect()).fmt(f)
    }
}

impl fmt::Display for ModuleInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            write!(f, "module.{}", step.name)?;
            step.key.iter().try_for_each(|key| write!(f, "{key}"))?;
        }
        Ok(())
    }
}
