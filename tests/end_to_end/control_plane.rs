//! A real control plane on loopback: etcd, kube-apiserver and kube-controller-manager from the folder that `KUBEBUILDER_ASSETS` names.
//!
//! There is no node. A stand-in for scheduler and kubelet says of every pod that it is placed and ready, and lets go of those that are
//! deleted, so that Deployments come up and namespaces end.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

const TOKEN: &str = "admin-of-a-test";

/// A running control plane. Dropping it ends it.
pub(crate) struct ControlPlane {
    folder: TempDir,
    /// In the order in which they end: an API server that has lost its etcd hangs.
    processes: Vec<Child>,
    kubelet: Option<JoinHandle<()>>,
}

impl ControlPlane {
    /// Starts one, and waits until it is ready.
    pub(crate) fn start(assets: &Path) -> Self {
        let folder = TempDir::with_prefix("meshform-").unwrap();
        let mut plane = Self { folder, processes: Vec::new(), kubelet: None };
        let [client, peer, api, manager] = free_ports();
        plane.write_files(api);
        plane.run(assets, "etcd", &etcd(client, peer));
        plane.run(assets, "kube-apiserver", &api_server(client, api));
        plane.wait();
        plane.run(assets, "kube-controller-manager", &controller_manager(manager));
        plane.start_kubelet();
        plane
    }

    /// An administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// The machine's kubectl on this cluster.
    pub(crate) fn kubectl(&self) -> Command {
        kubectl(self.folder.path())
    }

