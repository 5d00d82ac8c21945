//! Waiting until what was applied works, and why it does not.

use std::time::Duration;

use meshform_engine::ports::{ErrorCode, Operation, Precondition};
use serde_json::json;

use crate::world::{Instance, Said, World, outcome_of_pods};

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_waited_for() {
    let world = World::new("ready").await;
    let web = Instance::new("web", world.deployment("web", 2, "ready"));
    let (create, absent, _) = world.plan(&web).await;
    let said = Said::default();
    let web = world.apply(&web, &create, &absent, &said).await.unwrap();
    assert!(said.all().contains("of 2 replicas are"), "{}", said.all());
    assert_eq!(world.get(&world.apps("deployments", "web")).await["status"]["readyReplicas"], 2);
    assert_eq!(world.shown(&web).await, "NoOp");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deepest_cause_is_told() {
    let world = World::new("broken").await;
    for (outcome, expect) in [("imagepull", "ImagePull"), ("crashloop", "CrashLoopBackOff")] {
        let web = Instance::new("web", world.deployment(outcome, 1, outcome)).within_ms(6_000);
        let said = Said::default();
        let failure =
            world.perform(&web, Operation::Create, Precondition::Absent, &said).await.err().unwrap();
        assert_eq!(failure.error.code, ErrorCode::TimedOut, "{}", failure.error);
        assert!(failure.error.detail.contains(expect), "{}", failure.error);
        assert!(said.all().contains(expect), "{}", said.all());
        assert_eq!(failure.partial.unwrap().private["name"], outcome);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_waited_for_when_so_said() {
    let world = World::new("nowait").await;
    let web = Instance::new("web", world.deployment("web", 1, "hang")).with("wait", false);
    let said = Said::default();
    assert!(world.perform(&web, Operation::Create, Precondition::Absent, &said).await.is_ok());
    assert_eq!(said.all(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_ready_when_it_is_complete() {
    let world = World::new("job").await;
    let pod = |outcome: &str| {
        json!({
            "metadata": { "annotations": outcome_of_pods(outcome) },
            "spec": { "restartPolicy": "Never", "containers": [{ "name": "run", "image": "registry.example/run:1" }] },
        })
    };
    let job = |name: &str, outcome: &str| {
        json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": name, "namespace": world.namespace },
            "spec": { "backoffLimit": 0, "template": pod(outcome) },
        })
    };
    let good = world.step(&Instance::new("good", job("good", "ready"))).await;
    assert_eq!(world.shown(&good).await, "NoOp");
    if world.is_embedded {
        return eprintln!("not tested: the pods of the embedded cluster do not fail");
    }
    let bad = Instance::new("bad", job("bad", "fail"));
    let failure =
        world.perform(&bad, Operation::Create, Precondition::Absent, &Said::default()).await.err().unwrap();
    assert_eq!(failure.error.code, ErrorCode::Failed, "{}", failure.error);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_has_some_time_for_its_first_status() {
    let world = World::new("first-status").await;
    let group = format!("{}.example.com", world.namespace);
    let properties = json!({ "conditions": { "type": "array", "items": {
        "type": "object", "x-kubernetes-preserve-unknown-fields": true,
    } } });
    let schema = json!({ "type": "object", "properties": {
        "status": { "type": "object", "properties": properties },
    } });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("gadgets.{group}") },
        "spec": {
            "group": group, "scope": "Namespaced", "names": { "kind": "Gadget", "plural": "gadgets" },
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": schema },
            }],
        },
    });
    let definition = world.step(&Instance::new("definition", definition)).await;
    let gadget = |name: &str| {
        let metadata = json!({ "name": name, "namespace": world.namespace });
        let manifest = json!({ "apiVersion": format!("{group}/v1"), "kind": "Gadget", "metadata": metadata });
        Instance::new(name, manifest)
    };
    let ready = |status: &str| json!({ "status": { "conditions": [{ "type": "Ready", "status": status, "reason": "Said" }] } });
    let path = |name: &str| format!("/apis/{group}/v1/namespaces/{}/gadgets/{name}/status", world.namespace);

    let (said, answered) = (Said::default(), gadget("answered"));
    let controller = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.patch_as("controller", &path("answered"), ready("False")).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.patch_as("controller", &path("answered"), ready("True")).await;
    };
    let performing = world.perform(&answered, Operation::Create, Precondition::Absent, &said);
    let (performed, ()) = tokio::join!(performing, controller);
    assert!(performed.is_ok());
    for waits in ["its controller has not written a status yet", "it is not ready: Said"] {
        assert!(said.all().contains(waits), "{}", said.all());
    }
    // Nobody answers.
    world.step(&gadget("alone")).await;
    world.step(&definition.unwanted()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_words_of_a_container_are_told_without_its_secrets() {
    let world = World::new("words").await;
    if !world.is_embedded {
        return eprintln!("not tested: without a kubelet there are no logs");
    }
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "login", "namespace": world.namespace },
        "stringData": { "url": "postgres://web:hunter2@db/web", "password": "hunter2" },
    });
    world.step(&Instance::new("login", secret)).await;
    let mut manifest = world.deployment("web", 1, "crashloop");
    let template = &mut manifest["spec"]["template"];
    template["metadata"]["annotations"]["sandbox.meshform.dev/log"] =
        json!("starting\ncannot reach postgres://web:hunter2@db/web\nwith hunter2 (aHVudGVyMg==)");
    template["spec"]["containers"][0]["envFrom"] = json!([{ "secretRef": { "name": "login" } }]);
    let web = Instance::new("web", manifest).within_ms(6_000);
    let failure =
        world.perform(&web, Operation::Create, Precondition::Absent, &Said::default()).await.err().unwrap();
    let told = failure.error.detail;
    assert!(told.contains("The last lines of container web in pod web-"), "{told}");
    assert!(
        told.contains(":\n  starting\n  cannot reach (sensitive)\n  with (sensitive) ((sensitive)"),
        "{told}"
    );
    assert!(!told.contains("hunter2") && !told.contains("aHVudGVyMg"), "{told}");
}
