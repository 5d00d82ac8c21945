//! Resources that are a part of a text file, the rest of which belongs to others.
//!
//! The file is read, its text is edited here, and it is written again, under the proof that nobody wrote to it meanwhile. What apply proves
//! of a review is that the *part* is as it was: others may write to the rest as they like.

use meshform_engine::address::Address;
use meshform_engine::ports::{
    Difference, DifferenceRequest, ErrorCode, Observation, ObserveItem, Observed, PerformRequest, Performed,
    Precondition, Problem, ProviderError,
};
use meshform_engine::schema::Attribute;
use meshform_engine::state::Record;
use meshform_engine::types::Type;
use meshform_engine::value::Value;
use serde_json::json;

use super::{Managed, difference, end, marked_as, remembered};
use crate::answer::Answer;
use crate::attributes::{flag, text, with};
use crate::confirm::Confirm;
use crate::error::{blame, error};
use crate::file::{self, File, Mode, absent, not_a_file, unreadable};
use crate::promise::Promises;
use crate::resource::{Edit, EditDeed, Edited, Resource, Rewrite, Work};
use crate::script::{FileLook, Looks, sha256};

/// A resource type whose instances are a part of a text file. Its attributes include those of [`shared`].
pub(crate) trait Text: Managed {
    /// The part as it is in this text: its attributes by those that are wanted, or else recorded. `None` if it is not there.
    fn find(&self, text: &str, subject: &Subject<'_>) -> Option<Value>;

    /// What a difference needs besides.
    fn detail(&self, _: &Subject<'_>) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// The text with the part as it is wanted.
    ///
    /// # Errors
    /// When the request does not tell all that it takes.
    fn put(&self, text: &str, desired: &Value, record: Option<&Record>) -> Result<String, ProviderError>;

    /// The text without the part, or with what was there before it. `private` is what is remembered.
    fn take(&self, text: &str, recorded: &Value, private: &serde_json::Value) -> String;

    /// What is remembered of what the text held before the first touch: by what is remembered already, and by the text before this touch.
    fn former(&self, text: &str, desired: &Value, known: Option<&serde_json::Value>) -> serde_json::Value;
}

/// What a part is looked for by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// What is wanted, perhaps unknown in part.
    pub(crate) desired: Option<&'a Value>,
    /// What is recorded.
    pub(crate) recorded: Option<&'a Value>,
}

impl<'a> Subject<'a> {
    fn of(desired: Option<&'a Value>, record: Option<&'a Record>) -> Self {
        Self { desired, recorded: record.map(|record| &record.attributes) }
    }

    /// What is wanted, or else recorded.
    pub(crate) fn first(&self) -> Option<&'a Value> {
        self.desired.or(self.recorded)
    }

    fn marked(&self, part: Value) -> Value {
        marked_as(part, self.desired, self.recorded)
    }
}

/// The attributes that every part of a file has.
pub(crate) fn shared() -> Vec<Attribute> {
    vec![
        Attribute::required("path", Type::String, "The file, absolute. A link there is followed."),
        Attribute::optional(
            "mode",
            Type::String,
            "The permissions in octal of the file if it has to be made; by default 0644, or 0600 if a secret goes into it.",
        ),
        Attribute::default(
            "create_parents",
            Type::Bool,
            false,
            "Make the folders that the file lies in, if they are missing.",
        ),
        end::attribute("What becomes of it at the end: remove, restore (what was there before) or keep."),
    ]
}

/// The resource type that `T` describes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InText<T>(pub(crate) T);

