//! `host_mount`: a file system at its place, now and after the next boot.

mod options;

use meshform_engine::address::Address;
use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{ErrorCode, Observation, PerformRequest, Problem, ProviderError};
use meshform_engine::schema::Attribute;
use meshform_engine::state::Record;
use meshform_engine::types::Type;
use meshform_engine::value::{Fingerprinter, Value};
use serde_json::json;

use self::options::{Shown, escape, is_bind, mount, remount, unescape};
use crate::answer;
use crate::attributes::{change, flag, given, present, text, unchanged};
use crate::check::{choice, place, wrong};
use crate::error::{blame, error};
use crate::managed::{Managed, Native, There, end, has_unknown, missing, origin, remembered};
use crate::promise::Promises;
use crate::script::quote;

/// Its name in HCL.
pub(crate) const NAME: &str = "host_mount";
/// Mounting may wait for a network or a check of the disk, in seconds.
const MOUNT_SECONDS: u64 = 300;
/// What the entry of fstab says.
const ENTRY: [&str; 5] = ["source", "type", "options", "dump", "pass"];

/// The resource type of mounted file systems.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mount;

impl Managed for Mount {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Vec<Attribute> {
        let number = |name, description| Attribute::default(name, Type::Number, 0, description);
        vec![
            Attribute::required(
                "path",
                Type::String,
                "Where it is mounted, absolute; the folder is made if it is missing.",
            ),
            Attribute::required(
                "source",
                Type::String,
                "What is mounted: a device, \"UUID=…\", \"LABEL=…\", \"server:/export\", \"tmpfs\", or a folder or file with the option \"bind\".",
            ),
            Attribute::required(
                "type",
                Type::String,
                "The type of file system, such as ext4, nfs or tmpfs; none with \"bind\".",
            ),
            Attribute::default(
                "options",
                Type::String.list(),
                Value::list([]),
                "Its options, one by one, such as [\"noatime\", \"nodev\"]; the defaults, if left out.",
            ),
            number("dump", "Whether dump saves it: 0 or 1."),
            number("pass", "When it is checked at boot: 0 for never, 1 for the root, 2 for others."),
            Attribute::default(
                "persistent",
                Type::Bool,
                true,
                "Whether it has an entry in /etc/fstab, by which it is mounted at every boot.",
            ),
            Attribute::default(
                "state",
                Type::String,
                "mounted",
                "What it is now: mounted, unmounted, or ignored (only its entry counts).",
            ),
            end::attribute(
                "What becomes of it at the end: remove (unmounted, and no entry any more, if there was neither before) or keep.",
            ),
        ]
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        for name in ["path", "source", "type"] {
            let given = text(desired, name);
            problems.extend(given.and_then(|given| odd(name, given)));
        }
        problems.extend(text(desired, "path").and_then(|path| place("path", path)));
        let options = desired.get("options").and_then(Value::as_list).unwrap_or_default();
        problems.extend(
            options.iter().filter_map(|option| Some(wrong("options", options::problem(option.as_str()?)?))),
        );
        for (name, most) in [("dump", 1), ("pass", 9)] {
            let given = desired.get(name).and_then(Value::as_number).map(ToString::to_string);
            let fits = |given: &String| given.parse::<u8>().is_ok_and(|number| number <= most);
            problems.extend(
                given
                    .filter(|given| !fits(given))
                    .map(|_| wrong(name, format!("It is not a whole number from 0 to {most}."))),
            );
        }
        problems.extend(choice(desired, "state", &["mounted", "unmounted", "ignored"]));
        problems.extend(end::check(desired, end::WITHOUT_RESTORE));
        problems.extend(nothing(desired));
        problems.extend(unbound(desired));
        problems
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        const REASON: &str = "Everyone on the host can read what is mounted there, and how. Keep a password in a file of its own that an option names, such as \
                              \"credentials=/etc/cifs.secret\".";
        &[("path", REASON), ("source", REASON), ("type", REASON), ("options", REASON)]
    }

