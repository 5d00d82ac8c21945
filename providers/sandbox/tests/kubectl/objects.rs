//! Commands that read and write objects.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::cluster::{Cluster, PATIENCE, Release};

pub(crate) const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers: [{ name: web, image: 'web:1' }]
";

pub(crate) async fn apply_and_diff(cluster: Cluster) {
    assert_eq!(cluster.apply(DEPLOYMENT, &[]).await.done(), "deployment.apps/web created\n");
    assert_eq!(cluster.apply(DEPLOYMENT, &[]).await.done(), "deployment.apps/web unchanged\n");
    let changed = DEPLOYMENT.replace("web:1", "web:2").replace("  replicas: 2\n", "");
    let file = cluster.file("changed.yaml", &changed);
    let diff = cluster.run(&["diff", "-f", file.to_str().unwrap()]).await;
    assert_eq!(diff.code, 1, "{diff:?}");
    assert!(diff.out.contains("-      - image: web:1\n+      - image: web:2"), "{}", diff.out);
    assert_eq!(cluster.apply(&changed, &[]).await.done(), "deployment.apps/web configured\n");
    assert_eq!(cluster.value("deploy/web", ".spec.template.spec.containers[*].image").await, "web:2");
    assert_eq!(cluster.value("deploy/web", ".spec.replicas").await, "1", "what is not applied any more goes");

    let scaled = DEPLOYMENT.replace("replicas: 2", "replicas: 4").replace("web:1", "web:2");
    let refused = cluster.apply(&scaled, &["--server-side", "--field-manager=other"]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("conflict with \"kubectl-client-side-apply\""), "{}", refused.err);
    let forced = cluster.apply(&scaled, &["--server-side", "--force-conflicts"]).await.done();
    assert_eq!(forced, "deployment.apps/web serverside-applied\n");
    assert_eq!(cluster.value("deploy/web", ".spec.replicas").await, "4");
    let diff = cluster.run(&["diff", "--server-side", "-f", file.to_str().unwrap()]).await;
    assert_eq!(diff.code, 1, "{diff:?}");
    let tried = cluster.apply(DEPLOYMENT, &["--dry-run=server"]).await.done();
    assert_eq!(tried, "deployment.apps/web configured (server dry run)\n");
    assert_eq!(cluster.value("deploy/web", ".spec.replicas").await, "4");
    let unknown = cluster.apply(&DEPLOYMENT.replace("replicas", "replicass"), &[]).await;
    let field = if cluster.release == Release::Debian { "replicass" } else { "spec.replicass" };
    assert!(unknown.err.contains(&format!("unknown field {field:?}")), "{unknown:?}");
}

pub(crate) async fn rollouts(cluster: Cluster) {
    cluster.apply(DEPLOYMENT, &[]).await.done();
    let status = cluster.kubectl("rollout status deploy/web --timeout=30s").await.done();
    assert!(status.ends_with("deployment \"web\" successfully rolled out\n"), "{status}");
    assert_eq!(cluster.value("deploy/web", ".status.availableReplicas").await, "2");
    cluster.kubectl("set image deploy/web web=web:2").await.done();
    cluster.kubectl("rollout status deploy/web --timeout=30s").await.done();
    let history = cluster.kubectl("rollout history deploy/web").await.done();
    assert!(history.contains("\n1 ") && history.contains("\n2 "), "{history}");
    assert_eq!(cluster.kubectl("rollout undo deploy/web").await.done(), "deployment.apps/web rolled back\n");
    cluster.kubectl("rollout status deploy/web --timeout=30s").await.done();
    assert_eq!(cluster.value("deploy/web", ".spec.template.spec.containers[*].image").await, "web:1");
    cluster.kubectl("rollout restart deploy/web").await.done();
    cluster.kubectl("rollout status deploy/web --timeout=30s").await.done();

    assert_eq!(cluster.kubectl("scale deploy/web --replicas=3").await.done(), "deployment.apps/web scaled\n");
    cluster.until("deploy/web", ".status.availableReplicas", "3").await;
    if cluster.release == Release::Machine {
        let line = "wait deploy/web --for=jsonpath={.status.availableReplicas}=3 --timeout=30s";
        cluster.kubectl(line).await.done();
    }
    cluster.kubectl("wait pod -l app=web --for=condition=Ready --timeout=30s").await.done();
    let pods = cluster.kubectl("get pods -l app=web --no-headers").await.done();
    assert_eq!(
        pods.lines().filter(|line| line.contains("1/1") && line.contains("Running")).count(),
        3,
        "{pods}"
    );
    let logs = cluster.kubectl("logs deploy/web").await.done();
    assert!(logs.contains("web:1"), "{logs}");
    assert!(cluster.kubectl("describe deploy/web").await.done().contains("3 desired | 3 updated"));
}

