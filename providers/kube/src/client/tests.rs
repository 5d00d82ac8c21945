//! Faults between us and the server: whatever is lost or refused, what is recorded is what is there.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use meshform_engine::address::Address;
use meshform_engine::ports::{
    ErrorCode, Operation, PerformRequest, Precondition, Progress, StepFailure, Target,
};
use meshform_engine::state::{Record, RecordStatus};
use meshform_engine::value::{Value, from_json};
use meshform_sandbox::kube::{Options, World, router};
use serde_json::{Value as Json, json};
use tower::{BoxError, ServiceExt, service_fn};

use super::send::{Api, Retry};
use super::{Cluster, Kinds};
use crate::catalog::Resource;
use crate::identity::{ObjectName, TypeName};
use crate::request::{Mode, Place};

/// What happens to one request.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It does not arrive.
    RequestLost,
    /// It arrives, and its answer does not.
    AnswerLost,
    /// The server refuses, with a reason.
    Refused(u16, &'static str),
    /// The server refuses without a Status object.
    Plain(u16),
}

use Fault::{AnswerLost, Plain, Refused, RequestLost};

const STALE: Fault = Refused(409, "Conflict");
const INTERNAL: Fault = Refused(500, "InternalError");

/// Which requests the faults meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    Writes,
    Reads,
    Watches,
}

fn kind_of(request: &Request<Body>) -> On {
    let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
    match *request.method() {
        Method::GET if is_watch => On::Watches,
        Method::GET => On::Reads,
        _ => On::Writes,
    }
}

/// An embedded cluster behind a bad line.
fn cluster(on: On, faults: &[Fault]) -> (Cluster, Arc<Mutex<VecDeque<Fault>>>) {
    let world = World::in_memory(Options { network: false, seed: Some(1), ..Options::default() }).unwrap();
    let router = router(world);
    let faults = Arc::new(Mutex::new(VecDeque::from(faults.to_vec())));
    let left = Arc::clone(&faults);
    let service = service_fn(move |request: Request<Body>| {
        let is_met =
            kind_of(&request) == on && request.uri().path() != "/api" && request.uri().path() != "/apis";
        let fault = is_met.then(|| faults.lock().unwrap().pop_front()).flatten();
        let router = router.clone();
        async move {
            let pass = router.oneshot(request.map(axum::body::Body::new));
            let cut = || Err::<Response<axum::body::Body>, BoxError>("connection reset by peer".into());
            match fault {
                None => Ok(pass.await?),
                Some(RequestLost) => cut(),
                Some(AnswerLost) => {
                    pass.await?;
                    cut()
                }
                Some(Plain(code)) => Ok(Response::builder().status(code).body("no".into())?),
                Some(Refused(code, reason)) => {
                    let status = json!({ "kind": "Status", "apiVersion": "v1", "code": code, "reason": reason, "message": "no" });
                    Ok(Response::builder().status(code).body(status.to_string().into())?)
                }
            }
        }
    });
    let api = Api::new(Client::new(service, "default"), "a bad line".into());
    (Cluster { identity: "x".into(), api, kinds: Kinds::default() }, left)
}

struct Silent;

impl Progress for Silent {
    fn report(&self, _: &Address, _: &str) {}
}

fn config_map(text: &str) -> Json {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "x", "namespace": "default" },
        "data": { "a": text },
    })
}

fn config_maps() -> Resource {
    Resource { of_type: TypeName::new("v1", "ConfigMap"), plural: "configmaps".into(), is_namespaced: true }
}

async fn there(cluster: &Cluster) -> Option<String> {
    let name = ObjectName::parse("core/ConfigMap/default/x").unwrap();
    let object = cluster.get(&config_maps(), &name).await.unwrap()?;
    Some(object["data"]["a"].as_str().unwrap().to_owned())
}

async fn put(cluster: &Cluster, text: &str) -> Json {
    let resource = config_maps();
    let place = Place { resource: &resource, namespace: "default" };
    cluster
        .api
        .send(place.apply("x", &config_map(text), crate::MANAGER, Mode::default()), Retry::Read)
        .await
        .unwrap()
        .body
}

fn request(operation: Operation, precondition: Precondition, uid: Option<&Json>) -> PerformRequest {
    let record = uid.map(|uid| {
        Arc::new(Record {
            target: None,
            identity: "core/ConfigMap/default/x".into(),
            attributes: Value::null(),
            private: json!({ "apiVersion": "v1", "kind": "ConfigMap", "uid": uid }),
            depends_on: Vec::new(),
            status: RecordStatus::Complete,
        })
    });
    PerformRequest {
        address: Address::new("kube_object", "x"),
        kind: "kube_object".into(),
        identity: "core/ConfigMap/default/x".into(),
        operation,
        desired: (operation != Operation::Delete)
            .then(|| Value::object([("manifest".to_owned(), from_json(&config_map("new")))])),
        record,
        precondition,
        timeout_ms: None,
    }
}

