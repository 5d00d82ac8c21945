//! Who asks.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::kube::token::Account;

pub(crate) const AUTHENTICATED: &str = "system:authenticated";
pub(crate) const UNAUTHENTICATED: &str = "system:unauthenticated";
pub(crate) const ANONYMOUS: &str = "system:anonymous";
const MASTERS: &str = "system:masters";
const ACCOUNT_PREFIX: &str = "system:serviceaccount:";
const CREDENTIAL: &str = "authentication.kubernetes.io/credential-id";

/// Somebody who has proved who they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) groups: Vec<String>,
    pub(crate) extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// Who holds the world's own token.
    pub(crate) fn administrator() -> Self {
        Self::master("sandbox")
    }

    /// A part of the cluster itself.
    pub(crate) fn of_the_cluster(name: &str) -> Self {
        Self::master(name)
    }

    fn master(name: &str) -> Self {
        let groups = [MASTERS, AUTHENTICATED].map(str::to_owned).to_vec();
        Self { name: name.to_owned(), groups, ..Self::default() }
    }

    /// A service account, by its token.
    pub(crate) fn of_account(account: &Account) -> Self {
        let mut groups = Self::groups_of_account(&account.namespace).to_vec();
        groups.push(AUTHENTICATED.to_owned());
        let extra = match account.credential.as_str() {
            "" => BTreeMap::new(),
            id => BTreeMap::from([(CREDENTIAL.to_owned(), vec![format!("JTI={id}")])]),
        };
        Self {
            name: Self::name_of_account(&account.namespace, &account.name),
            uid: account.uid.clone(),
            groups,
            extra,
        }
    }

    pub(crate) fn name_of_account(namespace: &str, name: &str) -> String {
        format!("{ACCOUNT_PREFIX}{namespace}:{name}")
    }

    /// The groups that all accounts of a namespace are in.
    pub(crate) fn groups_of_account(namespace: &str) -> [String; 2] {
        ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")]
    }

    /// The namespace and name of the account that a user's name is.
    pub(crate) fn account_of(name: &str) -> Option<(&str, &str)> {
        let (namespace, name) = name.strip_prefix(ACCOUNT_PREFIX)?.split_once(':')?;
        let is_named = !namespace.is_empty() && !name.is_empty() && !name.contains(':');
        is_named.then_some((namespace, name))
    }

    /// Whether nothing is refused to them.
    pub(crate) fn is_master(&self) -> bool {
        self.is_in(MASTERS)
    }

    pub(crate) fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }

    /// As a review shows them.
    pub(crate) fn to_json(&self) -> Value {
        let mut shown = json!({ "username": self.name });
        if !self.uid.is_empty() {
            shown["uid"] = json!(self.uid);
        }
        if !self.groups.is_empty() {
            shown["groups"] = json!(self.groups);
        }
        if !self.extra.is_empty() {
            shown["extra"] = json!(self.extra);
        }
        shown
    }
}
