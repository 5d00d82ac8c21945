//! What `init` did: `modules` with their `module`, `folder` and, if they came from afar, `source`, `version` (null unless there was a choice),
//! `commit` or `digest`, `hash` and `action` (`kept`, `fetched` or `changed`); and `lock_file` (`unchanged`, `written` or `removed`).

use serde_json::{Value as Json, json};

use super::FORMAT_VERSION;
use crate::input::ReadModule;
use crate::modules::{Action, Content, LockChange};

/// The document.
pub(crate) fn document(modules: &[ReadModule], lock: LockChange) -> Json {
    json!({
        "format_version": FORMAT_VERSION,
        "modules": modules.iter().map(module).collect::<Vec<_>>(),
        "lock_file": match lock {
            LockChange::Unchanged => "unchanged",
            LockChange::Written => "written",
            LockChange::Removed => "removed",
        },
    })
}

fn module(module: &ReadModule) -> Json {
    let mut document = json!({ "module": module.path.to_string(), "folder": module.found.folder });
    if let Some(remote) = &module.found.remote {
        document["source"] = remote.address.as_str().into();
        document["version"] = remote.version.as_deref().into();
        match &remote.content {
            Content::Commit(commit) => document["commit"] = commit.as_str().into(),
            Content::Digest(digest) => document["digest"] = digest.as_str().into(),
        }
        document["hash"] = remote.hash.as_str().into();
        document["action"] = match remote.action {
            Action::Kept => "kept",
            Action::Fetched => "fetched",
            Action::Changed => "changed",
        }
        .into();
    }
    document
}
