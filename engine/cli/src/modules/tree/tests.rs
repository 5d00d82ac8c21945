//! Hashes that others compute alike, and trees that are refused.

use std::os::unix::fs::symlink;

use super::*;

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match text.strip_prefix("-> ") {
            Some(target) => symlink(target, path).unwrap(),
            None => fs::write(path, text).unwrap(),
        }
    }
    folder
}

#[test]
fn hashes_are_those_of_go() {
    // find . -type f | sed 's/^..//' | LC_ALL=C sort | xargs sha256sum | sha256sum | xxd -r -p | base64
    let check = |files: &[(&str, &str)], expect: &str| {
        assert_eq!(hash(tree(files).path()).unwrap().as_str(), expect, "{files:?}");
    };
    check(&[], "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    check(&[("main.hcl", "a = 1\n")], "h1:Z5+kr1P61eSUC8P7qeyeA9Hm4V24YhurnCJPgpURER8=");
    check(
        &[("main.hcl", "a = 1\n"), ("a/b.txt", ""), ("a-b", "x")],
        "h1:JQWbEd9Rm4f7BIj5RlyFGRw+wTXLhpfX/3nLJqppNbk=",
    );
    check(
        &[("main.hcl", "a = 1\n"), ("link", "-> main.hcl")],
        "h1:nDYJ3XZu3S00Ya0YOQZsXFE+63w79TX+6fkY4T3S8dY=",
    );
}

#[test]
fn nothing_but_names_and_contents_counts() {
    use std::os::unix::fs::PermissionsExt as _;
    let one = tree(&[("a", "x"), ("b", "y")]);
    let other = tree(&[("b", "y"), ("a", "x")]);
    fs::set_permissions(other.path().join("a"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::create_dir(other.path().join("empty")).unwrap();
    assert_eq!(hash(one.path()).unwrap(), hash(other.path()).unwrap());
    for changed in [&[("a", "x"), ("b", "z")], &[("a", "x"), ("c", "y")], &[("a", "x"), ("b", "-> a")]] {
        assert_ne!(hash(one.path()).unwrap(), hash(tree(changed).path()).unwrap());
    }
}

#[test]
fn what_leads_out_is_refused() {
    let check = |files: &[(&str, &str)], expect: &str| {
        let error = hash(tree(files).path()).unwrap_err();
        assert!(error.sentence().contains(expect), "{files:?}: {}", error.sentence());
    };
    check(&[("link", "-> /etc/passwd")], "leads out");
    check(&[("link", "-> ..")], "leads out");
    check(&[("a/link", "-> ../../x")], "leads out");
    check(&[("a/b/c", "-> .."), ("link", "-> a/b/c/../../../x")], "leads out");
    check(&[("a\nb", "")], "line feed");
    hash(tree(&[("a/b/link", "-> ../../main.hcl"), ("main.hcl", "")]).path()).unwrap();
}

#[test]
fn links_stay_inside() {
    let check = |path: &str, target: &str, expect: bool| {
        assert_eq!(stays_inside(Path::new(path), Path::new(target)), expect, "{path} -> {target}");
    };
    check("a", "b", true);
    check("a", "./b/c", true);
    check("a/b", "../c", true);
    check("a", "../c", false);
    check("a/b/c", "../../..", false);
    check("a", "b/../c", false);
    check("a", "/b", false);
    check("a", "", false);
}

#[test]
fn paths_in_archives() {
    let check = |given: &[u8], expect: Option<&str>| {
        assert_eq!(inner_path(given), expect.map(PathBuf::from), "{given:?}");
    };
    check(b"a/b", Some("a/b"));
    check(b"./a//b/", Some("a/b"));
    check(b"./", Some(""));
    check(b"../a", None);
    check(b"a/../../b", None);
    check(b"/etc/passwd", None);
    check(b"a\\..\\b", None);
    check(b"a\0b", None);
}

#[test]
fn hashes_are_read_as_they_are_written() {
    let hash = hash(tree(&[]).path()).unwrap();
    assert_eq!(TreeHash::parse(hash.as_str()), Some(hash.clone()));
    assert_eq!(hash.short(), "e3b0c44298fc1c14");
    for wrong in ["", "h1:", "h1:abc", "h2:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "47DEQpj8"] {
        assert_eq!(TreeHash::parse(wrong), None, "{wrong}");
    }
}
