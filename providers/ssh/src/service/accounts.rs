//! As whom a unit runs, by its own files.

use meshform_engine::value::Value;

use super::drop_ins;
use crate::account::{Account, Accounts};
use crate::attributes::sensitive;

/// The users and groups that have to be there for a unit; none if it makes its own (systemd.exec(5), "DynamicUser").
pub(super) fn accounts(attributes: &Value) -> Accounts {
    let shown = |name| (!sensitive(attributes, name)).then_some(name);
    let unit = shown("unit").and_then(|name| Some((name, attributes.get_str(name)?.to_owned())));
    let drop_ins =
        shown("drop_ins").map(|name| drop_ins(attributes).into_values().map(move |text| (name, text)));
    let drop_ins =
        drop_ins.into_iter().flatten().filter_map(|(name, text)| Some((name, text.as_str()?.to_owned())));
    let (mut user, mut group) = (None, None);
    for (attribute, text) in unit.into_iter().chain(drop_ins) {
        for (setting, value) in text.lines().filter_map(|line| line.split_once('=')) {
            let account = || named(value.trim());
            match setting.trim() {
                // What is said last counts.
                "User" => user = account().map(|name| (attribute, Account::User(name))),
                "Group" => group = account().map(|name| (attribute, Account::Group(name))),
                "DynamicUser" if matches!(value.trim(), "1" | "yes" | "y" | "true" | "t" | "on") => {
                    return Accounts::new();
                }
                _ => {}
            }
        }
    }
    user.into_iter().chain(group).collect()
}

/// A name that stands there as it is.
fn named(value: &str) -> Option<String> {
    let is_plain = !value.is_empty() && !value.contains(['%', '\\']);
    is_plain.then(|| Account::name(value)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(unit: &str, drop_in: &str, expect: &[(&'static str, Account)]) {
        let attributes = Value::object([
            ("unit".to_owned(), unit.into()),
            ("drop_ins".to_owned(), Value::map([("a.conf".to_owned(), drop_in.into())])),
        ]);
        assert_eq!(accounts(&attributes), expect, "{unit:?} {drop_in:?}");
    }

    #[test]
    fn a_unit_runs_as_its_files_say() {
        let user = |name: &str| Account::User(name.to_owned());
        check(
            "[Service]\nUser=app\nGroup = ours \n",
            "",
            &[("unit", user("app")), ("unit", Account::Group("ours".to_owned()))],
        );
        check("[Service]\nUser=app\n", "[Service]\nUser=other\n", &[("drop_ins", user("other"))]);
        check("[Service]\nUser=app\n", "[Service]\nUser=\n", &[]);
        check("[Service]\nUser=app\nDynamicUser=yes\n", "", &[]);
        check("[Service]\nUser=%i\nGroup=0\n#User=app\nExecStart=/bin/sh\n", "", &[]);
    }
}