impl<T: Text> Resource for InText<T> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn attributes(&self) -> Vec<Attribute> {
        self.0.attributes()
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        self.0.check(desired)
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        self.0.exposed()
    }

    fn identity(&self, address: &Address, desired: &Value) -> Option<String> {
        self.0.identity(address, desired)
    }

    fn look<'a>(&self, index: usize, item: &'a ObserveItem, looks: &mut Looks<'a>) {
        if let Some(path) = subject(item).first().and_then(|subject| text(subject, "path")) {
            looks.files.push(FileLook { index, path, want: None, content: true });
        }
    }

    fn observed(
        &self,
        index: usize,
        item: &ObserveItem,
        answer: &Answer,
        promises: &Promises,
    ) -> Option<Result<Observed, ProviderError>> {
        let subject = subject(item);
        let Some(path) = subject.first().and_then(|subject| text(subject, "path")) else {
            return Some(Ok(Observed::Absent));
        };
        let found = match Found::read(index, path, answer)? {
            Ok(Found::Text { text, .. }) => self.0.find(&text, &subject),
            Ok(Found::Nothing { folder }) => {
                return Some(absent(path, item.desired.as_ref(), &folder, promises));
            }
            Err(failure) => return Some(Err(failure)),
        };
        Some(Ok(match found {
            None => Observed::Absent,
            Some(part) => {
                let attributes = subject.marked(part);
                Observed::Present(Observation {
                    version: version(&attributes),
                    attributes,
                    detail: self.0.detail(&subject),
                })
            }
        }))
    }

    fn difference(&self, request: &DifferenceRequest<'_>) -> Difference {
        difference::difference(&self.0, request)
    }

    fn work<'a>(&'a self, request: &'a PerformRequest, _: Option<u64>) -> Result<Work<'a>, ProviderError> {
        Ok(Work::Edit(Box::new(Change { text: &self.0, request })))
    }
}

fn subject(item: &ObserveItem) -> Subject<'_> {
    Subject::of(item.desired.as_ref(), item.record.as_deref())
}

/// A hash of the part, without what is secret in it: there, only that it is there counts.
fn version(attributes: &Value) -> String {
    struct Hidden;
    impl meshform_engine::value::Fingerprinter for Hidden {
        fn fingerprint(&self, _: &Value) -> String {
            String::new()
        }
    }
    sha256(format!("{:?}", attributes.redacted(&Hidden)).as_bytes())
}

/// What lies at the path.
enum Found {
    /// A text file.
    Text { text: String, file: File },
    /// Nothing; whether its folder is `here` or `nowhere`.
    Nothing { folder: String },
}

impl Found {
    /// What the answer says, or `None` when it says that the file changed while it was looked at.
    fn read(index: usize, path: &str, answer: &Answer) -> Option<Result<Self, ProviderError>> {
        for record in answer.about(index) {
            match record.kind.as_str() {
                "absent" => return Some(Ok(Self::Nothing { folder: record.field(0).to_owned() })),
                "other" => return Some(Err(not_a_file(path, record.field(0)))),
                "unreadable" => return Some(Err(unreadable(path))),
                "unstable" => return None,
                _ => {}
            }
        }
        let file = File::read(answer, index)?;
        let Some(record) = answer.get("content", index) else { return Some(Err(too_large(path))) };
        let bytes = record.bytes(0).filter(|bytes| sha256(bytes) == file.sum)?;
        Some(match String::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => Ok(Self::Text { text, file }),
            _ => Err(not_text(path)),
        })
    }
}

/// One edit, ready to be made, any number of times.
struct Change<'a> {
    text: &'a dyn Text,
    request: &'a PerformRequest,
}