    fn identity(&self, _: &Address, desired: &Value) -> Option<String> {
        text(desired, "path").map(|path| format!("mount:{path}"))
    }

    fn fields(&self) -> &'static [&'static str] {
        &["path", "source", "type", "options", "dump", "pass", "persistent", "state"]
    }

    fn changes(&self, desired: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> Vec<FieldChange> {
        let is_kept = desired.get("persistent").and_then(Value::as_bool) != Some(false);
        let counts = |name: &&&str| is_kept || !ENTRY.contains(*name);
        let wanted =
            self.fields().iter().filter(counts).filter_map(|name| Some((*name, given(desired, name)?)));
        let show = |(name, wanted): (&'static str, &Value)| {
            let before = match name {
                "state" => Some(state(desired, there)),
                _ => present(there.attributes.get(name)),
            };
            let is_same = match (name, &before) {
                ("path", _) => true,
                ("state", Some(before)) => wanted.as_str() == Some("ignored") || before.same(wanted),
                ("options", before) => before.as_ref().is_some_and(|before| list(before) == list(wanted)),
                (_, before) => unchanged(before.as_ref(), Some(wanted), keyed),
            };
            (has_unknown(wanted) || !is_same).then(|| change(name, before, Some(wanted.clone())))
        };
        wanted.filter_map(show).collect()
    }

    fn taken_over(&self, _: &Value, there: &Observation) -> Vec<String> {
        let what = match (flag(&there.attributes, "persistent"), live(&there.detail).is_some()) {
            (true, true) => "It has an entry in /etc/fstab and is mounted already",
            (true, false) => "It has an entry in /etc/fstab already",
            (false, _) => "It is mounted already",
        };
        vec![format!("{what}: it is taken over, and stays at the end.")]
    }

    fn ends(&self, record: &Record, there: &Observation) -> Vec<String> {
        let notes = origin::ends(record, "mount");
        match (notes.is_empty(), live(&there.detail)) {
            (true, Some(_)) if text(&record.attributes, "state") == Some("mounted") => {
                vec![
                    "It is unmounted, unless something uses it: then it stays, and apply says who that is."
                        .to_owned(),
                ]
            }
            _ => notes,
        }
    }
}

