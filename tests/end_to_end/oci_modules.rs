//! Modules from an OCI registry: one on loopback that wants a login, moves its layers, and lies.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::program::{Ended, finish};
use crate::registry::{LOGIN, Registry, digest};
use crate::repository::Repository;
use crate::stack::Stack;

const ZIP: &str = "archive/zip";
const TAR: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// The archive of a package whose module says this.
fn package(format: &str, text: &str) -> Vec<u8> {
    let repository = Repository::new();
    repository.write(
        "site/main.hcl",
        "module \"text\" {\n  source = \"../text\"\n}\noutput \"text\" {\n  value = module.text.text\n}\n",
    );
    repository.write("text/main.hcl", &format!("output \"text\" {{\n  value = \"{text}\"\n}}\n"));
    repository.commit();
    archive(&repository, format)
}

fn archive(repository: &Repository, format: &str) -> Vec<u8> {
    let path = repository.folder().join(".git/package");
    repository.git(&["archive", &format!("--format={format}"), "-o", path.to_str().unwrap(), "HEAD"]);
    fs::read(path).unwrap()
}

fn stack(source: &str, rest: &str) -> Stack {
    Stack::of(&format!(
        "module \"site\" {{\n  source = \"{source}\"\n{rest}}}\noutput \"text\" {{\n  value = module.site.text\n}}\n"
    ))
}

/// The program with a docker configuration, or without any.
fn run(stack: &Stack, docker: Option<&Path>, arguments: &[&str]) -> Ended {
    let mut command = stack.command();
    for name in ["REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"] {
        command.env_remove(name);
    }
    command.env("HOME", stack.folder()).env("DOCKER_CONFIG", docker.unwrap_or(Path::new("/nowhere")));
    finish(command.args(arguments))
}

fn text(stack: &Stack) -> String {
    stack.apply().done();
    stack.run(["output", "-raw", "text"]).done().out
}

#[test]
fn versions_are_chosen_among_the_tags() {
    let registry = Registry::start();
    for (tag, form, media_type) in
        [("1.0.0", "zip", ZIP), ("1.2.0", "tar.gz", TAR), ("v1.10.0", "zip", ZIP), ("2.0.0", "zip", ZIP)]
    {
        registry.publish(tag, media_type, &package(form, tag));
    }
    registry.publish("latest", ZIP, &package("zip", "latest"));
    let check = |rest: &str, reference: &str, expect: &str| {
        let stack = stack(&format!("{}//site{reference}", registry.source()), rest);
        run(&stack, None, &["init"]).done();
        assert_eq!(text(&stack), expect, "{rest}{reference}");
    };
    check("  version = \"~> 1.2.0\"\n", "", "1.2.0");
    check("  version = \"~> 1.2\"\n", "", "v1.10.0");
    check("  version = \">= 0\"\n", "", "2.0.0");
    check("", "?tag=1.0.0", "1.0.0");
    check("", "", "latest");
    let fixed = registry.publish("moving", ZIP, &package("zip", "before"));
    check("", &format!("?digest={fixed}"), "before");

    let stack = stack(&format!("{}//site?tag=moving", registry.source()), "");
    run(&stack, None, &["init"]).done().says(&["fetched (digest sha256:"]);
    let lock = fs::read_to_string(stack.path(".meshform.lock.hcl")).unwrap();
    assert!(lock.contains(&format!("digest = \"{fixed}\"")), "{lock}");
    // The tag moves; the lock file does not, and a fresh checkout gets what is locked.
    registry.publish("moving", ZIP, &package("zip", "after"));
    fs::remove_dir_all(stack.path(".meshform")).unwrap();
    assert_eq!(text(&stack), "before");
    run(&stack, None, &["init", "-upgrade"]).done().says(&["in the place of another"]);
    assert_eq!(text(&stack), "after");
}

#[test]
fn who_has_logged_in_may_read() {
    let (registry, store) = (Registry::start(), Registry::start());
    registry.publish("1.0.0", ZIP, &package("zip", "private"));
    registry.lock_up();
    registry.move_layers_to(&store);
    let stack = stack(&format!("{}//site", registry.source()), "  version = \"1.0.0\"\n");
    let docker = stack.path("docker");
    fs::create_dir(&docker).unwrap();
    let log_in = |login: &str| {
        let host = format!("127.0.0.1:{}", registry.port);
        let config = json!({ "auths": { host: { "auth": STANDARD.encode(login) } } });
        fs::write(docker.join("config.json"), config.to_string()).unwrap();
    };
    run(&stack, None, &["init"]).code(1).complains(&["does not give", "docker login 127.0.0.1:"]);
    log_in("reader:wr0ng");
    let told = run(&stack, Some(&docker), &["init"]).code(1).complains(&["does not give", "401"]);
    assert!(!told.all().contains("wr0ng"), "{told}");
    log_in(LOGIN);
    registry.log();
    let told = run(&stack, Some(&docker), &["init"]).done();
    assert!(!told.all().contains("pa55word"), "{told}");
    let lock = fs::read_to_string(stack.path(".meshform.lock.hcl")).unwrap();
    assert!(!lock.contains("pa55word") && !lock.contains("t0ken"), "{lock}");
    let asked = registry.log();
    assert_eq!(
        asked.iter().filter(|line| line.starts_with("/token?service=test&scope=")).count(),
        2,
        "{asked:?}"
    );
    // The server of the layers is another one: it is not told who asks.
    let moved = store.log();
    assert!(
        moved.len() == 1 && moved[0].starts_with("/v2/acme/net/blobs/sha256:") && !moved[0].contains(' '),
        "{moved:?}"
    );
    assert_eq!(text(&stack), "private");
}

