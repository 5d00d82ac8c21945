//! Running the programs that make manifests.

use std::io::ErrorKind;
use std::process::Stdio;
use std::time::Duration;

use meshform_engine::ports::{ErrorCode, Found, ProviderError, ReadItem};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command as Process};
use tokio::time::timeout;

use super::Cluster;
use super::send::Retry;
use crate::render::{self, Command, Facts, Output};
use crate::request;
use crate::schema::CHART;

/// The longest that a rendering may take: a chart may have to be fetched first.
const RENDERING_MAX: Duration = Duration::from_secs(300);

impl Cluster {
    /// Renders what a composite asks for, for this cluster.
    pub(super) async fn render(&self, item: &ReadItem) -> Found {
        let catalog = self.kinds.with(&self.api, |_| true).await;
        let catalog = catalog
            .map_err(|failure| failure.unanswered(&self.api.place, "look up the kinds that are served"))?;
        let (command, blamed) = match item.kind.as_str() {
            CHART => {
                let version = self.api.send(request::version(), Retry::Read).await;
                let version =
                    version.map_err(|failure| failure.unanswered(&self.api.place, "ask for the version"))?;
                let version = version.body.get("gitVersion").and_then(serde_json::Value::as_str);
                let facts = Facts::new(version.unwrap_or_default(), &catalog);
                (render::chart(&item.arguments, facts)?, "chart")
            }
            _ => (render::kustomize(&item.arguments), "kustomize"),
        };
        // Twice, as what comes out otherwise the second time would change with every plan.
        let (first, second) = tokio::try_join!(run(&command, blamed), run(&command, blamed))?;
        render::found(&first, &second, blamed, &catalog)
    }
}

async fn run(command: &Command, blamed: &str) -> Result<Output, ProviderError> {
    for (program, arguments) in &command.ways {
        let mut process = Process::new(program);
        process.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if !command.folder.is_empty() {
            process.current_dir(&command.folder);
        }
        let child = match process.kill_on_drop(true).spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(render::failed(program, &error.to_string(), "", blamed)),
        };
        return match timeout(RENDERING_MAX, output(child, &command.input)).await {
            Ok(Ok((output, None))) => Ok(output),
            Ok(Ok((output, Some(status)))) => Err(render::failed(program, &status, &output.said, blamed)),
            Ok(Err(error)) => Err(render::failed(program, &error.to_string(), "", blamed)),
            Err(_) => Err(ProviderError {
                code: ErrorCode::TimedOut,
                ..render::failed(
                    program,
                    &format!("it took longer than {} s", RENDERING_MAX.as_secs()),
                    "",
                    blamed,
                )
            }),
        };
    }
    Err(render::not_installed(command, blamed))
}

/// What it writes, and how it ended unless that is well.
async fn output(mut child: Child, input: &str) -> std::io::Result<(Output, Option<String>)> {
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // Who does not read all of it has a reason, which its status tells.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let ((), ended) = tokio::join!(feed, child.wait_with_output());
    let ended = ended?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let status = (!ended.status.success()).then(|| ended.status.to_string());
    Ok((Output { text: text(ended.stdout), said: text(ended.stderr) }, status))
}
