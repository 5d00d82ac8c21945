//! A served world, and a kubectl that is pointed at it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use meshform_sandbox::kube::{Options, World, kubeconfig, serve};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::process::Command;

const TOKEN: &str = "kubectl-is-let-in";
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Which kubectl.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// The machine's own.
    Machine,
    /// Debian's package, which is of version 1.20.
    Debian,
}

impl Release {
    /// The program; nothing where Debian's package cannot be had, which is told.
    #[expect(clippy::print_stderr, reason = "what is not run is told to whoever runs the tests")]
    pub(crate) fn program(self) -> Option<PathBuf> {
        static DEBIAN: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/debian-kubectl");
            let output = std::process::Command::new(script).output().unwrap();
            if output.status.success() {
                return Some(PathBuf::from(String::from_utf8(output.stdout).unwrap().trim()));
            }
            eprintln!("NOT RUN with Debian's kubectl: {}", String::from_utf8_lossy(&output.stderr));
            None
        });
        match self {
            Self::Machine => Some(PathBuf::from("kubectl")),
            Self::Debian => DEBIAN.clone(),
        }
    }
}

/// A served world, and a folder with its kubeconfig.
pub(crate) struct Cluster {
    _world: Arc<World>,
    folder: TempDir,
    program: PathBuf,
    pub(crate) release: Release,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }
}

impl Cluster {
    /// Starts one, if there is a kubectl of that release.
    pub(crate) async fn start(release: Release) -> Option<Self> {
        let program = release.program()?;
        let options = Options {
            network: false,
            routers: false,
            token: Some(TOKEN.to_owned()),
            pod_start: Duration::from_millis(20),
            ..Options::default()
        };
        let world = World::in_memory(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve(Arc::clone(&world), listener, std::future::pending()));
        let folder = TempDir::with_prefix("meshform-").unwrap();
        fs::write(folder.path().join("kubeconfig"), kubeconfig("test", &url, Some(TOKEN))).unwrap();
        Some(Self { _world: world, folder, program, release })
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--kubeconfig").arg(self.folder.path().join("kubeconfig"));
        command.arg("--cache-dir").arg(self.folder.path().join("cache")).args(arguments);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs a line of words.
    pub(crate) async fn kubectl(&self, line: &str) -> Ended {
        self.run(&line.split_whitespace().collect::<Vec<_>>()).await
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "").await
    }

    /// Runs it with something to read.
    pub(crate) async fn run_with(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(arguments);
        if !input.is_empty() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await.unwrap();
        }
        let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let output = ended.unwrap_or_else(|_| panic!("{arguments:?} does not end")).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// A value of an object.
    pub(crate) async fn value(&self, object: &str, path: &str) -> String {
        self.run(&["get", object, "-o", &format!("jsonpath={{{path}}}")]).await.done()
    }

    /// Waits until a value is as wanted.
    pub(crate) async fn until(&self, object: &str, path: &str, wanted: &str) {
        let becomes = async {
            while self.value(object, path).await != wanted {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let became = tokio::time::timeout(PATIENCE, becomes).await;
        became.unwrap_or_else(|_| panic!("{path} of {object} does not become {wanted}"));
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) async fn apply(&self, text: &str, flags: &[&str]) -> Ended {
        let file = self.file("applied.yaml", text);
        let mut arguments = vec!["apply", "-f", file.to_str().unwrap()];
        arguments.extend(flags);
        self.run(&arguments).await
    }
}
