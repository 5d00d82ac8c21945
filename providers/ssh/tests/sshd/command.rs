//! `host_command` from its first run to its end.

use std::fs;

use meshform_engine::ports::ErrorCode;
use meshform_engine::value::{Kind, Value};

use crate::server::Sshd;
use crate::stack::{Fields, Stack};

const COMMAND: &str = "host_command";

#[tokio::test]
async fn a_command_runs_once() {
    let server = Sshd::start();
    let log = server.path("log file");
    let run = format!("echo \"$GREETING\"; pwd; echo ran >>'{}'", log.display());
    let folder = server.path("").canonicalize().unwrap();
    let mut stack = Stack::new(&server, COMMAND).await;
    let with = |trigger: i64, end: &str| {
        [
            ("run", Value::from(run.as_str())),
            ("environment", Value::map([("GREETING".to_owned(), "it's $HOME\nline 2".into())])),
            ("working_directory", folder.to_str().unwrap().into()),
            ("triggers", Value::list([trigger.into()])),
            ("on_destroy", format!("echo {end} >>'{}'", log.display()).into()),
        ]
    };
    let runs = || fs::read_to_string(&log).unwrap();
    let planned = stack.plan(Some(&with(1, "bye"))).await.unwrap();
    assert_eq!(planned.summary(), "Create run triggers on_destroy environment working_directory");
    stack.apply(planned).await.unwrap();
    let record = stack.record.clone().unwrap();
    assert_eq!(
        record.attributes.get_str("stdout"),
        Some(format!("it's $HOME\nline 2\n{}", folder.display()).as_str())
    );
    assert_eq!(record.attributes.get("exit_code"), Some(&Value::number(0)));
    assert_eq!(stack.plan(Some(&with(1, "bye"))).await.unwrap().summary(), "NoOp");

    let planned = stack.plan(Some(&with(1, "end"))).await.unwrap();
    assert_eq!(planned.summary(), "Update on_destroy");
    assert!(planned.notes().contains("does not run again"));
    stack.apply(planned).await.unwrap();
    assert_eq!(runs(), "ran\n");
    let planned = stack.plan(Some(&with(2, "end"))).await.unwrap();
    assert!(matches!(planned.difference.planned.get("stdout").map(Value::kind), Some(Kind::Unknown(_))));
    stack.apply(planned).await.unwrap();
    assert_eq!(runs(), "ran\nran\n");
    stack.converge(None).await;
    assert_eq!(runs(), "ran\nran\nend\n");
}

#[tokio::test]
async fn guards_decide() {
    let server = Sshd::start();
    let mark = server.path("mark");
    let mark = mark.to_str().unwrap();
    let run = ("run", Value::from(format!("echo x >>'{mark}'")));
    let unless = format!("test -e '{mark}'");
    let onlyif = format!("test ! -e '{mark}'");
    for guard in [("creates", mark), ("unless", &unless), ("onlyif", &onlyif)] {
        let _ = fs::remove_file(mark);
        let desired: Fields<'_> = &[run.clone(), (guard.0, guard.1.into())];
        let mut stack = Stack::new(&server, COMMAND).await;
        let planned = stack.plan(Some(desired)).await.unwrap();
        assert!(planned.summary().starts_with("Create"), "{guard:?}");
        fs::write(mark, "by someone else\n").unwrap();
        stack.apply(planned).await.unwrap();
        assert_eq!(fs::read_to_string(mark).unwrap(), "by someone else\n", "{guard:?}");
        assert_eq!(stack.plan(Some(desired)).await.unwrap().summary(), "NoOp", "{guard:?}");
        fs::remove_file(mark).unwrap();
        let planned = stack.plan(Some(desired)).await.unwrap();
        assert!(planned.summary().starts_with("Create") && planned.notes().contains("guards"), "{guard:?}");
        stack.apply(planned).await.unwrap();
        assert_eq!(fs::read_to_string(mark).unwrap(), "x\n", "{guard:?}");
    }
}

#[tokio::test]
async fn failures_are_quoted_unless_they_are_secret() {
    let server = Sshd::start();
    let mut stack = Stack::new(&server, COMMAND).await;
    let failing = |sensitive: bool| {
        [("run", Value::from("echo out; echo err >&2; exit 7")), ("sensitive", sensitive.into())]
    };
    let planned = stack.plan(Some(&failing(false))).await.unwrap();
    let failure = stack.apply(planned).await.unwrap_err();
    assert_eq!(failure.error.code, ErrorCode::Failed);
    for part in ["exit code 7", "standard error:\nerr", "standard output:\nout"] {
        assert!(failure.error.detail.contains(part), "{}", failure.error);
    }
    assert!(failure.partial.is_some());
    let planned = stack.plan(Some(&failing(true))).await.unwrap();
    let failure = stack.apply(planned).await.unwrap_err();
    assert!(!failure.error.detail.contains("err\n") && failure.error.detail.contains("not shown"));
}

#[tokio::test]
async fn what_runs_too_long_is_stopped_on_the_host() {
    let server = Sshd::start();
    let mut stack = Stack::new(&server, COMMAND).await;
    let pid = server.path("pid");
    let run = format!("echo $$ >'{}'; sleep 300", pid.display());
    let mut planned = stack.plan(Some(&[("run", run.into())])).await.unwrap();
    planned.limit(1000);
    let failure = stack.apply(planned).await.unwrap_err();
    assert_eq!(failure.error.code, ErrorCode::TimedOut, "{}", failure.error);
    let pid = fs::read_to_string(pid).unwrap();
    assert!(!std::path::Path::new("/proc").join(pid.trim()).exists());
}
