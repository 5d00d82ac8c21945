//! `host_container`: a container of docker or podman.
//!
//! What an engine tells of a container is compared setting by setting. A container is never changed but replaced: the old one is put aside
//! until the new one runs, and comes back if that does not.

mod found;
mod wanted;

use std::collections::BTreeSet;

use meshform_engine::address::Address;
use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{ErrorCode, Observation, PerformRequest, Problem, ProviderError};
use meshform_engine::schema::Attribute;
use meshform_engine::state::Record;
use meshform_engine::types::Type;
use meshform_engine::value::{Fingerprinter, Path, PathStep, Value};
use serde_json::json;

use self::found::{Found, entries, texts};
use self::wanted::{Wanted, list, port, volume};
use crate::answer;
use crate::attributes::{change, given, sensitive, text, unchanged};
use crate::check::{choice, environment, one_line, wrong};
use crate::cron::lines;
use crate::error::{blame, error};
use crate::managed::{Managed, Native, There, end, has_unknown, missing, origin};
use crate::promise::Promises;
use crate::script::quote;

/// How long a change may take, pulling the image included, in seconds.
const REPLACE_SECONDS: u64 = 1200;
const RESTARTS: &str = "no, always, unless-stopped, on-failure, or on-failure:N for N times at most";

/// The resource type of containers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Container;

