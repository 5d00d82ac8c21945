//! What sources say, one line each.

use super::*;

/// A source in one line: its kind, what is fetched, and the folder in it.
fn shown(source: &Source) -> String {
    match source {
        Source::Local(path) => format!("local {path}"),
        Source::Remote(package, folder) if folder.is_empty() => package.address(),
        Source::Remote(package, folder) => format!("{} in {folder}", package.address()),
    }
}

#[track_caller]
fn check(text: &str, expect: &str) {
    match Source::parse(text) {
        Ok(source) => assert_eq!(shown(&source), expect, "{text}"),
        Err(problem) => panic!("{text}: {}", problem.detail),
    }
}

#[track_caller]
fn refuse(text: &str, expect: &str) {
    match Source::parse(text) {
        Ok(source) => panic!("{text} was taken as {}", shown(&source)),
        Err(problem) => assert!(problem.detail.contains(expect), "{text}: {}", problem.detail),
    }
}

#[test]
fn local_folders() {
    check("./x", "local ./x");
    check("../x/y", "local ../x/y");
    check("./", "local ./");
    check("./my parts", "local ./my parts");
    refuse("x", "as in \"./x\"");
    refuse("parts/site", "as in \"./parts/site\"");
    refuse("/srv/modules/x", "this machine alone");
    refuse("~/x", "this machine alone");
    refuse("C:/x", "this machine alone");
    refuse("", "is empty");
    refuse("./a\nb", "control characters");
}

#[test]
fn git_repositories() {
    check("git::https://example.com/net.git", "git::https://example.com/net.git");
    check(
        "git::https://example.com:8443/a/net.git//sub/dir?ref=v1.2.0",
        "git::https://example.com:8443/a/net.git?ref=v1.2.0 in sub/dir",
    );
    check(
        "git::https://example.com/net.git?ref=feature%2Fx&depth=1",
        "git::https://example.com/net.git?ref=feature/x",
    );
    check(
        "git::ssh://git@example.com:2222/net.git?ref=0a1b2c3",
        "git::ssh://git@example.com:2222/net.git?ref=0a1b2c3",
    );
    check("git::ssh://example.com/net.git", "git::ssh://example.com/net.git");
    check("git::file:///srv/net.git//a/./b/", "git::file:///srv/net.git in a/b");
    check("git@example.com:org/net.git//sub?ref=main", "git::git@example.com:org/net.git?ref=main in sub");
    check("git::deploy@example.com:net.git", "git::deploy@example.com:net.git");
    check("github.com/org/net", "git::https://github.com/org/net.git");
    check("github.com/org/net.git//sub?ref=v1", "git::https://github.com/org/net.git?ref=v1 in sub");
    check("gitlab.com/group/inner/net", "git::https://gitlab.com/group/inner/net.git");
    check("bitbucket.org/org/net", "git::https://bitbucket.org/org/net.git");
    refuse("github.com/org", "github.com/org/repo");
    refuse("github.com/org/net/sub", "two slashes");
    refuse("git::http://example.com/net.git", "in the clear");
    refuse("git::git://example.com/net.git", "in the clear");
    refuse("git::ext::sh -c touch", "no URL has");
    refuse("git::ext::sh", "no URL");
    refuse("git::https://example.com", "does not name a repository");
    refuse("git::file://host/net.git", "three slashes");
    refuse("git::/srv/net.git", "no URL");
    refuse("git::https://example.com/net.git?sshkey=x", "\"sshkey\" is not known");
    refuse("git::https://example.com/net.git?ref=a&ref=b", "given twice");
    refuse("git::https://example.com/net.git?ref", "NAME=VALUE");
    refuse("git::https://example.com/net.git?depth=all", "is a number");
    refuse("git::https://example.com/net.git//../x", "leads out of the package");
}

