//! What `-target` and `-exclude` name.

use std::fmt;
use std::str::FromStr;

use super::{Address, AddressError, ModuleInstance};

/// Some of a stack's instances.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Selector {
    /// An instance, or all of a block or a composite.
    Instance(Address),
    /// A module with all that is in it.
    Module(ModuleInstance),
}

impl Selector {
    /// Whether all that `address` stands for is meant.
    pub fn contains(&self, address: &Address) -> bool {
        match self {
            Self::Instance(own) => own.contains(address),
            Self::Module(own) => own.leads_to(&address.module),
        }
    }

    /// Whether something is meant of what `address` stands for.
    pub fn meets(&self, address: &Address) -> bool {
        match self {
            Self::Instance(own) => own.meets(address),
            Self::Module(own) => own.is_on_the_way_to(&address.module),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(address) => address.fmt(f),
            Self::Module(module) => module.fmt(f),
        }
    }
}

impl FromStr for Selector {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::Instance).or_else(|problem| {
            // The name of a module is what stands before any name in it.
            let inside = format!("{text}.any.thing").parse::<Address>();
            inside.map(|inside| Self::Module(inside.module)).map_err(|_| problem)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether what is named contains an address, or at least meets it.
    fn check(selector: &str, address: &str, contains: bool, meets: bool) {
        let parsed: Selector = selector.parse().unwrap();
        assert_eq!(parsed.to_string(), selector);
        let address = address.parse().unwrap();
        assert_eq!((parsed.contains(&address), parsed.meets(&address)), (contains, meets), "{selector}");
    }

    #[test]
    fn what_is_meant() {
        check("value.x", "value.x", true, true);
        check("value.x", "value.x[1]", true, true);
        check("value.x[1]", "value.x", false, true);
        check("value.x[1]", "value.x[2]", false, false);
        check("value.x", "value.y", false, false);
        check("module.a", "module.a.value.x", true, true);
        check("module.a", "module.a[\"k\"].module.b.value.x", true, true);
        check("module.a[\"k\"]", "module.a[\"l\"].value.x", false, false);
        check("module.a[\"k\"]", "module.a.value.x", false, true);
        check("module.a.value.x[0]", "module.a[\"k\"].value.x", false, true);
        check("module.a.module.b", "module.a.value.x", false, false);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let problem = |text: &str| text.parse::<Selector>().unwrap_err().problem;
        assert_eq!(problem("kube_object"), "expected TYPE.NAME");
        assert_eq!(
            problem("value.x.y"),
            "expected nothing after TYPE.NAME but keys such as [0] or [\"name\"]"
        );
    }
}
