//! What is asked about a file, and what the answer makes of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meshform_engine::ports::{ErrorCode, Observation, ObserveItem, Observed, ProviderError};
use meshform_engine::value::Value;
use serde_json::json;

use super::Mode;
use super::content::{self, checksum};
use crate::answer::Answer;
use crate::attributes::{flag, unknown};
use crate::error::{blame, error};
use crate::promise::Promises;
use crate::script::{CONTENT_LIMIT, FileLook, sha256};

/// What the host tells about a file that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// The SHA-256 of its content in hexadecimal.
    pub(crate) sum: String,
    /// Its permissions.
    pub(crate) mode: Mode,
    /// Its owner's number.
    pub(crate) uid: String,
    /// Its group's number.
    pub(crate) gid: String,
    /// Its owner's name.
    pub(crate) user: String,
    /// Its group's name.
    pub(crate) group: String,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// How many names it has.
    pub(crate) links: u64,
    /// Its inode and when that changed last.
    changed: String,
}

/// What to ask about a file.
pub(crate) fn look(index: usize, item: &ObserveItem) -> FileLook<'_> {
    let desired = item.desired.as_ref();
    let secret = is_secret(item);
    FileLook {
        index,
        path: &item.identity,
        want: desired.and_then(content::bytes).map(|content| sha256(&content)),
        content: desired.is_some() && !secret,
    }
}

/// What the answer says about the file, or `None` when it says that the file changed while it was looked at.
pub(crate) fn observed(
    index: usize,
    item: &ObserveItem,
    answer: &Answer,
    promises: &Promises,
) -> Option<Result<Observed, ProviderError>> {
    for record in answer.about(index) {
        match record.kind.as_str() {
            "absent" => {
                let path = item.identity.as_str();
                return Some(absent(path, item.desired.as_ref(), record.field(0), promises));
            }
            "other" => return Some(Err(not_a_file(&item.identity, record.field(0)))),
            "unreadable" => return Some(Err(unreadable(&item.identity))),
            "unstable" => return None,
            _ => {}
        }
    }
    let file = File::read(answer, index)?;
    let content = match answer.get("content", index) {
        Some(record) => Some(record.bytes(0).filter(|bytes| sha256(bytes) == file.sum)?),
        None => None,
    };
    Some(Ok(Observed::Present(observation(item, &file, content))))
}

impl File {
    /// What the answer tells about a file that is there.
    pub(crate) fn read(answer: &Answer, index: usize) -> Option<Self> {
        let stat = answer.get("stat", index)?;
        let sum = answer.get("sum", index)?.field(0);
        Some(Self {
            sum: sum.to_owned(),
            mode: Mode::from_stat(stat.field(0))?,
            uid: stat.field(1).to_owned(),
            gid: stat.field(2).to_owned(),
            user: stat.field(3).to_owned(),
            group: stat.field(4).to_owned(),
            size: stat.field(5).parse().ok()?,
            links: stat.field(6).parse().ok()?,
            changed: format!("{}:{}", stat.field(7), stat.field(8)),
        })
    }

    /// What `difference` needs besides the attributes.
    fn detail(&self) -> serde_json::Value {
        json!({ "sum": self.sum, "uid": self.uid, "gid": self.gid, "size": self.size, "links": self.links })
    }

    /// What apply proves before it writes. The hash of a secret would end in the plan, where the secret could be guessed from it: there,
    /// the time of the last change stands for the content.
    pub(crate) fn version(&self, secret: bool) -> String {
        match secret {
            true => format!("time:{}", self.changed),
            false => format!("content:{}:{}:{}:{}", self.sum, self.mode.to_stat(), self.uid, self.gid),
        }
    }
}

