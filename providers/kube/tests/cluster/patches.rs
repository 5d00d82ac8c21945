//! Fields of objects that others own.

use meshform_engine::ports::Verdict;
use serde_json::{Value as Json, json};

use crate::world::{Instance, World};

fn patch(world: &World, name: &str, fields: Json) -> Instance {
    let mut manifest = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "theirs", "namespace": world.namespace },
    });
    manifest.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    Instance::of_type("kube_patch", name, json!({ "manifest": manifest, "force_conflicts": false }))
}

async fn theirs(world: &World) -> String {
    let path = world.core("configmaps", "theirs");
    world.apply_as("them", &path, world.config_map("theirs", json!({ "a": "1", "b": "2" }))).await;
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_lent_and_given_back() {
    let world = World::new("patch").await;
    let path = theirs(&world).await;
    let patch = patch(&world, "mine", json!({ "data": { "c": "3" } }));
    assert_eq!(world.shown(&patch).await, "Create\n~ data.c: - → \"3\"");
    let patch = world.step(&patch).await;
    assert_eq!(world.get(&path).await["data"], json!({ "a": "1", "b": "2", "c": "3" }));
    assert_eq!(world.shown(&patch).await, "NoOp");

    // Theirs is theirs.
    world.patch_as("kubectl-edit", &path, json!({ "data": { "a": "9" } })).await;
    assert_eq!(world.shown(&patch).await, "NoOp");
    let more = patch.with_manifest(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "theirs", "namespace": world.namespace },
        "data": { "d": "4" },
    }));
    assert_eq!(world.shown(&more).await, "Update\n~ data.c: \"3\" → -\n~ data.d: - → \"4\"");
    let more = world.step(&more).await;

    let unwanted = more.unwanted();
    assert_eq!(
        world.shown(&unwanted).await,
        "Delete\n~ data.d: \"4\" → -\nnote The object stays. Fields that no one else owns are removed from it, or get their default."
    );
    let gone = world.step(&unwanted).await;
    assert!(gone.record.is_none());
    assert_eq!(world.get(&path).await["data"], json!({ "a": "9", "b": "2" }));
    assert_eq!(world.plan(&unwanted).await.0.verdict, Verdict::NoOp);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_of_others_is_a_conflict_or_is_taken_over() {
    let world = World::new("take").await;
    let path = theirs(&world).await;
    let patch = patch(&world, "mine", json!({ "data": { "a": "8" } }));
    let shown = world.shown(&patch).await;
    assert!(shown.contains("Error manifest.data.a: `data.a` is owned by them (Apply, TIME)"), "{shown}");
    let patch = world.step(&patch.with("force_conflicts", true)).await;
    assert_eq!(world.get(&path).await["data"], json!({ "a": "8", "b": "2" }));
    assert_eq!(world.shown(&patch).await, "NoOp");
    // What two own stays when one of them lets go.
    world.apply_as("them", &path, world.config_map("theirs", json!({ "a": "8", "b": "2" }))).await;
    let shown = world.shown(&patch.unwanted()).await;
    assert!(shown.starts_with("Delete\n~ data.a: \"8\" → \"8\" [them (Apply, TIME)]\n"), "{shown}");
    world.step(&patch.unwanted()).await;
    assert_eq!(world.get(&path).await["data"], json!({ "a": "8", "b": "2" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_patches_and_the_object_itself_do_not_disturb_each_other() {
    let world = World::new("patches").await;
    let own = world.step(&Instance::new("own", world.config_map("theirs", json!({ "a": "1" })))).await;
    let first = world.step(&patch(&world, "first", json!({ "data": { "c": "3" } }))).await;
    let second = world.step(&patch(&world, "second", json!({ "data": { "d": "4" } }))).await;
    let many: Vec<_> = (0..12)
        .map(|index| Instance::new(&format!("m{index}"), world.config_map(&format!("m{index}"), json!({}))))
        .collect();
    // By a LIST, too, each is found.
    let all: Vec<_> = [&own, &first, &second].into_iter().chain(&many).collect();
    let there = world
        .observe(&all)
        .await
        .into_iter()
        .map(|observed| matches!(observed, Ok(meshform_engine::ports::Observed::Present(_))));
    assert_eq!(there.filter(|there| *there).count(), 3);
    for instance in [&own, &first, &second] {
        assert_eq!(world.shown(instance).await, "NoOp");
    }
    world.step(&first.unwanted()).await;
    assert_eq!(world.get(&world.core("configmaps", "theirs")).await["data"], json!({ "a": "1", "d": "4" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_made() {
    let world = World::new("nothing").await;
    let patch = patch(&world, "mine", json!({ "data": { "c": "3" } }));
    let (difference, observed, previewed) = world.plan(&patch).await;
    assert!(!previewed && difference.notes[0].starts_with("There is no such object yet."));
    let failure =
        world.apply(&patch, &difference, &observed, &crate::world::Said::default()).await.err().unwrap();
    assert!(
        failure.error.detail.contains("is not there: a patch changes what others have made"),
        "{failure:?}"
    );
    assert!(world.get(&world.core("configmaps", "theirs")).await.is_null());
    // Made meanwhile, as by another step of the same plan, it is patched.
    let path = theirs(&world).await;
    world.apply(&patch, &difference, &observed, &crate::world::Said::default()).await.unwrap();
    assert_eq!(world.get(&path).await["data"]["c"], "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_of_a_secret_is_hidden() {
    let world = World::new("patch-secret").await;
    let path = world.core("secrets", "theirs");
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "theirs", "namespace": world.namespace },
    });
    world.apply_as("them", &path, secret.clone()).await;
    let mut manifest = secret;
    manifest["stringData"] = json!({ "p": "hunter2-hunter2" });
    let patch = Instance::of_type("kube_patch", "mine", json!({ "manifest": manifest }));
    let (difference, _, _) = world.plan(&patch).await;
    let shown = format!("{difference:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVyMi1odW50ZXIy"), "{shown}");
    let patch = world.step(&patch).await;
    assert_eq!(world.get(&path).await["data"]["p"], "aHVudGVyMi1odW50ZXIy");
    assert_eq!(world.shown(&patch).await, "NoOp");
    let shown = format!("{:?}{:?}", patch.record, world.plan(&patch.unwanted()).await.0);
    assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVyMi1odW50ZXIy"), "{shown}");
}
