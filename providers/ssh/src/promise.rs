//! What the other resources of the same plan will have made of a host, before one of them is at work.

use std::collections::{BTreeMap, BTreeSet};

use meshform_engine::ports::ObserveItem;

use crate::attributes::{flag, text};
use crate::schema;
use crate::script::sha256;

/// What is going to be there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Promises {
    /// Just these.
    folders: BTreeSet<String>,
    /// These, and all that they lie in.
    deep: BTreeSet<String>,
    /// Files by path, with the hash of what they will hold; `None` if that is not known yet.
    files: BTreeMap<String, Option<String>>,
    /// Units that are wanted.
    units: BTreeSet<String>,
    /// Whether something is installed or run that may bring units.
    may_bring_units: bool,
}

impl Promises {
    /// Adds what these resources promise. A plan looks in several rounds: those of earlier ones still count.
    pub(crate) fn add(&mut self, items: &[ObserveItem]) {
        for item in items {
            let Some(desired) = &item.desired else { continue };
            self.add_unit(item);
            let Some(path) = text(desired, "path") else { continue };
            match item.kind.as_str() {
                crate::directory::NAME => {
                    self.folders.insert(path.to_owned());
                }
                schema::FILE => {
                    let hash = text(desired, "content").map(|content| sha256(content.as_bytes()));
                    self.files.insert(path.to_owned(), hash);
                }
                _ => {}
            }
            if item.kind == crate::mount::NAME {
                self.deep.insert(path.to_owned());
            }
            if flag(desired, "create_parents") {
                self.deep.extend(parent(path).map(str::to_owned));
            }
        }
    }

    fn add_unit(&mut self, item: &ObserveItem) {
        match item.kind.as_str() {
            crate::service::NAME => {
                self.units.extend(item.identity.strip_prefix("unit:").map(str::to_owned));
            }
            "host_package" | schema::COMMAND => self.may_bring_units = true,
            _ => {}
        }
    }

    /// The files that something writes to, with the hashes of what they are going to hold, as far as that is known by now.
    pub(crate) fn hashes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, hash)| Some((path.as_str(), hash.as_deref()?)))
    }

    /// Whether a unit is wanted.
    pub(crate) fn wants_unit(&self, unit: &str) -> bool {
        self.units.contains(unit)
    }

    /// Whether something may bring a unit that is not there: a package, a command, or a file of its name, or of its template's.
    pub(crate) fn may_bring(&self, unit: &str) -> bool {
        let template = unit.split_once('@').and_then(|(name, instance)| {
            instance.rsplit_once('.').map(|(_, kind)| format!("{name}@.{kind}"))
        });
        let names = [Some(unit), template.as_deref()];
        let is_it = |path: &String| {
            path.contains("/systemd/")
                && path.rsplit_once('/').is_some_and(|(_, name)| names.contains(&Some(name)))
        };
        self.may_bring_units || self.files.keys().any(is_it)
    }

    /// Whether the folder in which this path lies is going to be there.
    pub(crate) fn folder_of(&self, path: &str) -> bool {
        let Some(folder) = parent(path) else { return true };
        let leads_to = |deep: &String| {
            deep.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.folders.contains(folder) || self.deep.iter().any(leads_to)
    }
}

/// The folder in which a path lies; `None` for what lies in the root.
fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(folder, _)| folder).filter(|folder| !folder.is_empty())
}

#[cfg(test)]
mod tests {
    use meshform_engine::address::Address;
    use meshform_engine::value::Value;

    use super::*;

    #[test]
    fn folders_are_promised() {
        let item = |kind: &str, path: &str, parents: bool| ObserveItem {
            address: Address::new(kind, "x"),
            kind: kind.into(),
            identity: path.into(),
            desired: Some(Value::object([
                ("path".to_owned(), path.into()),
                ("create_parents".to_owned(), parents.into()),
            ])),
            record: None,
        };
        let items = [item("host_directory", "/srv/a b", false), item("host_file", "/opt/x/y/f", true)];
        let mut promises = Promises::default();
        promises.add(&items);
        let check = |path: &str, expect: bool| assert_eq!(promises.folder_of(path), expect, "{path}");
        check("/srv/a b/file", true);
        check("/srv/a bc/file", false);
        check("/srv/a b/deeper/file", false);
        check("/opt/x/other", true);
        check("/opt/x/y/other", true);
        check("/srv/f", false);
        check("/etc/f", false);
        check("/f", true);
    }
}
