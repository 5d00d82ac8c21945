//! Look-ups on a real host, alone and along with the observation of resources.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use meshform_engine::address::Address;
use meshform_engine::ports::{ErrorCode, Found, Look, ObserveItem, Observed, ReadItem};
use meshform_engine::value::Value;

use crate::server::{Sshd, user};
use crate::stack::{Fields, connect};

fn item(kind: &str, arguments: Fields<'_>) -> ReadItem {
    ReadItem {
        address: Address::new(kind, "x"),
        kind: kind.to_owned(),
        arguments: Value::object(arguments.iter().map(|(name, value)| ((*name).to_owned(), value.clone()))),
    }
}

/// Some attributes of what was found, or the error's code and summary.
fn shown(found: &Found, names: &[&str]) -> String {
    match found {
        Ok(found) => names.iter().map(|name| format!("{:?}", found.get(name))).collect::<Vec<_>>().join(" "),
        Err(error) => format!("{:?} {}", error.code, error.summary),
    }
}

#[tokio::test]
async fn files_are_looked_up() {
    let server = Sshd::start();
    let host = connect(&server, &[]).await.unwrap();
    let path = |name: &str| server.path(name).to_str().unwrap().to_owned();
    fs::write(path("text"), "a\nb\n").unwrap();
    fs::set_permissions(path("text"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::write(path("binary"), [0, 159, 146, 150]).unwrap();
    fs::write(path("large"), vec![b'x'; 1024 * 1024 + 1]).unwrap();
    let file = |name: &str, over: Fields<'_>| {
        let mut arguments = vec![("path", Value::from(path(name)))];
        arguments.extend(over.iter().cloned());
        item("host_file", &arguments)
    };
    let items = [
        file("text", &[]),
        file("binary", &[]),
        file("large", &[]),
        file("missing", &[("optional", true.into())]),
        file("missing", &[]),
        file("", &[]),
        file("text", &[("sensitive", true.into())]),
    ];
    let found = host.read(&items).await;
    let check =
        |at: usize, names: &[&str], expect: &str| assert_eq!(shown(&found[at], names), expect, "{at}");
    check(0, &["content", "mode", "size"], r#"Some("a\nb\n") Some("0640") Some(4)"#);
    let owner = found[0].as_ref().unwrap().get_str("owner").unwrap();
    assert_eq!(owner, user());
    check(0, &["content_base64"], r#"Some("YQpiCg==")"#);
    check(1, &["content", "content_base64", "size"], r#"Some(null) Some("AJ+Slg==") Some(4)"#);
    check(2, &["content", "content_base64", "size"], "Some(null) Some(null) Some(1048577)");
    check(3, &["content", "sha256", "size"], "Some(null) Some(null) Some(null)");
    check(4, &[], "Invalid File missing");
    check(5, &[], "Invalid Not a file");
    check(
        6,
        &["content", "content_base64", "sha256"],
        "Some((sensitive)) Some((sensitive)) Some((sensitive))",
    );
    assert_eq!(found[4].as_ref().err().map(|error| error.code), Some(ErrorCode::Invalid));
}

#[tokio::test]
async fn commands_tell() {
    let server = Sshd::start();
    let host = connect(&server, &[]).await.unwrap();
    let run = |command: &str, over: Fields<'_>| {
        let mut arguments = vec![("run", Value::from(command))];
        arguments.extend(over.iter().cloned());
        item("host_command", &arguments)
    };
    let variables = Value::map([("A".to_owned(), "it's $(a)\nb".into())]);
    let items = [
        run(
            "echo noise >&2; printf '%s\\n\\n' \"$A\"; pwd",
            &[("environment", variables), ("working_directory", "/".into())],
        ),
        run("echo out; echo words >&2; exit 3", &[]),
        run("echo out; exit 3", &[("may_fail", true.into())]),
        run("echo secret; exit 3", &[("sensitive", true.into())]),
        run("echo secret", &[("sensitive", true.into())]),
        run("cat; exec sleep 0", &[]),
        run("}; if", &[("may_fail", true.into())]),
    ];
    let found = host.read(&items).await;
    let check = |at: usize, expect: &str| {
        assert_eq!(shown(&found[at], &["stdout", "exit_code"]), expect, "{at}: {:?}", found[at]);
    };
    check(0, r#"Some("it's $(a)\nb\n\n/") Some(0)"#);
    check(1, "Failed Command failed");
    let detail = |at: usize| found[at].as_ref().err().map(|error| error.detail.clone()).unwrap_or_default();
    assert!(["exit code 3", "out", "words"].iter().all(|part| detail(1).contains(part)), "{}", detail(1));
    check(2, r#"Some("out") Some(3)"#);
    check(3, "Failed Command failed");
    assert!(!detail(3).contains("secret\n"), "{}", detail(3));
    check(4, "Some((sensitive)) Some(0)");
    check(5, r#"Some("") Some(0)"#);
    check(6, r#"Some("") Some(2)"#);
}

#[tokio::test]
async fn facts_come_along_with_what_is_observed() {
    let server = Sshd::start();
    let host = connect(&server, &[]).await.unwrap();
    let path = server.path("motd");
    fs::write(&path, "hello\n").unwrap();
    let path = path.to_str().unwrap();
    let observe = ObserveItem {
        address: Address::new("host_file", "motd"),
        kind: "host_file".into(),
        identity: path.to_owned(),
        desired: Some(Value::object([("path".to_owned(), path.into()), ("content".to_owned(), "x".into())])),
        record: None,
    };
    let read =
        [item("host_facts", &[]), item("host_file", &[("path", path.into())]), item("host_nothing", &[])];
    let looked = host.look(Look { observe: &[observe], read: &read }).await;
    assert_eq!((looked.observed.len(), looked.found.len()), (1, 3));
    let Ok(Observed::Present(there)) = &looked.observed[0] else { panic!("it is there") };
    assert_eq!(there.attributes.get_str("content"), Some("hello\n"));
    assert_eq!(shown(&looked.found[1], &["content"]), r#"Some("hello\n")"#);
    assert_eq!(shown(&looked.found[2], &[]), "Other Unknown type");
    let facts = looked.found[0].as_ref().unwrap();
    let hostname = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(facts.get_str("hostname"), Some(hostname.trim()));
    assert_eq!(facts.get_str("user"), Some(user().as_str()));
    assert!(facts.get("cpus").and_then(Value::as_number).is_some(), "{facts:?}");
    assert!(facts.get("os").and_then(|os| os.get_str("id")).is_some(), "{facts:?}");
}

#[tokio::test]
async fn a_host_that_is_gone_answers_each_look_up_with_an_error() {
    let mut server = Sshd::start();
    let host = connect(&server, &[]).await.unwrap();
    server.stop();
    let found = host.read(&[item("host_facts", &[]), item("host_facts", &[])]).await;
    let codes: Vec<_> = found.iter().map(|found| found.as_ref().err().map(|error| error.code)).collect();
    assert_eq!(codes, [Some(ErrorCode::Unreachable); 2]);
}
