//! `host_directory`: a folder with its permissions and owner.

use meshform_engine::address::Address;
use meshform_engine::ports::{ErrorCode, Observation, PerformRequest, Problem, ProviderError};
use meshform_engine::schema::Attribute;
use meshform_engine::state::Record;
use meshform_engine::types::Type;
use meshform_engine::value::{Fingerprinter, Value};
use serde_json::json;

use crate::account::{Account, Accounts};
use crate::answer;
use crate::attributes::{flag, text, unchanged};
use crate::check::{account, mode, place};
use crate::error::{blame, error};
use crate::file::{Mode, named, no_folder};
use crate::managed::{Managed, Native, There, end, missing, remembered};
use crate::promise::Promises;
use crate::script::quote;

/// Its name in HCL.
pub(crate) const NAME: &str = "host_directory";
const ENDS: &[&str] = &["remove", "remove_all", "restore", "keep"];

/// The resource type of folders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directory;

impl Managed for Directory {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Vec<Attribute> {
        let text = |name, description| Attribute::optional(name, Type::String, description);
        let flag = |name, description| Attribute::default(name, Type::Bool, false, description);
        vec![
            Attribute::required("path", Type::String, "Where it lies, absolute. A link there is followed."),
            Attribute::default("mode", Type::String, "0755", "Its permissions in octal."),
            text("owner", "Its user by name or number; as it is, if left out."),
            text("group", "Its group by name or number; as it is, if left out."),
            flag("recursive", "Whether all that is in it gets the same owner and group, links not followed."),
            flag("create_parents", "Make the folders that it lies in, if they are missing."),
            end::attribute(
                "What becomes of it at the end: remove (if it is empty and was made here), remove_all (with all that is in it, if it was made \
                 here), restore (mode and owner as they were) or keep.",
            ),
        ]
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(text(desired, "path").and_then(|path| place("path", path)));
        problems.extend(mode(desired));
        problems
            .extend(["owner", "group"].into_iter().filter_map(|name| account(name, text(desired, name)?)));
        problems.extend(end::check(desired, ENDS));
        problems
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        &[("path", "Folders are known by their paths, in every plan and in the state.")]
    }

    fn identity(&self, _: &Address, desired: &Value) -> Option<String> {
        // A folder and a file are not at the same path, so that both have the same identity.
        text(desired, "path").map(str::to_owned)
    }

    fn accounts(&self, desired: &Value) -> Accounts {
        Account::owners(desired)
    }

    fn fields(&self) -> &'static [&'static str] {
        &["path", "mode", "owner", "group", "recursive"]
    }

    fn settings(&self) -> &'static [&'static str] {
        &["create_parents", "on_destroy"]
    }

    /// A user or group may be given by name or by number, a mode with a leading zero or without.
    fn same(&self, name: &str, wanted: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> bool {
        let is = |other: Option<&str>| wanted.as_str().is_some_and(|wanted| other == Some(wanted));
        let number = |name: &str| there.detail.get(name).and_then(|number| number.as_str());
        match name {
            "path" => true,
            "recursive" => wanted.as_bool() != Some(true) || strays(there) == 0,
            "mode" => {
                let mode = wanted.as_str().and_then(Mode::parse).map(Mode::to_text);
                mode.is_some() && mode.as_deref() == text(&there.attributes, "mode")
            }
            "owner" if is(number("uid")) => true,
            "group" if is(number("gid")) => true,
            _ => unchanged(there.attributes.get(name), Some(wanted), keyed),
        }
    }

    fn taken_over(&self, desired: &Value, there: &Observation) -> Vec<String> {
        let end = match text(desired, "on_destroy") {
            Some("restore") => "; at the end its mode and owner come back (on_destroy = \"restore\")",
            _ => "; it stays at the end",
        };
        let mut notes = vec![format!("The folder is there already and is taken over{end}.")];
        notes.extend((strays(there) > 0).then(|| belongings(strays(there))));
        notes
    }

    fn ends(&self, record: &Record, there: &Observation) -> Vec<String> {
        let was_there = remembered(Some(record), "before").is_some();
        let holds = there.detail.get("held").and_then(serde_json::Value::as_u64).unwrap_or(0);
        let note = match (text(&record.attributes, "on_destroy"), was_there) {
            (Some("keep"), _) => "The folder stays on the host (on_destroy = \"keep\").".to_owned(),
            (Some("restore"), true) => {
                "The folder stays; its mode and owner become what they were (on_destroy = \"restore\")."
                    .to_owned()
            }
            (_, true) => "The folder was there before, so it stays.".to_owned(),
            (Some("remove_all"), false) => match holds {
                0 => return Vec::new(),
                _ => format!(
                    "The folder goes with all that is in it, now {} (on_destroy = \"remove_all\").",
                    things(holds)
                ),
            },
            (_, false) if holds == 0 => return Vec::new(),
            (_, false) => format!(
                "The folder holds {}: it goes if it is empty by then, and stays otherwise (on_destroy = \"remove_all\" would take all along).",
                things(holds)
            ),
        };
        vec![note]
    }
}

