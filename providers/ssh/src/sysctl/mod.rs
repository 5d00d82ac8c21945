//! `host_sysctl`: a setting of the kernel, as it is and as it is after the next boot.

use meshform_engine::address::Address;
use meshform_engine::ports::{ErrorCode, Observation, PerformRequest, Problem, ProviderError};
use meshform_engine::schema::Attribute;
use meshform_engine::state::Record;
use meshform_engine::types::Type;
use meshform_engine::value::{Fingerprinter, Value};
use serde_json::json;

use crate::answer;
use crate::attributes::{flag, text, unchanged};
use crate::check::{one_line, wrong};
use crate::error::{blame, error};
use crate::managed::{Managed, Native, There, end, missing, remembered};
use crate::promise::Promises;
use crate::script::quote;

const ENDS: &[&str] = &["restore", "remove", "keep"];

/// The resource type of the kernel's settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sysctl;

impl Managed for Sysctl {
    fn name(&self) -> &'static str {
        "host_sysctl"
    }

    fn attributes(&self) -> Vec<Attribute> {
        vec![
            Attribute::required(
                "name",
                Type::String,
                "The setting, such as net.ipv4.ip_forward; with slashes where a name in it holds dots.",
            ),
            Attribute::required("value", Type::String, "Its value."),
            Attribute::default(
                "persistent",
                Type::Bool,
                true,
                "Whether it is set at every boot, by a file of its own in /etc/sysctl.d.",
            ),
            Attribute::default(
                "on_destroy",
                Type::String,
                "restore",
                "What becomes of it at the end: restore (it gets the value that it had), remove (only the file goes; the value stays until \
                 the next boot) or keep.",
            ),
        ]
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(text(desired, "name").filter(|name| file(name).is_none()).map(|name| {
            wrong(
                "name",
                format!("{name:?} is not a setting of the kernel, such as \"net.ipv4.ip_forward\"."),
            )
        }));
        problems.extend(text(desired, "value").and_then(|value| one_line("value", value)));
        problems.extend(end::check(desired, ENDS));
        problems
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        const REASON: &str =
            "Settings of the kernel can be read by everyone on the host, and are shown in every plan.";
        &[("name", REASON), ("value", REASON)]
    }

    fn identity(&self, _: &Address, desired: &Value) -> Option<String> {
        text(desired, "name").and_then(file).map(|file| format!("sysctl:{file}"))
    }

    fn fields(&self) -> &'static [&'static str] {
        &["value", "persistent"]
    }

    /// Blanks of any kind and number part the words of a value.
    fn same(&self, name: &str, wanted: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> bool {
        match (name, wanted.as_str(), text(&there.attributes, "value")) {
            ("value", Some(wanted), Some(there)) => words(wanted) == words(there),
            // A file that keeps another value does not keep this one.
            ("persistent", _, _)
                if there.detail.get("stale").and_then(serde_json::Value::as_bool) == Some(true) =>
            {
                false
            }
            _ => unchanged(there.attributes.get(name), Some(wanted), keyed),
        }
    }

    fn taken_over(&self, desired: &Value, there: &Observation) -> Vec<String> {
        let now = text(&there.attributes, "value").unwrap_or_default();
        let note = match text(desired, "on_destroy") {
            Some("restore") => {
                format!("The host has {now:?} now, which comes back at the end (on_destroy = \"restore\").")
            }
            _ => format!("The host has {now:?} now."),
        };
        vec![note]
    }

    fn ends(&self, record: &Record, _: &Observation) -> Vec<String> {
        let was = remembered(Some(record), "value").and_then(|value| value.as_str());
        let note = match (text(&record.attributes, "on_destroy"), was) {
            (Some("keep"), _) => {
                "The setting stays, also after the next boot (on_destroy = \"keep\").".to_owned()
            }
            (Some("restore"), Some(was)) => {
                format!("It becomes {was:?} again, as it was before (on_destroy = \"restore\").")
            }
            _ => "The value stays until the next boot (on_destroy = \"remove\").".to_owned(),
        };
        vec![note]
    }
}

