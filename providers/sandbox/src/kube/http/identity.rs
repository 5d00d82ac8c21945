//! Who sends a request: by the world's own token, by that of a service account, or as whoever they say to be and may be.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::{HeaderMap, header};

use super::App;
use crate::kube::access::{self, Attributes, User};
use crate::kube::object;
use crate::kube::state::State;
use crate::kube::status::{ApiError, ApiResult};
use crate::kube::token::{self, is_same};

const USER: &str = "impersonate-user";
const GROUP: &str = "impersonate-group";
const UID: &str = "impersonate-uid";
const EXTRA: &str = "impersonate-extra-";
const AUTHENTICATION: &str = "authentication.k8s.io";

/// Who sends a request, and its path without a token.
///
/// # Errors
///
/// 401 for who is nobody.
pub(super) fn admit<'p>(app: &App, headers: &HeaderMap, path: &'p str) -> ApiResult<(Arc<User>, &'p str)> {
    let known = bearer(headers).map(|bearer| (bearer, user_of(app, bearer)));
    let Some(own) = &app.world.options().token else {
        return Ok((Arc::new(known_or(app, known, User::administrator())?), path));
    };
    let (given, rest) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
    let below = || path.get(path.len() - rest.len() - 1..).unwrap_or("/");
    if is_same(given.as_bytes(), own.as_bytes()) {
        return Ok((Arc::new(known_or(app, known, User::administrator())?), below()));
    }
    if let Some(user) = user_of(app, given) {
        return Ok((Arc::new(known_or(app, known, user)?), below()));
    }
    match known {
        Some((_, Some(user))) => Ok((Arc::new(user), path)),
        _ => Err(unauthorized()),
    }
}

/// The bearer of a token, or who has come by the path. A token that is nobody's is overlooked where nobody asks for rights.
fn known_or(app: &App, known: Option<(&str, Option<User>)>, by_path: User) -> ApiResult<User> {
    match known {
        Some((_, Some(user))) => Ok(user),
        Some((_, None)) if app.world.lock().is_guarded() => Err(unauthorized()),
        _ => Ok(by_path),
    }
}

fn unauthorized() -> ApiError {
    ApiError::status(401, "Unauthorized", "Unauthorized")
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whose token it is: the world's own, or that of an account which is still there.
fn user_of(app: &App, given: &str) -> Option<User> {
    let own = app.world.options().token.as_deref();
    if own.is_some_and(|own| is_same(given.as_bytes(), own.as_bytes())) {
        return Some(User::administrator());
    }
    let account = account_of(app, given)
        .filter(|account| account.audiences.iter().any(|audience| audience == token::ISSUER))?;
    Some(User::of_account(&account))
}

/// The account whose token it is, whomever the token is for.
pub(super) fn account_of(app: &App, given: &str) -> Option<token::Account> {
    let now = app.world.now();
    let state = app.world.lock();
    let account = token::account(state.token_key(), given, now)?;
    let live = state.get("serviceaccounts", &account.namespace, &account.name)?;
    (object::uid(live) == account.uid).then_some(account)
}

/// Whom a request speaks for: its sender, or whom that may impersonate.
///
/// # Errors
///
/// 400 for a group, a UID or more without a user; 403 for whom the sender may not impersonate.
pub(super) fn speaker(app: &App, headers: &HeaderMap, sender: Arc<User>) -> ApiResult<Arc<User>> {
    let Some(wanted) = wanted(headers)? else { return Ok(sender) };
    let state = app.world.lock();
    for asked in impersonations(&wanted) {
        allow(&state, &sender, &asked)?;
    }
    Ok(Arc::new(completed(wanted)))
}

fn wanted(headers: &HeaderMap) -> ApiResult<Option<User>> {
    let texts = |name: &str| -> Vec<String> {
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
    };
    let first = |name: &str| texts(name).into_iter().next().unwrap_or_default();
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for key in headers.keys() {
        if let Some(own) = key.as_str().strip_prefix(EXTRA) {
            extra.insert(super::path::decode(own), texts(key.as_str()));
        }
    }
    let user = User { name: first(USER), uid: first(UID), groups: texts(GROUP), extra };
    if user == User::default() {
        return Ok(None);
    }
    if user.name.is_empty() {
        return Err(ApiError::bad_request(format!(
            "requested {} without impersonating a user name",
            described(&user)
        )));
    }
    Ok(Some(user))
}

/// A user as Go's `%#v` writes it.
fn described(user: &User) -> String {
    let list = |texts: &[String]| {
        let texts: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
        format!("[]string{{{}}}", texts.join(", "))
    };
    let groups = if user.groups.is_empty() { "[]string(nil)".to_owned() } else { list(&user.groups) };
    let extra: Vec<String> =
        user.extra.iter().map(|(key, values)| format!("{key:?}:{}", list(values))).collect();
    let extra = match extra.as_slice() {
        [] => "map[string][]string(nil)".to_owned(),
        some => format!("map[string][]string{{{}}}", some.join(", ")),
    };
    format!("&user.DefaultInfo{{Name:{:?}, UID:{:?}, Groups:{groups}, Extra:{extra}}}", user.name, user.uid)
}

/// The rights that it takes to speak for somebody.
fn impersonations(wanted: &User) -> Vec<Attributes> {
    let asked = |group: &str, resource: &str, name: &str| Attributes {
        verb: "impersonate".to_owned(),
        group: group.to_owned(),
        resource: resource.to_owned(),
        name: name.to_owned(),
        ..Attributes::default()
    };
    let mut all = Vec::new();
    match User::account_of(&wanted.name) {
        Some((namespace, name)) => {
            all.push(Attributes { namespace: namespace.to_owned(), ..asked("", "serviceaccounts", name) });
        }
        None => all.push(asked("", "users", &wanted.name)),
    }
    all.extend(wanted.groups.iter().map(|group| asked("", "groups", group)));
    for (key, values) in &wanted.extra {
        let extra = |value: &String| Attributes {
            subresource: key.clone(),
            ..asked(AUTHENTICATION, "userextras", value)
        };
        all.extend(values.iter().map(extra));
    }
    if !wanted.uid.is_empty() {
        all.push(asked(AUTHENTICATION, "uids", &wanted.uid));
    }
    all
}

/// A user with the groups that follow from their name.
fn completed(mut user: User) -> User {
    if user.groups.is_empty()
        && let Some((namespace, _)) = User::account_of(&user.name)
    {
        user.groups = User::groups_of_account(namespace).to_vec();
    }
    let [known, unknown] = [access::AUTHENTICATED, access::UNAUTHENTICATED];
    if !user.is_in(known) && !user.is_in(unknown) {
        let group = if user.name == access::ANONYMOUS { unknown } else { known };
        user.groups.push(group.to_owned());
    }
    user
}

/// Refuses what a user has no right to.
///
/// # Errors
///
/// 403.
pub(super) fn allow(state: &State, user: &User, asked: &Attributes) -> ApiResult<()> {
    let decision = access::decide(state, user, asked);
    if decision.allowed { Ok(()) } else { Err(access::refused(user, asked, &decision.reason)) }
}
