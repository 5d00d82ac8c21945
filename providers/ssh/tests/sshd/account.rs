//! `host_user`, `host_group` and `host_authorized_key`, by the system's own tools on a host of the sandbox.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::sync::Arc;

use meshform_engine::ports::ErrorCode;
use meshform_engine::types::Type;
use meshform_engine::value::Value;

use crate::sandbox::SandboxHost;
use crate::stack::{Fields, Stack};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPoqvZvLbWqNjFgDpmWEMuPMnHEAwn9jkd2Xr4HFbVQ";

fn line(text: &str, name: &str) -> Option<String> {
    text.lines().find(|line| line.starts_with(&format!("{name}:"))).map(str::to_owned)
}

#[tokio::test]
async fn a_user_lives_and_dies() {
    let host = SandboxHost::start().await;
    let target = host.connect().await;
    let file = |path: &str| fs::read_to_string(host.path(path)).unwrap();
    let mut group = Stack::on(Arc::clone(&target), "host_group");
    let ours: Fields<'_> = &[("name", "ours".into()), ("gid", 4321.into())];
    let before = file("/etc/group");
    let planned = group.plan(Some(ours)).await.unwrap();
    assert_eq!(planned.summary(), "Create name gid");
    assert_eq!(file("/etc/group"), before, "a plan changes nothing");
    group.apply(planned).await.unwrap();
    assert_eq!(line(&file("/etc/group"), "ours").as_deref(), Some("ours:x:4321:"));
    assert_eq!(group.plan(Some(ours)).await.unwrap().summary(), "NoOp");

    let groups = |names: &[&str]| Value::list(names.iter().map(|name| Value::from(*name)));
    let app = |comment: &str, names: &[&str]| {
        [
            ("name", Value::from("app")),
            ("uid", 4322.into()),
            ("group", "ours".into()),
            ("groups", groups(names)),
            ("shell", "/bin/sh".into()),
            ("home", "/home/the app".into()),
            ("comment", comment.into()),
        ]
    };
    let mut user = Stack::on(Arc::clone(&target), "host_user");
    let planned = user.plan(Some(&app("it's $(ours)", &["staff", "adm"]))).await.unwrap();
    assert_eq!(planned.summary(), "Create name uid group groups shell home comment");
    user.apply(planned).await.unwrap();
    let entry = "app:x:4322:4321:it's $(ours):/home/the app:/bin/sh";
    assert_eq!(line(&file("/etc/passwd"), "app").as_deref(), Some(entry));
    assert!(host.path("/home/the app").is_dir());
    let wanted = app("it's $(ours)", &["adm", "staff"]);
    assert_eq!(user.plan(Some(&app("it's $(ours)", &["staff", "adm"]))).await.unwrap().summary(), "NoOp");

    let by_hand = file("/etc/passwd").replace(entry, &entry.replace("/bin/sh", "/bin/false"));
    fs::write(host.path("/etc/passwd"), by_hand).unwrap();
    let planned = user.plan(Some(&wanted)).await.unwrap();
    assert_eq!(planned.drift(), "shell");
    user.apply(planned).await.unwrap();
    let planned = user.plan(Some(&app("ü", &[]))).await.unwrap();
    assert_eq!(planned.summary(), "Update groups comment");
    user.apply(planned).await.unwrap();
    assert!(!file("/etc/group").contains("app"), "{}", file("/etc/group"));
    assert_eq!(user.plan(Some(&app("ü", &[]))).await.unwrap().summary(), "NoOp");

    let refused = user.plan(Some(&app("ü", &["nosuchgroup"]))).await.err().unwrap();
    assert_eq!((refused.code, refused.summary.as_str()), (ErrorCode::Invalid, "Group missing"));
    // What was there when it was planned may be gone by then.
    fs::write(host.path("/etc/group"), file("/etc/group") + "soongone:x:4999:\n").unwrap();
    let planned = user.plan(Some(&app("ü", &["soongone"]))).await.unwrap();
    fs::write(host.path("/etc/group"), file("/etc/group").replace("soongone:x:4999:\n", "")).unwrap();
    let failure = user.apply(planned).await.unwrap_err();
    assert_eq!((failure.error.code, failure.error.summary.as_str()), (ErrorCode::Invalid, "Group missing"));
    let planned = user.plan(None).await.unwrap();
    assert!(planned.notes().contains("/home/the app stays"), "{}", planned.notes());
    user.apply(planned).await.unwrap();
    group.converge(None).await;
    assert_eq!((line(&file("/etc/passwd"), "app"), line(&file("/etc/group"), "ours")), (None, None));
    assert!(host.path("/home/the app").is_dir());

    let mut mail = Stack::on(Arc::clone(&target), "host_user");
    mail.converge(Some(&[("name", "mail".into()), ("comment", "taken over".into())])).await;
    let planned = mail.plan(None).await.unwrap();
    assert!(planned.notes().contains("was there before, so it stays"), "{}", planned.notes());
    mail.apply(planned).await.unwrap();
    assert!(line(&file("/etc/passwd"), "mail").is_some());
    drop((group, user, mail, target));
    host.stop().await;
}