impl Native for Sysctl {
    fn library(&self) -> &'static str {
        include_str!("sysctl.sh")
    }

    fn sight(&self, subject: &Value) -> Vec<String> {
        let file = text(subject, "name").and_then(file).unwrap_or_default();
        let keeper = keeper(&file);
        vec!["see_sysctl".to_owned(), file, keeper]
    }

    fn there(
        &self,
        subject: &Value,
        records: &[answer::Record],
        _: &Promises,
    ) -> Result<Option<There>, ProviderError> {
        let setting = records.iter().find(|record| record.kind == "setting");
        let Some(record) = setting else { return Err(unknown(text(subject, "name").unwrap_or_default())) };
        let decoded = |position| {
            record.bytes(position).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
        };
        let live = words(&decoded(0));
        let kept = (record.field(1) == "file").then(|| decoded(2));
        let stale = kept.as_deref().is_some_and(|kept| {
            let wanted = text(subject, "value").map(|value| keeping(subject, value));
            flag(subject, "persistent") && wanted.is_some_and(|wanted| wanted.trim_end() != kept.trim_end())
        });
        let attributes = [
            ("name", subject.get("name").cloned().unwrap_or_else(Value::null)),
            ("value", Value::string(live)),
            ("persistent", Value::bool(kept.is_some() && !stale)),
        ];
        Ok(Some(There {
            attributes: Value::object(attributes.map(|(name, value)| (name.to_owned(), value))),
            detail: json!({ "stale": stale }),
        }))
    }

    fn make(&self, _: &PerformRequest, desired: &Value) -> Result<String, ProviderError> {
        let file = text(desired, "name").and_then(file).ok_or_else(|| missing("name"))?;
        let value = text(desired, "value").ok_or_else(|| missing("value"))?;
        let kept = if flag(desired, "persistent") { keeping(desired, value) } else { String::new() };
        Ok(format!(
            "set_sysctl {} {} || return 1\nkeep_sysctl {} {}\n",
            quote(&file),
            quote(value),
            quote(&keeper(&file)),
            quote(&kept)
        ))
    }

    fn unmake(&self, request: &PerformRequest, recorded: &Value) -> String {
        let end = text(recorded, "on_destroy");
        let Some(file) = text(recorded, "name").and_then(file).filter(|_| end != Some("keep")) else {
            return String::new();
        };
        let was = remembered(request.record.as_deref(), "value").and_then(|value| value.as_str());
        let back = was
            .filter(|_| end == Some("restore"))
            .map(|was| format!("set_sysctl {} {} || return 1\n", quote(&file), quote(was)));
        format!("{}keep_sysctl {} ''\n", back.unwrap_or_default(), quote(&keeper(&file)))
    }

    fn remember(&self, request: &PerformRequest, before: Option<&There>) -> serde_json::Value {
        match &request.record {
            Some(record) => record.private.clone(),
            None => json!({ "value": before.and_then(|there| text(&there.attributes, "value")) }),
        }
    }

    fn problem(&self, request: &PerformRequest, problem: &str, _: &str) -> ProviderError {
        let address = &request.address;
        match problem {
            "value" => blame(
                error(
                    ErrorCode::Invalid,
                    "Setting refused",
                    format!(
                        "The kernel does not take this value for {address}, or the login user may not set it. That takes root."
                    ),
                ),
                "value",
            ),
            _ => error(
                ErrorCode::Failed,
                "Setting not kept",
                format!(
                    "{address} is set, but what sets it at the next boot could not be written to /etc/sysctl.d."
                ),
            ),
        }
    }
}

/// The file of a setting below /proc/sys. Dots part names, unless the first mark that parts them is a slash (sysctl.d(5)).
fn file(name: &str) -> Option<String> {
    let first = name.find(['.', '/'])?;
    let file: String = match name.get(first..=first) {
        Some("/") => name.to_owned(),
        _ => name
            .chars()
            .map(|letter| match letter {
                '.' => '/',
                '/' => '.',
                other => other,
            })
            .collect(),
    };
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    let fits = file.split('/').all(plain)
        && !file.contains(|letter: char| letter.is_whitespace() || letter.is_control());
    fits.then_some(file)
}