#[test]
fn a_helper_may_keep_the_login() {
    let registry = Registry::start();
    registry.publish("latest", ZIP, &package("zip", "helped"));
    registry.lock_up();
    let stack = stack(&format!("{}//site", registry.source()), "");
    let docker = stack.path("docker");
    fs::create_dir(&docker).unwrap();
    fs::write(docker.join("config.json"), json!({ "credsStore": "test" }).to_string()).unwrap();
    let helper = docker.join("docker-credential-test");
    let (user, password) = LOGIN.split_once(':').unwrap();
    let answer = json!({ "ServerURL": "", "Username": user, "Secret": password });
    let host = format!("127.0.0.1:{}", registry.port);
    fs::write(&helper, format!("#!/bin/sh\n[ \"$1 $(cat)\" = 'get {host}' ] && echo '{answer}'\n")).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    run(&stack, Some(&docker), &["init"]).code(1).complains(&["docker login"]);
    let path = format!("{}:{}", docker.display(), std::env::var("PATH").unwrap());
    let told = finish(stack.command().env("PATH", path).env("DOCKER_CONFIG", &docker).arg("init")).done();
    assert!(!told.all().contains(password), "{told}");
    assert_eq!(text(&stack), "helped");
}

#[test]
fn a_registry_that_lies_or_has_something_else_is_told() {
    let registry = Registry::start();
    let refuse = |tag: &str, expect: &[&str]| {
        let stack = stack(&format!("{}//site?tag={tag}", registry.source()), "");
        run(&stack, None, &["init"]).code(1).complains(expect).complains(&["main.hcl:2:12"]);
        assert!(!stack.path(".meshform.lock.hcl").exists());
    };
    let good = package("zip", "good");
    registry.publish("layer", ZIP, &good);
    registry.forge(&digest(&good), &package("zip", "evil"));
    refuse("layer", &["something else as the layer", &digest(&good)]);
    registry.forge(&digest(&good), &[good.as_slice(), b"more"].concat());
    refuse("layer", &["longer than the manifest says"]);
    registry.forge(&digest(&good), &good[..10]);
    refuse("layer", &["something else as the layer"]);

    registry.publish("zip", ZIP, b"no archive");
    refuse("zip", &["cannot be unpacked", "no whole zip archive"]);
    registry.publish("tar", TAR, &good);
    refuse("tar", &["cannot be unpacked"]);
    registry.publish("other", "text/plain", &good);
    refuse("other", &["holds no module", "text/plain"]);
    registry.publish_manifest("image", &json!({ "schemaVersion": 2, "layers": [] }));
    refuse("image", &["holds no module", "it has no type"]);
    registry.publish_manifest(
        "index",
        &json!({ "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [] }),
    );
    refuse("index", &["holds no module", "index"]);
    refuse("none", &["no such thing as the manifest none"]);

    // A symbolic link out of the package.
    let repository = Repository::new();
    repository.write("site/main.hcl", "");
    std::os::unix::fs::symlink("../../../../etc", repository.folder().join("site/link")).unwrap();
    repository.commit();
    for (tag, form, media_type) in [("evil-zip", "zip", ZIP), ("evil-tar", "tar.gz", TAR)] {
        registry.publish(tag, media_type, &archive(&repository, form));
        refuse(tag, &["cannot be unpacked", "site/link leads out of it"]);
    }

    // A manifest that is not the one that was locked.
    let stack = stack(&format!("{}//site?tag=good", registry.source()), "");
    let locked = registry.publish("good", ZIP, &package("zip", "locked"));
    run(&stack, None, &["init"]).done();
    registry.forge(&locked, b"{}");
    fs::remove_dir_all(stack.path(".meshform")).unwrap();
    run(&stack, None, &["validate"]).code(1).complains(&["something else as the manifest", &locked]);
}

#[test]
fn a_registry_that_is_not_there_is_told() {
    let stack = stack("oci://127.0.0.1:1/acme/net", "");
    run(&stack, None, &["init"])
        .code(1)
        .complains(&["Failed to get the manifest latest of 127.0.0.1:1/acme/net"]);
}
