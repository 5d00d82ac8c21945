//! What controllers do, and what they never do, by a clock that jumps from event to event.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod lab;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lab::{Lab, condition, deployment, options, path, service};
use meshform_sandbox::kube::{Clock, Options};
use serde_json::Value;
use tokio::time::Instant;

/// The runtime's own clock, which stands still while nothing waits.
struct RuntimeClock(Instant);

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        start + self.0.elapsed()
    }
}

/// Pods take a second to start.
fn lab() -> Lab {
    let clock = Arc::new(RuntimeClock(Instant::now()));
    Lab::new(Options { clock, pod_start: Duration::from_secs(1), seed: Some(1), ..options() })
}

const PODS: &str = "/api/v1/namespaces/default/pods";

fn items(list: &Value) -> Vec<Value> {
    list["items"].as_array().cloned().unwrap_or_default()
}

fn is_ready(pod: &Value) -> bool {
    condition(&pod["status"], "Ready")["status"] == "True"
}

fn is_terminating(pod: &Value) -> bool {
    !pod["metadata"]["deletionTimestamp"].is_null()
}

fn deployments(name: &str) -> String {
    path("Deployment", "apps/v1", name)
}

fn is_rolled_out(found: &Value) -> bool {
    condition(&found["status"], "Progressing")["reason"] == "NewReplicaSetAvailable"
        && found["status"]["observedGeneration"] == found["metadata"]["generation"]
}

fn with_strategy(name: &str, replicas: usize, answer: &str, strategy: &str) -> String {
    deployment(name, replicas, answer)
        .replace("spec:\n  replicas", &format!("spec:\n  strategy: {strategy}\n  replicas"))
}

fn with_spec(yaml: &str, field: &str) -> String {
    yaml.replacen("spec:\n", &format!("spec:\n  {field}\n"), 1)
}