impl Managed for Container {
    fn name(&self) -> &'static str {
        "host_container"
    }

    fn attributes(&self) -> Vec<Attribute> {
        attributes()
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(text(desired, "name").and_then(name));
        let dash = |name: &&str| {
            text(desired, name).is_some_and(|given| given.starts_with('-') || given.contains(' '))
        };
        problems.extend(
            ["image", "network"]
                .into_iter()
                .filter(dash)
                .map(|name| wrong(name, "It begins with \"-\" or holds a blank.".to_owned())),
        );
        problems
            .extend(["image", "network"].into_iter().filter_map(|name| one_line(name, text(desired, name)?)));
        problems.extend(odd(
            desired,
            "ports",
            |given| port(given).is_some(),
            "\"8080:80\", \"127.0.0.1:8080:80\" or \"53:53/udp\"",
        ));
        problems.extend(odd(
            desired,
            "volumes",
            |given| volume(given).is_some(),
            "\"/srv/data:/data\", \"cache:/data\" or \"/etc/x:/x:ro\"",
        ));
        let apart = text(desired, "network").filter(|network| matches!(*network, "host" | "none"));
        problems.extend(
            apart
                .filter(|_| list(desired, "ports").is_some_and(|ports| !ports.is_empty()))
                .map(|network| wrong("ports", format!("In the network {network:?} no ports are published."))),
        );
        problems.extend(
            text(desired, "restart")
                .filter(|restart| !is_restart(restart))
                .map(|restart| wrong("restart", format!("{restart:?} is none of {RESTARTS}."))),
        );
        problems.extend(environment(desired));
        problems.extend(breaks(desired));
        problems.extend(choice(desired, "engine", &["docker", "podman"]));
        problems.extend(choice(desired, "state", &["running", "stopped"]));
        problems.extend(end::check(desired, end::WITHOUT_RESTORE));
        problems
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        const REASON: &str = "It becomes an argument of docker or podman, which everyone on the host can see. Put the secret into `environment`.";
        &[
            ("name", REASON),
            ("image", REASON),
            ("command", REASON),
            ("ports", REASON),
            ("volumes", REASON),
            ("network", REASON),
            ("labels", REASON),
        ]
    }

    fn identity(&self, _: &Address, desired: &Value) -> Option<String> {
        let engine = text(desired, "engine").unwrap_or("any");
        text(desired, "name").map(|name| format!("container:{engine}:{name}"))
    }

    fn fields(&self) -> &'static [&'static str] {
        &[
            "name",
            "image",
            "command",
            "environment",
            "ports",
            "volumes",
            "restart",
            "network",
            "labels",
            "state",
        ]
    }

    fn settings(&self) -> &'static [&'static str] {
        &["engine", "on_destroy"]
    }

    fn same(&self, name: &str, wanted: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> bool {
        let is = there.attributes.get(name);
        let several = |name| there.detail.get(name).and_then(|list| list.as_array()).into_iter().flatten();
        let set = |value: &Value, one: fn(&str) -> Option<String>| -> BTreeSet<String> {
            let texts = value.as_list().unwrap_or_default().iter().filter_map(Value::as_str);
            texts.filter_map(one).collect()
        };
        match name {
            "name" => true,
            "image" => is_same_image(wanted.as_str().unwrap_or_default(), there),
            "ports" => is.is_some_and(|is| set(is, port) == set(wanted, port)),
            "volumes" => is.is_some_and(|is| set(is, volume) == set(wanted, volume)),
            "network" => several("networks").any(|network| network.as_str() == wanted.as_str()),
            _ => unchanged(is, Some(wanted), keyed),
        }
    }

    /// What is otherwise than by any of its attributes is a change of the whole.
    fn changes(&self, desired: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> Vec<FieldChange> {
        let wanted = self.fields().iter().filter_map(|name| Some((*name, given(desired, name)?)));
        let differs =
            wanted.filter(|(name, wanted)| has_unknown(wanted) || !self.same(name, wanted, there, keyed));
        let mut changes: Vec<FieldChange> = differs
            .map(|(name, wanted)| {
                let before = there.attributes.get(name).cloned();
                let before = match (name, before) {
                    ("image", Some(image)) if image.same(wanted) => {
                        Some(Value::string(format!("{} (another build)", image.as_str().unwrap_or_default())))
                    }
                    (_, before) => before,
                };
                change(name, before, Some(wanted.clone()))
            })
            .collect();
        if changes.is_empty() {
            changes.extend(otherwise(desired, there).map(|how| {
                let name = text(desired, "name").unwrap_or_default();
                change("name", Some(Value::string(format!("{name} {how}"))), Some(Value::string(name)))
            }));
        }
        changes
    }

    fn made(&self, desired: &Value) -> Vec<String> {
        let image = text(desired, "image");
        image
            .map(|image| format!("The image {image} is pulled, unless the host has it by then."))
            .into_iter()
            .collect()
    }

    fn taken_over(&self, _: &Value, _: &Observation) -> Vec<String> {
        vec!["A container of this name is there already and is taken over; it stays at the end.".to_owned()]
    }

    fn remarks(&self, desired: &Value, there: &Observation, fields: &[FieldChange]) -> Vec<String> {
        let only_state = fields.iter().all(|field| field.path == Path::attribute("state"));
        if only_state {
            return Vec::new();
        }
        let mut notes =
            vec!["The container is replaced: the old one is put aside until the new one runs, and comes back if that does not.".to_owned()];
        let image = text(desired, "image")
            .filter(|_| there.detail.get("wanted_image").is_some_and(|id| id == "none"));
        notes.extend(image.map(|image| format!("The host does not have the image {image}: it is pulled.")));
        notes
    }

    fn ends(&self, record: &Record, _: &Observation) -> Vec<String> {
        let notes = origin::ends(record, "container");
        match notes.is_empty() {
            true => vec!["Its image and its volumes stay on the host.".to_owned()],
            false => notes,
        }
    }
}

impl Native for Container {
    fn library(&self) -> &'static str {
        include_str!("container.sh")
    }

    fn sight(&self, subject: &Value) -> Vec<String> {
        let word = |name| text(subject, name).unwrap_or_default();
        ["see_container", word("name"), word("engine"), word("image")].map(str::to_owned).to_vec()
    }

    fn there(
        &self,
        subject: &Value,
        records: &[answer::Record],
        _: &Promises,
    ) -> Result<Option<There>, ProviderError> {
        let find = |kind: &str| records.iter().find(|record| record.kind == kind);
        if find("absent").is_some() {
            return Ok(None);
        }
        if let Some(record) = find("unreachable") {
            return Err(no_answer(record.field(0)));
        }
        let Some(record) = find("container") else {
            return Err(no_engine(text(subject, "engine")));
        };
        let bytes = |kind: &str| find(kind).and_then(|record| record.bytes(0)).unwrap_or_default();
        let Some(found) = Found::read(&bytes("also_container"), &bytes("also_image")) else {
            return Err(error(
                ErrorCode::Other,
                "Not understood",
                "What the engine tells of the container is no JSON.",
            ));
        };
        let attributes = [
            ("name", subject.get("name").cloned().unwrap_or_else(Value::null)),
            ("image", Value::string(found.image())),
            ("command", texts(found.command())),
            ("environment", entries(found.environment(&keys(subject, "environment")))),
            ("ports", texts(found.ports())),
            ("volumes", texts(found.volumes())),
            ("restart", Value::string(found.restart())),
            ("network", Value::string(found.networks().first().copied().unwrap_or_default())),
            ("labels", entries(found.labels(&keys(subject, "labels")))),
            ("state", Value::string(found.state())),
        ];
        Ok(Some(There {
            attributes: Value::object(attributes.map(|(name, value)| (name.to_owned(), value))),
            detail: json!({
                "hash": found.hash(), "networks": found.networks(), "has_left": find("left").is_some(),
                // Which image the wanted name means was asked for this name.
                "asked": text(subject, "image"), "image": record.field(3), "wanted_image": record.field(4),
            }),
        }))
    }

    fn make(&self, _: &PerformRequest, desired: &Value) -> Result<String, ProviderError> {
        let wanted = Wanted::of(desired).ok_or_else(|| missing("environment"))?;
        let policy = wanted.restart.split(':').next().unwrap_or_default();
        let words = [
            wanted.name,
            text(desired, "engine").unwrap_or_default(),
            wanted.image,
            &wanted.hash(),
            policy,
            text(desired, "state").unwrap_or_default(),
            // What it writes may hold its secrets.
            if sensitive(desired, "environment") { "0" } else { "1" },
        ];
        Ok(format!(
            "variables() {{\nbase64 -d <<'CONTENT'\n{}\nCONTENT\n}}\ncreate() {{\n{}\n}}\nmake_container {}\n",
            lines(wanted.variables().as_bytes()),
            wanted.create(),
            words.map(quote).join(" "),
        ))
    }

    fn unmake(&self, request: &PerformRequest, recorded: &Value) -> String {
        match text(recorded, "name").filter(|_| origin::goes(request.record.as_deref(), recorded)) {
            Some(name) => {
                format!(
                    "unmake_container {} {}\n",
                    quote(name),
                    quote(text(recorded, "engine").unwrap_or_default())
                )
            }
            None => String::new(),
        }
    }

    fn remember(&self, request: &PerformRequest, before: Option<&There>) -> serde_json::Value {
        origin::remember(request, before)
    }

    fn problem(&self, request: &PerformRequest, problem: &str, _: &str) -> ProviderError {
        failure(request, problem)
    }

    fn seconds(&self, _: &PerformRequest) -> u64 {
        REPLACE_SECONDS
    }
}

