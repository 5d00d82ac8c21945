//! `host_line` and `host_env_file`: parts of files that others also write.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use meshform_engine::ports::ErrorCode;
use meshform_engine::value::Value;

use crate::server::Sshd;
use crate::stack::{Fields, Stack};

const LINE: &str = "host_line";
const ENV: &str = "host_env_file";

#[tokio::test]
async fn a_line_lives_and_dies() {
    let server = Sshd::start();
    let path = server.path("it's a \"config\" ü");
    let (file, at) = (|| fs::read_to_string(&path).unwrap(), ("path", Value::from(path.to_str().unwrap())));
    fs::write(&path, "# first\nPort 22\nListen *\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let line = |line: &str, end: &str| {
        [at.clone(), ("match", "Port".into()), ("line", line.into()), ("on_destroy", end.into())]
    };
    let mut stack = Stack::new(&server, LINE).await;
    let planned = stack.plan(Some(&line("Port 22", "restore"))).await.unwrap();
    assert_eq!(planned.summary(), "NoOp", "taken over as it is");

    let planned = stack.plan(Some(&line("Port '$(2222)'", "restore"))).await.unwrap();
    assert_eq!(planned.summary(), "Update line");
    assert_eq!(planned.difference.fields[0].before, Some("Port 22".into()));
    assert!(planned.notes().contains("comes back at the end"));
    // What others write elsewhere in the file does not matter.
    fs::write(&path, "# first\nPort 22\nListen 127.0.0.1\n").unwrap();
    stack.apply(planned).await.unwrap();
    assert_eq!(file(), "# first\nPort '$(2222)'\nListen 127.0.0.1\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(stack.plan(Some(&line("Port '$(2222)'", "restore"))).await.unwrap().summary(), "NoOp");

    fs::write(&path, "Port 80\nPort 81\nListen 127.0.0.1\n").unwrap();
    let planned = stack.plan(Some(&line("Port '$(2222)'", "restore"))).await.unwrap();
    assert_eq!((planned.summary().as_str(), planned.drift().as_str()), ("Update line", "line"));
    fs::write(&path, "Port 90\n").unwrap();
    let refused = stack.apply(planned).await.unwrap_err();
    assert_eq!(refused.error.code, ErrorCode::Changed, "{}", refused.error);
    fs::write(&path, "Port 80\nPort 81\nListen 127.0.0.1").unwrap();
    stack.converge(Some(&line("Port '$(2222)'", "restore"))).await;
    assert_eq!(file(), "Port '$(2222)'\nListen 127.0.0.1");

    let planned = stack.plan(None).await.unwrap();
    assert!(planned.notes().contains("comes back"), "{}", planned.notes());
    stack.apply(planned).await.unwrap();
    assert_eq!(file(), "Port 22\nListen 127.0.0.1");
}

#[tokio::test]
async fn a_line_is_added_where_it_is_wanted() {
    let server = Sshd::start();
    let path = server.path("hosts");
    let at = ("path", Value::from(path.to_str().unwrap()));
    let mut stack = Stack::new(&server, LINE).await;
    let new: Fields<'_> = &[at.clone(), ("line", "10.0.0.1 a".into())];
    let planned = stack.plan(Some(new)).await.unwrap();
    assert_eq!(planned.summary(), "Create line");
    assert!(!path.exists(), "a plan writes nothing");
    stack.apply(planned).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(stack.plan(Some(new)).await.unwrap().summary(), "NoOp");

    let mut second = Stack::new(&server, LINE).await;
    second.converge(Some(&[at.clone(), ("line", "10.0.0.2 b".into()), ("before", "10.0.0.1".into())])).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), "10.0.0.2 b\n10.0.0.1 a\n");
    assert_eq!(stack.plan(Some(new)).await.unwrap().summary(), "NoOp");
    second.converge(None).await;
    stack.converge(None).await;
    assert!(!path.exists(), "nothing is left in a file that was made for it");

    fs::write(server.path("target"), "x\n").unwrap();
    symlink(server.path("target"), server.path("link")).unwrap();
    let link: Fields<'_> = &[("path", server.path("link").to_str().unwrap().into()), ("line", "y".into())];
    stack.converge(Some(link)).await;
    assert!(fs::symlink_metadata(server.path("link")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(server.path("target")).unwrap(), "x\ny\n");
    stack.converge(None).await;
    assert_eq!(fs::read_to_string(server.path("target")).unwrap(), "x\n");

    for (bytes, summary) in
        [(b"\xff\n".to_vec(), "Not a text file"), (vec![b'x'; 2 * 1024 * 1024], "File too large")]
    {
        fs::write(&path, bytes).unwrap();
        assert_eq!(stack.plan(Some(new)).await.err().unwrap().summary, summary);
    }
}