/// Performs one operation over a bad line: what comes of it, and what is there then.
async fn check(operation: Operation, on: On, faults: &[Fault], expect: Result<(), ErrorCode>) {
    // What is there before must not meet the faults.
    let (cluster, left) = cluster(on, &[]);
    let before = match operation {
        Operation::Create => None,
        _ => Some(put(&cluster, "old").await),
    };
    *left.lock().unwrap() = VecDeque::from(faults.to_vec());
    let precondition = match &before {
        None => Precondition::Absent,
        Some(object) => Precondition::Version(crate::version::version(object, &[])),
    };
    let uid = before.as_ref().map(|object| &object["metadata"]["uid"]);
    let outcome = cluster.perform(&request(operation, precondition, uid), &Silent).await;
    left.lock().unwrap().clear();
    let now = there(&cluster).await;
    let told = format!("{operation:?} {on:?} {faults:?}: {:?}, then {now:?}", outcome.as_ref().err());
    assert_eq!(outcome.as_ref().map(drop).map_err(|failure| failure.error.code), expect, "{told}");
    let wanted = (operation != Operation::Delete).then_some("new");
    match outcome {
        Ok(_) => assert_eq!(now.as_deref(), wanted, "{told}"),
        Err(failure) => assert!(is_remembered(&failure, operation, now.as_deref()), "{told}"),
    }
}

/// What was made must be told, or the code must say that the outcome is open.
fn is_remembered(failure: &StepFailure, operation: Operation, now: Option<&str>) -> bool {
    let is_open =
        matches!(failure.error.code, ErrorCode::Unreachable | ErrorCode::TimedOut | ErrorCode::Other);
    let is_made = operation != Operation::Delete && now == Some("new");
    !is_made || failure.partial.is_some() || is_open
}

#[tokio::test(start_paused = true)]
async fn writes_over_a_bad_line() {
    for operation in [Operation::Create, Operation::Update, Operation::Delete] {
        let fine: &[&[Fault]] = &[
            &[],
            &[AnswerLost],
            &[RequestLost],
            &[RequestLost, AnswerLost],
            &[INTERNAL],
            &[Plain(503), Plain(502)],
            &[Plain(429), Plain(429)],
            &[STALE, STALE],
            &[STALE, AnswerLost, Plain(429)],
        ];
        for faults in fine {
            check(operation, On::Writes, faults, Ok(())).await;
        }
        check(operation, On::Writes, &[Refused(403, "Forbidden")], Err(ErrorCode::Denied)).await;
        check(operation, On::Writes, &[Refused(422, "Invalid")], Err(ErrorCode::Invalid)).await;
        check(operation, On::Writes, &[Plain(503); 20], Err(ErrorCode::Other)).await;
        check(operation, On::Writes, &[RequestLost; 20], Err(ErrorCode::Unreachable)).await;
        check(operation, On::Writes, &[Plain(429); 20], Err(ErrorCode::Other)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn reads_over_a_bad_line() {
    for operation in [Operation::Create, Operation::Update, Operation::Delete] {
        for faults in [&[RequestLost, AnswerLost][..], &[INTERNAL, Plain(504)], &[Plain(429)]] {
            check(operation, On::Reads, faults, Ok(())).await;
        }
        check(operation, On::Reads, &[Refused(401, "Unauthorized")], Err(ErrorCode::Denied)).await;
        check(operation, On::Reads, &[RequestLost; 40], Err(ErrorCode::Unreachable)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn watches_over_a_bad_line() {
    for faults in
        [&[RequestLost, RequestLost][..], &[Plain(410)], &[Plain(504), INTERNAL], &[Refused(410, "Expired")]]
    {
        let (cluster, _) = cluster(On::Watches, faults);
        let manifest = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "x", "namespace": "default" },
            "spec": {
                "selector": { "matchLabels": { "app": "x" } },
                "template": {
                    "metadata": { "labels": { "app": "x" } },
                    "spec": { "containers": [{ "name": "x", "image": "x:1" }] },
                },
            },
        });
        let desired = Value::object([("manifest".to_owned(), from_json(&manifest))]);
        let request = PerformRequest {
            identity: "apps/Deployment/default/x".into(),
            desired: Some(desired),
            ..request(Operation::Create, Precondition::Absent, None)
        };
        let performed = cluster.perform(&request, &Silent).await;
        let object = performed.unwrap().attributes.get("object").cloned().unwrap();
        let ready = object.get("status").and_then(|status| status.get("readyReplicas").cloned());
        assert_eq!(ready, Some(1.into()), "{faults:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_after_a_lost_answer_is_not_overwritten() {
    let (cluster, left) = cluster(On::Writes, &[]);
    let object = put(&cluster, "old").await;
    *left.lock().unwrap() = VecDeque::from([RequestLost]);
    let version = crate::version::version(&object, &[]);
    let request =
        request(Operation::Update, Precondition::Version(version), Some(&object["metadata"]["uid"]));
    let edit = async {
        while !left.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        put(&cluster, "someone else's").await;
    };
    let (outcome, ()) = tokio::join!(cluster.perform(&request, &Silent), edit);
    assert_eq!(outcome.err().map(|failure| failure.error.code), Some(ErrorCode::Changed));
    assert_eq!(there(&cluster).await.as_deref(), Some("someone else's"));
}
