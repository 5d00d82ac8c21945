//! How a file is changed, and what the answer makes of it.

use std::borrow::Cow;

use meshform_engine::ports::{
    ErrorCode, Operation, PerformRequest, Performed, Precondition, ProviderError, StepFailure,
};
use meshform_engine::value::Value;
use serde_json::json;

use super::content::{self, checksum};
use super::observe::{no_folder, not_a_file};
use super::{Mode, policy};
use crate::answer::Answer;
use crate::attributes::{flag, text, with};
use crate::confirm::Confirm;
use crate::error::{blame, error, tail};
use crate::resource::Job;
use crate::script::{Guard, Keep, Policy, Program, Remove, Write, remove, write};

/// One change of a file, ready to be sent, any number of times.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    request: &'a PerformRequest,
    content: Cow<'a, [u8]>,
    mode: String,
    seconds: u64,
}

/// Reads a request.
///
/// # Errors
/// When its attributes are not those of a file that can be written.
pub(crate) fn change(request: &PerformRequest, seconds: u64) -> Result<Change<'_>, ProviderError> {
    let content = match &request.desired {
        Some(desired) => content::bytes(desired).ok_or_else(|| incomplete("content"))?,
        None => Cow::default(),
    };
    let mode = match &request.desired {
        Some(desired) => {
            text(desired, "mode").and_then(Mode::parse).ok_or_else(|| incomplete("mode"))?.to_stat()
        }
        None => String::new(),
    };
    Ok(Change { request, content, mode, seconds })
}

impl Change<'_> {
    fn removal<'a>(&'a self, guard: Guard<'a>) -> Remove<'a> {
        let record = self.request.record.as_ref();
        Remove {
            path: &self.request.identity,
            policy: record.map_or(Policy::Remove, |record| policy(&record.attributes)),
            was: record.and_then(|record| record.private.get("preimage")?.as_str()).unwrap_or_default(),
            guard,
            confirm: self.confirm_seconds(),
        }
    }

    fn writing<'a>(&'a self, desired: &'a Value, guard: Guard<'a>, again: bool) -> Write<'a> {
        let keep = match (policy(desired), self.before().is_some()) {
            (Policy::Restore, false) if self.is_first_touch() && !again => Keep::Yes,
            (Policy::Restore, false) => Keep::IfMissing,
            _ => Keep::No,
        };
        Write {
            path: &self.request.identity,
            content: &self.content,
            mode: &self.mode,
            owner: text(desired, "owner"),
            group: text(desired, "group"),
            parents: flag(desired, "create_parents"),
            guard,
            keep,
            confirm: self.confirm_seconds(),
        }
    }

    /// What is recorded about what was there before the first touch.
    fn attributes(&self) -> Option<&Value> {
        self.request
            .desired
            .as_ref()
            .or_else(|| self.request.record.as_ref().map(|record| &record.attributes))
    }

    fn confirm_seconds(&self) -> Option<u64> {
        self.confirm().map(|confirm| confirm.seconds)
    }

    fn before(&self) -> Option<&str> {
        self.request.record.as_ref()?.private.get("preimage")?.as_str()
    }

    fn is_first_touch(&self) -> bool {
        self.request.record.is_none() && self.request.precondition != Precondition::Unproven
    }
}

