//! Commands that go into pods, and those that move them.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout};

use crate::cluster::{Cluster, PATIENCE};

const OBJECTS: &str = "
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { a.conf: \"one\\n\" }
---
apiVersion: v1
kind: Secret
metadata: { name: keys }
stringData: { key: hidden }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: http }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web }, annotations: { sandbox.meshform.dev/answer: hello } }
    spec:
      containers:
        - name: web
          image: 'web:1'
          ports: [{ name: http, containerPort: 8080 }]
          env:
            - { name: COLOR, value: blue }
            - { name: KEY, valueFrom: { secretKeyRef: { name: keys, key: key } } }
          volumeMounts:
            - { name: settings, mountPath: /etc/app }
            - { name: keys, mountPath: /keys }
        - { name: side, image: 'side:1' }
      volumes:
        - { name: settings, configMap: { name: settings } }
        - { name: keys, secret: { secretName: keys } }
";

async fn running(cluster: &Cluster) {
    cluster.apply(OBJECTS, &[]).await.done();
    cluster.kubectl("rollout status deploy/web --timeout=30s").await.done();
}

pub(crate) async fn commands(cluster: Cluster) {
    running(&cluster).await;
    for (line, out) in [
        ("exec deploy/web -c web -- cat /etc/app/a.conf /keys/key", "one\nhidden"),
        ("exec deploy/web -c web -- printenv COLOR KEY", "blue\nhidden\n"),
        ("exec deploy/web -c side -- ls /", "var\n"),
        ("exec deploy/web -c web -- echo a b", "a b\n"),
    ] {
        assert_eq!(cluster.kubectl(line).await.done(), out, "{line}");
    }
    let copied = "exec -i deploy/web -c web -- cat".split(' ').collect::<Vec<_>>();
    let text = "line\n".repeat(40_000);
    assert_eq!(cluster.run_with(&copied, &text).await.done(), text);
    for (line, code, error) in [
        ("exec deploy/web -c web -- false", 1, "command terminated with exit code 1"),
        ("exec deploy/web -c web -- cat /none", 1, "cat: /none: No such file or directory\n"),
        ("exec deploy/web -c web -- bash", 1, "exec: \"bash\": executable file not found in $PATH"),
        ("exec deploy/web -c none -- true", 1, "container none is not valid for pod web-"),
        ("exec absent -- true", 1, "pods \"absent\" not found"),
    ] {
        let ended = cluster.kubectl(line).await;
        assert!(ended.code == code && ended.err.contains(error), "{line}: {ended:?}");
    }
}

pub(crate) async fn an_attached_client_waits_for_the_end(cluster: Cluster) {
    running(&cluster).await;
    let pods = cluster.kubectl("get pods -l app=web -o name").await.done();
    let pod = pods.trim();
    let mut command = cluster.command(&["attach", pod, "-c", "web"]);
    let mut attached = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(attached.try_wait().unwrap(), None, "it waits");
    cluster.run(&["delete", pod]).await.done();
    let ended = tokio::time::timeout(PATIENCE, attached.wait()).await;
    assert!(ended.unwrap().unwrap().success(), "it ends with the pod");
}

/// A port that is forwarded until this is dropped.
struct Forwarded {
    child: Child,
    port: u16,
    _lines: Lines<BufReader<ChildStdout>>,
}

impl Forwarded {
    async fn start(cluster: &Cluster, target: &str, port: u16, expect: u16) -> Self {
        let mut command =
            cluster.command(&["port-forward", "--address=127.0.0.1", target, &format!(":{port}")]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
        let port = line
            .strip_prefix("Forwarding from 127.0.0.1:")
            .and_then(|rest| rest.strip_suffix(&format!(" -> {expect}")))
            .unwrap_or_else(|| panic!("{target}: {line}"));
        Self { child, port: port.parse().unwrap(), _lines: lines }
    }

    /// What is answered to a request, up to the end of the connection.
    async fn get(&self) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
        // A forwarded port that nothing listens on may cut the connection off.
        let _ = read.unwrap();
        answer
    }
}

pub(crate) async fn ports(cluster: Cluster) {
    running(&cluster).await;
    for (target, port) in [("deploy/web", 8080), ("svc/web", 80)] {
        let forwarded = Forwarded::start(&cluster, target, port, 8080).await;
        for _ in 0..3 {
            let answer = forwarded.get().await;
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{target}: {answer}");
        }
        let both = tokio::join!(forwarded.get(), forwarded.get());
        assert!([both.0, both.1].iter().all(|answer| answer.ends_with("hello")), "{target}");
    }
    let mut closed = Forwarded::start(&cluster, "deploy/web", 81, 81).await;
    assert_eq!(closed.get().await, "");
    let mut errors = BufReader::new(closed.child.stderr.take().unwrap()).lines();
    let line = tokio::time::timeout(PATIENCE, errors.next_line()).await.unwrap().unwrap().unwrap();
    assert!(line.contains("error forwarding port 81 to pod web-"), "{line}");
    assert!(line.contains("connection refused"), "{line}");
}

const SPREAD: &str = "
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web }
spec: { minAvailable: 3, selector: { matchLabels: { app: spread } } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: spread }
spec:
  replicas: 3
  selector: { matchLabels: { app: spread } }
  template:
    metadata: { labels: { app: spread } }
    spec:
      containers: [{ name: web, image: 'web:1', volumeMounts: [{ name: cache, mountPath: /cache }] }]
      volumes: [{ name: cache, emptyDir: {} }]
";

pub(crate) async fn drained_nodes(cluster: Cluster) {
    cluster.apply(SPREAD, &[]).await.done();
    cluster.kubectl("rollout status deploy/spread --timeout=30s").await.done();
    cluster.until("pdb/web", ".status.currentHealthy", "3").await;
    let node = cluster.kubectl("get pods -l app=spread -o jsonpath={.items[0].spec.nodeName}").await.done();
    let nodes = "get pods -l app=spread -o jsonpath={.items[*].spec.nodeName}";

    let refused = cluster.kubectl(&format!("drain {node} --timeout=30s")).await;
    assert!(refused.code == 1 && refused.err.contains("local storage"), "{refused:?}");
    let drain = format!("drain {node} --delete-emptydir-data");
    let held = cluster.kubectl(&format!("{drain} --timeout=3s")).await;
    assert!(held.code == 1 && held.err.contains("violate the pod's disruption budget"), "{held:?}");
    assert_eq!(cluster.value(&format!("node/{node}"), ".spec.unschedulable").await, "true");

    let patch = "{\"spec\":{\"minAvailable\":2}}";
    cluster.run(&["patch", "pdb", "web", "--type=merge", "-p", patch]).await.done();
    let drained = cluster.kubectl(&format!("{drain} --timeout=50s")).await.done();
    assert!(drained.contains("evicted"), "{drained}");
    cluster.kubectl("rollout status deploy/spread --timeout=30s").await.done();
    assert!(!cluster.kubectl(nodes).await.done().contains(&node), "nothing is left there");
    cluster.kubectl(&format!("uncordon {node}")).await.done();
    cluster.kubectl("scale deploy/spread --replicas=6").await.done();
    cluster.until("deploy/spread", ".status.availableReplicas", "6").await;
    assert!(cluster.kubectl(nodes).await.done().contains(&node), "it takes pods again");
    let cordoned = cluster.kubectl(&format!("cordon {node}")).await.done();
    assert_eq!(cordoned, format!("node/{node} cordoned\n"));
}