fn attributes() -> Vec<Attribute> {
    let text = |name, description| Attribute::optional(name, Type::String, description);
    let list =
        |name, description| Attribute::default(name, Type::String.list(), Value::list([]), description);
    let map = |name, description| Attribute::default(name, Type::String.map(), Value::map([]), description);
    let choice = |name, value: &str, description| Attribute::default(name, Type::String, value, description);
    vec![
        Attribute::required("name", Type::String, "Its name."),
        Attribute::required(
            "image",
            Type::String,
            "Its image, which is pulled if the host does not have it.",
        ),
        text("engine", "What runs it: docker or podman; the first of them that the host has, if left out."),
        list("command", "What it runs, word by word; its image's own, if left out."),
        map(
            "environment",
            "Its environment variables, besides those of its image. Secrets among them are never arguments of a process.",
        ),
        list("ports", "What it publishes, such as \"8080:80\", \"127.0.0.1:8080:80\" or \"53:53/udp\"."),
        list(
            "volumes",
            "What it sees of the host, such as \"/srv/data:/data\", \"/etc/x:/x:ro\" or, of a volume, \"cache:/data\".",
        ),
        choice(
            "restart",
            "unless-stopped",
            "Whether it is started again when it ends: no, always, unless-stopped, on-failure or on-failure:N.",
        ),
        text("network", "Its network, such as host or none; the engine's choice, if left out."),
        map("labels", "Its labels, besides those of its image."),
        choice("state", "running", "Whether it runs: running or stopped."),
        end::attribute("What becomes of it at the end: remove (if it was made here) or keep."),
    ]
}

fn name(name: &str) -> Option<Problem> {
    let fits = name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.-".contains(letter))
        && name.len() > 1;
    let is_ours = name.ends_with("-meshform-old");
    (!fits || is_ours).then(|| {
        let detail = format!(
            "{name:?} is not a name of a container: letters, digits, \"_\", \".\" and \"-\", a letter or digit first, and not \"-meshform-old\" at the end."
        );
        wrong("name", detail)
    })
}

/// The elements of a list that are not in its form.
fn odd(desired: &Value, name: &'static str, fits: fn(&str) -> bool, form: &str) -> Vec<Problem> {
    let given = desired.get(name).and_then(Value::as_list).unwrap_or_default();
    let odd = given.iter().filter_map(Value::as_str).filter(|given| !fits(given));
    odd.map(|given| wrong(name, format!("{given:?} is not of a form such as {form}."))).collect()
}

