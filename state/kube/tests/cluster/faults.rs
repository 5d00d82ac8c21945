//! Whatever happens to a request, a write is done or not, and it is known which.

use std::time::{Duration, Instant};

use http::StatusCode;
use meshform_state::{Condition, Storage, StorageError};
use meshform_state_kube::KubeStorage;
use tokio::time::sleep;

use crate::chunks::noise;
use crate::proxy::{Fault as Cut, Proxy};
use crate::world::{Fault, World};

fn problem(error: StorageError) -> String {
    match error {
        StorageError::Failed { problem, .. } => problem,
        StorageError::Conflict => panic!("no conflict was to be found"),
    }
}

/// Writes once more, and looks whether it is there.
async fn write(storage: &KubeStorage, name: &str, content: &[u8]) {
    let there = storage.read(name).await.unwrap();
    let condition = there.map_or(Condition::Absent, |blob| Condition::Unchanged(blob.version));
    let version = storage.write(name, content, condition).await.unwrap();
    let blob = storage.read(name).await.unwrap().unwrap();
    assert!(blob.content == content && blob.version == version);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_that_pass_are_outlasted() {
    let world = World::new();
    let storage = world.storage(&[]);
    let codes = [429, 500, 503, 504].map(|code| StatusCode::from_u16(code).unwrap());
    for name in ["state.json", "lock"] {
        for (index, code) in codes.into_iter().enumerate() {
            world.next(Fault::Refuse(code, 0));
            write(&storage, name, &[u8::try_from(index).unwrap()]).await;
            world.next(Fault::Misreport(code));
            write(&storage, name, &[u8::try_from(index).unwrap(), 0]).await;
        }
    }
    world.next(Fault::Misreport(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(storage.append("journal/1", 0, b"line\n").await, Ok(5));
    assert_eq!(storage.append("journal/1", 5, b"line\n").await, Ok(10));
    world.next(Fault::Misreport(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(storage.append("journal/1", 0, b"line\n").await, Err(StorageError::Conflict));
    world.next(Fault::Refuse(StatusCode::TOO_MANY_REQUESTS, 1));
    let before = Instant::now();
    write(&storage, "state.json", b"later").await;
    assert!(before.elapsed() >= Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_that_do_not_pass_are_told() {
    let world = World::new();
    let storage = world.storage(&[]);
    for code in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::UNPROCESSABLE_ENTITY] {
        world.next(Fault::Refuse(code, 0));
        let error = storage.write("state.json", b"x", Condition::Absent).await.unwrap_err();
        assert_eq!(problem(error), format!("HTTP {}", code.as_u16()));
        assert_eq!(storage.read("state.json").await, Ok(None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_is_sent_again_and_what_was_done_is_not_done_twice() {
    let world = World::new();
    let proxy = Proxy::before(world.port()).await;
    let storage = world.storage_behind(proxy.port(), &[]);
    for (name, length) in [("state.json", 300_000), ("lock", 50_000), ("large", 2_000_000)] {
        for (number, fault) in [Cut::CutRequest, Cut::LoseAnswer, Cut::LoseAnswer].into_iter().enumerate() {
            let content = noise(length, number as u64);
            let content = if name == "lock" { b"text".repeat(number + 1) } else { content };
            let there = storage.read(name).await.unwrap();
            let condition = there.map_or(Condition::Absent, |blob| Condition::Unchanged(blob.version));
            proxy.next(Some(fault));
            let version = storage.write(name, &content, condition).await.unwrap();
            let blob = storage.read(name).await.unwrap().unwrap();
            assert!(blob.content == content && blob.version == version, "{name} {number}");
        }
    }
    assert_eq!(world.secrets("meshform.dev/part=chunk").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_is_waited_for() {
    let mut world = World::new();
    let storage = world.storage(&[]);
    let version = storage.write("state.json", b"one", Condition::Absent).await.unwrap();
    world.stop();
    let (written, ()) =
        tokio::join!(storage.write("state.json", b"two", Condition::Unchanged(version)), async {
            sleep(Duration::from_millis(300)).await;
            world.start();
        });
    let blob = storage.read("state.json").await.unwrap().unwrap();
    assert_eq!((blob.content.as_slice(), Ok(blob.version)), (b"two".as_slice(), written));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stays_silent_is_waited_for_only_so_long() {
    let world = World::new();
    let proxy = Proxy::before(world.port()).await;
    let storage = world.storage_behind(proxy.port(), &[("timeout_seconds", "1")]);
    let version = storage.write("state.json", b"one", Condition::Absent).await.unwrap();
    proxy.next(Some(Cut::Silence));
    let error = storage.write("state.json", b"two", Condition::Unchanged(version.clone())).await.unwrap_err();
    assert_eq!(problem(error), "no answer within 1 seconds");
    proxy.next(None);
    // It was done, wholly, and so is not done again.
    let error = storage.write("state.json", b"three", Condition::Unchanged(version)).await.unwrap_err();
    assert_eq!(error, StorageError::Conflict);
    assert_eq!(storage.read("state.json").await.unwrap().unwrap().content, b"two");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_holds_a_token() {
    let kubeconfig = |server: &str, user: &str| {
        format!(
            "clusters: [{{name: a, cluster: {{server: \"{server}\"}}}}]\nusers: [{{name: a, user: {user}}}]\n\
             contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\ncurrent-context: a\n"
        )
    };
    let failing = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, 'echo hunter2; exit 3'], interactiveMode: Never}}";
    for (content, expect) in [
        (kubeconfig("http://127.0.0.1:9", "{token: hunter2}"), "Connection refused"),
        (kubeconfig("http://127.0.0.1:9", failing), "the credentials plugin failed (exit status: 3)"),
        ("clusters: [hunter2".to_owned(), "the kubeconfig is not valid YAML"),
    ] {
        let world = World::at(content);
        let storage = world.storage(&[("timeout_seconds", "10")]);
        let error = storage.read("state.json").await.unwrap_err();
        let told = format!("{error} {error:?} {storage:?} {}", storage.place());
        assert!(!told.contains("hunter2"), "{told}");
        assert!(told.contains(expect), "{told}");
    }
    let missing = KubeStorage::new(
        &[("name", "web"), ("kubeconfig", "/nowhere/config")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        &Default::default(),
    );
    let error = missing.unwrap().read("state.json").await.unwrap_err();
    assert_eq!(problem(error), "there is no kubeconfig /nowhere/config");
}