/// The file that sets it at boot.
fn keeper(file: &str) -> String {
    format!("/etc/sysctl.d/60-meshform-{}.conf", file.replace('.', "_").replace('/', "."))
}

/// What that file holds.
fn keeping(attributes: &Value, value: &str) -> String {
    let file = text(attributes, "name").and_then(file).unwrap_or_default();
    format!("{file} = {value}")
}

fn words(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unknown(name: &str) -> ProviderError {
    let detail = format!(
        "The host's kernel has no setting {name:?}: check the name, or load the module that brings it."
    );
    blame(error(ErrorCode::Invalid, "Setting not known", detail), "name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_files() {
        let check = |name: &str, expect: Option<&str>| assert_eq!(file(name).as_deref(), expect, "{name}");
        check("net.ipv4.ip_forward", Some("net/ipv4/ip_forward"));
        check("net/ipv4/conf/eth0.1/forwarding", Some("net/ipv4/conf/eth0.1/forwarding"));
        check("net.ipv4.conf.eth0/1.forwarding", Some("net/ipv4/conf/eth0.1/forwarding"));
        check("net", None);
        check("net..x", None);
        check("../etc/passwd", None);
        check("net/../../etc", None);
        check("a.b c", None);
        assert_eq!(keeper("net/ipv4/conf/eth0.1/x"), "/etc/sysctl.d/60-meshform-net.ipv4.conf.eth0_1.x.conf");
    }

    fn commands(end: &str, private: Option<serde_json::Value>, value: &str) -> String {
        let desired = Value::object([
            ("name".to_owned(), "net.ipv4.ip_default_ttl".into()),
            ("value".to_owned(), value.into()),
            ("persistent".to_owned(), true.into()),
            ("on_destroy".to_owned(), end.into()),
        ]);
        let record = private.map(|private| {
            std::sync::Arc::new(Record {
                target: None,
                identity: String::new(),
                attributes: desired.clone(),
                private,
                depends_on: Vec::new(),
                status: meshform_engine::state::RecordStatus::Complete,
            })
        });
        let is_end = record.is_some();
        let request = PerformRequest {
            address: Address::new("host_sysctl", "x"),
            kind: "host_sysctl".into(),
            identity: String::new(),
            operation: meshform_engine::ports::Operation::Update,
            desired: Some(desired.clone()),
            record,
            precondition: meshform_engine::ports::Precondition::Unproven,
            timeout_ms: None,
        };
        let commands = match is_end {
            true => Sysctl.unmake(&request, &desired),
            false => Sysctl.make(&request, &desired).unwrap(),
        };
        let sight = Sysctl.sight(&desired);
        let deed =
            crate::script::Deed { library: Sysctl.library(), sight, version: None, commands: &commands };
        crate::script::deed("n", &deed).text
    }

    /// In a network namespace of its own, and with an /etc/sysctl.d of its own, the kernel's real settings are changed and given back.
    #[test]
    fn settings_are_set_kept_and_given_back() {
        let folder = tempfile::TempDir::new().unwrap();
        let steps = [
            ("1", commands("restore", None, "77")),
            ("2", commands("restore", None, "-5")),
            ("3", commands("keep", Some(json!({ "value": "64" })), "77")),
            ("4", commands("restore", Some(json!({ "value": "64" })), "77")),
        ];
        let mut all = "mount -t tmpfs none /etc/sysctl.d || exit 9\nttl=/proc/sys/net/ipv4/ip_default_ttl\necho 64 >$ttl\n".to_owned();
        for (name, program) in steps {
            std::fs::write(folder.path().join(name), program).unwrap();
            let path = folder.path().join(name);
            all += &format!(
                "sh {} 2>/dev/null | grep -o 'fail.*'\ncat $ttl\ncat /etc/sysctl.d/*.conf 2>/dev/null || echo none\n",
                path.display()
            );
        }
        let mut command = std::process::Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net", "--mount", "sh", "-c", &all]);
        let output = command.output().expect("unshare is needed: install util-linux");
        let kept = "net/ipv4/ip_default_ttl = 77";
        let expect = format!("77\n{kept}\nfail\t0\tvalue\n77\n{kept}\n77\n{kept}\n64\nnone\n");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            expect,
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
