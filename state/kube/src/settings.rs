//! What is said about the cluster.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use meshform_state::SettingsProblem;

/// The settings: name, meaning, and whether the value is secret.
pub const SETTINGS: &[(&str, &str, bool)] = &[
    ("name", "The name of the stack among those in the namespace.", false),
    ("namespace", "The namespace that the objects are in, which must exist; `default` unless given.", false),
    ("kubeconfig", "The path of a kubeconfig.", false),
    ("kubeconfig_content", "A kubeconfig itself.", true),
    ("context", "The context in the kubeconfig; its current one unless given.", false),
    ("in_cluster", "`true`: as the service account of the pod that this runs in.", false),
    ("timeout_seconds", "How long one request may take; 30 unless given.", false),
];

const NAMESPACE_DEFAULT: &str = "default";
const TIMEOUT_SECONDS_DEFAULT: u64 = 30;
const TIMEOUT_SECONDS_MAX: u64 = 3600;

/// How the cluster is reached, and what lies where in it.
#[derive(Debug)]
pub(crate) struct Settings {
    /// By what credentials.
    pub(crate) access: Access,
    /// The context in the kubeconfig.
    pub(crate) context: Option<String>,
    /// The namespace of all objects.
    pub(crate) namespace: String,
    /// The stack.
    pub(crate) name: String,
    /// How long one request may take.
    pub(crate) timeout: Duration,
}

/// Where the credentials are.
pub(crate) enum Access {
    /// In the pod.
    InCluster,
    /// In this text.
    Content(String),
    /// In these files, which are merged.
    Files(Vec<PathBuf>),
}

impl fmt::Debug for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InCluster => formatter.write_str("InCluster"),
            Self::Content(_) => formatter.write_str("Content"),
            Self::Files(paths) => formatter.debug_tuple("Files").field(paths).finish(),
        }
    }
}

impl Settings {
    /// Reads the settings. Of the environment, `KUBECONFIG` and `HOME` count.
    ///
    /// # Errors
    /// When one is missing or makes no sense.
    pub(crate) fn new(
        settings: &BTreeMap<String, String>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, SettingsProblem> {
        let get = |name: &str| settings.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let name = get("name").ok_or_else(|| {
            SettingsProblem::new("name", "is required: several stacks may share a namespace")
        })?;
        Ok(Self {
            access: access(get, environment)?,
            context: get("context").map(str::to_owned),
            namespace: namespace(get("namespace"))?,
            name: name.to_owned(),
            timeout: timeout(get("timeout_seconds"))?,
        })
    }

    /// Where it is, for messages.
    pub(crate) fn place(&self) -> String {
        let context = match (&self.access, &self.context) {
            (Access::InCluster, _) => "in-cluster",
            (_, Some(context)) => context,
            (_, None) => "current-context",
        };
        format!("kube://{context}/{}/{}", self.namespace, self.name)
    }
}

fn access<'a>(
    get: impl Fn(&str) -> Option<&'a str>,
    environment: &BTreeMap<String, String>,
) -> Result<Access, SettingsProblem> {
    let in_cluster = match get("in_cluster") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(SettingsProblem::new("in_cluster", "must be true or false")),
    };
    let alone =
        |setting| SettingsProblem::new(setting, "cannot be given together with another way to the cluster");
    match (in_cluster, get("kubeconfig_content"), get("kubeconfig")) {
        (true, None, None) if get("context").is_some() => Err(alone("context")),
        (true, None, None) => Ok(Access::InCluster),
        (false, Some(text), None) => Ok(Access::Content(text.to_owned())),
        (false, None, Some(path)) => Ok(Access::Files(vec![expanded(path, environment)])),
        (false, None, None) => Ok(Access::Files(ambient(environment))),
        (_, Some(_), _) => Err(alone("kubeconfig_content")),
        (true, None, Some(_)) => Err(alone("kubeconfig")),
    }
}