fn observation(item: &ObserveItem, file: &File, content: Option<Vec<u8>>) -> Observation {
    let secret = is_secret(item);
    let wanted = item
        .desired
        .as_ref()
        .filter(|desired| checksum(desired).is_some_and(|sum| sum.as_str() == Some(file.sum.as_str())));
    let (text, base64) = match (wanted, content) {
        (Some(desired), _) => (desired.get("content").cloned(), desired.get("content_base64").cloned()),
        (None, Some(bytes)) if is_in_base64(item) => (None, Some(Value::string(STANDARD.encode(bytes)))),
        (None, Some(bytes)) => (readable(bytes).map(Value::string), None),
        (None, None) => (None, None),
    };
    let told = |content: Option<Value>| content.unwrap_or_else(Value::null).marked(secret);
    let attributes = Value::object([
        ("path".to_owned(), Value::string(item.identity.as_str())),
        ("content".to_owned(), told(text)),
        ("content_base64".to_owned(), told(base64)),
        ("mode".to_owned(), Value::string(file.mode.to_text())),
        ("owner".to_owned(), Value::string(named(&file.user, &file.uid))),
        ("group".to_owned(), Value::string(named(&file.group, &file.gid))),
        ("sha256".to_owned(), Value::string(file.sum.as_str()).marked(secret)),
    ]);
    Observation { attributes, version: file.version(secret), detail: file.detail() }
}

/// Whether what the file holds, or held under the record, is sensitive.
fn is_secret(item: &ObserveItem) -> bool {
    item.desired.as_ref().is_some_and(content::is_secret)
        || item.record.as_ref().is_some_and(|record| content::is_secret(&record.attributes))
}

/// Whether the content is wanted in base64, or else recorded so.
fn is_in_base64(item: &ObserveItem) -> bool {
    let recorded = item.record.as_ref().map(|record| &record.attributes);
    item.desired.as_ref().or(recorded).is_some_and(|attributes| !content::is_text(attributes))
}

/// The text, if it is one that people read.
fn readable(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// A number that has no name shows as `UNKNOWN`.
pub(crate) fn named<'a>(name: &'a str, number: &'a str) -> &'a str {
    if name == "UNKNOWN" { number } else { name }
}

/// Nothing lies at the path: fine, unless it is wanted in a folder that is not there and will not be.
pub(crate) fn absent(
    path: &str,
    desired: Option<&Value>,
    folder: &str,
    promises: &Promises,
) -> Result<Observed, ProviderError> {
    let needs_folder =
        |desired: &Value| !flag(desired, "create_parents") && !unknown(desired, "create_parents");
    if folder == "nowhere" && desired.is_some_and(needs_folder) && !promises.folder_of(path) {
        return Err(no_folder(path));
    }
    Ok(Observed::Absent)
}

/// The folder of a file is missing.
pub(crate) fn no_folder(path: &str) -> ProviderError {
    let folder =
        path.rsplit_once('/').map_or("/", |(folder, _)| if folder.is_empty() { "/" } else { folder });
    let detail = format!(
        "The folder {folder} is not there, or may not be looked into. Set create_parents = true to have it made, too, let this \
         depend on the host_directory that makes it, or check the path."
    );
    blame(error(ErrorCode::Invalid, "Folder missing", detail), "path")
}

/// Something else lies at the path.
pub(crate) fn not_a_file(path: &str, what: &str) -> ProviderError {
    let what = if what == "folder" { "a folder" } else { "something else than a file" };
    let detail = format!(
        "At {path} there is {what}, which is never replaced by a file. Move it away, or choose another path."
    );
    blame(error(ErrorCode::Invalid, "Not a file", detail), "path")
}

/// The file may not be read.
pub(crate) fn unreadable(path: &str) -> ProviderError {
    let detail = format!(
        "{path} is there, but the login user may not read it, so nothing can be said about it. Log in as a user who may, or set become = \
         \"sudo\" on the host."
    );
    blame(error(ErrorCode::Denied, "File not readable", detail), "path")
}

/// Whether a file of that size is kept for the way back.
pub(super) fn fits(size: u64) -> bool {
    usize::try_from(size).is_ok_and(|size| size <= CONTENT_LIMIT)
}
