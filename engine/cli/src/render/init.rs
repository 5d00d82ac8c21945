//! What `init` did, a line for each module.

use super::style::{FAINT, GOOD, STRONG, paint};
use super::text::harmless;
use crate::input::ReadModule;
use crate::modules::{Action, LOCK_FILE, LockChange, Remote};

/// All of it, each line ended.
pub(crate) fn text(modules: &[ReadModule], lock: LockChange) -> String {
    if modules.is_empty() && lock == LockChange::Unchanged {
        return "The stack uses no modules: there is nothing to fetch.\n".to_owned();
    }
    let outcome = match lock {
        LockChange::Unchanged if modules.iter().all(|module| module.found.remote.is_none()) => {
            "All modules are local: there is nothing to fetch.".to_owned()
        }
        LockChange::Unchanged => format!("All modules are there. {LOCK_FILE} is as it was."),
        LockChange::Written => {
            format!("All modules are there. {LOCK_FILE} is written: commit it with the stack.")
        }
        LockChange::Removed => format!("Nothing is locked any more: {LOCK_FILE} is removed."),
    };
    let lines = modules.iter().map(|module| format!("{}\n", line(module)));
    lines.chain([format!("{}\n", paint(GOOD, outcome))]).collect()
}

fn line(module: &ReadModule) -> String {
    let name = paint(STRONG, harmless(&module.path.to_string()));
    match &module.found.remote {
        None => format!("{name}: the folder {}", harmless(&module.found.folder)),
        Some(remote) => format!("{name}: {}", from_afar(remote)),
    }
}

fn from_afar(remote: &Remote) -> String {
    let version = remote.version.iter().map(|version| format!(" {}", harmless(version))).collect::<String>();
    let done = match remote.action {
        Action::Kept => "is there",
        Action::Fetched => "fetched",
        Action::Changed => "fetched in the place of another",
    };
    format!(
        "{}{version}, {done} {}",
        harmless(&remote.address),
        paint(FAINT, format!("({})", remote.content.short()))
    )
}