impl Native for Mount {
    fn library(&self) -> &'static str {
        include_str!("mount.sh")
    }

    fn sight(&self, subject: &Value) -> Vec<String> {
        let bind = if is_bind(&list_of(subject)) { "1" } else { "0" };
        let word = |name| text(subject, name).unwrap_or_default();
        ["see_mount", word("path"), word("source"), bind].map(str::to_owned).to_vec()
    }

    fn there(
        &self,
        subject: &Value,
        records: &[answer::Record],
        _: &Promises,
    ) -> Result<Option<There>, ProviderError> {
        let find = |kind: &str| records.iter().find(|record| record.kind == kind);
        let (entry, live) = (find("entry"), find("live"));
        if entry.is_none() && live.is_none() {
            return Ok(None);
        }
        if entry.is_some_and(|entry| entry.field(0) != "1") {
            return Err(ambiguous(text(subject, "path").unwrap_or_default()));
        }
        let field =
            |position| entry.map_or_else(Value::null, |entry| Value::string(unescape(entry.field(position))));
        let number = |position| {
            let number = entry.and_then(|entry| entry.field(position).parse::<u32>().ok());
            number.map_or_else(Value::null, Value::number)
        };
        let options = entry.map(|entry| {
            Value::list(entry.field(3).split(',').map(|option| Value::string(unescape(option))))
        });
        let attributes = [
            ("path", subject.get("path").cloned().unwrap_or_else(Value::null)),
            ("source", field(1)),
            ("type", field(2)),
            ("options", options.unwrap_or_else(Value::null)),
            ("dump", number(4)),
            ("pass", number(5)),
            ("persistent", Value::bool(entry.is_some())),
            ("state", Value::string(if live.is_some() { "mounted" } else { "unmounted" })),
        ];
        let live = live.map(|live| {
            json!({
                "type": live.field(0), "source": unescape(live.field(1)), "options": live.field(2),
                // Whether it comes from where it shall was asked for this source.
                "same": live.field(3) == "yes", "asked": text(subject, "source"),
            })
        });
        Ok(Some(There {
            attributes: Value::object(attributes.map(|(name, value)| (name.to_owned(), value))),
            detail: json!({ "live": live }),
        }))
    }

    fn make(&self, _: &PerformRequest, desired: &Value) -> Result<String, ProviderError> {
        let word = |name| text(desired, name).ok_or_else(|| missing(name));
        let (path, source, kind) = (word("path")?, word("source")?, word("type")?);
        let options = list_of(desired);
        let entry =
            if flag(desired, "persistent") { entry(desired, path, source, kind) } else { String::new() };
        let mut commands =
            format!("name_point {0}\nwrite_entry {0} {1} || return 1\n", quote(path), quote(&entry));
        match text(desired, "state") {
            Some("mounted") => {
                let shown = Shown::of(&options, kind);
                let joined = [&shown.has, &shown.lacks, &shown.values].map(|words| quote(&words.join(",")));
                let words = [path, source, kind, &mount(&options)].map(quote).join(" ");
                let bind = u8::from(is_bind(&options));
                let again = quote(&remount(&options, kind));
                commands.push_str(&format!("attach_or_undo {words} {bind} {again} {}\n", joined.join(" ")));
            }
            Some("unmounted") => commands.push_str(&format!("unmount {}\n", quote(path))),
            _ => {}
        }
        Ok(commands)
    }

    fn unmake(&self, request: &PerformRequest, recorded: &Value) -> String {
        let record = request.record.as_deref();
        let Some(path) = text(recorded, "path").filter(|_| origin::goes(record, recorded)) else {
            return String::new();
        };
        let mounted = u8::from(text(recorded, "state") == Some("mounted"));
        let made_point = remembered(record, "made_point").and_then(serde_json::Value::as_bool) == Some(true);
        format!("unmake_mount {} {mounted} {}\n", quote(path), u8::from(made_point))
    }

    fn remember(&self, request: &PerformRequest, before: Option<&There>) -> serde_json::Value {
        origin::remember(request, before)
    }

    fn remember_seen(
        &self,
        request: &PerformRequest,
        seen: &[answer::Record],
        before: Option<&There>,
    ) -> serde_json::Value {
        if let Some(record) = &request.record {
            return record.private.clone();
        }
        let made_point =
            seen.iter().any(|record| record.kind == "also_point" && record.field(0) == "missing");
        json!({ "was_there": before.is_some(), "made_point": made_point })
    }

    fn problem(&self, request: &PerformRequest, problem: &str, _: &str) -> ProviderError {
        let address = &request.address;
        let failed = |summary, detail| error(ErrorCode::Failed, summary, detail);
        match problem {
            "busy" => failed(
                "Mount in use",
                format!("{address} is not unmounted, as it is in use. Stop what uses it, and apply again."),
            ),
            "mount" => blame(
                error(
                    ErrorCode::Invalid,
                    "Not mounted",
                    format!(
                        "{address} could not be mounted. /etc/fstab is as it was before, so that the host's next boot is not held up by it."
                    ),
                ),
                "source",
            ),
            "remount" => blame(
                failed(
                    "Options not changed",
                    format!(
                        "{address} is mounted, and its options cannot be changed meanwhile. Its entry in /etc/fstab is as wanted: they hold after the next \
                         boot, or once it was unmounted (state = \"unmounted\")."
                    ),
                ),
                "options",
            ),
            "point" => blame(
                failed("Mount point not made", format!("The folder for {address} could not be made.")),
                "path",
            ),
            _ => failed(
                "Mount not changed",
                format!("{address} could not be brought to what is wanted. It takes root."),
            ),
        }
    }

    fn seconds(&self, _: &PerformRequest) -> u64 {
        MOUNT_SECONDS
    }
}