#[tokio::test]
async fn a_key_lives_among_others() {
    let host = SandboxHost::start().await;
    let target = host.connect().await;
    let mut user = Stack::on(Arc::clone(&target), "host_user");
    user.converge(Some(&[("name", "app".into()), ("uid", 4322.into())])).await;
    let file = host.path("/home/app/.ssh/authorized_keys");
    let read = || fs::read_to_string(&file).unwrap();
    let with = |options: Value, comment: &str| {
        [("user", Value::from("app")), ("key", format!("{KEY} {comment}").into()), ("options", options)]
    };
    let mut key = Stack::on(Arc::clone(&target), "host_authorized_key");
    let planned = key.plan(Some(&with(Value::null(), "me"))).await.unwrap();
    assert_eq!(planned.summary(), "Create user key");
    key.apply(planned).await.unwrap();
    assert_eq!(read(), format!("{KEY} me\n"));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::metadata(&file).unwrap().uid(), 4322);
    assert_eq!(key.plan(Some(&with(Value::null(), "me"))).await.unwrap().summary(), "NoOp");

    fs::write(
        &file,
        format!("# theirs\nssh-rsa AAAA theirs\n{KEY} me\n{KEY} again\ncommand=\"a b\" ssh-rsa BBBB"),
    )
    .unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let limited = with("restrict,command=\"it's $(x)\"".into(), "me");
    let planned = key.plan(Some(&limited)).await.unwrap();
    assert_eq!(
        (planned.summary().as_str(), planned.drift().as_str()),
        ("Update user key options", "user key")
    );
    key.apply(planned).await.unwrap();
    let ours = format!("restrict,command=\"it's $(x)\" {KEY} me\n");
    assert_eq!(read(), format!("# theirs\nssh-rsa AAAA theirs\n{ours}command=\"a b\" ssh-rsa BBBB\n"));
    assert_eq!(mode(&file), 0o600);
    assert_eq!(key.plan(Some(&limited)).await.unwrap().summary(), "NoOp");

    key.converge(None).await;
    assert_eq!(read(), "# theirs\nssh-rsa AAAA theirs\ncommand=\"a b\" ssh-rsa BBBB\n");
    let mut nobody = Stack::on(Arc::clone(&target), "host_authorized_key");
    let theirs: Fields<'_> = &[("user", "later".into()), ("key", KEY.into())];
    let refused = nobody.plan(Some(theirs)).await.err().unwrap();
    assert_eq!((refused.code, refused.summary.as_str()), (ErrorCode::Invalid, "User missing"));
    // As soon as the plan makes the user, all of it can be told.
    let mut later = Stack::on(Arc::clone(&target), "host_user");
    let planned = later.plan(Some(&[("name", "later".into())])).await.unwrap();
    let unknown = planned.difference.planned.get("assigned_uid").cloned();
    assert_eq!(unknown, Some(Value::unknown(Type::Number)));
    let planned_key = nobody.plan(Some(theirs)).await.unwrap();
    assert_eq!(planned_key.summary(), "Create user key");
    later.apply(planned).await.unwrap();
    nobody.apply(planned_key).await.unwrap();
    let entry = line(&fs::read_to_string(host.path("/etc/passwd")).unwrap(), "later").unwrap();
    let recorded = later.record.as_ref().unwrap().attributes.get("assigned_uid").cloned();
    assert_eq!(
        recorded.and_then(|uid| uid.as_number().map(ToString::to_string)).as_deref(),
        entry.split(':').nth(2)
    );
    assert_eq!(nobody.plan(Some(theirs)).await.unwrap().summary(), "NoOp");
    nobody.converge(None).await;
    later.converge(None).await;
    user.converge(None).await;
    drop((user, key, nobody, later, target));
    host.stop().await;
}
