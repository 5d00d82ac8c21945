//! Who may do what: role-based access control, as the real server decides it.
//!
//! ```text
//! user         who asks: a name, groups
//! attributes   what is asked for
//!   ↓
//! grant        the rules that bindings give the user
//!   ↓
//! decision     whether one of them allows it, and which
//! escalation   whether who writes a role or binding holds what it grants
//! ```
//!
//! It knows objects, and neither requests nor how users prove who they are. A world decides only if it was told to, by
//! [`Options::rbac`](super::Options::rbac) or by the annotation `sandbox.meshform.dev/authorization: rbac` of the
//! namespace `kube-system`; else whoever gets in may do everything.

mod attributes;
mod decision;
mod escalation;
mod grant;
mod rule;
mod user;

pub(crate) use attributes::Attributes;
pub(crate) use decision::{decide, may_create, refused};
pub(crate) use escalation::check as check_escalation;
pub(crate) use grant::{CLUSTER_BINDINGS, CLUSTER_ROLES, grants};
pub(crate) use user::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, User};

use super::net::annotation;
use super::state::State;

impl State {
    /// Whether rights are asked for.
    pub(crate) fn is_guarded(&self) -> bool {
        self.rbac
            || self
                .get("namespaces", "", "kube-system")
                .is_some_and(|namespace| annotation(namespace, "authorization").eq_ignore_ascii_case("rbac"))
    }
}