/// What no field of fstab can begin with or hold.
fn odd(name: &str, given: &str) -> Option<Problem> {
    let detail = match given {
        "" => "It is empty.",
        given if given.starts_with(['-', '#']) => {
            "It begins with a mark that neither mount nor fstab takes there."
        }
        given if given.chars().any(char::is_control) => "It holds a control character.",
        _ => return None,
    };
    Some(wrong(name, detail.to_owned()))
}

/// Nothing would be left of it on the host.
fn nothing(desired: &Value) -> Option<Problem> {
    let is_volatile = desired.get("persistent").and_then(Value::as_bool) == Some(false);
    let state = text(desired, "state").filter(|state| is_volatile && *state != "mounted")?;
    let detail =
        format!("With persistent = false and state = {state:?} nothing is left that the host would hold.");
    Some(wrong("state", detail))
}

/// A folder is mounted elsewhere only by `bind`.
fn unbound(desired: &Value) -> Option<Problem> {
    let options = given(desired, "options");
    if options.is_some_and(has_unknown) {
        return None;
    }
    let source =
        text(desired, "source").filter(|source| source.starts_with('/') && !source.starts_with("/dev/"))?;
    (text(desired, "type") == Some("none") && !is_bind(&list_of(desired))).then(|| {
        wrong(
            "options",
            format!("{source:?} is mounted at another place only with the option \"bind\" or \"rbind\"."),
        )
    })
}

/// What is mounted now, relative to what is wanted.
fn state(desired: &Value, there: &Observation) -> Value {
    let Some(live) = live(&there.detail) else { return Value::string("unmounted") };
    let word = |name: &str| live.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let options = list_of(desired);
    let (source, kind) =
        (text(desired, "source").unwrap_or_default(), text(desired, "type").unwrap_or_default());
    // An automounter is at the place until the first access.
    let is_automounted = word("type") == "autofs" && options.contains(&"x-systemd.automount");
    if is_automounted || text(desired, "state") == Some("ignored") {
        return Value::string("mounted");
    }
    let is_same = match word("asked") == source {
        true => live.get("same").and_then(serde_json::Value::as_bool) == Some(true),
        // Which device a tag means was not asked.
        false => is_bind(&options) || source.contains('=') || word("source") == source,
    };
    let mut parts = Vec::new();
    if !is_same {
        parts.push(format!("from {}", word("source")));
    }
    if !is_bind(&options) && !is_of_type(kind, word("type")) {
        parts.push(format!("as {}", word("type")));
    }
    parts.extend(Shown::of(&options, kind).differs(word("options")));
    Value::string(if parts.is_empty() {
        "mounted".to_owned()
    } else {
        format!("mounted {}", parts.join(", "))
    })
}

/// The kernel tells the version of a network file system, and that one is a program's.
fn is_of_type(wanted: &str, live: &str) -> bool {
    matches!(wanted, "auto" | "none") || live.starts_with(wanted) || live.starts_with("fuse")
}

fn live(detail: &serde_json::Value) -> Option<&serde_json::Value> {
    detail.get("live").filter(|live| !live.is_null())
}

/// The options as they count: none are the defaults.
fn list(value: &Value) -> Vec<&str> {
    let options: Vec<&str> = value.as_list().unwrap_or_default().iter().filter_map(Value::as_str).collect();
    if options == ["defaults"] { Vec::new() } else { options }
}

fn list_of(attributes: &Value) -> Vec<&str> {
    attributes.get("options").map(list).unwrap_or_default()
}

/// The line of fstab.
fn entry(desired: &Value, path: &str, source: &str, kind: &str) -> String {
    let options = list_of(desired).join(",");
    let options = if options.is_empty() { "defaults" } else { &options };
    let number =
        |name| desired.get(name).and_then(Value::as_number).map(ToString::to_string).unwrap_or_default();
    let fields = [source, path, kind, options].map(escape).join(" ");
    format!("{fields} {} {}", number("dump"), number("pass"))
}

fn ambiguous(path: &str) -> ProviderError {
    let detail = format!("/etc/fstab has more than one entry for {path}. Take out all but one.");
    blame(error(ErrorCode::Invalid, "Entry not unique", detail), "path")
}

#[cfg(test)]
mod tests;
