//! `host_user`, `host_group` and `host_authorized_key`: who there is on a host, and who may log in.

mod group;
mod key;
mod named;
mod user;

use meshform_engine::ports::{ErrorCode, PerformRequest, Problem, ProviderError};
use meshform_engine::value::Value;

pub(crate) use self::group::Group;
pub(crate) use self::key::Key;
pub(crate) use self::named::{Account, Accounts, Known};
pub(crate) use self::user::User;
use crate::check::wrong;
use crate::error::error;
use crate::script::quote;

const LIBRARY: &str = concat!(include_str!("lookup.sh"), include_str!("account.sh"));

/// The name of a user or group, as all tools take it: it becomes an argument, and a field between colons.
fn name(attribute: &str, name: &str) -> Option<Problem> {
    let inner = name.strip_suffix('$').unwrap_or(name);
    let fits = inner.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && inner.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.'))
        && name.len() <= 32;
    (!fits).then(|| {
        let detail = format!(
            "{name:?} is not a name that every host takes: letters, digits, \"_\", \"-\" and \".\", a letter or \"_\" first, 32 at most."
        );
        wrong(attribute, detail)
    })
}

/// A number of a user or group.
fn number(desired: &Value, attribute: &str) -> Option<Problem> {
    let given = desired.get(attribute).filter(|value| value.as_number().is_some())?;
    let fits = id(given).is_some();
    (!fits).then(|| wrong(attribute, "It is not a whole number from 0 to 4294967294.".to_owned()))
}

/// A number as the tools take it.
fn id(value: &Value) -> Option<u32> {
    value.as_number()?.to_string().parse().ok().filter(|number| *number != u32::MAX)
}

/// Lines that set variables of the shell.
fn variables(variables: &[(&str, &str)]) -> String {
    variables.iter().map(|(name, value)| format!("{name}={}\n", quote(value))).collect()
}

fn failed(request: &PerformRequest, problem: &str, what: &str) -> ProviderError {
    let address = &request.address;
    match problem {
        "group" => error(
            ErrorCode::Invalid,
            "Group missing",
            format!(
                "{address} is to be in the group {what:?}, which the host does not have. Make it with a host_group before."
            ),
        ),
        "user" => error(
            ErrorCode::Invalid,
            "User missing",
            format!(
                "{address} is about a user whom the host does not have. Make it with a host_user before."
            ),
        ),
        "home" => error(
            ErrorCode::Invalid,
            "Home missing",
            format!(
                "{address} is about a user whose home is not there. Set create_home = true on it, or make it with a host_directory before."
            ),
        ),
        "busy" => error(
            ErrorCode::Failed,
            "User at work",
            format!(
                "{address} cannot be removed as long as processes of this user run. Stop them, and apply again."
            ),
        ),
        _ => error(
            ErrorCode::Failed,
            "Account not changed",
            format!(
                "{address} could not be made as wanted, or only in part. It takes root: set become on the host if the login user is another one."
            ),
        ),
    }
}

#[cfg(test)]
pub(crate) mod tests;
