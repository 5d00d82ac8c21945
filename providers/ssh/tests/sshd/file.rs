//! `host_file` from its first plan to its end.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use meshform_engine::ports::{ErrorCode, Observed};
use meshform_engine::types::Type;
use meshform_engine::value::Value;

use crate::server::Sshd;
use crate::stack::{Fields, Stack};

const FILE: &str = "host_file";

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn leftovers(folder: &Path) -> Vec<String> {
    let names =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(".meshform")).collect()
}

#[tokio::test]
async fn a_file_lives_and_dies() {
    let server = Sshd::start();
    let path = server.path("motd");
    let at = || ("path", Value::from(path.to_str().unwrap()));
    let mut stack = Stack::new(&server, FILE).await;

    let one: Fields<'_> = &[at(), ("content", "one\n".into())];
    let planned = stack.plan(Some(one)).await.unwrap();
    assert_eq!(planned.summary(), "Create path content mode");
    assert!(!path.exists(), "a plan writes nothing");
    stack.apply(planned).await.unwrap();
    assert_eq!((text(&path).as_str(), mode(&path)), ("one\n", 0o644));
    assert_eq!(stack.plan(Some(one)).await.unwrap().summary(), "NoOp");

    let two: Fields<'_> = &[at(), ("content", "two\n".into()), ("mode", "0600".into())];
    let planned = stack.plan(Some(two)).await.unwrap();
    assert_eq!(planned.summary(), "Update content mode");
    let content = &planned.difference.fields[0];
    assert_eq!(content.before, Some("one\n".into()));
    assert_eq!(content.after, Some("two\n".into()));
    assert_eq!(planned.drift(), "");
    stack.apply(planned).await.unwrap();
    assert_eq!((text(&path).as_str(), mode(&path)), ("two\n", 0o600));

    fs::write(&path, "by hand\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let planned = stack.plan(Some(two)).await.unwrap();
    assert_eq!(planned.summary(), "Update content mode");
    assert_eq!(planned.drift(), "content mode");
    stack.apply(planned).await.unwrap();
    assert_eq!(stack.plan(Some(two)).await.unwrap().summary(), "NoOp");

    fs::remove_file(&path).unwrap();
    let planned = stack.plan(Some(two)).await.unwrap();
    assert_eq!((planned.summary().as_str(), planned.drift().as_str()), ("Create path content mode", "path"));
    stack.apply(planned).await.unwrap();

    stack.converge(None).await;
    assert!(!path.exists());
    assert_eq!(leftovers(path.parent().unwrap()), [""; 0]);
}

#[tokio::test]
async fn what_moved_since_the_review_is_refused() {
    let server = Sshd::start();
    let path = server.path("file");
    let mut stack = Stack::new(&server, FILE).await;
    let desired: Fields<'_> = &[("path", path.to_str().unwrap().into()), ("content", "mine\n".into())];

    let planned = stack.plan(Some(desired)).await.unwrap();
    fs::write(&path, "someone else's\n").unwrap();
    let refused = stack.apply(planned).await.unwrap_err();
    assert_eq!(refused.error.code, ErrorCode::Changed, "{}", refused.error);
    assert_eq!(text(&path), "someone else's\n");

    let planned = stack.plan(Some(desired)).await.unwrap();
    assert_eq!(planned.summary(), "Update content");
    assert!(planned.notes().contains("taken over"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(stack.apply(planned).await.unwrap_err().error.code, ErrorCode::Changed);

    let planned = stack.plan(Some(desired)).await.unwrap();
    stack.apply_unproven(planned).await.unwrap();
    assert_eq!(text(&path), "mine\n");
    let planned = stack.plan(None).await.unwrap();
    fs::write(&path, "moved again\n").unwrap();
    assert_eq!(stack.apply(planned).await.unwrap_err().error.code, ErrorCode::Changed);
    assert!(path.exists());
    assert_eq!(leftovers(path.parent().unwrap()), [""; 0]);
}

#[tokio::test]
async fn what_was_there_comes_back() {
    let server = Sshd::start();
    let path = server.path("taken");
    let mut stack = Stack::new(&server, FILE).await;
    let with = |content: &'static str, policy: &'static str| {
        [
            ("path", Value::from(path.to_str().unwrap())),
            ("content", content.into()),
            ("on_destroy", policy.into()),
        ]
    };
    fs::write(&path, "before\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o751)).unwrap();
    stack.converge(Some(&with("ours\n", "restore"))).await;
    stack.converge(Some(&with("ours again\n", "restore"))).await;
    assert_eq!(text(&path), "ours again\n");
    assert!(stack.plan(None).await.unwrap().notes().contains("comes back"));
    stack.converge(None).await;
    assert_eq!((text(&path).as_str(), mode(&path)), ("before\n", 0o751));

    fs::remove_file(&path).unwrap();
    stack.converge(Some(&with("ours\n", "restore"))).await;
    stack.converge(None).await;
    assert!(!path.exists(), "nothing was there before");

    fs::write(&path, "ours\n").unwrap();
    stack.record = None;
    stack.converge(Some(&with("other\n", "keep"))).await;
    stack.converge(None).await;
    assert_eq!(text(&path), "other\n");
}

#[tokio::test]
async fn odd_names_and_contents() {
    let server = Sshd::start();
    let names =
        ["a b", "it's", "new\nline", "$(touch x)`id`", "back\\slash", "-rf", "ünï", "*", "\"q\" #;&|"];
    let contents =
        ["", "no line feed", "'quoted' $HOME `x` \\\n", "END\tx\nEOF\n", "tab\tnul\0\u{1F600}\r\n"];
    for (name, content) in names.iter().zip(contents.iter().cycle()) {
        let path = server.path(name);
        let mut stack = Stack::new(&server, FILE).await;
        let desired: Fields<'_> = &[("path", path.to_str().unwrap().into()), ("content", (*content).into())];
        stack.converge(Some(desired)).await;
        assert_eq!(text(&path), *content, "{name:?}");
        assert_eq!(stack.plan(Some(desired)).await.unwrap().summary(), "NoOp", "{name:?}");
        fs::write(&path, "other").unwrap();
        assert_eq!(stack.plan(Some(desired)).await.unwrap().drift(), "content", "{name:?}");
        stack.converge(None).await;
        assert!(!path.exists(), "{name:?}");
    }
}

#[tokio::test]
async fn links_and_folders() {
    let server = Sshd::start();
    let (real, link, folder) = (server.path("real"), server.path("link"), server.path("folder"));
    fs::write(&real, "old\n").unwrap();
    symlink(&real, &link).unwrap();
    let mut stack = Stack::new(&server, FILE).await;
    stack.converge(Some(&[("path", link.to_str().unwrap().into()), ("content", "new\n".into())])).await;
    assert!(link.is_symlink());
    assert_eq!(text(&real), "new\n");

    let deep = folder.join("a/b/file");
    let stack_at = |parents: bool| {
        [
            ("path", Value::from(deep.to_str().unwrap())),
            ("content", "x".into()),
            ("create_parents", parents.into()),
        ]
    };
    let mut stack = Stack::new(&server, FILE).await;
    let missing = stack.plan(Some(&stack_at(false))).await.err().unwrap();
    assert_eq!(missing.code, ErrorCode::Invalid);
    assert!(missing.detail.contains("folder/a/b is not there"), "{missing}");
    stack.converge(Some(&stack_at(true))).await;
    assert_eq!(text(&deep), "x");

    let onto: Fields<'_> = &[("path", folder.to_str().unwrap().into()), ("content", "x".into())];
    assert_eq!(stack.plan(Some(onto)).await.err().unwrap().summary, "Not a file");
}

#[tokio::test]
async fn owners_and_large_files() {
    let server = Sshd::start();
    let path = server.path("file");
    let at = || ("path", Value::from(path.to_str().unwrap()));
    let mut stack = Stack::new(&server, FILE).await;
    let large = "0123456789abcde\n".repeat(512 * 1024);
    let desired: Fields<'_> = &[at(), ("content", large.as_str().into()), ("on_destroy", "restore".into())];
    stack.converge(Some(desired)).await;
    assert_eq!(text(&path), large);
    let other: Fields<'_> = &[at(), ("content", "small".into()), ("on_destroy", "restore".into())];
    let planned = stack.plan(Some(other)).await.unwrap();
    assert_eq!(planned.summary(), "Update sha256", "too large to be fetched");

    stack.record = None;
    let planned = stack.plan(Some(other)).await.unwrap();
    assert!(planned.notes().contains("cannot be kept"), "{}", planned.notes());
    stack.apply(planned).await.unwrap();
    stack.converge(None).await;
    assert_eq!(text(&path), "small", "it stays, as what was before is gone");

    let (uid, gid) = (fs::metadata(&path).unwrap().uid(), fs::metadata(&path).unwrap().gid());
    let owned: Fields<'_> = &[
        at(),
        ("content", "small".into()),
        ("owner", uid.to_string().into()),
        ("group", gid.to_string().into()),
    ];
    assert_eq!(stack.plan(Some(owned)).await.unwrap().summary(), "NoOp");
    let stranger: Fields<'_> = &[at(), ("content", "x".into()), ("owner", "no-such-user".into())];
    let refused = stack.plan(Some(stranger)).await.err().unwrap();
    assert_eq!(refused.summary, "User missing", "{refused}");
    assert_eq!(refused.path.map(|path| path.to_string()).as_deref(), Some("owner"));
    assert_eq!(text(&path), "small");
    assert_eq!(leftovers(path.parent().unwrap()), [""; 0]);
}

#[tokio::test]
async fn a_large_file_goes_as_it_is_and_is_told_by_its_hash() {
    let server = Sshd::start();
    let path = server.path("large");
    let mut stack = Stack::new(&server, FILE).await;
    // 50 MiB, with quotes, a NUL byte and no line feed at the end.
    let content = |last: char| "it's $(large) \0\n".repeat(50 << 20 >> 4) + &String::from(last);
    let (one, two) = (Value::from(content('1')), Value::from(content('2')));
    let with =
        |content: &Value| [("path", Value::from(path.to_str().unwrap())), ("content", content.clone())];
    let holds = |content: &Value| fs::read(&path).unwrap() == content.as_str().unwrap().as_bytes();

    stack.converge(Some(&with(&one))).await;
    assert!(holds(&one), "every byte of it has arrived");
    assert_eq!(stack.plan(Some(&with(&one))).await.unwrap().summary(), "NoOp");

    let planned = stack.plan(Some(&with(&two))).await.unwrap();
    assert_eq!(planned.summary(), "Update sha256");
    assert!(
        planned.notes().contains("It has 52428801 bytes, and is to have 52428801."),
        "{}",
        planned.notes()
    );
    let shown = format!("{:?}", planned.difference.fields);
    assert!(!shown.contains("large") && shown.len() < 1000, "{shown}");
    stack.apply(planned).await.unwrap();
    assert!(holds(&two));

    fs::write(&path, "by hand\n").unwrap();
    let planned = stack.plan(Some(&with(&two))).await.unwrap();
    assert_eq!((planned.summary().as_str(), planned.drift().as_str()), ("Update content", "content"));
    let small = Value::from("small");
    stack.converge(Some(&with(&small))).await;
    assert!(holds(&small));
    assert_eq!(leftovers(path.parent().unwrap()), [""; 0]);
}

#[tokio::test]
async fn bytes_that_are_no_text() {
    let server = Sshd::start();
    let path = server.path("bytes");
    let mut stack = Stack::new(&server, FILE).await;
    let with = |base64: &'static str| {
        [("path", Value::from(path.to_str().unwrap())), ("content_base64", base64.into())]
    };
    let planned = stack.plan(Some(&with("AP8KAA=="))).await.unwrap();
    assert_eq!(planned.summary(), "Create path mode");
    assert!(planned.notes().contains("4 bytes, SHA-256 "), "{}", planned.notes());
    stack.apply(planned).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"\0\xff\n\0");
    assert_eq!(stack.plan(Some(&with("AP8KAA=="))).await.unwrap().summary(), "NoOp");
    let planned = stack.plan(Some(&with("/wA="))).await.unwrap();
    assert_eq!(planned.summary(), "Update sha256");
    assert!(planned.notes().contains("It has 4 bytes, and is to have 2."), "{}", planned.notes());
    stack.apply(planned).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"\xff\0");
    fs::write(&path, "by hand").unwrap();
    let planned = stack.plan(Some(&with("/wA="))).await.unwrap();
    assert_eq!((planned.summary().as_str(), planned.drift().as_str()), ("Update sha256", "sha256"));
    let Observed::Present(there) = &planned.observed else { panic!("it is there") };
    assert_eq!(
        there.attributes.get_str("content_base64"),
        Some("YnkgaGFuZA=="),
        "as `ignore_changes` keeps it"
    );
}

