//! What a container wrote before it ended, without the secrets that its pod is given.
//!
//! Whoever reads why something does not work wants the container's own last lines. They may hold any Secret that the pod mounts or has in
//! its environment: those are read, and every spelling of them is taken out. Where they cannot be read, no line is told.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value as Json;

/// How many lines are told.
pub(crate) const LINES_MAX: usize = 10;
/// How much of a line is told, in characters.
const LINE_LENGTH_MAX: usize = 240;
/// Shorter texts are no secrets that could be told from other words.
const SECRET_LENGTH_MIN: usize = 4;
/// What stands in a secret's place.
const HIDDEN: &str = "(sensitive)";

/// A container that has ended badly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Its name.
    pub(crate) container: String,
    /// Whether it has been started again since, so that its words are those of the run before.
    pub(crate) is_previous: bool,
    /// What it left as its last message, or the kubelet in its place.
    pub(crate) message: String,
}

/// The first container of a pod that has ended badly, if one has.
pub(crate) fn ended(pod: &Json) -> Option<Ended> {
    let statuses = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let statuses = statuses.into_iter().filter_map(|pointer| pod.pointer(pointer)?.as_array()).flatten();
    statuses.into_iter().find_map(|status| {
        let end = |pointer: &str| {
            let end = status.pointer(pointer)?;
            (end.get("exitCode")?.as_i64()? != 0).then_some(end)
        };
        let (end, is_previous) = end("/state/terminated")
            .map(|end| (end, false))
            .or(end("/lastState/terminated").map(|end| (end, true)))?;
        Some(Ended {
            container: text(status, "/name").to_owned(),
            is_previous,
            message: text(end, "/message").to_owned(),
        })
    })
}

/// The names of all Secrets that a pod is given.
pub(crate) fn secrets_of(pod: &Json) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect(pod.pointer("/spec").unwrap_or(&Json::Null), &mut names);
    let pulls = pod.pointer("/spec/imagePullSecrets").and_then(Json::as_array).into_iter().flatten();
    names.extend(pulls.map(|pull| text(pull, "/name").to_owned()));
    names.remove("");
    names
}

/// Wherever in a pod a Secret is named: `secretKeyRef`, `secretRef` and projected sources by `name`, volumes by `secretName`.
fn collect(part: &Json, names: &mut BTreeSet<String>) {
    match part {
        Json::Object(fields) => {
            for (name, inside) in fields {
                if matches!(name.as_str(), "secretKeyRef" | "secretRef" | "secret" | "nodePublishSecretRef") {
                    names.extend(["/name", "/secretName"].map(|pointer| text(inside, pointer).to_owned()));
                }
                collect(inside, names);
            }
        }
        Json::Array(parts) => parts.iter().for_each(|part| collect(part, names)),
        _ => {}
    }
}

/// The texts that are not to be told, of some Secrets.
#[derive(Default)]
pub(crate) struct Needles(BTreeSet<String>);

impl Needles {
    /// Learns all that a Secret holds: whole values, their lines, and what stands in them after a key.
    pub(crate) fn learn(&mut self, secret: &Json) {
        for encoded in secret
            .get("data")
            .and_then(Json::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(_, it)| it.as_str())
        {
            self.add(encoded);
            let Ok(bytes) = BASE64_STANDARD.decode(encoded) else { continue };
            let text = String::from_utf8_lossy(&bytes);
            self.add(&text);
            for line in text.lines() {
                self.add(line);
                for separator in ['=', ':'] {
                    self.add(line.split_once(separator).map(|(_, value)| value).unwrap_or_default());
                }
            }
            if let Ok(inside) = serde_json::from_slice::<Json>(&bytes) {
                self.add_leaves(&inside);
            }
        }
    }

    fn add_leaves(&mut self, value: &Json) {
        match value {
            Json::String(text) => self.add(text),
            Json::Array(parts) => parts.iter().for_each(|part| self.add_leaves(part)),
            Json::Object(fields) => fields.values().for_each(|part| self.add_leaves(part)),
            _ => {}
        }
    }

    fn add(&mut self, text: &str) {
        let text = text.trim().trim_matches(['"', '\'']);
        if text.len() < SECRET_LENGTH_MIN {
            return;
        }
        let quoted = Json::from(text).to_string();
        self.0.insert(BASE64_STANDARD.encode(text).trim_end_matches('=').to_owned());
        self.0.insert(quoted.trim_matches('"').to_owned());
        self.0.insert(text.to_owned());
    }

