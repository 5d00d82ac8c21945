//! What every storage does.

use std::sync::Arc;

use meshform_state::{Condition, Storage, StorageError, Version};

use crate::world::World;

/// Everything, for any cluster.
pub(crate) async fn hold(world: &World) {
    nothing_is_there_before_the_first_write(world).await;
    blobs_are_written_conditionally(world).await;
    stacks_do_not_see_each_other(world).await;
    logs_grow_at_their_end_only(world).await;
    of_several_that_write_at_once_one_does(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_holds_in_the_embedded_cluster() {
    hold(&World::new()).await;
}

async fn nothing_is_there_before_the_first_write(world: &World) {
    let storage = world.storage(&[("name", "nothing")]);
    for name in ["state.json", "lock"] {
        assert_eq!(storage.read(name).await, Ok(None));
        assert_eq!(storage.remove(name).await, Ok(()));
        for version in ["1", "0", "", "an entity tag"] {
            let old = Condition::Unchanged(Version(version.into()));
            assert_eq!(storage.write(name, b"x", old).await, Err(StorageError::Conflict), "{version}");
        }
    }
    assert_eq!(storage.list("").await, Ok(vec![]));
    assert_eq!(storage.read_log("journal/1").await, Ok(vec![]));
    let elsewhere = world.storage(&[("namespace", "elsewhere")]);
    assert_eq!(elsewhere.read("state.json").await, Ok(None));
    let error = elsewhere.write("state.json", b"x", Condition::Absent).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "write \"state.json\" in kube://current-context/elsewhere/web: there is no namespace \"elsewhere\": create it, or set `namespace` to another one"
    );
}

async fn blobs_are_written_conditionally(world: &World) {
    let storage = world.storage(&[("name", "A stack's / name")]);
    for name in ["state.json", "lock", "workspaces/prod/lock"] {
        let first = storage.write(name, b"one", Condition::Absent).await.unwrap();
        assert_eq!(storage.write(name, b"two", Condition::Absent).await, Err(StorageError::Conflict));
        let second = storage.write(name, b"\xfftwo", Condition::Unchanged(first.clone())).await.unwrap();
        let late = storage.write(name, b"three", Condition::Unchanged(first)).await;
        assert_eq!(late, Err(StorageError::Conflict));
        for foreign in ["0", "", "an entity tag"] {
            let condition = Condition::Unchanged(Version(foreign.into()));
            assert_eq!(storage.write(name, b"three", condition).await, Err(StorageError::Conflict));
        }
        let blob = storage.read(name).await.unwrap().unwrap();
        assert_eq!((blob.content.as_slice(), &blob.version), (b"\xfftwo".as_slice(), &second));
        assert_eq!(storage.list("").await.unwrap(), [name]);
        storage.remove(name).await.unwrap();
        storage.remove(name).await.unwrap();
        assert_eq!(storage.read(name).await, Ok(None));
        let gone = storage.write(name, b"three", Condition::Unchanged(second)).await;
        assert_eq!(gone, Err(StorageError::Conflict));
    }
}

async fn stacks_do_not_see_each_other(world: &World) {
    let (web, shop) = (world.storage(&[("name", "a-b")]), world.storage(&[("name", "a")]));
    web.write("c/d", b"web", Condition::Absent).await.unwrap();
    shop.write("b-c/d", b"shop", Condition::Absent).await.unwrap();
    shop.write("b-c/lock", b"shop", Condition::Absent).await.unwrap();
    shop.write("b", b"", Condition::Absent).await.unwrap();
    assert_eq!(web.list("").await.unwrap(), ["c/d"]);
    assert_eq!(shop.list("b-").await.unwrap(), ["b-c/d", "b-c/lock"]);
    assert_eq!(shop.read("b").await.unwrap().unwrap().content, b"");
}

async fn logs_grow_at_their_end_only(world: &World) {
    let storage = world.storage(&[("name", "logs")]);
    let log = "workspaces/prod/journal/00000001";
    assert_eq!(storage.append(log, 0, b"one\n").await, Ok(4));
    assert_eq!(storage.append(log, 0, b"other\n").await, Err(StorageError::Conflict));
    assert_eq!(storage.append(log, 4, b"two\n").await, Ok(8));
    assert_eq!(storage.append("workspaces/prod/journal/00000002", 0, b"x").await, Ok(1));
    assert_eq!(storage.read_log(log).await.unwrap(), b"one\ntwo\n");
    let logs = ["workspaces/prod/journal/00000001", "workspaces/prod/journal/00000002"];
    assert_eq!(storage.logs("workspaces/prod/").await.unwrap(), logs);
    storage.seal_log(log, 8).await.unwrap();
    storage.seal_log(log, 8).await.unwrap();
    assert_eq!(storage.append(log, 8, b"three\n").await, Err(StorageError::Conflict));
    storage.remove_log(log).await.unwrap();
    assert_eq!(storage.read_log(log).await.unwrap(), b"");
    assert_eq!(storage.append(log, 8, b"three\n").await, Err(StorageError::Conflict));
    // More than fit in a page.
    let mut at = 1;
    for number in 0..30 {
        at = storage.append("workspaces/prod/journal/00000002", at, &[number]).await.unwrap();
    }
    let content = storage.read_log("workspaces/prod/journal/00000002").await.unwrap();
    assert_eq!(content, [b"x".to_vec(), (0..30).collect()].concat());
}

async fn of_several_that_write_at_once_one_does(world: &World) {
    let writers: Vec<_> = (0..8).map(|_| Arc::new(world.storage(&[("name", "race")]))).collect();
    for name in ["state.json", "lock"] {
        let mut condition = Condition::Absent;
        for _ in 0..3 {
            let tasks = writers.iter().cloned().map(|writer| {
                let condition = condition.clone();
                tokio::spawn(async move { writer.write(name, b"mine", condition).await })
            });
            let mut won = Vec::new();
            for task in tasks.collect::<Vec<_>>() {
                match task.await.unwrap() {
                    Ok(version) => won.push(version),
                    Err(error) => assert_eq!(error, StorageError::Conflict),
                }
            }
            assert_eq!(won.len(), 1, "{name}");
            condition = Condition::Unchanged(won.remove(0));
        }
    }
}