#[tokio::test]
async fn secrets_leave_no_trace() {
    let server = Sshd::start();
    let path = server.path("secret");
    let mut stack = Stack::new(&server, FILE).await;
    let with = |content: &'static str| {
        [
            ("path", Value::from(path.to_str().unwrap())),
            ("content", Value::string(content).sensitive()),
            ("mode", "0600".into()),
        ]
    };
    stack.converge(Some(&with("hunter2"))).await;
    assert_eq!((text(&path).as_str(), mode(&path)), ("hunter2", 0o600));
    let sum = "f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7";
    let record = format!("{:?}", stack.record);
    assert!(!record.contains("hunter2") && !record.contains(sum), "{record}");

    let planned = stack.plan(Some(&with("hunter2"))).await.unwrap();
    assert_eq!((planned.summary().as_str(), planned.drift().as_str()), ("NoOp", ""));
    fs::write(&path, "hunter1").unwrap();
    let planned = stack.plan(Some(&with("hunter2"))).await.unwrap();
    assert_eq!(planned.summary(), "Update content");
    let Observed::Present(there) = &planned.observed else { panic!("the file is there") };
    let shown = format!("{:?} {:?} {}", planned.difference, there.attributes, there.version);
    assert!(!shown.contains("hunter"), "{shown}");
    assert!(there.version.starts_with("time:"), "a secret's hash is no version");
    fs::write(&path, "hunter0").unwrap();
    assert_eq!(stack.apply(planned).await.unwrap_err().error.code, ErrorCode::Changed);
}

#[tokio::test]
async fn what_is_not_known_yet_stays_unknown() {
    let server = Sshd::start();
    let path = server.path("file");
    fs::write(&path, "old\n").unwrap();
    let stack = Stack::new(&server, FILE).await;
    let desired: Fields<'_> =
        &[("path", path.to_str().unwrap().into()), ("content", Value::unknown(Type::String))];
    let planned = stack.plan(Some(desired)).await.unwrap();
    assert_eq!(planned.summary(), "Update content");
    assert_eq!(planned.difference.fields[0].before, Some("old\n".into()));
    assert_eq!(planned.difference.planned.get("sha256"), Some(&Value::unknown(Type::String)));
}