impl Native for Directory {
    fn library(&self) -> &'static str {
        include_str!("directory.sh")
    }

    fn sight(&self, subject: &Value) -> Vec<String> {
        let whose = |name| text(subject, name).filter(|_| flag(subject, "recursive")).unwrap_or_default();
        ["see_directory", text(subject, "path").unwrap_or_default(), whose("owner"), whose("group")]
            .map(str::to_owned)
            .to_vec()
    }

    fn there(
        &self,
        subject: &Value,
        records: &[answer::Record],
        promises: &Promises,
    ) -> Result<Option<There>, ProviderError> {
        let path = text(subject, "path").unwrap_or_default();
        let Some(record) = records.first() else { return Ok(None) };
        match record.kind.as_str() {
            "folder" => folder(path, record, records.get(1)).map(Some),
            "absent" => {
                let is_lost = record.field(0) == "nowhere" && !flag(subject, "create_parents");
                if is_lost && !promises.folder_of(path) { Err(no_folder(path)) } else { Ok(None) }
            }
            _ => Err(not_a_folder(path)),
        }
    }

    fn make(&self, _: &PerformRequest, desired: &Value) -> Result<String, ProviderError> {
        let path = text(desired, "path").ok_or_else(|| missing("path"))?;
        let mode = text(desired, "mode").and_then(Mode::parse).ok_or_else(|| missing("mode"))?.to_stat();
        let switch = |name| if flag(desired, name) { "1" } else { "0" };
        Ok(format!(
            "make_directory {} {mode} {} {} {} {}\n",
            quote(path),
            quote(text(desired, "owner").unwrap_or_default()),
            quote(text(desired, "group").unwrap_or_default()),
            switch("create_parents"),
            switch("recursive"),
        ))
    }

    fn unmake(&self, request: &PerformRequest, recorded: &Value) -> String {
        let path = quote(&request.identity);
        let before = remembered(request.record.as_deref(), "before");
        let was = |name: &str| {
            let text = before.and_then(|before| before.get(name)).and_then(|value| value.as_str());
            quote(text.unwrap_or_default())
        };
        match (text(recorded, "on_destroy"), before) {
            (Some("restore"), Some(_)) => {
                format!("restore_directory {path} {} {} {}\n", was("mode"), was("uid"), was("gid"))
            }
            (Some("keep"), _) | (_, Some(_)) => String::new(),
            (end, None) => format!("unmake_directory {path} {}\n", u8::from(end == Some("remove_all"))),
        }
    }

    fn remember(&self, request: &PerformRequest, before: Option<&There>) -> serde_json::Value {
        if let Some(record) = &request.record {
            return record.private.clone();
        }
        let number = |there: &There, name: &str| there.detail.get(name).cloned().unwrap_or_default();
        let before = before.map(|there| {
            let mode = text(&there.attributes, "mode").and_then(Mode::parse).map(Mode::to_stat);
            json!({ "mode": mode, "uid": number(there, "uid"), "gid": number(there, "gid") })
        });
        json!({ "before": before })
    }

    fn problem(&self, request: &PerformRequest, problem: &str, _: &str) -> ProviderError {
        let path = request.identity.as_str();
        match problem {
            "folder" => no_folder(path),
            "owner" | "group" => blame(
                error(
                    ErrorCode::Invalid,
                    "Owner not set",
                    format!(
                        "{path}, or something in it, could not be given to its {problem}: it is not known on the host, or that takes root."
                    ),
                ),
                problem,
            ),
            "remove" => error(
                ErrorCode::Failed,
                "Folder not removed",
                format!("{path} could not be removed, or only in part."),
            ),
            _ => error(ErrorCode::Failed, "Folder not made", format!("{path} could not be made as wanted.")),
        }
    }
}

fn folder(
    path: &str,
    record: &answer::Record,
    also: Option<&answer::Record>,
) -> Result<There, ProviderError> {
    let unreadable = || {
        let detail = format!(
            "{path} is there, but the login user may not look at it. Log in as a user who may, or set become = \"sudo\" on the host."
        );
        blame(error(ErrorCode::Denied, "Folder not readable", detail), "path")
    };
    let mode = Mode::from_stat(record.field(0)).ok_or_else(unreadable)?;
    let count = |position| also.and_then(|record| record.field(position).parse::<u64>().ok()).unwrap_or(0);
    let attributes = [
        ("path", Value::string(path)),
        ("mode", Value::string(mode.to_text())),
        ("owner", Value::string(named(record.field(3), record.field(1)))),
        ("group", Value::string(named(record.field(4), record.field(2)))),
        ("recursive", Value::bool(count(1) == 0)),
    ];
    Ok(There {
        attributes: Value::object(attributes.map(|(name, value)| (name.to_owned(), value))),
        detail: json!({ "uid": record.field(1), "gid": record.field(2), "held": count(0), "strays": count(1) }),
    })
}

fn strays(there: &Observation) -> u64 {
    there.detail.get("strays").and_then(serde_json::Value::as_u64).unwrap_or(0)
}

fn belongings(count: u64) -> String {
    format!("{} in it, or the folder itself, get another owner or group (recursive = true).", things(count))
}

fn things(count: u64) -> String {
    if count == 1 { "1 thing".to_owned() } else { format!("{count} things") }
}

fn not_a_folder(path: &str) -> ProviderError {
    let detail = format!(
        "At {path} there is something else than a folder, which is never replaced by one. Move it away, or choose another path."
    );
    blame(error(ErrorCode::Invalid, "Not a folder", detail), "path")
}
