//! What the other resources of the same plan will have made of a host, before one of them is at work.

use std::collections::{BTreeMap, BTreeSet};

use meshform_engine::ports::{ObserveItem, ProviderError};
use meshform_engine::value::Value;

use crate::account::{Account, Group, Known, User};
use crate::attributes::{flag, text};
use crate::managed::Managed as _;
use crate::script::sha256;
use crate::{file, resource, schema};

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
    /// Users and groups that are wanted.
    accounts: BTreeSet<Account>,
    /// Whether something is installed or run that may bring units, users and groups.
    may_bring_more: bool,
}

impl Promises {
    /// Adds what these resources promise. A plan looks in several rounds: those of earlier ones still count.
    pub(crate) fn add(&mut self, items: &[ObserveItem]) {
        for item in items {
            let Some(desired) = &item.desired else { continue };
            self.add_unit(item);
            self.add_accounts(&item.kind, desired);
            let Some(path) = text(desired, "path") else { continue };
            match item.kind.as_str() {
                crate::directory::NAME => {
                    self.folders.insert(path.to_owned());
                }
                schema::FILE => {
                    let hash = file::bytes(desired).map(|content| sha256(&content));
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
            "host_package" | schema::COMMAND => self.may_bring_more = true,
            _ => {}
        }
    }

    fn add_accounts(&mut self, kind: &str, desired: &Value) {
        let Some(name) = text(desired, "name") else { return };
        if kind == User.name() {
            self.accounts.insert(Account::User(name.to_owned()));
        }
        // With a user comes a group of its name, unless it is put into another one.
        if kind == Group.name() || (kind == User.name() && text(desired, "group").is_none()) {
            self.accounts.insert(Account::Group(name.to_owned()));
        }
    }

    /// Checks that all users and groups that a resource names are there, or are going to be. `known` tells which are there.
    ///
    /// # Errors
    /// When one is not, and nothing can bring it.
    pub(crate) fn prove_accounts(&self, item: &ObserveItem, known: &Known) -> Result<(), ProviderError> {
        let named = resource::named(&item.kind).zip(item.desired.as_ref());
        let accounts = named.map(|(resource, desired)| resource.accounts(desired)).unwrap_or_default();
        let has = |account| known.has(account) || self.accounts.contains(account);
        match accounts.iter().find(|(_, account)| !has(account)) {
            Some((attribute, account)) if !self.may_bring_more => Err(account.missing(attribute)),
            _ => Ok(()),
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
        self.may_bring_more || self.files.keys().any(is_it)
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

    fn with(kind: &str, attributes: &[(&str, Value)]) -> ObserveItem {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        ObserveItem {
            address: Address::new(kind, "x"),
            kind: kind.into(),
            identity: String::new(),
            desired: Some(Value::object(attributes)),
            record: None,
        }
    }

    #[test]
    fn users_and_groups_are_promised() {
        let file =
            with("host_file", &[("path", "/f".into()), ("owner", "app".into()), ("group", "ours".into())]);
        let user = with("host_user", &[("name", "app".into()), ("groups", Value::list(["ours".into()]))]);
        let own =
            with("host_file", &[("path", "/f".into()), ("owner", "app".into()), ("group", "app".into())]);
        let group = with("host_group", &[("name", "ours".into())]);
        let command = with("host_command", &[("run", "useradd app".into())]);
        let unit = with("host_service", &[("name", "a".into()), ("unit", "[Service]\nUser=app\n".into())]);
        let number = with("host_directory", &[("path", "/d".into()), ("owner", "4711".into())]);
        let check = |plan: &[&ObserveItem], item: &ObserveItem, expect: Option<&str>| {
            let mut promises = Promises::default();
            promises.add(&plan.iter().map(|item| (*item).clone()).collect::<Vec<_>>());
            let refused = promises.prove_accounts(item, &Known::default()).err();
            assert_eq!(refused.as_ref().map(|error| error.summary.as_str()), expect, "{plan:?}");
        };
        check(&[&file], &file, Some("User missing"));
        check(&[&file, &user], &file, Some("Group missing"));
        check(&[&file, &user, &group], &file, None);
        check(&[&user], &user, Some("Group missing"));
        check(&[&user, &group], &user, None);
        check(&[&own, &user], &own, None);
        check(&[&file, &command], &file, None);
        check(&[&unit], &unit, Some("User missing"));
        check(&[&unit, &user], &unit, None);
        check(&[&number], &number, None);
    }

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