impl Job for Change<'_> {
    fn seconds(&self) -> u64 {
        self.seconds
    }

    fn program(&self, nonce: &str, again: bool, _: bool) -> Result<Program, ProviderError> {
        let guard = match &self.request.precondition {
            Precondition::Unproven => Guard::Any,
            Precondition::Absent if again => Guard::ExactOrDone("absent"),
            Precondition::Absent => Guard::Exact("absent"),
            Precondition::Version(version) if again => Guard::ExactOrDone(version),
            Precondition::Version(version) => Guard::Exact(version),
        };
        match (self.request.operation, &self.request.desired) {
            (Operation::Delete, _) => Ok(remove(nonce, &self.removal(guard))),
            (_, Some(desired)) => Ok(write(nonce, &self.writing(desired, guard, again))),
            (_, None) => Err(incomplete("content")),
        }
    }

    /// It does nothing if all is as wanted.
    fn settles_itself(&self) -> bool {
        true
    }
    fn is_alone(&self) -> bool {
        false
    }

    fn confirm(&self) -> Option<Confirm> {
        Confirm::of_file(&self.request.identity, self.attributes()?)
    }

    fn cut_off(&self) -> Option<Box<Performed>> {
        None
    }

    fn performed(&self, answer: &Answer, words: &str) -> Result<Performed, StepFailure> {
        if let Some(record) = answer.get("fail", 0) {
            let (path, reviewed) = (self.request.identity.as_str(), &self.request.precondition);
            return Err(failure(path, reviewed, record.field(0), record.field(1), words).into());
        }
        let Some(desired) = &self.request.desired else {
            return Ok(Performed { attributes: Value::null(), private: serde_json::Value::Null });
        };
        let put_aside = answer.get("done", 0).map(|record| record.field(1)).filter(|kept| !kept.is_empty());
        let private = match self.before().or(put_aside) {
            Some(before) => json!({ "preimage": before }),
            None => json!({}),
        };
        let attributes = with(desired, [("sha256", checksum(desired).unwrap_or_else(Value::null))]);
        Ok(Performed { attributes, private })
    }
}

/// Why a file was not changed, by the code that the host gave.
pub(crate) fn failure(
    path: &str,
    reviewed: &Precondition,
    code: &str,
    what: &str,
    words: &str,
) -> ProviderError {
    let said = match tail(words) {
        words if words.is_empty() => String::new(),
        words => format!(" The host says: {words}"),
    };
    let make = |code, summary, detail: String| error(code, summary, detail + &said);
    match code {
        "changed" => changed(path, reviewed, what),
        "not_a_file" => not_a_file(path, what),
        "folder" => no_folder(path),
        "owner" | "group" => blame(
            make(
                ErrorCode::Invalid,
                "Owner not set",
                format!(
                    "{path} could not be given to the {code} {what:?}: it is not known on the host, or that takes root."
                ),
            ),
            code,
        ),
        "aside" => make(
            ErrorCode::Failed,
            "Previous content not at hand",
            format!(
                "What was at {path} before is kept in the folder of meshform on the host (/var/lib/meshform, for root), and could not be \
                 read or written there. Nothing was changed. Make room there, or set on_destroy to \"remove\" or \"keep\"."
            ),
        ),
        "unarmed" => make(
            ErrorCode::Failed,
            "No way back",
            format!(
                "{path} was not changed, as the host could not be told to take that back by itself. Make room in /var/lib/meshform there, or \
                 set confirm_seconds = 0."
            ),
        ),
        "link" => make(
            ErrorCode::Invalid,
            "Broken link",
            format!("{path} is a link that leads to nowhere or in a circle."),
        ),
        "denied" => make(
            ErrorCode::Denied,
            "Folder not writable",
            format!(
                "The folder of {path} may not be written to by the login user, or is on a read-only file system. Log in as a user who may, \
                 or set become = \"sudo\" on the host."
            ),
        ),
        "lost" => make(
            ErrorCode::Changed,
            "Changed while it was written",
            format!(
                "{path} was written, but is not as wanted right after: something else on the host writes to it."
            ),
        ),
        _ => make(
            ErrorCode::Failed,
            "File not written",
            format!("{path} could not be changed; what was there still is."),
        ),
    }
}

fn changed(path: &str, reviewed: &Precondition, now: &str) -> ProviderError {
    let what = match (reviewed, now) {
        (Precondition::Absent, _) => "something is there by now",
        (_, "absent") => "it is gone",
        _ => "its content, mode or owner is another one",
    };
    let detail = format!(
        "{path} is not what was reviewed: {what}. Nothing was changed. Plan again to see it as it is now."
    );
    error(ErrorCode::Changed, "Changed since the plan", detail)
}

fn incomplete(name: &str) -> ProviderError {
    blame(error(ErrorCode::Invalid, "Incomplete request", format!("The file's {name} is missing.")), name)
}