    fn write_files(&self, api: u16) {
        let write = |name: &str, text: &str| fs::write(self.folder.path().join(name), text).unwrap();
        write("tokens.csv", &format!("{TOKEN},admin,admin,system:masters\n"));
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "real",
            // The server makes a certificate of its own, which is in the same file as who has signed it.
            "clusters": [{ "name": "real", "cluster": {
                "server": format!("https://127.0.0.1:{api}"), "certificate-authority": self.folder.path().join("certificates/apiserver.crt"),
            } }],
            "users": [{ "name": "admin", "user": { "token": TOKEN } }],
            "contexts": [{ "name": "real", "context": { "cluster": "real", "user": "admin" } }],
        });
        write("kubeconfig", &config.to_string());
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f", "accounts.key"]);
        assert!(keygen.current_dir(self.folder.path()).status().unwrap().success());
    }

    fn run(&mut self, assets: &Path, program: &str, flags: &[String]) {
        let log = fs::File::create(self.folder.path().join(format!("{program}.log"))).unwrap();
        let mut command = Command::new(assets.join(program));
        command.args(flags).current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let process = command.spawn().unwrap_or_else(|error| panic!("{program} cannot be run: {error}"));
        self.processes.insert(0, process);
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(90);
        while !self.kubectl().args(["get", "--raw", "/readyz"]).output().unwrap().status.success() {
            let log = || fs::read_to_string(self.folder.path().join("kube-apiserver.log")).unwrap();
            assert!(Instant::now() < deadline, "the control plane is not ready:\n{}", log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn start_kubelet(&mut self) {
        let mut watch = self.kubectl();
        let fields = [
            "metadata.namespace",
            "metadata.name",
            "spec.nodeName",
            "metadata.deletionTimestamp",
            "status.phase",
            "metadata.annotations.fake/outcome",
            "metadata.ownerReferences[0].kind",
            "spec.containers[0].name",
        ];
        let line = format!("jsonpath={}{{\"\\n\"}}", fields.map(|field| format!("{{.{field}}}")).join("|"));
        watch.args(["get", "pods", "--all-namespaces", "--watch", "-o", &line]);
        let mut watch = watch.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (pods, folder) = (watch.stdout.take().unwrap(), self.folder.path().to_owned());
        self.processes.insert(0, watch);
        self.kubelet = Some(thread::spawn(move || keep_pods(&folder, pods)));
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
        // Its watch has ended.
        let _ = self.kubelet.take().map(JoinHandle::join);
    }
}

fn kubectl(folder: &Path) -> Command {
    let mut command = Command::new("kubectl");
    command.arg("--kubeconfig").arg(folder.join("kubeconfig")).arg("--cache-dir").arg(folder.join("cache"));
    command
}

fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    // All are taken before any is given back, so that they differ.
    let listeners = [(); COUNT].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn flags<const COUNT: usize>(flags: [(&str, String); COUNT]) -> Vec<String> {
    flags.map(|(name, value)| format!("--{name}={value}")).to_vec()
}

fn etcd(client: u16, peer: u16) -> Vec<String> {
    let (client, peer) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
    flags([
        ("data-dir", "etcd".to_owned()),
        ("unsafe-no-fsync", "true".to_owned()),
        ("listen-client-urls", client.clone()),
        ("advertise-client-urls", client),
        ("listen-peer-urls", peer.clone()),
        ("initial-advertise-peer-urls", peer.clone()),
        ("initial-cluster", format!("default={peer}")),
    ])
}

fn api_server(etcd: u16, port: u16) -> Vec<String> {
    let own = |value: &str| value.to_owned();
    flags([
        ("etcd-servers", format!("http://127.0.0.1:{etcd}")),
        ("bind-address", own("127.0.0.1")),
        ("advertise-address", own("127.0.0.1")),
        // A loopback address is no endpoint.
        ("endpoint-reconciler-type", own("none")),
        ("secure-port", port.to_string()),
        ("cert-dir", own("certificates")),
        ("token-auth-file", own("tokens.csv")),
        ("authorization-mode", own("RBAC")),
        ("service-cluster-ip-range", own("10.96.0.0/16")),
        ("service-account-issuer", own("https://kubernetes.default.svc")),
        ("service-account-key-file", own("accounts.key")),
        ("service-account-signing-key-file", own("accounts.key")),
    ])
}

fn controller_manager(port: u16) -> Vec<String> {
    let own = |value: &str| value.to_owned();
    flags([
        ("kubeconfig", own("kubeconfig")),
        ("bind-address", own("127.0.0.1")),
        ("secure-port", port.to_string()),
        ("cert-dir", own("manager-certificates")),
        ("leader-elect", own("false")),
        ("service-account-private-key-file", own("accounts.key")),
        ("root-ca-file", own("certificates/apiserver.crt")),
    ])
}

/// Does for each pod what is next for it, until its watch ends. What fails is due again with the pod's next event.
fn keep_pods(folder: &Path, pods: ChildStdout) {
    for line in BufReader::new(pods).lines().map_while(Result::ok) {
        let Ok([namespace, name, node, deleted, phase, outcome, owner, container]) =
            <[&str; 8]>::try_from(line.split('|').collect::<Vec<_>>())
        else {
            continue;
        };
        let mut command = kubectl(folder);
        let mut body = Value::Null;
        match (deleted, node, phase) {
            ("", "", _) => {
                body = json!({
                    "apiVersion": "v1", "kind": "Binding", "metadata": { "name": name },
                    "target": { "apiVersion": "v1", "kind": "Node", "name": "stand-in" },
                });
                let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/binding");
                command.args(["create", "--raw", &path, "-f", "-"]);
            }
            ("", _, "Running" | "Succeeded" | "Failed") => continue,
            ("", ..) => {
                let Some(status) = status(outcome, owner, container) else { continue };
                let patch = json!({ "status": status }).to_string();
                let subresource = ["--subresource=status", "--type=merge", "-p", &patch];
                command.args(["-n", namespace, "patch", "pod", name]).args(subresource);
            }
            _ => {
                let at_once = ["--force", "--grace-period=0", "--wait=false"];
                command.args(["-n", namespace, "delete", "pod", name]).args(at_once);
            }
        }
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(body.to_string().as_bytes());
        let _ = child.wait();
    }
}

/// What is said of a pod that is placed, and has been so for long enough for any `minReadySeconds`; nothing of one that is to hang. A Job's pod is done at once.
fn status(outcome: &str, owner: &str, container: &str) -> Option<Value> {
    let conditions = |status: &str| {
        ["Ready", "ContainersReady"].map(
            |kind| json!({ "type": kind, "status": status, "lastTransitionTime": "2020-01-01T00:00:00Z" }),
        )
    };
    let waiting = |reason: &str, last: Value| {
        let state = json!({ "waiting": { "reason": reason, "message": "by the stand-in" } });
        let status = json!({
            "name": container, "image": "none", "imageID": "", "ready": false, "restartCount": 1, "state": state, "lastState": last,
        });
        json!({ "phase": "Running", "conditions": conditions("False"), "containerStatuses": [status] })
    };
    Some(match (outcome, owner) {
        ("hang", _) => return None,
        ("crashloop", _) => {
            waiting("CrashLoopBackOff", json!({ "terminated": { "exitCode": 1, "reason": "Error" } }))
        }
        ("imagepull", _) => waiting("ImagePullBackOff", json!({})),
        ("fail", _) => json!({ "phase": "Failed", "reason": "Failed", "message": "by the stand-in" }),
        (_, "Job") => json!({ "phase": "Succeeded" }),
        _ => json!({ "phase": "Running", "conditions": conditions("True") }),
    })
}