/// The files that `kubectl` reads.
fn ambient(environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let listed = environment.get("KUBECONFIG").map(String::as_str).unwrap_or_default();
    let files: Vec<_> = std::env::split_paths(listed).filter(|path| !path.as_os_str().is_empty()).collect();
    match files.is_empty() {
        true => vec![expanded("~/.kube/config", environment)],
        false => files,
    }
}

fn expanded(path: &str, environment: &BTreeMap<String, String>) -> PathBuf {
    match (path.strip_prefix("~/"), environment.get("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

/// A label of a domain name, as RFC 1123 has it: other names would break out of the URL's path.
fn namespace(text: Option<&str>) -> Result<String, SettingsProblem> {
    let name = text.unwrap_or(NAMESPACE_DEFAULT);
    let is_inner = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let is_edge = |letter: &str| !letter.is_empty() && letter != "-";
    let edges =
        (name.get(..1).unwrap_or_default(), name.get(name.len().saturating_sub(1)..).unwrap_or_default());
    match name.len() <= 63 && name.chars().all(is_inner) && is_edge(edges.0) && is_edge(edges.1) {
        true => Ok(name.to_owned()),
        false => {
            let rule = "must have 1 to 63 lower-case letters, digits and hyphens, none of these at its ends";
            Err(SettingsProblem::new("namespace", rule))
        }
    }
}

fn timeout(text: Option<&str>) -> Result<Duration, SettingsProblem> {
    match text.map_or(Ok(TIMEOUT_SECONDS_DEFAULT), str::parse) {
        Ok(seconds @ 1..=TIMEOUT_SECONDS_MAX) => Ok(Duration::from_secs(seconds)),
        _ => {
            let range = format!("must be a whole number of seconds from 1 to {TIMEOUT_SECONDS_MAX}");
            Err(SettingsProblem::new("timeout_seconds", range))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn check(given: &[(&str, &str)], environment: &[(&str, &str)], expect: Result<&str, &str>) {
        let found = Settings::new(&map(given), &map(environment));
        let found = found.map(|settings| format!("{} {:?}", settings.place(), settings.access));
        let found = found.map_err(|problem| problem.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expect, "{given:?}");
    }

    #[test]
    fn the_way_to_the_cluster_is_one() {
        let name = ("name", "web");
        let home = ("HOME", "/home/ann");
        let place = "kube://current-context/default/web";
        check(&[name], &[home], Ok(&format!("{place} Files([\"/home/ann/.kube/config\"])")));
        check(&[name], &[home, ("KUBECONFIG", "/a::/b")], Ok(&format!("{place} Files([\"/a\", \"/b\"])")));
        check(&[name, ("kubeconfig", "~/c")], &[home], Ok(&format!("{place} Files([\"/home/ann/c\"])")));
        check(&[name, ("kubeconfig_content", "token: t")], &[], Ok(&format!("{place} Content")));
        check(
            &[name, ("context", "prod"), ("kubeconfig", "c")],
            &[],
            Ok("kube://prod/default/web Files([\"c\"])"),
        );
        check(
            &[name, ("in_cluster", "true"), ("namespace", "ops")],
            &[],
            Ok("kube://in-cluster/ops/web InCluster"),
        );
        let together = "cannot be given together with another way to the cluster";
        for (setting, value) in [("kubeconfig", "c"), ("kubeconfig_content", "t"), ("context", "prod")] {
            check(
                &[name, ("in_cluster", "true"), (setting, value)],
                &[],
                Err(&format!("`{setting}` {together}")),
            );
        }
        check(
            &[name, ("kubeconfig", "c"), ("kubeconfig_content", "t")],
            &[],
            Err(&format!("`kubeconfig_content` {together}")),
        );
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        check(&[], &[], Err("`name` is required: several stacks may share a namespace"));
        let rule =
            "`namespace` must have 1 to 63 lower-case letters, digits and hyphens, none of these at its ends";
        for wrong in ["a/b", "-a", "a-", "A", "é", &"a".repeat(64)] {
            check(&[("name", "web"), ("namespace", wrong)], &[], Err(rule));
        }
        check(&[("name", "web"), ("in_cluster", "yes")], &[], Err("`in_cluster` must be true or false"));
    }
}
