//! A `cluster` block becomes a client that knows which cluster it talks to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use meshform_engine::address::Key;
use meshform_engine::ports::{ErrorCode, ProviderError, Sandbox, TargetConfig};
use serde_json::{Value as Json, json};
use tokio::time::timeout;

use super::send::{Api, Failure, Retry, lost};
use super::{Cluster, Kinds};
use crate::access::{Access, access};
use crate::catalog::Resource;
use crate::identity::TypeName;
use crate::request::Place;

/// The longest that connecting may take, a credentials plugin included.
const CONNECT_MAX: Duration = Duration::from_secs(45);
/// The longest for one connection to be made.
const DIAL_MAX: Duration = Duration::from_secs(10);
/// The longest silence on a connection: longer than any watch is asked to last.
const SILENCE_MAX: Duration = Duration::from_secs(300);

/// Connects to the cluster that a block describes.
pub(crate) async fn connect(sandbox: &dyn Sandbox, target: &TargetConfig) -> Result<Cluster, ProviderError> {
    match timeout(CONNECT_MAX, connect_now(sandbox, target)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(unusable(
            ErrorCode::Unreachable,
            target,
            &format!("it took longer than {} seconds", CONNECT_MAX.as_secs()),
            "Check that its credentials plugin does not wait for input and that the server can be reached.",
        )),
    }
}

async fn connect_now(sandbox: &dyn Sandbox, target: &TargetConfig) -> Result<Cluster, ProviderError> {
    let config = config(sandbox, target).await?;
    let context = target.attributes.get_str("context").map(|name| format!(" (context {name:?})"));
    let place = format!("{}{}", config.cluster_url, context.unwrap_or_default());
    let api = Api::new(client(config, target).await?, place);
    let identity = identity(&api).await?;
    Ok(Cluster { identity, api, kinds: Kinds::default() })
}

async fn config(sandbox: &dyn Sandbox, target: &TargetConfig) -> Result<Config, ProviderError> {
    let wrong = |failure: Failure| {
        let why = match failure {
            Failure::Unfit(why)
            | Failure::Lost(why)
            | Failure::Strange(why)
            | Failure::NoCredentials(why) => why,
            Failure::Refused(status) => status.message,
        };
        unusable(ErrorCode::Invalid, target, &why, "Check the kubeconfig and the context.")
    };
    let access = access(&target.attributes)?;
    let kubeconfig = match access {
        Access::InCluster => {
            return Config::incluster().map(tuned).map_err(|error| {
                let advice = "`in_cluster` works only in a pod with a service account.";
                unusable(ErrorCode::Invalid, target, &error.to_string(), advice)
            });
        }
        Access::Sandbox => sandbox_kubeconfig(sandbox, target).await?,
        Access::File(path) => {
            let path = resolved(&path, &target.folder);
            blocking(move || Kubeconfig::read_from(path).map_err(|error| unreadable(&error)))
                .await
                .map_err(wrong)?
        }
        Access::Ambient => {
            blocking(|| Kubeconfig::read().map_err(|error| unreadable(&error))).await.map_err(wrong)?
        }
        Access::Content(text) => Kubeconfig::from_yaml(&text).map_err(|error| wrong(unreadable(&error)))?,
        Access::Server { url, ca, token } => server_kubeconfig(&url, ca.as_deref(), token.as_deref())
            .map_err(|_| wrong(Failure::Unfit("its attributes do not make a kubeconfig".into())))?,
    };
    let context = target.attributes.get_str("context").map(str::to_owned);
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    Config::from_custom_kubeconfig(without_prompts(kubeconfig), &options)
        .await
        .map(tuned)
        .map_err(|error| wrong(unreadable(&error)))
}

async fn sandbox_kubeconfig(
    sandbox: &dyn Sandbox,
    target: &TargetConfig,
) -> Result<Kubeconfig, ProviderError> {
    let name = match &target.address.key {
        None => target.address.name.clone(),
        Some(Key::Index(index)) => format!("{}-{index}", target.address.name),
        Some(Key::Name(key)) => format!("{}-{key}", target.address.name),
    };
    let advice = "Look at `meshform sandbox status`.";
    let failed = |why: &str| unusable(ErrorCode::Unreachable, target, why, advice);
    let access = sandbox.cluster(&name).await.map_err(|error| failed(&error.message))?;
    Kubeconfig::from_yaml(&access.kubeconfig).map_err(|_| failed("its kubeconfig cannot be read"))
}

