//! Contents that are larger than a Secret may be.

use http::StatusCode;
use meshform_state::{Condition, Storage, StorageError};

use crate::world::{Fault, World};

const CHUNKS: &str = "meshform.dev/part=chunk";

/// What does not become smaller by packing.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

/// A large content is written, replaced and removed at once, and leaves nothing behind.
pub(crate) async fn hold(world: &World) {
    let storage = world.storage(&[("name", "large")]);
    let (one, two) = (noise(3_000_000, 1), noise(2_000_000, 2));
    let first = storage.write("state.json", &one, Condition::Absent).await.unwrap();
    assert_eq!(world.secrets(CHUNKS).await.len(), 5);
    assert!(storage.read("state.json").await.unwrap().unwrap().content == one);
    let second = storage.write("state.json", &two, Condition::Unchanged(first.clone())).await.unwrap();
    assert_eq!(world.secrets(CHUNKS).await.len(), 3);
    let late = storage.write("state.json", &one, Condition::Unchanged(first)).await;
    assert_eq!(late, Err(StorageError::Conflict));
    assert_eq!(world.secrets(CHUNKS).await.len(), 3);
    assert!(storage.read("state.json").await.unwrap().unwrap().content == two);
    assert_eq!(storage.list("").await.unwrap(), ["state.json"]);
    let small = storage.write("state.json", b"small", Condition::Unchanged(second)).await.unwrap();
    assert_eq!(world.secrets(CHUNKS).await, [""; 0]);
    storage.write("state.json", &one, Condition::Unchanged(small)).await.unwrap();
    storage.remove("state.json").await.unwrap();
    assert_eq!(world.secrets(CHUNKS).await, [""; 0]);
    let all = storage.append("journal/1", 0, &one).await.unwrap();
    storage.append("journal/1", all, b"end").await.unwrap();
    assert!(storage.read_log("journal/1").await.unwrap() == [one, b"end".to_vec()].concat());
    storage.remove_log("journal/1").await.unwrap();
    assert_eq!(
        world.secrets("app.kubernetes.io/managed-by=meshform,meshform.dev/stack=large").await,
        [""; 0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_holds_in_the_embedded_cluster() {
    hold(&World::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_packs_well_needs_no_chunks() {
    let world = World::new();
    let storage = world.storage(&[]);
    let content = b"[\"the same again\"]\n".repeat(1 << 18);
    storage.write("state.json", &content, Condition::Absent).await.unwrap();
    assert_eq!(world.secrets(CHUNKS).await, [""; 0]);
    assert!(storage.read("state.json").await.unwrap().unwrap().content == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_ends_between_its_chunks_changes_nothing_and_is_swept_up() {
    let world = World::new();
    let storage = world.storage(&[]);
    let (one, two) = (noise(2_000_000, 3), noise(2_000_000, 4));
    let first = storage.write("state.json", &one, Condition::Absent).await.unwrap();
    world.after(2, Fault::Refuse(StatusCode::FORBIDDEN, 0));
    let error = storage.write("state.json", &two, Condition::Unchanged(first.clone())).await;
    assert!(matches!(error, Err(StorageError::Failed { .. })), "{error:?}");
    assert_eq!(world.secrets(CHUNKS).await.len(), 5);
    assert!(storage.read("state.json").await.unwrap().unwrap().content == one);
    storage.write("state.json", b"small", Condition::Unchanged(first)).await.unwrap();
    assert_eq!(world.secrets(CHUNKS).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_never_sees_half_of_a_write() {
    let world = World::new();
    let (writer, reader) = (world.storage(&[]), world.storage(&[]));
    let contents = [noise(1_500_000, 5), noise(1_500_000, 6)];
    let mut version = writer.write("state.json", &contents[0], Condition::Absent).await.unwrap();
    let writing = async {
        for turn in 1..8 {
            let condition = Condition::Unchanged(version.clone());
            version = writer.write("state.json", &contents[turn % 2], condition).await.unwrap();
        }
    };
    let reading = async {
        loop {
            let read = reader.read("state.json").await.unwrap().unwrap().content;
            assert!(contents.contains(&read));
        }
    };
    tokio::select! {
        () = writing => {}
        () = reading => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_have_changed_is_not_taken_for_ours() {
    let world = World::new();
    let storage = world.storage(&[]);
    storage.write("state.json", b"one", Condition::Absent).await.unwrap();
    let name = world.secrets("meshform.dev/stack=web").await.remove(0);
    let path = format!("/api/v1/namespaces/default/secrets/{name}");
    let mut secret = world.get(&path).await;
    for (data, problem) in [
        (serde_json::json!({ "content.gz": "bm90IHBhY2tlZA==" }), "its content is damaged"),
        (serde_json::json!({}), "it holds neither a content nor an index"),
        (
            serde_json::json!({ "chunks": "WyJub25lIl0=" }),
            "its chunks are not there, or it is replaced all the time",
        ),
    ] {
        secret["data"] = data;
        secret["metadata"].as_object_mut().unwrap().retain(|key, _| key != "resourceVersion");
        world.put(&path, &secret).await;
        let error = storage.read("state.json").await.unwrap_err().to_string();
        assert!(error.ends_with(problem), "{error}");
    }
}
