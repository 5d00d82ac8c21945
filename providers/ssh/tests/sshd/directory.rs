//! `host_directory` from its first plan to its end.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use meshform_engine::ports::ErrorCode;
use meshform_engine::value::Value;

use crate::server::Sshd;
use crate::stack::Stack;

const DIRECTORY: &str = "host_directory";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A folder with a name that no shell likes.
fn at(path: &Path, mode: &str, end: &str) -> Vec<(&'static str, Value)> {
    vec![("path", path.to_str().unwrap().into()), ("mode", mode.into()), ("on_destroy", end.into())]
}

#[tokio::test]
async fn a_folder_lives_and_dies() {
    let server = Sshd::start();
    let path = server.path("it's $(a)\n\"folder\" ü");
    let mut stack = Stack::new(&server, DIRECTORY).await;
    let wanted = at(&path, "0750", "remove");
    let planned = stack.plan(Some(&wanted)).await.unwrap();
    assert_eq!(planned.summary(), "Create path mode recursive");
    assert!(!path.exists(), "a plan makes nothing");
    stack.apply(planned).await.unwrap();
    assert_eq!(mode(&path), 0o750);
    assert_eq!(stack.plan(Some(&wanted)).await.unwrap().summary(), "NoOp");

    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    let planned = stack.plan(Some(&wanted)).await.unwrap();
    assert_eq!((planned.summary().as_str(), planned.drift().as_str()), ("Update mode", "mode"));
    // What someone puts into it between the review and the apply does not matter.
    fs::write(path.join("new"), "").unwrap();
    stack.apply(planned).await.unwrap();
    assert_eq!(mode(&path), 0o750);

    let planned = stack.plan(None).await.unwrap();
    assert!(planned.notes().contains("holds 1 thing"), "{}", planned.notes());
    stack.apply(planned).await.unwrap();
    assert!(path.join("new").exists(), "what is not ours stays");
    fs::remove_file(path.join("new")).unwrap();

    fs::remove_dir(&path).unwrap();
    stack.converge(Some(&wanted)).await;
    fs::remove_dir(&path).unwrap();
    let planned = stack.plan(Some(&wanted)).await.unwrap();
    assert_eq!(
        (planned.summary().as_str(), planned.drift().as_str()),
        ("Create path mode recursive", "path")
    );
    stack.apply(planned).await.unwrap();
    stack.converge(None).await;
    assert!(!path.exists());
}

#[tokio::test]
async fn what_was_there_before_stays() {
    let server = Sshd::start();
    let path = server.path("old");
    for (end, note, mode_after) in [
        ("remove", "was there before", 0o700),
        ("restore", "become what they were", 0o711),
        ("keep", "stays", 0o700),
    ] {
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o711)).unwrap();
        let mut stack = Stack::new(&server, DIRECTORY).await;
        let planned = stack.plan(Some(&at(&path, "0700", end))).await.unwrap();
        assert_eq!(planned.summary(), "Update mode");
        assert!(planned.notes().contains("taken over"));
        stack.apply(planned).await.unwrap();
        let planned = stack.plan(None).await.unwrap();
        assert!(planned.notes().contains(note), "{end}: {}", planned.notes());
        stack.apply(planned).await.unwrap();
        assert_eq!(mode(&path), mode_after, "{end}");
    }
}

#[tokio::test]
async fn all_goes_where_that_is_said() {
    let server = Sshd::start();
    let path = server.path("data");
    let mut stack = Stack::new(&server, DIRECTORY).await;
    stack.converge(Some(&at(&path, "0755", "remove_all"))).await;
    fs::create_dir(path.join("deep")).unwrap();
    fs::write(path.join("deep/file"), "x").unwrap();
    let planned = stack.plan(None).await.unwrap();
    assert!(planned.notes().contains("goes with all that is in it"), "{}", planned.notes());
    stack.apply(planned).await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn what_moved_or_cannot_be_is_refused() {
    let server = Sshd::start();
    let path = server.path("a/b");
    let mut stack = Stack::new(&server, DIRECTORY).await;
    let wanted = at(&path, "0755", "remove");
    let failure = stack.plan(Some(&wanted)).await.err().unwrap();
    assert_eq!((failure.code, failure.summary.as_str()), (ErrorCode::Invalid, "Folder missing"));

    let mut parents = wanted.clone();
    parents.push(("create_parents", true.into()));
    let planned = stack.plan(Some(&parents)).await.unwrap();
    fs::create_dir_all(&path).unwrap();
    let refused = stack.apply(planned).await.unwrap_err();
    assert_eq!(refused.error.code, ErrorCode::Changed, "{}", refused.error);
    fs::remove_dir_all(server.path("a")).unwrap();
    stack.converge(Some(&parents)).await;
    assert_eq!(mode(&server.path("a")), 0o755);

    let mut strange = wanted.clone();
    strange.push(("owner", "no such user".into()));
    strange[3].1 = "nosuchuser".into();
    let refused = stack.plan(Some(&strange)).await.err().unwrap();
    assert_eq!(refused.summary, "User missing", "{refused}");

    fs::write(server.path("file"), "").unwrap();
    let stack = Stack::new(&server, DIRECTORY).await;
    let failure = stack.plan(Some(&at(&server.path("file"), "0755", "remove"))).await.err().unwrap();
    assert_eq!(failure.summary, "Not a folder");
}

#[tokio::test]
async fn all_in_it_gets_the_owner() {
    let server = Sshd::start();
    let path = server.path("tree");
    fs::create_dir_all(path.join("a b")).unwrap();
    fs::write(path.join("a b/file\n"), "").unwrap();
    let (uid, gid) = (fs::metadata(&path).unwrap().uid(), fs::metadata(&path).unwrap().gid());
    if uid != 0 {
        eprintln!("only root can give things away: all_in_it_gets_the_owner is not run");
        return;
    }
    let mut wanted = at(&path, "0755", "remove");
    wanted.extend([
        ("owner", uid.to_string().into()),
        ("group", gid.to_string().into()),
        ("recursive", true.into()),
    ]);
    let mut stack = Stack::new(&server, DIRECTORY).await;
    stack.converge(Some(&wanted)).await;
    assert_eq!(stack.plan(Some(&wanted)).await.unwrap().summary(), "NoOp");
    std::os::unix::fs::chown(path.join("a b/file\n"), Some(4321), Some(4321)).unwrap();
    let planned = stack.plan(Some(&wanted)).await.unwrap();
    assert_eq!((planned.summary().as_str(), planned.drift().as_str()), ("Update recursive", "recursive"));
    stack.apply(planned).await.unwrap();
    assert_eq!(fs::metadata(path.join("a b/file\n")).unwrap().uid(), uid);
    assert_eq!(stack.plan(Some(&wanted)).await.unwrap().summary(), "NoOp");
}
