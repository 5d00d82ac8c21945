//! Accounts on a host that has nothing but busybox: its root is a folder of ours.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{LIBRARY, variables};
use crate::answer::Answer;
use crate::script::{Deed, deed};

/// A root with busybox, and what that is linked to.
pub(crate) fn root() -> TempDir {
    let root = TempDir::new().unwrap();
    let linked = Command::new("ldd").arg("/usr/bin/busybox").output().unwrap();
    let linked = String::from_utf8(linked.stdout).unwrap();
    let libraries = linked.split_whitespace().filter(|word| word.starts_with('/'));
    for path in libraries.chain(["/usr/bin/busybox"]) {
        let copy = root.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(path, copy).unwrap();
    }
    for folder in ["bin", "dev", "etc", "home", "tmp"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    for (path, content) in [
        ("dev/null", ""),
        ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:4001:50:App:/home/app:/bin/sh\n"),
        ("etc/group", "root:x:0:\nstaff:x:50:\nadm:x:4:app\nours:x:4000:\n"),
        ("etc/shadow", "root:*:::::::\n"),
    ] {
        fs::write(root.path().join(path), content).unwrap();
    }
    let installed = Command::new("chroot")
        .arg(root.path())
        .args(["/usr/bin/busybox", "--install", "-s", "/bin"])
        .status();
    assert!(installed.unwrap().success());
    root
}

fn act(root: &Path, sight: &[&str], commands: &str) -> String {
    act_by(LIBRARY, root, sight, commands)
}

/// What the host tells after these commands by a library: the records, and what it said for people.
pub(crate) fn act_by(library: &'static str, root: &Path, sight: &[&str], commands: &str) -> String {
    let sight = sight.iter().map(|word| (*word).to_owned()).collect();
    let program = deed("n", &Deed { library, sight, version: None, commands });
    let mut command = Command::new("chroot");
    command.arg(root).args(["/bin/sh"]).env_clear().env("PATH", "/bin:/usr/sbin:/usr/bin");
    let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().unwrap();
    child.stdin.take().unwrap().write_all(program.text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let answer = Answer::read(&output.stdout, "n").unwrap_or_else(|| panic!("{words}"));
    let show = |record: &crate::answer::Record| {
        [std::slice::from_ref(&record.kind), record.fields.as_slice()].concat().join(" ")
    };
    answer.about(0).iter().map(show).collect::<Vec<_>>().join("; ")
}

/// busybox has no tools that change what is there. (Debian's has none that add to it either, so that this is not tested here.)
#[test]
fn accounts_are_changed_without_tools() {
    if !rooted() {
        eprintln!("only root can enter another root: accounts_are_changed_without_tools is not run");
        return;
    }
    let root = root();
    let group = |gid: &str| variables(&[("name", "ours"), ("gid", gid), ("system", "0")]) + "make_group\n";
    let see_group = ["see_group", "ours"];
    assert_eq!(act(root.path(), &see_group, ""), "group 4000");
    assert_eq!(act(root.path(), &see_group, &group("4320")), "group 4320");
    assert_eq!(act(root.path(), &see_group, &group("")), "group 4320");
    assert_eq!(act(root.path(), &["see_group", "our"], ""), "absent");
    let user = |uid: &str, group: &str, comment: &str| {
        variables(&[
            ("name", "app"),
            ("uid", uid),
            ("group", group),
            ("groups", ""),
            ("has_groups", "0"),
            ("shell", "/bin/false"),
            ("home", "/home/the app"),
            ("comment", comment),
            ("has_comment", "1"),
            ("system", "0"),
            ("create_home", "1"),
        ]) + "make_user\n"
    };
    let see = ["see_user", "app"];
    let before = "user 4001 50 staff /home/app /bin/sh App; member staff; member adm";
    assert_eq!(act(root.path(), &see, ""), before);
    let after = "user 4323 4320 ours /home/the app /bin/false it's $(x) & \\n; member ours; member adm";
    assert_eq!(act(root.path(), &see, &user("4323", "ours", "it's $(x) & \\n")), after);
    assert_eq!(act(root.path(), &see, &user("4323", "nosuch", "")), "fail group nosuch");
    assert_eq!(act(root.path(), &see, ""), after);
    assert_eq!(act(root.path(), &["see_user", "ap"], ""), "absent");
    let left = fs::read_dir(root.path().join("etc")).unwrap().count();
    assert_eq!(left, 3, "no files are left over");
}

fn rooted() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}