fn is_restart(policy: &str) -> bool {
    let count = policy.strip_prefix("on-failure:");
    matches!(policy, "no" | "always" | "unless-stopped" | "on-failure")
        || count.is_some_and(|count| count.parse::<u32>().is_ok_and(|count| count > 0))
}

/// Variables that no line of a file can hold.
fn breaks(desired: &Value) -> Vec<Problem> {
    let variables = desired.get("environment").and_then(Value::as_map).into_iter().flatten();
    let broken =
        variables.filter(|(_, value)| value.as_str().is_some_and(|value| value.contains(['\n', '\r'])));
    let detail = "docker and podman take no line feed in a variable that is not to be an argument. Put it into a file, and that into `volumes`.";
    broken
        .map(|(name, _)| {
            let path = Path::attribute("environment").join(PathStep::Attribute(name.clone()));
            Problem { path, ..wrong("environment", detail.to_owned()) }
        })
        .collect()
}

fn keys<'a>(subject: &'a Value, name: &str) -> BTreeSet<&'a str> {
    let entries = subject.get(name).and_then(Value::as_map).into_iter().flatten();
    entries.map(|(name, _)| name.as_str()).collect()
}

/// Whether it is made of what the wanted name means on the host now, or of what has that name where it means nothing.
fn is_same_image(wanted: &str, there: &Observation) -> bool {
    let detail = |name: &str| there.detail.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let is = text(&there.attributes, "image").unwrap_or_default();
    let full = |name: &str| match name.rsplit('/').next() {
        Some(last) if last.contains([':', '@']) => name.to_owned(),
        _ => format!("{name}:latest"),
    };
    match detail("asked") == wanted && detail("wanted_image") != "none" {
        true => detail("image") == detail("wanted_image"),
        false => full(is) == full(wanted) || full(is).ends_with(&format!("/{}", full(wanted))),
    }
}

/// How it differs where no attribute does.
fn otherwise(desired: &Value, there: &Observation) -> Option<&'static str> {
    let made_by = there.detail.get("hash").and_then(serde_json::Value::as_str);
    if there.detail.get("has_left").and_then(serde_json::Value::as_bool) == Some(true) {
        return Some("with an old one that an interrupted replacement has left");
    }
    let wanted = Wanted::of(desired)?.hash();
    (made_by? != wanted).then_some("made by other settings")
}

fn failure(request: &PerformRequest, problem: &str) -> ProviderError {
    let address = &request.address;
    let engine = request.desired.as_ref().and_then(|desired| text(desired, "engine"));
    let failed = |summary, detail| error(ErrorCode::Failed, summary, detail);
    match problem {
        "engine" => no_engine(engine),
        "pull" => blame(
            failed(
                "Image not pulled",
                format!(
                    "The image of {address} is not on the host and could not be pulled. The container is as it was."
                ),
            ),
            "image",
        ),
        "create" => failed("Container not created", format!("{address} could not be created.")),
        "create_undone" => failed(
            "Container not created",
            format!(
                "The container that was to replace {address} could not be created. The one that was there before is there again."
            ),
        ),
        "start" => {
            failed("Container not running", format!("{address} was started and does not go on to run."))
        }
        "start_undone" => failed(
            "Container not running",
            format!(
                "The container that was to replace {address} does not go on to run. The one that was there before is back as it was."
            ),
        ),
        "lost" => failed(
            "Container not brought back",
            format!(
                "The container that was to replace {address} does not run, and the one that was there before could not be brought back: it is there with \
                 \"-meshform-old\" after its name."
            ),
        ),
        _ => failed(
            "Container not changed",
            format!(
                "{address} could not be brought to what is wanted. It takes root, or a user of the engine."
            ),
        ),
    }
}

fn no_engine(engine: Option<&str>) -> ProviderError {
    let what = engine.unwrap_or("docker or podman");
    let detail = format!("The host does not have {what}. Install it with a host_package before.");
    error(ErrorCode::Invalid, "No container engine", detail)
}

fn no_answer(engine: &str) -> ProviderError {
    let detail = format!(
        "{engine} on the host does not answer, or not to the login user. Start it with a host_service, or set become on the host."
    );
    error(ErrorCode::Denied, "Container engine not available", detail)
}

#[cfg(test)]
mod tests;