#[tokio::test]
async fn variables_live_and_die() {
    let server = Sshd::start();
    let path = server.path("sidecar.env");
    let file = || fs::read_to_string(&path).unwrap();
    let with = |values: &[(&str, &str)], end: &str| {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
        [("path", path.to_str().unwrap().into()), ("values", Value::map(values)), ("on_destroy", end.into())]
    };
    let before = "# theirs\nOTHER=\"a b\"\nCIDR='10.0.0.0/8' # old\n";
    fs::write(&path, before).unwrap();
    let mut stack = Stack::new(&server, ENV).await;
    let wanted = with(&[("CIDR", "10.1.0.0/16"), ("TEXT", "it's \"$HOME\"\nline 2")], "restore");
    let planned = stack.plan(Some(&wanted)).await.unwrap();
    assert_eq!(planned.summary(), "Update values.CIDR values.TEXT");
    assert!(planned.notes().contains("CIDR is in the file already"), "{}", planned.notes());
    stack.apply(planned).await.unwrap();
    let sourced = std::process::Command::new("sh")
        .args(["-c", ". \"$0\"; printf %s \"$OTHER|$CIDR|$TEXT\""])
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(sourced.stdout).unwrap(), "a b|10.1.0.0/16|it's \"$HOME\"\nline 2");
    assert_eq!(stack.plan(Some(&wanted)).await.unwrap().summary(), "NoOp");

    let fewer = with(&[("CIDR", "10.1.0.0/16"), ("MORE", "1")], "restore");
    let planned = stack.plan(Some(&fewer)).await.unwrap();
    assert_eq!(planned.summary(), "Update values.MORE values.TEXT");
    stack.apply(planned).await.unwrap();
    assert_eq!(file(), "# theirs\nOTHER=\"a b\"\nCIDR=10.1.0.0/16\nMORE=1\n");

    fs::write(&path, file().replace("MORE=1", "MORE=2")).unwrap();
    let planned = stack.plan(Some(&fewer)).await.unwrap();
    assert_eq!((planned.summary().as_str(), planned.drift().as_str()), ("Update values.MORE", "values.MORE"));
    stack.apply(planned).await.unwrap();
    let planned = stack.plan(None).await.unwrap();
    assert_eq!(planned.notes(), "Former values come back: CIDR (on_destroy = \"restore\").");
    stack.apply(planned).await.unwrap();
    assert_eq!(file(), before);
}

#[tokio::test]
async fn a_secret_is_written_and_never_shown() {
    let server = Sshd::start();
    let path = server.path("token.env");
    let with = |secret: &str| {
        let values = [("TOKEN".to_owned(), Value::string(secret).sensitive()), ("A".to_owned(), "1".into())];
        [("path", Value::from(path.to_str().unwrap())), ("values", Value::map(values))]
    };
    let mut stack = Stack::new(&server, ENV).await;
    stack.converge(Some(&with("s3cret one"))).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), "A=1\nTOKEN=\"s3cret one\"\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!format!("{:?}", stack.record).contains("s3cret"));
    assert_eq!(stack.plan(Some(&with("s3cret one"))).await.unwrap().summary(), "NoOp");

    fs::write(&path, "TOKEN=former-s3cret\nA=1\n").unwrap();
    let planned = stack.plan(Some(&with("s3cret one"))).await.unwrap();
    assert_eq!(
        (planned.summary().as_str(), planned.drift().as_str()),
        ("Update values.TOKEN", "values.TOKEN")
    );
    let shown = format!("{:?} {:?}", planned.difference.fields, planned.difference.drift);
    assert!(!shown.contains("s3cret"), "{shown}");
    stack.apply(planned).await.unwrap();
    assert!(!format!("{:?}", stack.record).contains("s3cret"));
    stack.converge(None).await;
    assert!(!path.exists());
}
