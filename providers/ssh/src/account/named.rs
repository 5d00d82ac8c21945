//! The users and groups that resources name: there has to be one of that name on the host, or in the same plan.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use meshform_engine::ports::{ErrorCode, ProviderError};
use meshform_engine::value::Value;

use crate::answer::Answer;
use crate::attributes::{sensitive, text};
use crate::error::{blame, error};
use crate::script::quote;

/// A user or group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Account {
    /// A user of this name.
    User(String),
    /// A group of this name.
    Group(String),
}

/// The accounts that a resource names, each with the attribute that does.
pub(crate) type Accounts = Vec<(&'static str, Account)>;

/// Those that the host knows, of all that it was asked about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known(BTreeSet<Account>);

impl Account {
    /// The account in this attribute, if it is known by now, may be told, and is not given by its number.
    pub(crate) fn of(
        values: &Value,
        name: &'static str,
        account: impl Fn(String) -> Self,
    ) -> Option<(&'static str, Self)> {
        let text = text(values, name).filter(|_| !sensitive(values, name))?;
        Some((name, account(Self::name(text)?)))
    }

    /// A name, unless it is a number.
    pub(crate) fn name(text: &str) -> Option<String> {
        let is_number = text.bytes().all(|digit| digit.is_ascii_digit());
        (!is_number).then(|| text.to_owned())
    }

    /// Who owns what has these attributes.
    pub(crate) fn owners(values: &Value) -> Accounts {
        let owner = Self::of(values, "owner", Self::User);
        owner.into_iter().chain(Self::of(values, "group", Self::Group)).collect()
    }

    /// The same of `user`.
    pub(crate) fn users(values: &Value) -> Accounts {
        Self::of(values, "user", Self::User).into_iter().collect()
    }

    /// Neither the host nor the plan has it.
    pub(crate) fn missing(&self, attribute: &str) -> ProviderError {
        let (summary, detail) = match self {
            Self::User(name) => (
                "User missing",
                format!(
                    "The host has no user {name:?}, and nothing in this stack makes one. Make it with a host_user, or check the name."
                ),
            ),
            Self::Group(name) => (
                "Group missing",
                format!(
                    "The host has no group {name:?}, and nothing in this stack makes one. Make it with a host_group, or check the name."
                ),
            ),
        };
        blame(error(ErrorCode::Invalid, summary, detail), attribute)
    }

    fn database(&self) -> (&'static str, &str) {
        match self {
            Self::User(name) => ("passwd", name),
            Self::Group(name) => ("group", name),
        }
    }
}

impl Known {
    /// Lines that ask about these accounts, after which the records have this number.
    pub(crate) fn ask(accounts: &BTreeSet<Account>, index: usize) -> String {
        let mut lines = String::new();
        for (database, name) in accounts.iter().map(Account::database) {
            if lines.is_empty() {
                lines.push_str(include_str!("lookup.sh"));
            }
            let _ = writeln!(lines, "see_known {index} {database} {}", quote(name));
        }
        lines
    }

    /// What the answer says.
    pub(crate) fn read(answer: &Answer, index: usize) -> Self {
        let account = |record: &crate::answer::Record| match record.field(0) {
            "passwd" => Account::User(record.field(1).to_owned()),
            _ => Account::Group(record.field(1).to_owned()),
        };
        Self(answer.about(index).iter().map(account).collect())
    }

    /// Whether the host has it.
    pub(crate) fn has(&self, account: &Account) -> bool {
        self.0.contains(account)
    }
}