pub(crate) async fn changes_of_one_object(cluster: Cluster) {
    cluster.kubectl("create configmap settings --from-literal=a=1").await.done();
    cluster.kubectl("label configmap settings tier=web").await.done();
    assert_eq!(cluster.value("configmap/settings", ".metadata.labels.tier").await, "web");
    let taken = cluster.kubectl("label configmap settings tier=db").await;
    assert!(taken.code == 1 && taken.err.contains("--overwrite is false"), "{taken:?}");
    cluster.kubectl("label configmap settings tier-").await.done();
    assert_eq!(cluster.value("configmap/settings", ".metadata.labels").await, "");
    cluster.kubectl("annotate configmap settings note=one").await.done();
    cluster.kubectl("annotate --overwrite configmap settings note=two").await.done();
    assert_eq!(cluster.value("configmap/settings", ".metadata.annotations.note").await, "two");
    for (flag, patch, expect) in [
        ("--type=merge", "{\"data\":{\"a\":\"2\"}}", "2"),
        ("--type=json", "[{\"op\":\"replace\",\"path\":\"/data/a\",\"value\":\"3\"}]", "3"),
        ("--type=strategic", "{\"data\":{\"a\":\"4\"}}", "4"),
    ] {
        cluster.run(&["patch", "configmap", "settings", flag, "-p", patch]).await.done();
        assert_eq!(cluster.value("configmap/settings", ".data.a").await, expect);
    }
    if cluster.release == Release::Machine {
        let token = cluster.kubectl("create token default --duration=10m").await.done();
        assert_eq!(token.trim().split('.').count(), 3, "a JSON web token");
        let nobody = cluster.kubectl("create token nobody").await.err;
        assert!(nobody.contains("serviceaccounts \"nobody\" not found"), "{nobody}");
        // In 1.20 these are of versions that no server has any more.
        cluster.kubectl("create cronjob made --image=i --schedule=@daily").await.done();
        cluster.kubectl("create poddisruptionbudget made --selector=a=b --min-available=1").await.done();
    }
    for line in [
        "create deployment made --image=i --replicas=0",
        "create secret generic made --from-literal=a=b",
        "create serviceaccount made",
        "create role made --verb=get --resource=pods",
        "create rolebinding made --role=made --serviceaccount=default:made",
        "create service clusterip made --tcp=80:8080",
        "create job made --image=i",
        "create ingress made --rule=host/path=made:80",
        "create quota made --hard=pods=9",
    ] {
        cluster.kubectl(line).await.done();
    }
    assert_eq!(cluster.value("deploy/made", ".spec.replicas").await, "0");
    assert_eq!(cluster.value("service/made", ".spec.ports[*].targetPort").await, "8080");
    assert_eq!(cluster.value("resourcequota/made", ".spec.hard.pods").await, "9");
    let scaler = cluster.kubectl("autoscale deploy/made --min=1 --max=3").await.done();
    assert!(scaler.ends_with("autoscaled\n"), "{scaler}");
    let may = cluster.kubectl("auth can-i create pods").await.done();
    assert_eq!(may, "yes\n");
}

pub(crate) async fn a_watch_shows_what_happens(cluster: Cluster) {
    let mut watch = cluster.command(&["get", "configmaps", "--watch", "-o", "name"]);
    let mut watch = watch.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut next = async || {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        line.unwrap().unwrap().unwrap()
    };
    assert_eq!(next().await, "configmap/kube-root-ca.crt");
    cluster.kubectl("create configmap seen").await.done();
    assert_eq!(next().await, "configmap/seen");
    cluster.kubectl("label configmap seen a=b").await.done();
    assert_eq!(next().await, "configmap/seen");
    watch.kill().await.unwrap();
}

pub(crate) async fn deletes(cluster: Cluster) {
    let pods = async || cluster.kubectl("get pods -l app=web -o name").await.done().lines().count();
    let gone = async || {
        if cluster.release == Release::Machine {
            cluster.kubectl("wait pod -l app=web --for=delete --timeout=30s").await.done();
        }
        // The old one fails where they have gone already.
        while pods().await > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    cluster.apply(DEPLOYMENT, &[]).await.done();
    cluster.kubectl("rollout status deploy/web --timeout=30s").await.done();
    cluster.kubectl("delete deploy/web --cascade=orphan").await.done();
    assert_eq!(pods().await, 2, "orphans stay");
    cluster.kubectl("delete replicaset -l app=web").await.done();
    gone().await;
    cluster.apply(DEPLOYMENT, &[]).await.done();
    cluster.kubectl("rollout status deploy/web --timeout=30s").await.done();
    cluster.kubectl("delete deploy/web --cascade=foreground --timeout=30s").await.done();
    assert_eq!(pods().await, 0, "dependents go first");
    cluster.apply(DEPLOYMENT, &[]).await.done();
    cluster.kubectl("rollout status deploy/web --timeout=30s").await.done();
    cluster.kubectl("delete deploy/web").await.done();
    gone().await;
    cluster.kubectl("create namespace short").await.done();
    cluster.kubectl("-n short create configmap a").await.done();
    cluster.kubectl("delete namespace short --timeout=30s").await.done();
    assert!(cluster.kubectl("get namespace short").await.err.contains("NotFound"));
}

pub(crate) async fn what_there_is(cluster: Cluster) {
    let kinds = cluster.kubectl("api-resources --no-headers").await.done();
    for kind in ["deployments", "customresourcedefinitions", "networkpolicies", "roles"] {
        assert!(kinds.lines().any(|line| line.starts_with(kind)), "{kinds}");
    }
    assert!(cluster.kubectl("api-versions").await.done().contains("apps/v1\n"));
    let explained = cluster.kubectl("explain deployment.spec.strategy.rollingUpdate").await.done();
    assert!(explained.contains("rollingUpdate") && explained.contains("maxSurge"), "{explained}");
    let explained = cluster.kubectl("explain pod.spec.containers --recursive").await.done();
    assert!(explained.contains("readinessProbe"), "{explained}");
    assert!(cluster.kubectl("version").await.done().contains("Server Version: "));
    assert!(cluster.kubectl("cluster-info").await.done().contains("is running at"));
    let nodes = cluster.kubectl("get nodes -o wide --no-headers").await.done();
    assert_eq!(nodes.lines().filter(|line| line.contains(" Ready ")).count(), 3, "{nodes}");
    let missing = cluster.kubectl("get widgets").await;
    assert!(missing.err.contains("the server doesn't have a resource type \"widgets\""), "{missing:?}");
}
