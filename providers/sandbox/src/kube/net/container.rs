//! What a container finds: its environment, and the files of its volumes.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::kube::object::{self, list, map, text};
use crate::kube::state::State;

/// Stands in for values that come from Secrets.
const HIDDEN: &str = "(secret)";
/// What every container has.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Who reads what a container finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrets {
    /// Anyone who can reach the pod.
    Hidden,
    /// Who may use the API, and so read them there.
    Shown,
}

/// What a container finds.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) environment: Vec<(String, String)>,
    /// The files of its volumes by their paths.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Where volumes are mounted, files or not.
    pub(crate) folders: BTreeSet<String>,
    pub(crate) hostname: String,
    /// Where its commands run.
    pub(crate) folder: String,
}

impl Container {
    pub(crate) fn of(state: &State, pod: &Value, container: &Value) -> Self {
        let given = |pointer: &str| Some(text(pod, pointer)).filter(|given| !given.is_empty());
        let hostname = given("/spec/hostname").unwrap_or_else(|| object::name(pod)).to_owned();
        let mut all = BTreeMap::from([
            ("PATH".to_owned(), PATH.to_owned()),
            ("HOSTNAME".to_owned(), hostname.clone()),
            ("HOME".to_owned(), "/root".to_owned()),
        ]);
        all.extend(environment(state, pod, container, Secrets::Shown));
        let (mut files, mut folders) = (BTreeMap::new(), BTreeSet::new());
        for mount in list(container, "/volumeMounts") {
            let mounted = mounted(state, pod, mount, Secrets::Shown);
            if mounted.iter().all(|(path, _)| path != text(mount, "/mountPath")) {
                folders.insert(text(mount, "/mountPath").trim_end_matches('/').to_owned());
            }
            files.extend(mounted);
        }
        let folder = Some(text(container, "/workingDir")).filter(|folder| !folder.is_empty());
        let folder = folder.unwrap_or("/").to_owned();
        Self { environment: all.into_iter().collect(), files, folders, hostname, folder }
    }
}

/// The variables of a container, in order.
pub(super) fn environment(
    state: &State,
    pod: &Value,
    container: &Value,
    secrets: Secrets,
) -> Vec<(String, String)> {
    let namespace = object::namespace(pod);
    let mut all = Vec::new();
    for source in list(container, "/envFrom") {
        let prefix = text(source, "/prefix");
        for (reference, resource) in [("/configMapRef/name", "configmaps"), ("/secretRef/name", "secrets")] {
            let Some(content) = state.get(resource, namespace, text(source, reference)) else { continue };
            for key in map(content, "/data").keys() {
                let value =
                    if resource == "secrets" { secret(content, key, secrets) } else { setting(content, key) };
                let value = String::from_utf8_lossy(&value.unwrap_or_default()).into_owned();
                all.push((format!("{prefix}{key}"), value));
            }
        }
    }
    for variable in list(container, "/env") {
        let name = text(variable, "/name").to_owned();
        let value = value_of(state, pod, variable, secrets).map(|value| expand(&value, &all));
        all.retain(|(known, _)| *known != name);
        all.extend(value.map(|value| (name, value)));
    }
    all
}

fn value_of(state: &State, pod: &Value, variable: &Value, secrets: Secrets) -> Option<String> {
    let Some(source) = variable.get("valueFrom") else { return Some(text(variable, "/value").to_owned()) };
    let namespace = object::namespace(pod);
    let bytes = if let Some(reference) = source.get("secretKeyRef") {
        let content = state.get("secrets", namespace, text(reference, "/name"))?;
        secret(content, text(reference, "/key"), secrets)?
    } else if let Some(reference) = source.get("configMapKeyRef") {
        let content = state.get("configmaps", namespace, text(reference, "/name"))?;
        setting(content, text(reference, "/key"))?
    } else {
        return field(pod, text(source, "/fieldRef/fieldPath"));
    };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Replaces `$(NAME)` by variables that come before; `$$` is a dollar.
fn expand(value: &str, known: &[(String, String)]) -> String {
    let mut expanded = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let name = after.strip_prefix('(').and_then(|name| name.split_once(')'));
        let found = name.and_then(|(name, rest)| Some((known.iter().find(|(own, _)| own == name)?, rest)));
        rest = match (found, after.strip_prefix('$')) {
            (Some(((_, value), rest)), _) => {
                expanded.push_str(value);
                rest
            }
            (None, Some(rest)) => {
                expanded.push('$');
                rest
            }
            (None, None) => {
                expanded.push('$');
                after
            }
        };
    }
    expanded + rest
}

