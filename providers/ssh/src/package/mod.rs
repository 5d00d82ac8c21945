//! `host_package`: a package by apt, dnf, yum or apk, whichever the host has.

use meshform_engine::address::Address;
use meshform_engine::ports::{ErrorCode, Observation, PerformRequest, Problem, ProviderError};
use meshform_engine::schema::Attribute;
use meshform_engine::state::Record;
use meshform_engine::types::Type;
use meshform_engine::value::{Fingerprinter, Value};
use serde_json::json;

use crate::answer;
use crate::attributes::{text, unchanged};
use crate::check::wrong;
use crate::error::{blame, error};
use crate::managed::{Managed, Native, There, end, missing, origin};
use crate::promise::Promises;
use crate::script::quote;

/// How long an installation may take, unless `timeouts` says otherwise, in seconds.
const INSTALL_SECONDS: u64 = 900;

/// The resource type of packages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package;

impl Managed for Package {
    fn name(&self) -> &'static str {
        "host_package"
    }

    fn attributes(&self) -> Vec<Attribute> {
        vec![
            Attribute::required("name", Type::String, "Its name."),
            Attribute::optional(
                "version",
                Type::String,
                "The version to have, such as \"1.22.1-9\", or how it begins, such as \"1.22.*\"; any, if left out: what is installed stays.",
            ),
            end::attribute(
                "What becomes of it at the end: remove (if it was installed here and nothing else needs it) or keep.",
            ),
            Attribute::computed("installed_version", Type::String, "The version that is installed."),
        ]
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        let odd = |given: &str, more: &str| {
            let plain = |letter: char| letter.is_ascii_alphanumeric() || more.contains(letter);
            !given.starts_with(|first: char| first.is_ascii_alphanumeric()) || !given.chars().all(plain)
        };
        problems.extend(text(desired, "name").filter(|name| odd(name, "+-._:")).map(|name| {
            wrong("name", format!("{name:?} is not the name of a package: letters, digits and \"+-._:\", a letter or digit first."))
        }));
        problems.extend(
            text(desired, "version")
                .filter(|version| odd(version.strip_suffix('*').unwrap_or(version), "+-._:~^"))
                .map(|version| {
                    wrong(
                        "version",
                        format!("{version:?} is not a version, or the beginning of one with \"*\" after it."),
                    )
                }),
        );
        problems.extend(end::check(desired, end::WITHOUT_RESTORE));
        problems
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        const REASON: &str =
            "Packages are known by their names and versions, in every plan and in the state.";
        &[("name", REASON), ("version", REASON)]
    }

    fn identity(&self, _: &Address, desired: &Value) -> Option<String> {
        text(desired, "name").map(|name| format!("package:{name}"))
    }

    fn fields(&self) -> &'static [&'static str] {
        &["name", "version"]
    }

    fn same(&self, name: &str, wanted: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> bool {
        match (name, wanted.as_str(), text(&there.attributes, name)) {
            ("version", Some(wanted), Some(there)) => match wanted.strip_suffix('*') {
                Some(beginning) => there.starts_with(beginning),
                None => there == wanted,
            },
            _ => unchanged(there.attributes.get(name), Some(wanted), keyed),
        }
    }

    fn computed(&self, there: Option<&Observation>) -> Vec<(&'static str, Value)> {
        let installed = there.and_then(|there| there.attributes.get("version").cloned());
        vec![("installed_version", installed.unwrap_or_else(|| Value::unknown(Type::String)))]
    }

    fn taken_over(&self, _: &Value, there: &Observation) -> Vec<String> {
        let version = text(&there.attributes, "version").unwrap_or_default();
        vec![format!("The package is installed already ({version}) and is taken over; it stays at the end.")]
    }

    fn ends(&self, record: &Record, _: &Observation) -> Vec<String> {
        origin::ends(record, "package")
    }
}

impl Native for Package {
    fn library(&self) -> &'static str {
        include_str!("package.sh")
    }

    fn sight(&self, subject: &Value) -> Vec<String> {
        vec!["see_package".to_owned(), text(subject, "name").unwrap_or_default().to_owned()]
    }

    fn there(
        &self,
        subject: &Value,
        records: &[answer::Record],
        _: &Promises,
    ) -> Result<Option<There>, ProviderError> {
        let Some(record) = records.first() else { return Ok(None) };
        match record.kind.as_str() {
            "package" => {
                let name = subject.get("name").cloned().unwrap_or_else(Value::null);
                let version = Value::string(record.field(0));
                let attributes = Value::object([("name".to_owned(), name), ("version".to_owned(), version)]);
                Ok(Some(There { attributes, detail: json!({}) }))
            }
            "absent" => Ok(None),
            _ => Err(error(
                ErrorCode::Invalid,
                "No package manager",
                "The host has none of apt-get, dnf, yum and apk, so that no packages can be managed there.",
            )),
        }
    }

    fn make(&self, _: &PerformRequest, desired: &Value) -> Result<String, ProviderError> {
        let name = text(desired, "name").ok_or_else(|| missing("name"))?;
        Ok(format!("make_package {} {}\n", quote(name), quote(text(desired, "version").unwrap_or_default())))
    }

    fn unmake(&self, request: &PerformRequest, recorded: &Value) -> String {
        match text(recorded, "name").filter(|_| origin::goes(request.record.as_deref(), recorded)) {
            Some(name) => format!("unmake_package {}\n", quote(name)),
            None => String::new(),
        }
    }

    fn remember(&self, request: &PerformRequest, before: Option<&There>) -> serde_json::Value {
        origin::remember(request, before)
    }

    fn problem(&self, request: &PerformRequest, problem: &str, _: &str) -> ProviderError {
        let address = &request.address;
        match problem {
            "needed" => error(
                ErrorCode::Failed,
                "Package needed",
                format!(
                    "{address} is not removed, as other packages on the host need it. Remove those before, or set on_destroy = \"keep\"."
                ),
            ),
            _ => blame(
                error(
                    ErrorCode::Failed,
                    "Package not changed",
                    format!(
                        "{address} could not be brought to what is wanted by the host's package manager. It takes root."
                    ),
                ),
                "name",
            ),
        }
    }

    fn seconds(&self, _: &PerformRequest) -> u64 {
        INSTALL_SECONDS
    }
}

#[cfg(test)]
mod tests;
