//! Local folders, and packages that stay within themselves.

use super::*;

#[test]
fn folders_are_seen_from_the_stack() {
    let check = |from, path, expect: Option<&str>| {
        assert_eq!(local(from, path).ok().as_deref(), expect, "{from} {path}");
    };
    check(".", "./a", Some("a"));
    check("a/b", "../c/", Some("a/c"));
    check("a", "../../x", Some("../x"));
    check("../x", "../y", Some("../y"));
    check(".", "./", Some("."));
    check(".meshform/modules/net-1/a", "../b", Some(".meshform/modules/net-1/b"));
    check(".meshform/modules/net-1/a", "../", Some(".meshform/modules/net-1"));
    check(".meshform/modules/net-1/a", "../../net-2", None);
    check(".meshform/modules/net-1/a", "../../net-10", None);
    check(".meshform/modules/net-1", "../../../x", None);
    check(".meshform/modules/net-1", "../", None);
}
