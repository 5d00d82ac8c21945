//! A kubeconfig becomes a client.

use std::io;

use kube::client::ClientBuilder;
use kube::config::{ExecInteractiveMode, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use crate::api::{Failure, lost};
use crate::settings::{Access, Settings};

/// Makes a client. It connects with its first request.
pub(crate) async fn client(settings: &Settings) -> Result<Client, Failure> {
    let mut config = match &settings.access {
        Access::InCluster => Config::incluster().map_err(|error| Failure::Unusable(error.to_string()))?,
        Access::Content(text) => chosen(parsed(text)?, settings).await?,
        Access::Files(paths) => {
            let paths = paths.clone();
            let merged = blocking(move || {
                let mut merged = Kubeconfig::default();
                for path in paths {
                    let next = Kubeconfig::read_from(path).map_err(|error| unreadable(&error))?;
                    merged = merged.merge(next).map_err(|error| unreadable(&error))?;
                }
                Ok(merged)
            });
            chosen(merged.await?, settings).await?
        }
    };
    tune(&mut config, settings);
    // A credentials plugin runs in here, and blocks.
    blocking(move || ClientBuilder::try_from(config).map(ClientBuilder::build).map_err(|error| lost(&error)))
        .await
}

fn parsed(text: &str) -> Result<Kubeconfig, Failure> {
    Kubeconfig::from_yaml(text).map_err(|error| unreadable(&error))
}

async fn chosen(mut kubeconfig: Kubeconfig, settings: &Settings) -> Result<Config, Failure> {
    let users = kubeconfig.auth_infos.iter_mut().filter_map(|user| user.auth_info.as_mut());
    for exec in users.filter_map(|user| user.exec.as_mut()) {
        // A plugin must not ask on the terminal that a plan is shown on.
        if exec.interactive_mode != Some(ExecInteractiveMode::Always) {
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
    }
    let options = KubeConfigOptions { context: settings.context.clone(), ..KubeConfigOptions::default() };
    Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| unreadable(&error))
}

fn tune(config: &mut Config, settings: &Settings) {
    config.connect_timeout = Some(settings.timeout);
    config.read_timeout = Some(settings.timeout);
    // Retries are ours: only we know what is safe to repeat.
    config.default_retry = false;
    let host = config.cluster_url.host().unwrap_or_default();
    if matches!(host, "localhost" | "127.0.0.1" | "[::1]" | "::1") {
        config.proxy_url = None;
    }
}

/// What is wrong with a kubeconfig. The parser would quote the text, which may be a token.
fn unreadable(error: &KubeconfigError) -> Failure {
    Failure::Unusable(match error {
        KubeconfigError::Parse(error) => {
            let line = error.location().map_or(0, |location| location.line());
            format!("the kubeconfig is not valid YAML (line {line})")
        }
        KubeconfigError::ReadConfig(error, path) if error.kind() == io::ErrorKind::NotFound => {
            format!("there is no kubeconfig {}", path.display())
        }
        other => other.to_string(),
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let interrupted = |_| Failure::Unusable("the work was interrupted".into());
    tokio::task::spawn_blocking(work).await.map_err(interrupted)?
}