impl Change<'_> {
    fn subject(&self) -> Subject<'_> {
        Subject::of(self.request.desired.as_ref(), self.request.record.as_deref())
    }

    fn path(&self) -> &str {
        self.subject().first().and_then(|subject| text(subject, "path")).unwrap_or_default()
    }

    /// Proves that the part is as it was when it was reviewed, or as it is wanted by now.
    fn prove(&self, text: &str) -> Result<(), ProviderError> {
        let subject = self.subject();
        let now = self.text.find(text, &subject).map(|part| version(&subject.marked(part)));
        let is_as_reviewed = match (&self.request.precondition, now) {
            (Precondition::Unproven, _) | (Precondition::Absent, None) => true,
            (Precondition::Absent, Some(_)) | (Precondition::Version(_), None) => false,
            (Precondition::Version(reviewed), Some(now)) => *reviewed == now,
        };
        if is_as_reviewed { Ok(()) } else { Err(changed(self.path())) }
    }

    fn put(&self, desired: &Value, found: Found) -> Result<Edited, ProviderError> {
        let (now, file) = match found {
            Found::Text { text, file } => (text, Some(file)),
            Found::Nothing { .. } => (String::new(), None),
        };
        let content = self.text.put(&now, desired, self.request.record.as_deref())?;
        let performed =
            Performed { attributes: with(desired, []), private: self.private(&now, desired, file.is_none()) };
        let deed = match &file {
            Some(_) if content == now => EditDeed::Nothing,
            _ => {
                self.prove(&now)?;
                EditDeed::Write(self.rewrite(content, file.as_ref(), mode_when_new(desired)))
            }
        };
        Ok(Edited { deed, performed })
    }

    fn private(&self, now: &str, desired: &Value, is_new: bool) -> serde_json::Value {
        let record = self.request.record.as_deref();
        let former = self.text.former(now, desired, remembered(record, "former"));
        let made_file = remembered(record, "made_file").cloned().unwrap_or_else(|| is_new.into());
        json!({ "former": former, "made_file": made_file })
    }

    fn take(&self, found: Found) -> Result<Edited, ProviderError> {
        let performed = Performed { attributes: Value::null(), private: serde_json::Value::Null };
        let nothing = |performed| Edited { deed: EditDeed::Nothing, performed };
        let record = self.request.record.as_deref();
        let (Found::Text { text: now, file }, Some(record)) = (found, record) else {
            return Ok(nothing(performed));
        };
        if text(&record.attributes, "on_destroy") == Some("keep") {
            return Ok(nothing(performed));
        }
        let content = self.text.take(&now, &record.attributes, &record.private);
        if content == now {
            return Ok(nothing(performed));
        }
        self.prove(&now)?;
        let made_file =
            remembered(Some(record), "made_file").and_then(serde_json::Value::as_bool) == Some(true);
        let deed = match made_file && content.trim().is_empty() {
            true => EditDeed::Remove { path: self.path().to_owned(), version: file.version(false) },
            false => EditDeed::Write(self.rewrite(content, Some(&file), String::new())),
        };
        Ok(Edited { deed, performed })
    }

    fn rewrite(&self, content: String, file: Option<&File>, mode_when_new: String) -> Rewrite {
        let parents = self.request.desired.as_ref().is_some_and(|desired| flag(desired, "create_parents"));
        let (mode, version) = match file {
            Some(file) => (file.mode.to_stat(), file.version(false)),
            None => (mode_when_new, "absent".to_owned()),
        };
        let confirm = self.confirm().map(|confirm| confirm.seconds);
        Rewrite { path: self.path().to_owned(), content, mode, parents, version, confirm }
    }
}

impl Edit for Change<'_> {
    fn look(&self) -> FileLook<'_> {
        FileLook { index: 0, path: self.path(), want: None, content: true }
    }

    fn edited(&self, answer: &Answer) -> Result<Edited, ProviderError> {
        let found = Found::read(0, self.path(), answer).unwrap_or_else(|| Err(changed(self.path())))?;
        match &self.request.desired {
            Some(desired) => self.put(desired, found),
            None => self.take(found),
        }
    }

    fn confirm(&self) -> Option<Confirm> {
        Confirm::of_file(self.path(), self.request.desired.as_ref().unwrap_or(&Value::null()))
    }

    fn failure(&self, code: &str, what: &str, words: &str) -> ProviderError {
        file::failure(self.path(), &self.request.precondition, code, what, words)
    }
}

fn mode_when_new(desired: &Value) -> String {
    let default = if desired.has_sensitive() { "0600" } else { "0644" };
    let mode = text(desired, "mode").and_then(Mode::parse).or_else(|| Mode::parse(default));
    mode.map(Mode::to_stat).unwrap_or_default()
}

fn changed(path: &str) -> ProviderError {
    let detail = format!(
        "What {path} says is not what was reviewed. Nothing was changed. Plan again to see it as it is now."
    );
    error(ErrorCode::Changed, "Changed since the plan", detail)
}

fn too_large(path: &str) -> ProviderError {
    let detail = format!("{path} is larger than 1 MiB: a file of that size is not edited in part.");
    blame(error(ErrorCode::Invalid, "File too large", detail), "path")
}

fn not_text(path: &str) -> ProviderError {
    let detail = format!("{path} is no text in UTF-8, so that no part of it can be managed.");
    blame(error(ErrorCode::Invalid, "Not a text file", detail), "path")
}