fn server_kubeconfig(
    url: &str,
    ca: Option<&str>,
    token: Option<&str>,
) -> Result<Kubeconfig, serde_json::Error> {
    let mut cluster = json!({ "server": url });
    if let Some(ca) = ca {
        cluster["certificate-authority-data"] = STANDARD.encode(ca).into();
    }
    let user = token.map_or_else(|| json!({}), |token| json!({ "token": token }));
    serde_json::from_value(json!({
        "clusters": [{ "name": "server", "cluster": cluster }],
        "users": [{ "name": "server", "user": user }],
        "contexts": [{ "name": "server", "context": { "cluster": "server", "user": "server" } }],
        "current-context": "server",
    }))
}

/// A plugin must not ask on the terminal, where several may run at once and a display moves.
fn without_prompts(mut kubeconfig: Kubeconfig) -> Kubeconfig {
    use kube::config::ExecInteractiveMode;
    let users = kubeconfig.auth_infos.iter_mut().filter_map(|user| user.auth_info.as_mut());
    for exec in users.filter_map(|user| user.exec.as_mut()) {
        if exec.interactive_mode != Some(ExecInteractiveMode::Always) {
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
    }
    kubeconfig
}

fn tuned(mut config: Config) -> Config {
    config.connect_timeout = Some(DIAL_MAX);
    config.read_timeout = Some(SILENCE_MAX);
    config.reset_reader_on_write = true;
    // Retries are ours: only the caller knows what is safe to repeat.
    config.default_retry = false;
    let host = config.cluster_url.host().unwrap_or_default();
    if matches!(host, "localhost" | "127.0.0.1" | "[::1]" | "::1") {
        config.proxy_url = None;
    }
    config
}

async fn client(config: Config, target: &TargetConfig) -> Result<Client, ProviderError> {
    let place = config.cluster_url.to_string();
    // A credentials plugin runs in here, and blocks.
    let built = blocking(move || {
        ClientBuilder::try_from(config).map(ClientBuilder::build).map_err(|error| lost(&error))
    });
    built.await.map_err(|failure| {
        let mut error = failure.unanswered(&place, "prepare the connection");
        error.detail = format!("{}: {}", target.address, error.detail);
        error
    })
}

/// A cluster is the one with this `kube-system` namespace: it is made once and never again.
async fn identity(api: &Api) -> Result<String, ProviderError> {
    let namespaces = Resource {
        of_type: TypeName::new("v1", "Namespace"),
        plural: "namespaces".into(),
        is_namespaced: false,
    };
    let request = Place { resource: &namespaces, namespace: "" }.get("kube-system");
    let task = "read the namespace kube-system, which identifies the cluster,";
    let answer =
        api.send(request, Retry::Read).await.map_err(|failure| failure.unanswered(&api.place, task))?;
    match answer.body.pointer("/metadata/uid").and_then(Json::as_str) {
        Some(uid) if !uid.is_empty() => Ok(uid.to_owned()),
        _ => Err(ProviderError {
            code: ErrorCode::Other,
            summary: "The cluster has no identity".into(),
            detail: format!(
                "The namespace kube-system at {} has no UID. Is it a Kubernetes API server?",
                api.place
            ),
            path: None,
        }),
    }
}

/// A path as the stack means it.
fn resolved(path: &str, folder: &str) -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        (None, Some(home)) if path == "~" => home,
        _ => Path::new(folder).join(path),
    }
}

/// Runs what blocks where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let interrupted = |_| Failure::Unfit("the work was interrupted".into());
    tokio::task::spawn_blocking(work).await.map_err(interrupted)?
}

/// What is wrong with a kubeconfig. The parser would quote the text, which may be a token.
fn unreadable(error: &KubeconfigError) -> Failure {
    Failure::Unfit(match error {
        KubeconfigError::Parse(error) => {
            let line = error.location().map_or(0, |location| location.line());
            format!("the kubeconfig is not valid YAML (line {line})")
        }
        other => other.to_string(),
    })
}

fn unusable(code: ErrorCode, target: &TargetConfig, why: &str, advice: &str) -> ProviderError {
    ProviderError {
        code,
        summary: "The cluster cannot be used".to_owned(),
        detail: format!("Could not connect to {}: {why}. {advice}", target.address),
        path: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_from_the_stack() {
        assert_eq!(resolved("a/b", "stack"), PathBuf::from("stack/a/b"));
        assert_eq!(resolved("/a/b", "stack"), PathBuf::from("/a/b"));
        let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        assert_eq!(resolved("~/x", "stack"), home.join("x"));
    }

    #[test]
    fn a_server_becomes_a_kubeconfig() {
        let kubeconfig = server_kubeconfig("https://x:6443", Some("PEM"), Some("t")).unwrap();
        let cluster = kubeconfig.clusters[0].cluster.as_ref().unwrap();
        assert_eq!(cluster.server.as_deref(), Some("https://x:6443"));
        assert_eq!(cluster.certificate_authority_data.as_deref(), Some("UEVN"));
        assert!(!format!("{kubeconfig:?}").contains("\"t\""));
    }
}
