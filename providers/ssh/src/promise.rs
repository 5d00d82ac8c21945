//! What the other resources of the same plan will have made of a host, before one of them is at work.

use std::collections::BTreeSet;

use meshform_engine::ports::ObserveItem;

use crate::attributes::{flag, text};

/// What is going to be there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Promises {
    /// Just these.
    folders: BTreeSet<String>,
    /// These, and all that they lie in.
    deep: BTreeSet<String>,
}

impl Promises {
    /// Adds what these resources promise. A plan looks in several rounds: those of earlier ones still count.
    pub(crate) fn add(&mut self, items: &[ObserveItem]) {
        for item in items {
            let Some((desired, path)) =
                item.desired.as_ref().and_then(|desired| Some((desired, text(desired, "path")?)))
            else {
                continue;
            };
            if item.kind == crate::directory::NAME {
                self.folders.insert(path.to_owned());
            }
            if item.kind == crate::mount::NAME {
                self.deep.insert(path.to_owned());
            }
            if flag(desired, "create_parents") {
                self.deep.extend(parent(path).map(str::to_owned));
            }
        }
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