/// Looks at the pods all the time until a Deployment is rolled out; what `look` says of them is kept.
async fn while_rolling(lab: &Lab, name: &str, mut look: impl FnMut(&[Value])) {
    for _ in 0..4000 {
        look(&items(&lab.get(PODS).await));
        if is_rolled_out(&lab.get(&deployments(name)).await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    unreachable!("the rollout did not end");
}

#[tokio::test(start_paused = true)]
async fn a_rolling_update_keeps_within_its_limits() {
    for (surge, unavailable, most, least) in
        [("1", "0", 5, 4), ("0", "1", 4, 3), ("25%", "25%", 5, 3), ("100%", "0", 8, 4)]
    {
        let lab = lab();
        let strategy = format!("{{ rollingUpdate: {{ maxSurge: {surge}, maxUnavailable: {unavailable} }} }}");
        lab.apply(&with_strategy("web", 4, "v1", &strategy)).await;
        lab.until(&deployments("web"), is_rolled_out).await;
        lab.apply(&with_strategy("web", 4, "v2", &strategy)).await;
        let (mut fewest, mut peak) = (usize::MAX, 0);
        while_rolling(&lab, "web", |pods| {
            let ready = pods.iter().filter(|pod| is_ready(pod) && !is_terminating(pod)).count();
            fewest = fewest.min(ready);
            peak = peak.max(pods.iter().filter(|pod| !is_terminating(pod)).count());
        })
        .await;
        assert!(fewest >= least && peak <= most, "{surge}/{unavailable}: {fewest} ready, {peak} at once");
        assert!(fewest < 4 || peak > 4, "{surge}/{unavailable}: nothing was rolled");
    }
}

#[tokio::test(start_paused = true)]
async fn recreating_never_runs_both_versions() {
    let lab = lab();
    lab.apply(&with_strategy("web", 2, "v1", "{ type: Recreate }")).await;
    lab.until(&deployments("web"), is_rolled_out).await;
    lab.apply(&with_strategy("web", 2, "v2", "{ type: Recreate }")).await;
    while_rolling(&lab, "web", |pods| {
        let versions: std::collections::BTreeSet<&str> =
            pods.iter().filter_map(|pod| pod["metadata"]["labels"]["version"].as_str()).collect();
        assert!(versions.len() <= 1, "{versions:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_does_not_move_exceeds_its_deadline() {
    let lab = lab();
    let broken = deployment("web", 2, "v1").replace("image: nginx", "image: nginx:does-not-exist");
    let begun = Instant::now();
    lab.apply(&with_spec(&broken, "progressDeadlineSeconds: 600")).await;
    let exceeded =
        |found: &Value| condition(&found["status"], "Progressing")["reason"] == "ProgressDeadlineExceeded";
    for _ in 0..700 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if exceeded(&lab.get(&deployments("web")).await) {
            break;
        }
    }
    let seconds = begun.elapsed().as_secs();
    assert!((600..=605).contains(&seconds), "{seconds}");
    let pods = items(&lab.get(PODS).await);
    let reason = &pods[0]["status"]["containerStatuses"][0]["state"]["waiting"]["reason"];
    assert_eq!(reason, "ImagePullBackOff");
}

#[tokio::test(start_paused = true)]
async fn pods_are_available_after_a_while() {
    let lab = lab();
    lab.apply(&with_spec(&deployment("web", 1, "v1"), "minReadySeconds: 30")).await;
    lab.until(&deployments("web"), |found| found["status"]["readyReplicas"] == 1).await;
    let ready = Instant::now();
    assert!(lab.get(&deployments("web")).await["status"]["availableReplicas"].is_null());
    lab.until(&deployments("web"), |found| found["status"]["availableReplicas"] == 1).await;
    assert!((29..=32).contains(&ready.elapsed().as_secs()), "{:?}", ready.elapsed());
}

#[tokio::test(start_paused = true)]
async fn readiness_is_slow_if_told() {
    let lab = lab();
    let slow =
        deployment("web", 1, "v1").replace("answer: v1", "answer: v1, sandbox.meshform.dev/ready-after: 20s");
    lab.apply(&slow).await;
    lab.until(PODS, |pods| items(pods).iter().any(|pod| pod["status"]["phase"] == "Running")).await;
    let running = Instant::now();
    assert!(!is_ready(&items(&lab.get(PODS).await)[0]));
    lab.until(PODS, |pods| items(pods).iter().all(is_ready)).await;
    assert!((19..=21).contains(&running.elapsed().as_secs()), "{:?}", running.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_crash_loop_backs_off_and_can_be_mended() {
    let lab = lab();
    let crashing = "sandbox.meshform.dev/answer: v1, sandbox.meshform.dev/outcome: crashloop";
    lab.apply(&deployment("web", 1, "v1").replace("sandbox.meshform.dev/answer: v1", crashing)).await;
    let restarts =
        |pods: &Value| items(pods)[0]["status"]["containerStatuses"][0]["restartCount"].as_i64().unwrap_or(0);
    lab.until(PODS, |pods| !items(pods).is_empty() && restarts(pods) == 3).await;
    // 10 s and 20 s lie between three starts.
    let pod = &items(&lab.get(PODS).await)[0];
    assert_eq!(pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"], "CrashLoopBackOff");
    let name = pod["metadata"]["name"].as_str().unwrap();
    lab.apply(&format!("apiVersion: v1\nkind: Pod\nmetadata: {{ name: {name}, annotations: {{ sandbox.meshform.dev/outcome: '' }} }}")).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(is_ready(&items(&lab.get(PODS).await)[0]));
}

#[tokio::test(start_paused = true)]
async fn a_stateful_set_goes_one_by_one() {
    let lab = lab();
    let set = |replicas: usize, image: &str, partition: usize| {
        format!(
            "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{ name: db }}\nspec:\n  replicas: {replicas}\n  serviceName: db\n  \
             updateStrategy: {{ rollingUpdate: {{ partition: {partition} }} }}\n  selector: {{ matchLabels: {{ app: db }} }}\n  \
             template: {{ metadata: {{ labels: {{ app: db }} }}, spec: {{ containers: [{{ name: db, image: {image} }}] }} }}"
        )
    };
    let of = path("StatefulSet", "apps/v1", "db");
    lab.apply(&set(3, "db:1", 0)).await;
    let mut order = Vec::new();
    loop {
        let pods = items(&lab.get(PODS).await);
        let unready = pods.iter().filter(|pod| !is_ready(pod)).count();
        assert!(unready <= 1, "two start at once");
        for pod in &pods {
            let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
            if !order.contains(&name) {
                order.push(name);
            }
        }
        if lab.get(&of).await["status"]["readyReplicas"] == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(order, ["db-0", "db-1", "db-2"]);
    lab.apply(&set(3, "db:2", 2)).await;
    lab.until(&of, |found| found["status"]["updatedReplicas"] == 1 && found["status"]["readyReplicas"] == 3)
        .await;
    let images: Vec<Value> =
        items(&lab.get(PODS).await).iter().map(|pod| pod["spec"]["containers"][0]["image"].clone()).collect();
    assert_eq!(images, ["db:1", "db:1", "db:2"]);
    lab.apply(&set(1, "db:2", 0)).await;
    lab.until(&of, |found| found["status"]["replicas"] == 1 && found["status"]["updatedReplicas"] == 1).await;
    assert_eq!(items(&lab.get(PODS).await)[0]["metadata"]["name"], "db-0");
}

fn daemon_set(image: &str, spec: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{ name: agent }}\nspec:\n  selector: {{ matchLabels: {{ app: agent }} }}\n  \
         template: {{ metadata: {{ labels: {{ app: agent }} }}, spec: {{ {spec} containers: [{{ name: a, image: {image} }}] }} }}"
    )
}

fn nodes_of(pods: &Value) -> Vec<String> {
    let pods = items(pods);
    let mut nodes: Vec<String> = pods
        .iter()
        .filter(|pod| is_ready(pod))
        .map(|pod| pod["spec"]["nodeName"].as_str().unwrap().to_owned())
        .collect();
    nodes.sort();
    nodes
}

#[tokio::test(start_paused = true)]
async fn a_daemon_set_follows_labels_and_taints() {
    let lab = lab();
    let check = async |wanted: &[&str]| {
        lab.until(PODS, |pods| nodes_of(pods) == wanted && items(pods).len() == wanted.len()).await;
    };
    lab.apply(&daemon_set("a:1", "")).await;
    check(&["test-1", "test-2", "test-3"]).await;
    lab.apply("apiVersion: v1\nkind: Node\nmetadata: { name: test-1, labels: { edge: 'true' } }\nspec: { taints: [{ key: edge, value: 'true', effect: NoSchedule }] }").await;
    check(&["test-2", "test-3"]).await;
    lab.apply(&daemon_set("a:1", "nodeSelector: { edge: 'true' },")).await;
    check(&[]).await;
    lab.apply(&daemon_set(
        "a:1",
        "nodeSelector: { edge: 'true' }, tolerations: [{ key: edge, operator: Exists }],",
    ))
    .await;
    check(&["test-1"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_daemon_set_is_updated_node_by_node() {
    let lab = lab();
    lab.apply(&daemon_set("a:1", "")).await;
    let of = path("DaemonSet", "apps/v1", "agent");
    lab.until(&of, |found| found["status"]["numberReady"] == 3).await;
    lab.apply(&daemon_set("a:2", "")).await;
    loop {
        let ready = nodes_of(&lab.get(PODS).await).len();
        assert!(ready >= 2, "{ready}");
        let found = lab.get(&of).await;
        if found["status"]["updatedNumberScheduled"] == 3 && found["status"]["numberAvailable"] == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn job(spec: &str, annotation: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{ name: work }}\nspec:\n  {spec}\n  template: {{ metadata: {{ annotations: {{ {annotation} }} }}, \
         spec: {{ restartPolicy: Never, containers: [{{ name: w, image: w }}] }} }}"
    )
}

#[tokio::test(start_paused = true)]
async fn jobs_end() {
    let of = path("Job", "batch/v1", "work");
    let ends = |found: &Value, kind: &str, reason: &str| {
        let own = condition(&found["status"], kind);
        own["status"] == "True" && own["reason"] == reason
    };
    let lab1 = lab();
    lab1.apply(&job("completions: 4\n  parallelism: 2\n  ttlSecondsAfterFinished: 100", "")).await;
    loop {
        let running =
            items(&lab1.get(PODS).await).iter().filter(|pod| pod["status"]["phase"] == "Running").count();
        assert!(running <= 2, "{running} at once");
        if ends(&lab1.get(&of).await, "Complete", "CompletionsReached") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(lab1.get(&of).await["status"]["succeeded"], 4);
    tokio::time::sleep(Duration::from_secs(103)).await;
    assert_eq!(lab1.get(&of).await["code"], 404, "its time to live is over");

    let lab2 = lab();
    lab2.apply(&job("backoffLimit: 2", "sandbox.meshform.dev/outcome: crashloop")).await;
    let failed = lab2.until(&of, |found| ends(found, "Failed", "BackoffLimitExceeded")).await;
    assert_eq!(failed["status"]["failed"], 3);

    let lab3 = lab();
    lab3.apply(&job("activeDeadlineSeconds: 30", "sandbox.meshform.dev/outcome: hang")).await;
    let begun = Instant::now();
    while !ends(&lab3.get(&of).await, "Failed", "DeadlineExceeded") {
        assert!(begun.elapsed().as_secs() < 60);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(begun.elapsed().as_secs() >= 29);
}

#[tokio::test(start_paused = true)]
async fn a_budget_counts() {
    let lab = lab();
    lab.apply("apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: web }\nspec: { minAvailable: 50%, selector: { matchLabels: { app: nginx } } }").await;
    let of = path("PodDisruptionBudget", "policy/v1", "web");
    let check = async |expected: i64, healthy: i64, desired: i64, allowed: i64| {
        lab.until(&of, |found| {
            let status = &found["status"];
            status["expectedPods"] == expected
                && status["currentHealthy"] == healthy
                && status["desiredHealthy"] == desired
                && status["disruptionsAllowed"] == allowed
        })
        .await;
    };
    check(0, 0, 0, 0).await;
    lab.apply(&deployment("web", 5, "v1")).await;
    check(5, 5, 3, 2).await;
    lab.apply(&deployment("web", 1, "v1")).await;
    check(1, 1, 1, 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_node_loses_its_pods_after_five_minutes() {
    let lab = lab();
    lab.apply(&deployment("web", 3, "v1")).await;
    lab.apply(&daemon_set("a:1", "")).await;
    lab.apply(&service("web", "run: web")).await;
    lab.until_endpoints("web", 3).await;
    let node = |outcome: &str| {
        format!(
            "apiVersion: v1\nkind: Node\nmetadata: {{ name: test-1, annotations: {{ sandbox.meshform.dev/outcome: '{outcome}' }} }}"
        )
    };
    lab.apply(&node("lost")).await;
    lab.until_endpoints("web", 2).await;
    tokio::time::sleep(Duration::from_secs(290)).await;
    let web = |pods: &Value| -> Vec<Value> {
        items(pods).into_iter().filter(|pod| pod["metadata"]["labels"]["run"] == "web").collect()
    };
    assert!(web(&lab.get(PODS).await).iter().all(|pod| !is_terminating(pod)));
    tokio::time::sleep(Duration::from_secs(20)).await;
    lab.until_endpoints("web", 3).await;
    let pods = lab.get(PODS).await;
    assert_eq!(web(&pods).iter().filter(|pod| is_terminating(pod)).count(), 1, "nobody there can end it");
    assert_eq!(items(&pods).len(), 7, "the DaemonSet's pod stays");
    lab.apply(&node("")).await;
    lab.until(PODS, |pods| web(pods).len() == 3 && items(pods).iter().all(is_ready)).await;
    assert!(lab.get("/api/v1/nodes/test-1").await["spec"]["taints"].is_null());
}

#[tokio::test(start_paused = true)]
async fn pods_keep_apart_and_spread() {
    let lab = lab();
    let apart = "affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: kubernetes.io/hostname, \
                 labelSelector: { matchLabels: { run: web } } }] } }, containers";
    lab.apply(&deployment("web", 4, "v1").replace("containers", apart)).await;
    lab.until(&deployments("web"), |found| found["status"]["readyReplicas"] == 3).await;
    assert_eq!(nodes_of(&lab.get(PODS).await), ["test-1", "test-2", "test-3"]);
    let waits = |pod: &Value| condition(&pod["status"], "PodScheduled")["reason"] == "Unschedulable";
    assert_eq!(items(&lab.get(PODS).await).iter().filter(|pod| waits(pod)).count(), 1);
    lab.delete(&deployments("web")).await;
    let spread = "topologySpreadConstraints: [{ maxSkew: 1, whenUnsatisfiable: DoNotSchedule, topologyKey: topology.kubernetes.io/zone, \
                  labelSelector: { matchLabels: { run: even } } }], containers";
    lab.apply(&deployment("even", 6, "v1").replace("containers", spread)).await;
    lab.until(&deployments("even"), |found| found["status"]["readyReplicas"] == 6).await;
    let even = |pod: &&Value| pod["metadata"]["labels"]["run"] == "even";
    let pods = items(&lab.get(PODS).await);
    for node in ["test-1", "test-2", "test-3"] {
        assert_eq!(
            pods.iter().filter(even).filter(|pod| pod["spec"]["nodeName"] == node).count(),
            2,
            "{node}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn services_have_addresses_and_endpoints() {
    let lab = lab();
    lab.apply(&service("one", "run: web")).await;
    lab.apply(&service("two", "run: web")).await;
    let mut addresses = Vec::new();
    for name in ["one", "two"] {
        let pointer = "/status/loadBalancer/ingress/0/ip";
        let found = lab.until(&path("Service", "v1", name), |found| found.pointer(pointer).is_some()).await;
        for address in [&found["spec"]["clusterIP"], found.pointer(pointer).unwrap()] {
            assert!(address.as_str().unwrap().starts_with("127."), "{address}");
            addresses.push(address.as_str().unwrap().to_owned());
        }
    }
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), 4);
    // What `istioctl register` used to make.
    lab.apply(
        "apiVersion: v1\nkind: Service\nmetadata: { name: details }\nspec: { ports: [{ name: http, port: 9080 }] }\n---\n\
         apiVersion: v1\nkind: Endpoints\nmetadata: { name: details }\nsubsets: [{ addresses: [{ ip: 127.0.0.1 }], ports: [{ name: http, port: 9081 }] }]",
    )
    .await;
    lab.until_endpoints("details", 1).await;
}

#[tokio::test(start_paused = true)]
async fn every_namespace_and_node_has_what_it_needs() {
    let lab = lab();
    lab.apply("apiVersion: v1\nkind: Namespace\nmetadata: { name: own }").await;
    lab.until("/api/v1/namespaces/own/serviceaccounts/default", |found| found["kind"] == "ServiceAccount")
        .await;
    let root = "/api/v1/namespaces/own/configmaps/kube-root-ca.crt";
    lab.until(root, |found| found["kind"] == "ConfigMap").await;
    lab.delete(root).await;
    lab.until(root, |found| found["kind"] == "ConfigMap").await;
    let nodes = items(&lab.get("/api/v1/nodes").await);
    let label = |node: &Value, name: &str| node["metadata"]["labels"][name].as_str().unwrap().to_owned();
    let zones: Vec<String> = nodes.iter().map(|node| label(node, "topology.kubernetes.io/zone")).collect();
    assert_eq!(zones, ["sandbox-a", "sandbox-b", "sandbox-c"]);
    assert!(nodes.iter().all(|node| is_ready(node) && label(node, "kubernetes.io/os") == "linux"));
    assert!(nodes.iter().all(|node| node["status"]["capacity"]["cpu"] == "64"));
}