#[test]
fn nothing_is_taken_for_an_option() {
    for reference in [
        "-x",
        "--upload-pack=x",
        "",
        "a..b",
        "a%0ab",
        "a@%7B1%7D",
        "x.lock",
        "a%20b",
        "a:b",
        "/a",
        "a~1",
        "@",
        "a//b",
    ] {
        refuse(&format!("git::https://example.com/net.git?ref={reference}"), "");
    }
    refuse("git::ssh://-oProxyCommand=x/net.git", "no name of a host");
    refuse("git::ssh://-l@example.com/net.git", "no user's name");
    refuse("git::https://-x/net.git", "no name of a host");
    refuse("git@-oProxyCommand=x:net.git", "");
    refuse("-x@example.com:net.git", "");
    refuse("git@example.com:-x", "");
    refuse("oci://-x/net", "no name of a host");
}

#[test]
fn credentials_are_kept_apart() {
    let source = Source::parse("git::https://me:pa55@example.com/net.git?ref=v1").unwrap();
    assert_eq!(shown(&source), "git::https://example.com/net.git?ref=v1");
    let Source::Remote(Package::Git(git), _) = &source else { panic!("a repository") };
    assert_eq!(git.credentials.as_ref().map(Secret::reveal), Some("me:pa55"));
    assert!(!format!("{source:?}").contains("pa55"));
    for text in [
        "git::ssh://me:pa55@example.com/net.git",
        "git::http://me:pa55@example.com/net.git",
        "git::https://me:pa55@exa$mple.com/net.git",
        "git::https://me:pa55@example.com",
        "https://me:pa55@example.com/net.git",
        "s3::https://me:pa55@example.com/net.zip",
        "oci://me:pa55@example.com/net",
    ] {
        let problem = Source::parse(text).unwrap_err();
        assert!(!problem.detail.contains("pa55"), "{text}: {}", problem.detail);
    }
}

#[test]
fn registries() {
    let digest = format!("sha256:{}", "0a".repeat(32));
    check("oci://ghcr.io/acme/net", "oci://ghcr.io/acme/net");
    check("oci://localhost:5000/net//sub/dir?tag=1.2.0", "oci://localhost:5000/net?tag=1.2.0 in sub/dir");
    check(
        &format!("oci://ghcr.io/acme/net?digest={digest}"),
        &format!("oci://ghcr.io/acme/net?digest={digest}"),
    );
    refuse("oci://ghcr.io", "does not name a repository");
    refuse("oci://ghcr.io/Acme/net", "small letters");
    refuse("oci://ghcr.io/acme/net:1.2.0", "?tag=1.2.0");
    refuse("oci://ghcr.io/acme/../net", "small letters");
    refuse("oci://ghcr.io/net?tag=-x", "no tag");
    refuse("oci://ghcr.io/net?digest=sha256:abc", "no digest");
    refuse(&format!("oci://ghcr.io/net?digest={}", digest.to_uppercase()), "no digest");
    refuse(&format!("oci://ghcr.io/net?digest={digest}&tag=x"), "not both");
    refuse("oci://ghcr.io/net?ref=x", "\"ref\" is not known");
    refuse("oci://me:pass@ghcr.io/net", "docker login");
}

#[test]
fn what_is_not_supported_is_told_from_what_is_no_source() {
    refuse("hashicorp/consul/aws", "module registry");
    refuse("app.terraform.io/acme/net/aws", "module registry");
    refuse("s3::https://s3.example/net.zip", "not fetched by \"s3\"");
    refuse("hg::https://example.com/net", "not fetched by \"hg\"");
    refuse("https://example.com/net.zip", "\"git::\" in front");
}

#[test]
fn folders_have_the_packages_names() {
    let check = |text: &str, expect: &str| {
        let Source::Remote(package, _) = Source::parse(text).unwrap() else { panic!("a package") };
        assert_eq!(package.name(), expect, "{text}");
    };
    check("git::https://example.com/a/net.git", "net");
    check("git@example.com:net.git", "net");
    check("oci://ghcr.io/acme/net", "net");
    check("git::https://example.com/a/..%2Fx/", "2Fx");
    check("git::file:///srv/.git", "module");
    check("git::file:///srv/%ä%", "module");
}