/// A field of a pod, as the downward API names it: `metadata.name`, `metadata.labels['tier']`.
fn field(pod: &Value, path: &str) -> Option<String> {
    let (path, key) = match path.split_once("['") {
        Some((path, key)) => (path, Some(key.trim_end_matches("']"))),
        None => (path, None),
    };
    let found = pod.pointer(&format!("/{}", path.replace('.', "/")))?;
    match key.map_or(Some(found), |key| found.get(key))? {
        Value::String(value) => Some(value.clone()),
        Value::Object(pairs) => Some(pairs.iter().map(|(key, value)| format!("{key}={value}\n")).collect()),
        other => Some(other.to_string()),
    }
}

/// The files that a mount puts into a container.
pub(super) fn mounted(state: &State, pod: &Value, mount: &Value, secrets: Secrets) -> Vec<(String, Vec<u8>)> {
    let at = text(mount, "/mountPath").trim_end_matches('/');
    let sub_path = text(mount, "/subPath").trim_matches('/');
    let volume = list(pod, "/spec/volumes").iter().find(|volume| volume["name"] == mount["name"]);
    let content = volume.map(|volume| content(state, pod, volume, secrets)).unwrap_or_default();
    let place = |file: &str| match file.strip_prefix(sub_path)? {
        "" => Some(at.to_owned()),
        below if sub_path.is_empty() => Some(format!("{at}/{below}")),
        below => below.starts_with('/').then(|| format!("{at}{below}")),
    };
    content.into_iter().filter_map(|(file, bytes)| Some((place(&file)?, bytes))).collect()
}

/// The files of a volume.
fn content(state: &State, pod: &Value, volume: &Value, secrets: Secrets) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let sources = list(volume, "/projected/sources").iter().chain(std::iter::once(volume));
    for source in sources {
        for (kind, field, resource) in [
            ("configMap", "/name", "configmaps"),
            ("secret", "/secretName", "secrets"),
            // Projected volumes call it like the others.
            ("secret", "/name", "secrets"),
        ] {
            let Some(source) = source.get(kind) else { continue };
            let Some(found) = state.get(resource, object::namespace(pod), text(source, field)) else {
                continue;
            };
            files.extend(keys(found, source).filter_map(|(path, key)| {
                let bytes = if kind == "secret" { secret(found, key, secrets) } else { setting(found, key) };
                Some((path.to_owned(), bytes?))
            }));
        }
        for item in list(source, "/downwardAPI/items") {
            let told = field(pod, text(item, "/fieldRef/fieldPath")).unwrap_or_default();
            files.push((text(item, "/path").to_owned(), told.into_bytes()));
        }
    }
    files
}

/// The paths of a source, each with the key whose value lies there.
fn keys<'o>(found: &'o Value, source: &'o Value) -> Box<dyn Iterator<Item = (&'o str, &'o str)> + 'o> {
    match list(source, "/items") {
        [] => {
            let all = map(found, "/data").keys().chain(map(found, "/binaryData").keys());
            Box::new(all.map(|key| (key.as_str(), key.as_str())))
        }
        items => Box::new(items.iter().map(|item| (text(item, "/path"), text(item, "/key")))),
    }
}

fn setting(found: &Value, key: &str) -> Option<Vec<u8>> {
    if let Some(value) = map(found, "/data").get(key) {
        return value.as_str().map(|value| value.as_bytes().to_vec());
    }
    STANDARD.decode(map(found, "/binaryData").get(key)?.as_str()?).ok()
}

fn secret(found: &Value, key: &str, secrets: Secrets) -> Option<Vec<u8>> {
    let encoded = map(found, "/data").get(key)?.as_str()?;
    match secrets {
        Secrets::Hidden => Some(HIDDEN.as_bytes().to_vec()),
        Secrets::Shown => STANDARD.decode(encoded).ok(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn variables_refer_to_those_before_them() {
        let known = [("A".to_owned(), "1".to_owned())];
        let check = |value: &str, expect: &str| assert_eq!(expand(value, &known), expect, "{value}");
        check("$(A)/$(A)", "1/1");
        check("$(B) $A $", "$(B) $A $");
        check("$$(A)", "$(A)");
        check("", "");
    }

    #[test]
    fn fields_of_a_pod() {
        let pod =
            json!({ "metadata": { "name": "web", "labels": { "a/b": "c", "d": "e" } }, "spec": { "n": 1 } });
        let check =
            |path: &str, expect: Option<&str>| assert_eq!(field(&pod, path).as_deref(), expect, "{path}");
        check("metadata.name", Some("web"));
        check("metadata.labels['a/b']", Some("c"));
        check("metadata.labels['x']", None);
        check("metadata.labels", Some("a/b=\"c\"\nd=\"e\"\n"));
        check("spec.n", Some("1"));
        check("status.none", None);
    }
}
