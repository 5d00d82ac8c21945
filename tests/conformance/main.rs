//! One suite of API requests and expected answers, on the sandbox and on a real kube-apiserver.
//!
//! `scripts` holds the requests, with the answers of the real server. Both servers are asked the same, and must answer the same.
//! `tests/conformance/run` gets a real control plane and runs both; with `CONFORMANCE_RECORD=1` it writes the real
//! server's answers into the scripts. `CONFORMANCE_ONLY` names one script.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "a difference is told to whoever runs the test")]

mod client;
#[path = "../end_to_end/control_plane.rs"]
mod control_plane;
mod difference;
mod even;
mod known;
mod script;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use meshform_sandbox::kube::{Options, World, serve};
use tokio::net::TcpListener;

use crate::client::Server;
use crate::control_plane::ControlPlane;
use crate::script::{Answer, Script};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/scripts")
}

fn scripts() -> Vec<Script> {
    let only = std::env::var("CONFORMANCE_ONLY").ok();
    let mut scripts: Vec<Script> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .filter(|(name, _)| only.as_ref().is_none_or(|only| only == name))
        .map(|(name, path)| Script::parse(&name, &fs::read_to_string(path).unwrap()))
        .collect();
    scripts.sort_by(|left, right| left.name.cmp(&right.name));
    scripts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sandbox_answers_as_the_real_server() {
    let options = Options {
        network: false,
        routers: false,
        rbac: true,
        seed: Some(1),
        pod_start: Duration::from_millis(1),
        ..Options::default()
    };
    let world = World::in_memory(options).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::new(listener.local_addr().unwrap().to_string());
    tokio::spawn(serve(Arc::clone(&world), listener, std::future::pending()));
    check(&server, known::SANDBOX).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_server_answers_as_recorded() {
    let Some(assets) = std::env::var_os("KUBEBUILDER_ASSETS") else {
        eprintln!(
            "NOT RUN: the answers are not compared with a real server's. tests/conformance/run does that."
        );
        return;
    };
    let plane = ControlPlane::start(Path::new(&assets));
    let proxy = Proxy::start(&plane.kubeconfig());
    let server = Server::new(proxy.authority.clone());
    if std::env::var_os("CONFORMANCE_RECORD").is_some() {
        record(&server).await;
    } else {
        check(&server, known::REAL).await;
    }
}

async fn check(server: &Server, known: &[known::Difference]) {
    let mut found = Vec::new();
    let mut count = 0;
    for script in scripts() {
        let answers = server.run(&script).await;
        count += answers.len();
        for (step, answer) in script.steps.iter().zip(&answers) {
            let name = format!("{}/{}", script.name, step.name);
            let expected = step.answer.as_ref().unwrap_or_else(|| panic!("{name} has no recorded answer"));
            let mut differences = difference::between(expected, answer);
            differences.retain(|difference| !known.iter().any(|known| known.is(&name, difference)));
            found.extend(differences.into_iter().map(|difference| format!("{name}: {difference}")));
        }
    }
    for difference in &found {
        eprintln!("{difference}");
    }
    assert!(found.is_empty(), "{} differences in {count} answers", found.len());
    eprintln!("{count} answers are as recorded");
}

async fn record(server: &Server) {
    for mut script in scripts() {
        let answers: Vec<Answer> = server.run(&script).await;
        for (step, answer) in script.steps.iter_mut().zip(answers) {
            step.answer = Some(answer);
        }
        fs::write(folder().join(format!("{}.http", script.name)), script.print()).unwrap();
    }
}

/// The real server in plain HTTP. Dropping it ends it.
struct Proxy {
    process: Child,
    authority: String,
}

impl Proxy {
    fn start(kubeconfig: &Path) -> Self {
        let mut command = Command::new("kubectl");
        command.arg("--kubeconfig").arg(kubeconfig).args(["proxy", "--port=0"]);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let authority = line.trim().rsplit(' ').next().unwrap().to_owned();
        Self { process, authority }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
