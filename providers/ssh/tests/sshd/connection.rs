//! Getting in, not getting in, and getting in again.

use std::fs;
use std::sync::Arc;

use meshform_engine::ports::{ErrorCode, ProviderError};
use meshform_engine::value::Value;

use crate::server::{Sshd, keygen, user};
use crate::stack::{Fields, Stack, connect};

async fn refused(server: &Sshd, over: Fields<'_>) -> ProviderError {
    match connect(server, over).await {
        Ok(_) => panic!("it let us in"),
        Err(error) => error,
    }
}

fn check(error: &ProviderError, code: ErrorCode, summary: &str, says: &[&str]) {
    assert_eq!((error.code, error.summary.as_str()), (code, summary), "{error}");
    says.iter().for_each(|part| assert!(error.detail.contains(part), "{part:?} in {error}"));
}

#[tokio::test]
async fn a_host_is_its_key_and_its_machine_id() {
    let server = Sshd::start();
    let target = connect(&server, &[]).await.unwrap();
    assert!(target.identity().starts_with("SHA256:"), "{}", target.identity());
    let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    assert!(target.identity().ends_with(machine.trim()), "{}", target.identity());
    assert_eq!(connect(&server, &[]).await.unwrap().identity(), target.identity());
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let server = Sshd::start();
    keygen(&server.path("other_key"));
    let other = Value::from(server.path("other_key").to_str().unwrap());
    let error = refused(&server, &[("identity_file", other)]).await;
    check(&error, ErrorCode::Denied, "Login denied", &["other_key", "SHA256:", "authorized_keys"]);

    let error = refused(&server, &[("identity_file", "missing".into())]).await;
    check(&error, ErrorCode::Denied, "Identity file missing", &["/nonexistent/missing"]);

    let pin = fs::read_to_string(server.path("other_key.pub")).unwrap();
    let error = refused(&server, &[("host_key", pin.as_str().into())]).await;
    check(&error, ErrorCode::Denied, "Host key changed", &["host_key pins SHA256:", "ssh-keygen -lf"]);

    let error = refused(&server, &[("host_key", Value::null())]).await;
    check(&error, ErrorCode::Denied, "Host key unknown", &["SHA256:", "ssh-keyscan -p", "accept_new"]);

    let error = refused(&server, &[("port", 1.into())]).await;
    check(&error, ErrorCode::Unreachable, "Host unreachable", &["host.web", "port 1", "refused"]);

    let error = refused(&server, &[("address", "no-such-host.invalid".into())]).await;
    check(&error, ErrorCode::Unreachable, "Host unreachable", &["no-such-host.invalid"]);
}

#[tokio::test]
async fn a_jump_host_has_to_be_known_too() {
    let (server, bastion) = (Sshd::start(), Sshd::start());
    let jump = format!("{}@127.0.0.1:{}", user(), bastion.port);
    let error = refused(&server, &[("jump", jump.as_str().into())]).await;
    check(&error, ErrorCode::Denied, "Host key of the jump host not accepted", &[&jump, "known_hosts"]);
}

#[tokio::test]
async fn a_broken_connection_is_made_again() {
    let mut server = Sshd::start();
    let path = server.path("file");
    let mut stack = Stack::new(&server, "host_file").await;
    let desired: Fields<'_> = &[("path", path.to_str().unwrap().into()), ("content", "x".into())];
    stack.converge(Some(desired)).await;
    server.restart();
    assert_eq!(stack.plan(Some(desired)).await.unwrap().summary(), "NoOp");
    server.stop();
    let error = stack.plan(Some(desired)).await.err().unwrap();
    assert_eq!(error.code, ErrorCode::Unreachable, "{error}");
}

#[tokio::test]
async fn many_steps_at_once_keep_within_the_servers_limits() {
    let server = Sshd::start();
    let stack = Stack::new(&server, "host_file").await;
    let path = server.path("file");
    fs::write(&path, "x").unwrap();
    let desired: Fields<'_> = &[("path", path.to_str().unwrap().into()), ("content", "x".into())];
    let looks = (0..60).map(|_| stack.plan(Some(desired)));
    for planned in futures::future::join_all(looks).await {
        assert!(planned.is_ok(), "{:?}", planned.err());
    }
}

/// Takes the place of a tool once: kills the session that it runs in, then does its work.
const CUT: &str = r#"#!/bin/sh
if mkdir "$HOME/cut" 2>/dev/null; then
  pid=$PPID
  while [ "$(cat "/proc/$pid/comm")" != sshd ]; do
    pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status")
  done
  kill -9 "$pid"
  sleep 1
fi
exec "/bin/${0##*/}" "$@"
"#;

#[tokio::test]
async fn a_connection_cut_in_the_middle_is_settled_by_looking() {
    for tool in ["base64", "chmod", "sha256sum", "sync", "mv", "stat"] {
        let server = Sshd::start();
        let path = server.path("file");
        let mut stack = Stack::new(&server, "host_file").await;
        let desired: Fields<'_> = &[("path", path.to_str().unwrap().into()), ("content", "x".into())];
        let planned = stack.plan(Some(desired)).await.unwrap();
        server.tool(tool, CUT);
        stack.apply(planned).await.unwrap();
        assert!(server.path("cut").exists(), "{tool} was never run");
        assert_eq!(fs::read_to_string(&path).unwrap(), "x");
        assert_eq!(stack.plan(Some(desired)).await.unwrap().summary(), "NoOp");
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        let left = fs::read_dir(server.path("")).unwrap();
        let left = left
            .map(|entry| entry.unwrap().file_name())
            .find(|name| name.to_string_lossy().starts_with(".mesh"));
        assert_eq!(left, None, "{tool}");
    }
}

