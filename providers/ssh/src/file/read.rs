//! `data "host_file"`: what a file holds, and what it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meshform_engine::ports::{ErrorCode, Found, ReadItem};
use meshform_engine::value::Value;

use super::observe::{File, named, not_a_file, unreadable};
use crate::answer::Answer;
use crate::attributes::{flag, text, with};
use crate::error::{blame, error};
use crate::script::{FileLook, sha256};

/// What a look-up finds of a file; all of it null if there is none.
const FOUND: [&str; 7] = ["content", "content_base64", "mode", "owner", "group", "sha256", "size"];

/// What to ask about a file that is looked up.
pub(crate) fn question(index: usize, item: &ReadItem) -> FileLook<'_> {
    FileLook { index, path: path(item), want: None, content: true }
}

/// What the answer says about the file, or `None` when it says that the file changed while it was looked at.
pub(crate) fn found(index: usize, item: &ReadItem, answer: &Answer) -> Option<Found> {
    for record in answer.about(index) {
        match record.kind.as_str() {
            "absent" => return Some(absent(item)),
            "other" => return Some(Err(not_a_file(path(item), record.field(0)))),
            "unreadable" => return Some(Err(unreadable(path(item)))),
            "unstable" => return None,
            _ => {}
        }
    }
    let file = File::read(answer, index)?;
    let content = match answer.get("content", index) {
        Some(record) => Some(record.bytes(0).filter(|bytes| sha256(bytes) == file.sum)?),
        None => None,
    };
    Some(Ok(attributes(item, &file, content)))
}

fn attributes(item: &ReadItem, file: &File, content: Option<Vec<u8>>) -> Value {
    let secret = flag(&item.arguments, "sensitive");
    let encoded = content.as_ref().map(|bytes| Value::string(STANDARD.encode(bytes)));
    let text = content.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|text| !text.contains('\0'));
    let or_null = |value: Option<Value>| value.unwrap_or_else(Value::null);
    let found = [
        ("content", or_null(text.map(Value::string)).marked(secret)),
        ("content_base64", or_null(encoded).marked(secret)),
        ("mode", Value::string(file.mode.to_text())),
        ("owner", Value::string(named(&file.user, &file.uid))),
        ("group", Value::string(named(&file.group, &file.gid))),
        ("sha256", Value::string(file.sum.as_str()).marked(secret)),
        ("size", Value::number(file.size)),
    ];
    with(&item.arguments, found)
}

fn absent(item: &ReadItem) -> Found {
    if flag(&item.arguments, "optional") {
        return Ok(with(&item.arguments, FOUND.map(|name| (name, Value::null()))));
    }
    let detail = format!(
        "There is no file at {}, or the login user may not look into its folder. Set `optional = true` if it may be missing.",
        path(item)
    );
    Err(blame(error(ErrorCode::Invalid, "File missing", detail), "path"))
}

fn path(item: &ReadItem) -> &str {
    text(&item.arguments, "path").unwrap_or_default()
}
