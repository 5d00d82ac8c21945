//! A container as docker or podman tells of it.

use std::collections::{BTreeMap, BTreeSet};

use meshform_engine::value::Value;
use serde_json::Value as Json;

use super::wanted::{HASH, port};

/// Variables that the engine sets by itself.
const OWN_VARIABLES: [&str; 5] = ["PATH", "HOSTNAME", "HOME", "TERM", "container"];

/// What `inspect` says of a container and of its image.
#[derive(Clone, Debug)]
pub(super) struct Found {
    container: Json,
    image: Json,
}

impl Found {
    /// By the answers of `inspect`, which are lists of one.
    pub(super) fn read(container: &[u8], image: &[u8]) -> Option<Self> {
        let first = |bytes: &[u8]| serde_json::from_slice::<Json>(bytes).ok()?.get_mut(0).map(Json::take);
        Some(Self { container: first(container)?, image: first(image).unwrap_or_default() })
    }

    fn at(&self, pointer: &str) -> &Json {
        self.container.pointer(pointer).unwrap_or(&Json::Null)
    }

    fn word(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    /// The name of the image that it was made of.
    pub(super) fn image(&self) -> &str {
        self.word("/Config/Image")
    }

    /// running, stopped, or what else it is.
    pub(super) fn state(&self) -> &str {
        match self.word("/State/Status") {
            "exited" | "created" | "stopped" | "configured" | "initialized" => "stopped",
            other => other,
        }
    }

    /// The hash of the settings that it was made by, if we made it.
    pub(super) fn hash(&self) -> Option<&str> {
        self.at("/Config/Labels").get(HASH).and_then(Json::as_str)
    }

    /// Its command, unless that is its image's own.
    pub(super) fn command(&self) -> Vec<String> {
        let words = |json: &Json| -> Vec<String> {
            json.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
        };
        let own = words(self.image.pointer("/Config/Cmd").unwrap_or(&Json::Null));
        let command = words(self.at("/Config/Cmd"));
        if command == own { Vec::new() } else { command }
    }

    /// Its variables without those of its image and of the engine, unless they are asked for.
    pub(super) fn environment(&self, asked: &BTreeSet<&str>) -> BTreeMap<String, String> {
        let read = |json: &Json| -> BTreeMap<String, String> {
            let lines = json.as_array().into_iter().flatten().filter_map(Json::as_str);
            let pairs = lines.filter_map(|line| line.split_once('='));
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let own = read(self.image.pointer("/Config/Env").unwrap_or(&Json::Null));
        let all = read(self.at("/Config/Env")).into_iter();
        let counts = |(name, value): &(String, String)| {
            asked.contains(name.as_str())
                || (own.get(name) != Some(value) && !OWN_VARIABLES.contains(&name.as_str()))
        };
        all.filter(counts).collect()
    }

    /// Its labels without those of its image, unless they are asked for, and without ours.
    pub(super) fn labels(&self, asked: &BTreeSet<&str>) -> BTreeMap<String, String> {
        let own = self.image.pointer("/Config/Labels").unwrap_or(&Json::Null);
        let all = self.at("/Config/Labels").as_object().into_iter().flatten();
        let counts = |(name, value): &(&String, &Json)| {
            *name != HASH && (asked.contains(name.as_str()) || own.get(*name) != Some(*value))
        };
        all.filter(counts)
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect()
    }

    /// Its published ports.
    pub(super) fn ports(&self) -> Vec<String> {
        let bindings = self.at("/HostConfig/PortBindings").as_object().into_iter().flatten();
        let mut ports: Vec<String> = bindings
            .flat_map(|(inner, outer)| {
                let outer = outer.as_array().into_iter().flatten();
                outer.filter_map(move |binding| {
                    let field = |name| binding.get(name).and_then(Json::as_str).unwrap_or_default();
                    let address = match field("HostIp") {
                        "" => String::new(),
                        address if address.contains(':') => format!("[{address}]:"),
                        address => format!("{address}:"),
                    };
                    port(&format!("{address}{}:{inner}", field("HostPort")))
                })
            })
            .collect();
        ports.sort();
        ports
    }

    /// Its volumes without those that its image makes by itself.
    pub(super) fn volumes(&self) -> Vec<String> {
        let mounts = self.at("/Mounts").as_array().into_iter().flatten();
        let mut volumes: Vec<String> = mounts
            .filter_map(|mount| {
                let field = |name| mount.get(name).and_then(Json::as_str).unwrap_or_default();
                let source = match field("Type") {
                    "bind" => field("Source"),
                    "volume" if !is_anonymous(field("Name")) => field("Name"),
                    _ => return None,
                };
                let end = if mount.get("RW").and_then(Json::as_bool) == Some(false) { ":ro" } else { "" };
                Some(format!("{source}:{}{end}", field("Destination")))
            })
            .collect();
        volumes.sort();
        volumes
    }

    /// What becomes of it when it ends.
    pub(super) fn restart(&self) -> String {
        let count =
            self.at("/HostConfig/RestartPolicy/MaximumRetryCount").as_u64().filter(|count| *count > 0);
        match (self.word("/HostConfig/RestartPolicy/Name"), count) {
            ("", _) => "no".to_owned(),
            (name, Some(count)) => format!("{name}:{count}"),
            (name, None) => name.to_owned(),
        }
    }

    /// The networks that it is in; the first one is how it was asked for.
    pub(super) fn networks(&self) -> Vec<&str> {
        let named = self.at("/NetworkSettings/Networks").as_object().into_iter().flatten();
        [self.word("/HostConfig/NetworkMode")]
            .into_iter()
            .chain(named.map(|(name, _)| name.as_str()))
            .collect()
    }
}

/// Names of volumes that were not named are 64 hexadecimal digits.
fn is_anonymous(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// A list of texts as a value.
pub(super) fn texts(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Value {
    Value::list(texts.into_iter().map(|text| Value::string(text.as_ref())))
}

/// A map of texts as a value.
pub(super) fn entries(entries: BTreeMap<String, String>) -> Value {
    Value::map(entries.into_iter().map(|(name, value)| (name, Value::string(value))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(container: &Json, image: &Json) -> Found {
        let bytes = |json: &Json| serde_json::to_vec(&json!([json])).unwrap();
        Found::read(&bytes(container), &bytes(image)).unwrap()
    }

    /// As podman 4.3 tells.
    #[test]
    fn podman() {
        let image = json!({ "Config": { "Env": ["BASE=1"], "Labels": { "from": "image" }, "Cmd": ["/bin/sleep", "1000"] } });
        let found = found(
            &json!({
                "State": { "Status": "created" },
                "Mounts": [
                    { "Type": "volume", "Name": "vol", "Source": "/var/lib/x", "Destination": "/v", "RW": true },
                    { "Type": "volume", "Name": "ab".repeat(32), "Destination": "/w", "RW": true },
                    { "Type": "bind", "Source": "/srv", "Destination": "/data", "RW": false }
                ],
                "Config": {
                    "Image": "localhost/tiny:1", "Cmd": ["/bin/sleep", "500"],
                    "Env": ["B=\"q\"", "C= x ", "PATH=/bin", "container=podman", "BASE=1", "HOSTNAME=mf2"],
                    "Labels": { "a": "b", "from": "image", "meshform.hash": "abc" }
                },
                "HostConfig": {
                    "NetworkMode": "host", "PortBindings": { "80/tcp": [{ "HostIp": "", "HostPort": "8080" }] },
                    "RestartPolicy": { "Name": "on-failure", "MaximumRetryCount": 3 }
                }
            }),
            &image,
        );
        assert_eq!(
            (found.state(), found.image(), found.hash()),
            ("stopped", "localhost/tiny:1", Some("abc"))
        );
        assert_eq!(found.command(), ["/bin/sleep", "500"]);
        let environment: Vec<_> = found.environment(&BTreeSet::from(["BASE"])).into_iter().collect();
        let expect = [("B", "\"q\""), ("BASE", "1"), ("C", " x ")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(environment, expect);
        assert_eq!(
            found.labels(&BTreeSet::new()).into_iter().collect::<Vec<_>>(),
            [("a".to_owned(), "b".to_owned())]
        );
        assert_eq!(found.volumes(), ["/srv:/data:ro", "vol:/v"]);
        assert_eq!(
            (found.ports(), found.restart()),
            (vec!["8080:80/tcp".to_owned()], "on-failure:3".to_owned())
        );
        assert_eq!(found.networks(), ["host"]);
    }

    /// As Docker's API describes it (ContainerInspect).
    #[test]
    fn docker() {
        let image = json!({ "Config": { "Env": null, "Labels": null, "Cmd": ["nginx"] } });
        let found = found(
            &json!({
                "State": { "Status": "restarting" },
                "Config": { "Image": "nginx:1.27", "Cmd": ["nginx"], "Env": ["A=1"], "Labels": {} },
                "HostConfig": {
                    "NetworkMode": "bridge",
                    "PortBindings": { "443/tcp": [{ "HostIp": "::1", "HostPort": "443" }], "53/udp": [{ "HostIp": "127.0.0.1", "HostPort": "53" }] },
                    "RestartPolicy": { "Name": "unless-stopped", "MaximumRetryCount": 0 }
                },
                "NetworkSettings": { "Networks": { "bridge": {}, "back": {} } }
            }),
            &image,
        );
        assert_eq!(
            (found.state(), found.restart().as_str(), found.hash()),
            ("restarting", "unless-stopped", None)
        );
        assert_eq!(found.command(), Vec::<String>::new());
        assert_eq!(found.ports(), ["127.0.0.1:53:53/udp", "[::1]:443:443/tcp"]);
        assert_eq!(found.networks(), ["bridge", "back", "bridge"]);
    }
}