    /// The text without them.
    pub(crate) fn hide(&self, text: &str) -> String {
        // The longest first: one may contain another.
        let mut needles: Vec<_> = self.0.iter().collect();
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        needles.into_iter().fold(text.to_owned(), |text, needle| text.replace(needle.as_str(), HIDDEN))
    }
}

/// The last lines of a text, none too long, without what is hidden.
pub(crate) fn last_lines(text: &str, needles: &Needles) -> Vec<String> {
    // A secret of several lines is found only while they are together.
    let told = needles.hide(text);
    let lines: Vec<_> = told.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let first = lines.len().saturating_sub(LINES_MAX);
    lines[first..].iter().map(|line| line.chars().take(LINE_LENGTH_MAX).collect()).collect()
}

fn text<'a>(json: &'a Json, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_container_that_ended_is_found() {
        let check = |status: Json, expect: Option<(&str, bool)>| {
            let pod = json!({ "status": { "containerStatuses": [{ "name": "side", "state": { "running": {} } }, status] } });
            let found = ended(&pod);
            assert_eq!(found.as_ref().map(|it| (it.container.as_str(), it.is_previous)), expect, "{pod}");
        };
        let end = |code: u8| json!({ "terminated": { "exitCode": code } });
        check(json!({ "name": "a", "state": end(1) }), Some(("a", false)));
        check(json!({ "name": "a", "state": end(0) }), None);
        check(json!({ "name": "a", "state": { "waiting": {} }, "lastState": end(2) }), Some(("a", true)));
        check(json!({ "name": "a", "state": { "running": {} }, "lastState": {} }), None);
    }

    #[test]
    fn every_way_to_give_a_secret_is_known() {
        let pod = json!({ "spec": {
            "imagePullSecrets": [{ "name": "pull" }],
            "volumes": [
                { "name": "v", "secret": { "secretName": "mounted" } },
                { "name": "p", "projected": { "sources": [{ "secret": { "name": "projected" } }, { "configMap": { "name": "no" } }] } },
            ],
            "containers": [{ "name": "c", "envFrom": [{ "secretRef": { "name": "all" } }], "env": [
                { "name": "A", "valueFrom": { "secretKeyRef": { "name": "one", "key": "k" } } },
                { "name": "B", "valueFrom": { "configMapKeyRef": { "name": "no", "key": "k" } } },
            ] }],
            "initContainers": [{ "name": "i", "envFrom": [{ "secretRef": { "name": "first" } }] }],
        } });
        let names: Vec<_> = secrets_of(&pod).into_iter().collect();
        assert_eq!(names, ["all", "first", "mounted", "one", "projected", "pull"]);
    }

    #[test]
    fn no_spelling_of_a_secret_is_told() {
        let encoded = |text: &str| BASE64_STANDARD.encode(text);
        let data = json!({
            "password": encoded("hunter2"), "env": encoded("TOKEN=\"sw0rdfish\"\nUSER=ab\n"),
            "json": encoded("{\"auths\":{\"r\":{\"password\":\"tr0ubador\"}}}"), "quoted": encoded("a\"b\\cd"),
        });
        let mut needles = Needles::default();
        needles.learn(&json!({ "data": data }));
        let log = format!(
            "1\n2\nstart ab\nlogin hunter2 {} sw0rdfish\n{{\"p\":\"tr0ubador\",\"q\":\"a\\\"b\\\\cd\"}}\n\n",
            encoded("hunter2")
        );
        let told = last_lines(&log, &needles).join("\n");
        for secret in ["hunter2", "aHVudGVyMg", "sw0rdfish", "tr0ubador", "b\\\\cd"] {
            assert!(!told.contains(secret), "{secret} in {told}");
        }
        assert!(told.contains("start ab\nlogin (sensitive) (sensitive)"), "{told}");
        let many: String = (0..20).map(|line| format!("{line}\n")).collect();
        assert_eq!(last_lines(&many, &needles).first().map(String::as_str), Some("10"));
        assert_eq!(last_lines(&"x".repeat(1000), &needles)[0].len(), LINE_LENGTH_MAX);
    }
}
