//! Hosts whose package manager the tests cannot have: what stands in for it says what the real one is documented, or was seen, to say. (apt
//! is tested by itself, on a host of the sandbox.)

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Package;
use crate::account::tests::{act_by, root};
use crate::managed::Native as _;

/// apk-tools 2 (apk(8)): what it has installed are paragraphs of a file. What others need is not removed, and that is no failure.
const APK: &str = r#"#!/bin/sh
db=/lib/apk/db/installed
verb=$1
shift 3
name=${1%%=*}
case $verb in
  add)
    case $1 in
      no-such*) printf 'ERROR: unable to select packages:\n  %s (no such package):\n    required by: world[%s]\n' "$1" "$1" && exit 1 ;;
      *=~1) version=1.1-r0 ;;
      *=~*) echo "ERROR: '$1' is not a valid world dependency, format is name(@tag)([<>~=]version)" && exit 99 ;;
      *=*) version=${1#*=} ;;
      *) version=2.0-r0 ;;
    esac
    echo "(1/1) Installing $name ($version)"
    ;;
  del)
    grep -q "^P:user" $db && echo 'World updated, but the following packages are not removed due to:' && echo "  $name: user" && exit 0
    version=
    ;;
esac
awk -v name="$name" '$0 == "P:" name { skip = 1 } !skip { print } $0 == "" { skip = 0 }' $db >$db.new
[ -z "$version" ] || printf 'C:Q1aa=\nP:%s\nV:%s\nA:x86_64\n\n' "$name" "$version" | sed '/^C:/d' >>$db.new
mv $db.new $db
"#;

/// dnf 4.14 and rpm 4.18, as they were seen to answer; and yum 3, which leaves what is newer as it is.
const DNF: &str = r#"#!/bin/sh
what=$3
case $2:$what in
  install:no-such*) echo "No match for argument: $what" && echo "Error: Unable to find a match: $what" && exit 1 ;;
  install:tool-1.'*') version=1.1-1 ;;
  install:tool-1.0-1) [ ! -e /version ] && version=1.0-1 || { echo 'Package tool-2.0-1.noarch is already installed.' && exit 0; } ;;
  downgrade:tool-1.0-1) version=1.0-1 ;;
  install:tool-*) version=${what#tool-} ;;
  install:tool) version=2.0-1 ;;
esac
echo $version >/version
echo Complete!
"#;
const RPM: &str = r#"#!/bin/sh
case $1 in
  -q) [ "$4" = tool ] && [ -e /version ] && cat /version || { echo 'package tool is not installed' && exit 1; } ;;
  -e) [ ! -e /needed ] && rm /version || { printf 'error: Failed dependencies:\n\ttool is needed by (installed) user-1-1.noarch\n' >&2 && exit 1; } ;;
esac
"#;

fn tool(root: &Path, name: &str, text: &str) {
    let path = root.join("bin").join(name);
    // busybox has some of these names itself, by links that lead out of the root for us.
    let _ = fs::remove_file(&path);
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn check(root: &Path, commands: &str, expect: &str) {
    let found = act_by(Package.library(), root, &["see_package", "tool"], &format!("{commands}\n"));
    assert_eq!(found, expect, "{commands}");
}

#[test]
fn apk() {
    let root = root();
    let root = root.path();
    tool(root, "apk", APK);
    fs::create_dir_all(root.join("lib/apk/db")).unwrap();
    let db = root.join("lib/apk/db/installed");
    fs::write(&db, "P:tools\nV:9\n\nP:busybox\nV:1.36.1-r5\n\n").unwrap();
    check(root, "", "absent");
    check(root, "make_package tool '1.*'", "package 1.1-r0");
    check(root, "make_package tool ''", "package 1.1-r0");
    check(root, "make_package tool 2.0-r0", "package 2.0-r0");
    check(root, "make_package tool '1.0-r*'", "fail failed");
    check(root, "make_package no-such-package ''", "fail failed");
    let before = fs::read_to_string(&db).unwrap();
    fs::write(&db, format!("{before}P:user\nV:1\n\n")).unwrap();
    check(root, "unmake_package tool", "fail needed");
    fs::write(&db, before).unwrap();
    check(root, "unmake_package tool", "absent");
    assert_eq!(fs::read_to_string(&db).unwrap(), "P:tools\nV:9\n\nP:busybox\nV:1.36.1-r5\n\n");
}

#[test]
fn dnf_and_yum() {
    for manager in ["dnf", "yum"] {
        let root = root();
        let root = root.path();
        tool(root, manager, DNF);
        tool(root, "rpm", RPM);
        check(root, "", "absent");
        check(root, "make_package tool '1.*'", "package 1.1-1");
        check(root, "make_package tool ''", "package 1.1-1");
        check(root, "make_package tool 2.0-1", "package 2.0-1");
        // What is newer than what is wanted is not touched by `install`.
        check(root, "make_package tool 1.0-1", "package 1.0-1");
        check(root, "make_package no-such-package ''", "fail failed");
        fs::write(root.join("needed"), "").unwrap();
        check(root, "unmake_package tool", "fail needed");
        fs::remove_file(root.join("needed")).unwrap();
        check(root, "unmake_package tool", "absent");
    }
}
