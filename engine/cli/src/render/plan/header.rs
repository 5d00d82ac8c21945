//! The first line of a change: `-/+ replace kube_object.web  apps/v1/Deployment/shop/web on cluster.prod`.

use anstyle::Style;
use meshform_engine::plan::{Action, Change};

use crate::render::style::{ADDED, CHANGED, DANGER, FAINT, STRONG, paint};
use crate::render::text::harmless;

/// Whether the action takes something away from a target.
pub(super) fn destroys(action: Action) -> bool {
    matches!(action, Action::Delete | Action::ReplaceDeleteFirst | Action::ReplaceCreateFirst)
}

/// In this order the changes are shown.
pub(super) fn rank(action: Action) -> u8 {
    match action {
        Action::Delete => 0,
        Action::ReplaceDeleteFirst | Action::ReplaceCreateFirst => 1,
        Action::Update => 2,
        Action::Adopt | Action::Refresh => 3,
        Action::Create => 4,
        Action::Step => 5,
        Action::Forget => 6,
        Action::Read => 7,
        Action::Defer => 8,
        Action::NoOp => 9,
    }
}

/// The line.
pub(super) fn line(change: &Change) -> String {
    let (symbol, word, style) = mark(change.action);
    let address = change.address.to_string();
    format!(
        "{} {}{}{}",
        paint(style, format!("{symbol:>3} {word:<7}")),
        paint(STRONG, harmless(&address)),
        place(change),
        reason(change)
    )
}

/// The line without colours, and without its symbol.
pub(super) fn title(change: &Change) -> String {
    let line = anstream::adapter::strip_str(&line(change)).to_string();
    let (_, title) = line.trim_start().split_once(' ').unwrap_or_default();
    title.trim_start().to_owned()
}

/// The symbol of an action.
pub(super) fn symbol(action: Action) -> &'static str {
    mark(action).0
}

fn reason(change: &Change) -> String {
    match &change.reason {
        Some(reason) if tells_reason(change.action) => paint(FAINT, format!("  ({})", harmless(reason))),
        _ => String::new(),
    }
}

/// Whether the line itself tells the reason: of what has no content to show below.
pub(super) fn tells_reason(action: Action) -> bool {
    matches!(action, Action::Delete | Action::Forget)
}

/// What the instance is and where, faintly.
pub(super) fn place(change: &Change) -> String {
    let what = match (&change.prior_identity, &change.identity) {
        (Some(old), Some(new)) => format!("{old} → {new}"),
        (_, what) => what.clone().unwrap_or_default(),
    };
    // Some things are known by their address alone, which stands there already.
    let what = if what.ends_with(&change.address.to_string()) { String::new() } else { what };
    let place = match (&change.target, what.as_str()) {
        (None, "") => return String::new(),
        (None, _) => what,
        (Some(target), "") => format!("on {target}"),
        (Some(target), _) => format!("{what} on {target}"),
    };
    format!("  {}", paint(FAINT, harmless(&place)))
}

fn mark(action: Action) -> (&'static str, &'static str, Style) {
    match action {
        Action::NoOp => ("", "keep", FAINT),
        Action::Create => ("+", "create", ADDED),
        Action::Update => ("~", "update", CHANGED),
        Action::ReplaceDeleteFirst => ("-/+", "replace", DANGER),
        Action::ReplaceCreateFirst => ("+/-", "replace", DANGER),
        Action::Delete => ("-", "delete", DANGER),
        Action::Forget => (".", "forget", FAINT),
        Action::Adopt => ("=", "adopt", CHANGED),
        Action::Refresh => ("=", "record", CHANGED),
        Action::Read => ("<", "read", FAINT),
        Action::Defer => ("?", "defer", CHANGED),
        Action::Step => (">", "step", CHANGED),
    }
}