#[tokio::test]
async fn a_command_cut_in_the_middle_is_never_run_again_blindly() {
    let server = Sshd::start();
    server.tool("cut-here", CUT);
    let mut stack = Stack::new(&server, "host_command").await;
    let run = "echo ran >>\"$HOME/runs\"; cut-here 2>/dev/null; true";
    let planned = stack.plan(Some(&[("run", run.into())])).await.unwrap();
    let failure = stack.apply(planned).await.unwrap_err();
    assert_eq!(failure.error.code, ErrorCode::Unreachable, "{}", failure.error);
    assert!(failure.partial.is_some());
    assert_eq!(fs::read_to_string(server.path("runs")).unwrap(), "ran\n");
}

/// Behaves as sudo does with a password: reads one line, ahead of need; asks again after a wrong one.
const SUDO: &str = r#"#!/bin/sh
echo "$@" >>"$HOME/arguments"
while :; do
  IFS= read -r line || { echo "sudo: no password was provided" >&2; exit 1; }
  [ "$line" = "pass word'" ] && break
  echo "Sorry, try again." >&2
  echo x >>"$HOME/tries"
done
while [ "$1" != -- ]; do shift; done
shift
echo "$@" >>"$HOME/arguments"
exec "$@"
"#;

/// Behaves as doas does with a password: asks at the terminal, once, without an echo, and reads only what comes after that.
const DOAS: &str = r#"#!/bin/sh
echo "$@" >>"$HOME/arguments"
case $1 in -n) echo "doas: Authentication required" >&2; exit 1 ;; esac
exec 4<>/dev/tty || { echo "doas: a tty is required" >&2; exit 1; }
echo x >>"$HOME/tries"
stty -echo <&4
printf '\rdoas (ann@host) password: ' >&4
IFS= read -r line <&4
echo >&4
[ "$line" = "pass word'" ] || { echo "doas: Authentication failed" >&2; exit 1; }
exec 4>&-
shift
exec "$@"
"#;

#[tokio::test]
async fn doas_gets_its_password_at_a_terminal() {
    let server = Sshd::start();
    server.tool("doas", DOAS);
    let with = |password: &'static str| {
        [("become", Value::from("doas")), ("become_password", Value::string(password).sensitive())]
    };
    let error = refused(&server, &[("become", "doas".into())]).await;
    check(&error, ErrorCode::Denied, "Not allowed to become root", &["nopass", "become_password"]);
    let error = refused(&server, &with("wrong horse")).await;
    check(&error, ErrorCode::Denied, "Not allowed to become root", &["Check become_password", "failed"]);
    assert!(!error.detail.contains("horse"), "{error}");
    assert_eq!(fs::read_to_string(server.path("tries")).unwrap(), "x\n", "one try");

    let target = connect(&server, &with("pass word'")).await.unwrap();
    let path = server.path("file");
    let mut stack = Stack::on(target, "host_file");
    // As long as it goes along with the program, and behind it, with all that a terminal could take for a command.
    let odd: String = (1..=127_u8).map(char::from).collect();
    for content in [odd.clone(), odd.repeat(5000)] {
        let desired = [("path", path.to_str().unwrap().into()), ("content", Value::from(content.as_str()))];
        stack.converge(Some(&desired)).await;
        assert!(fs::read_to_string(&path).unwrap() == content);
        assert_eq!(stack.plan(Some(&desired)).await.unwrap().summary(), "NoOp");
    }
    let mut command = Stack::on(Arc::clone(&stack.target), "host_command");
    let planned = command.plan(Some(&[("run", "echo words >&2; test -t 0 || exit 3".into())])).await.unwrap();
    let failure = command.apply(planned).await.unwrap_err();
    assert!(failure.error.detail.contains("exit code 3"), "{}", failure.error);
    assert!(failure.error.detail.contains("words"), "{}", failure.error);
    let arguments = fs::read_to_string(server.path("arguments")).unwrap();
    assert!(arguments.contains("/bin/sh") && !arguments.contains("pass word"), "{arguments}");
}

#[tokio::test]
async fn sudo_gets_its_password_and_nothing_else() {
    let server = Sshd::start();
    server.tool("sudo", SUDO);
    let with = |password: &'static str| {
        [("become", Value::from("sudo")), ("become_password", Value::string(password).sensitive())]
    };
    let error = refused(&server, &with("wrong")).await;
    check(&error, ErrorCode::Denied, "Not allowed to become root", &["become_password", "try again"]);
    assert_eq!(
        fs::read_to_string(server.path("tries")).unwrap(),
        "x\n",
        "one try, so that nobody is locked out"
    );

    let target = connect(&server, &with("pass word'")).await.unwrap();
    let path = server.path("file");
    let mut stack = Stack::new(&server, "host_file").await;
    stack.target = target;
    stack.converge(Some(&[("path", path.to_str().unwrap().into()), ("content", "by root".into())])).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), "by root");
    let arguments = fs::read_to_string(server.path("arguments")).unwrap();
    assert!(arguments.contains("/bin/sh") && !arguments.contains("pass word"), "{arguments}");
}
