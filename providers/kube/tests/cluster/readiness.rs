//! Waiting until what was applied works, and why it does not.

use meshform_engine::ports::ErrorCode;
use meshform_engine::ports::{Operation, Precondition};
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
