//! What every storage does, and what this one does besides.

use std::sync::Arc;

use meshform_state::{Condition, Storage, StorageError, Version};

use crate::world::World;
use crate::{races, suite};

/// Everything, for any cluster.
pub(crate) async fn hold(world: &World) {
    suite::conforms(&pair(world, "suite")).await;
    races::one_runs(&pair(world, "races")).await;
    nothing_is_there_before_the_first_write(world).await;
    contents_need_not_be_text(world).await;
    stacks_do_not_see_each_other(world).await;
}

fn pair(world: &World, stack: &str) -> [Arc<dyn Storage>; 2] {
    [(); 2].map(|()| Arc::new(world.storage(&[("name", stack)])) as Arc<dyn Storage>)
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

async fn contents_need_not_be_text(world: &World) {
    let storage = world.storage(&[("name", "A stack's / name")]);
    for name in ["state.json", "lock", "workspaces/prod/lock"] {
        let first = storage.write(name, b"\xff\0", Condition::Absent).await.unwrap();
        assert_eq!(storage.read(name).await.unwrap().unwrap().content, b"\xff\0");
        for version in ["0", "", "an entity tag"] {
            let other = Condition::Unchanged(Version(version.into()));
            assert_eq!(storage.write(name, b"x", other).await, Err(StorageError::Conflict), "{version}");
        }
        storage.write(name, b"", Condition::Unchanged(first)).await.unwrap();
        assert_eq!(storage.read(name).await.unwrap().unwrap().content, b"");
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
}
