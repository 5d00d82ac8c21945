//! Modules from git repositories: chosen by `init`, the same for everyone after that.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::Instant;

use serde_json::Value;

use crate::program::{Ended, finish};
use crate::repository::Repository;
use crate::sshd::{Sshd, user};
use crate::stack::Stack;

/// A module that calls its neighbour in the same repository.
const SITE: &str = r#"
variable "name" {
  type = string
}
module "text" {
  source = "../text"
  name   = var.name
}
output "text" {
  value = module.text.text
}
"#;
const TEXT: &str = r#"
variable "name" {
  type = string
}
output "text" {
  value = "${chomp(file("${path.module}/greeting.txt"))} ${var.name}"
}
"#;

fn repository() -> Repository {
    let repository = Repository::new();
    repository.write("modules/site/main.hcl", SITE);
    repository.write("modules/text/main.hcl", TEXT);
    greet(&repository, "hello", "v1.0.0");
    repository
}

/// Another text, under another tag.
fn greet(repository: &Repository, text: &str, tag: &str) -> String {
    repository.write("modules/text/greeting.txt", &format!("{text}\n"));
    let commit = repository.commit();
    repository.git(&["tag", "-a", "-m", tag, tag]);
    commit
}

fn stack(source: &str, rest: &str) -> Stack {
    Stack::of(&format!(
        "module \"site\" {{\n  source = \"{source}\"\n{rest}  name   = \"you\"\n}}\noutput \"text\" {{\n  value = module.site.text\n}}\n"
    ))
}

fn lock(stack: &Stack) -> String {
    fs::read_to_string(stack.path(".meshform.lock.hcl")).unwrap()
}

/// What the module says in the end.
fn text(stack: &Stack) -> String {
    stack.apply().done();
    stack.run(["output", "-raw", "text"]).done().out
}

#[test]
fn what_is_locked_stays_until_an_upgrade() {
    let repository = repository();
    let stack = stack(&format!("{}//modules/site", repository.source()), "  version = \"~> 1.0\"\n");
    let source = repository.source();

    stack.run(["validate"]).code(1).complains(&[
        "The module is not locked",
        "meshform init",
        "main.hcl:2:12",
    ]);
    stack.run(["init", "-lockfile=readonly"]).code(1).complains(&["The module is not locked"]);
    assert!(!stack.path(".meshform.lock.hcl").exists() && !stack.path(".meshform").exists());

    let told = stack.run(["init"]).done();
    told.says(&[
        &format!("module.site: {source} 1.0.0, fetched (commit "),
        "module.site.module.text: the folder .meshform/modules/net-",
        "commit it with the stack",
    ]);
    let first = lock(&stack);
    let commit = repository.git(&["rev-parse", "HEAD"]);
    for part in [
        &format!("module \"{source}\""),
        "constraint = \"~> 1.0\"",
        "version    = \"1.0.0\"",
        commit.trim(),
        "h1:",
    ] {
        assert!(first.contains(part), "{part} in {first}");
    }
    assert_eq!(text(&stack), "hello you");
    stack.run(["init"]).done().says(&["1.0.0, is there", "as it was"]);

    greet(&repository, "hi", "v1.1.0");
    greet(&repository, "bonjour", "v2.0.0");
    stack.run(["init"]).done().says(&["1.0.0, is there"]);
    fs::remove_dir_all(stack.path(".meshform/modules")).unwrap();
    // A fresh checkout needs no `init`.
    stack.plan().done().complains(&[&format!("Fetching {source}")]);
    assert_eq!((text(&stack), lock(&stack)), ("hello you".to_owned(), first.clone()));

    stack.run(["init", "-upgrade"]).done().says(&["1.1.0, fetched in the place of another", "is written"]);
    stack.plan().code(2);
    assert_eq!(text(&stack), "hi you");
    stack.run(["init", "-upgrade"]).done().says(&["1.1.0, is there", "as it was"]);
    stack.run(["init", "-lockfile=readonly"]).done();
    let document: Value = serde_json::from_str(&stack.run(["init", "-json"]).done().out).unwrap();
    assert_eq!(document["lock_file"], "unchanged");
    assert_eq!(document["modules"][0]["version"], "1.1.0");
    assert_eq!(document["modules"][0]["action"], "kept");
    let commit = document["modules"][0]["commit"].as_str().unwrap();
    assert!(commit.len() == 40 && lock(&stack).contains(commit), "{document}");

    // The lock file of yesterday is the stack of yesterday.
    fs::write(stack.path(".meshform.lock.hcl"), first).unwrap();
    assert_eq!(text(&stack), "hello you");

    stack.write("main.hcl", "output \"text\" {\n  value = 1\n}\n");
    stack.run(["init", "-lockfile=readonly"]).code(1).complains(&["The lock file would change"]);
    stack.run(["init"]).done().says(&["Nothing is locked any more"]);
    assert!(!stack.path(".meshform.lock.hcl").exists());
    stack.run(["init"]).done().says(&["there is nothing to fetch"]);
}

#[test]
fn what_was_changed_is_not_used() {
    let repository = repository();
    let stack = stack(&format!("{}//modules/site", repository.source()), "");
    stack.run(["init"]).done();
    let folder = fs::read_dir(stack.path(".meshform/modules")).unwrap().map(|entry| entry.unwrap().path());
    let folder = folder.into_iter().find(|path| path.is_dir()).unwrap();
    fs::write(folder.join("modules/text/greeting.txt"), "owned\n").unwrap();
    let told = stack.plan().code(1).complains(&[
        "The module was changed",
        "locked: h1:",
        "found: h1:",
        "meshform init",
    ]);
    assert_eq!(told.err.matches("h1:").count(), 2, "{told}");
    stack.run(["init"]).done().says(&["fetched"]);
    assert_eq!(text(&stack), "hello you");

    // A lock file that names another content than the commit has.
    let good = lock(&stack);
    let hash = good.split('"').find(|part| part.starts_with("h1:")).unwrap().to_owned();
    stack
        .write(".meshform.lock.hcl", &good.replace(&hash, "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
    for command in ["validate", "init"] {
        stack.run([command]).code(1).complains(&["not the one that is locked", &hash]);
    }
    stack.write(".meshform.lock.hcl", "module {");
    stack.run(["validate"]).code(1).complains(&["The lock file cannot be used", "line 1"]);
    // What a killed fetch left goes with the next one.
    stack.write(".meshform.lock.hcl", &good);
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir_all(stack.path(".meshform/modules/.fetching-x/files")).unwrap();
    stack.run(["validate"]).done();
    assert!(!stack.path(".meshform/modules/.fetching-x").exists());
}

#[test]
fn every_name_of_a_commit_will_do() {
    let repository = repository();
    let first = repository.git(&["rev-parse", "HEAD"]).trim().to_owned();
    repository.git(&["tag", "plain"]);
    repository.git(&["branch", "feature/x"]);
    let second = greet(&repository, "hi", "v1.1.0");
    repository.git(&["checkout", "-q", "feature/x"]);
    repository.git(&["branch", "-q", "v1.1.0"]);
    let check = |reference: &str, expect: &str| {
        let stack = stack(&format!("{}//modules/site{reference}", repository.source()), "");
        stack.run(["init"]).done();
        assert!(lock(&stack).contains(expect), "{reference}: {}", lock(&stack));
    };
    check("?ref=plain", &first);
    check("?ref=v1.1.0", &second);
    check("?ref=main&depth=1", &second);
    check("?ref=feature%2Fx", &first);
    check("", &first);
    check(&format!("?ref={second}"), &second);
    check(&format!("?ref={}", &second[..9]), &second);

    let refuse = |source: String, rest: &str, expect: &[&str]| {
        let stack = stack(&source, rest);
        stack.run(["init"]).code(1).complains(expect).complains(&["main.hcl:2:12"]);
        assert!(!stack.path(".meshform.lock.hcl").exists());
    };
    let source = repository.source();
    refuse(format!("{source}?ref=none"), "", &["no tag, branch or commit \"none\""]);
    refuse(format!("{source}?ref=0000000"), "", &["no one commit that begins so"]);
    refuse(format!("{source}?ref={}", "0".repeat(40)), "", &["cannot be had"]);
    refuse(format!("{source}?ref=--upload-pack=x"), "", &["no name of a tag"]);
    refuse(format!("{source}//none"), "", &["There is no folder"]);
    refuse(format!("{source}//modules"), "", &["holds no .hcl files"]);
    refuse(source.clone(), "  version = \"~> 7.0\"\n", &["No tag of", "fits the constraint"]);
    refuse(source.clone(), "  version = \"newest\"\n", &["Invalid version constraint"]);
    refuse(format!("{source}?ref=main"), "  version = \"~> 1.0\"\n", &["leave out \"version\""]);
    refuse(format!("{source}/none"), "", &["Git cannot read", "none"]);
    refuse("./parts".to_owned(), "  version = \"1.0.0\"\n", &["A local folder has no versions"]);
    refuse("acme/net/aws".to_owned(), "", &["module registry", "git::https://"]);
}

#[test]
fn a_repository_cannot_lead_out_of_itself() {
    let refuse = |files: &[(&str, &str)], expect: &str| {
        let repository = Repository::new();
        for (name, text) in files {
            match text.strip_prefix("-> ") {
                Some(target) => std::os::unix::fs::symlink(target, repository.folder().join(name)).unwrap(),
                None => repository.write(name, text),
            }
        }
        repository.commit();
        let stack = stack(&repository.source(), "");
        stack.run(["init"]).code(1).complains(&[expect]);
        assert!(!stack.path(".meshform.lock.hcl").exists());
        let left = fs::read_dir(stack.path(".meshform/modules")).unwrap();
        let folders = left.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
        assert!(folders <= 1, "{folders}");
    };
    refuse(&[("main.hcl", ""), ("link", "-> /etc")], "leads out of the package");
    refuse(&[("main.hcl", ""), ("link", "-> ../../..")], "leads out of the package");
    refuse(
        &[("main.hcl", "module \"x\" {\n  source = \"../../../parts\"\n}\n")],
        "leads out of the package that calls it",
    );
    refuse(
        &[("main.hcl", "module \"x\" {\n  source = \"../\"\n}\n")],
        "leads out of the package that calls it",
    );
}

#[test]
fn nothing_of_the_users_settings_runs_or_changes_the_files() {
    let repository = repository();
    repository.write(".gitattributes", "*.txt filter=evil\n");
    repository.commit();
    let stack = stack(&format!("{}//modules/site", repository.source()), "");
    let home = stack.path("home");
    fs::create_dir(&home).unwrap();
    let witness = stack.path("witness");
    let evil = format!("touch {}", witness.display());
    fs::write(
        home.join(".gitconfig"),
        format!("[filter \"evil\"]\n smudge = {evil}\n required = true\n[core]\n fsmonitor = {evil}\n autocrlf = true\n"),
    )
    .unwrap();
    let init = || {
        let mut command = stack.command();
        // As in a hook of another repository.
        command.env("HOME", &home).env("GIT_DIR", "/nowhere").env("GIT_INDEX_FILE", "/nowhere").arg("init");
        Ended::new("init".to_owned(), &command.output().unwrap())
    };
    init().done();
    let first = lock(&stack);
    assert!(!witness.exists());
    fs::remove_file(home.join(".gitconfig")).unwrap();
    fs::remove_file(stack.path(".meshform.lock.hcl")).unwrap();
    init().done();
    assert_eq!(lock(&stack), first);
}

#[test]
fn a_killed_fetch_leaves_nothing_that_counts() {
    let repository = repository();
    repository.write("modules/text/ballast.txt", &"ballast\n".repeat(500_000));
    repository.commit();
    let stack = stack(&format!("{}//modules/site", repository.source()), "");
    let started = Instant::now();
    stack.run(["init"]).done();
    let (whole, good) = (started.elapsed(), lock(&stack));
    for part in 1..8 {
        fs::remove_dir_all(stack.path(".meshform/modules")).unwrap();
        fs::remove_file(stack.path(".meshform.lock.hcl")).unwrap();
        let mut victim =
            stack.command().arg("init").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * part / 8);
        victim.kill().unwrap();
        victim.wait().unwrap();
        stack.run(["init"]).done();
        assert_eq!(lock(&stack), good, "killed after {part}/8 of {whole:?}");
        stack.run(["validate"]).done();
    }
    // What the last of them left goes with the next fetch.
    let folders =
        || fs::read_dir(stack.path(".meshform/modules")).unwrap().map(|entry| entry.unwrap().path());
    let whole = folders().find(|path| path.join("modules").is_dir()).unwrap();
    fs::remove_dir_all(whole).unwrap();
    stack.run(["validate"]).done();
    let left: Vec<_> = folders().filter(|path| path.to_string_lossy().contains(".fetching-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    let repository = repository();
    let stack = stack(&format!("{}//modules/site", repository.source()), "");
    stack.run(["init"]).done();
    fs::remove_dir_all(stack.path(".meshform/modules")).unwrap();
    let spawn =
        || stack.command().arg("validate").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let runs: Vec<_> = (0..4).map(|_| spawn()).collect();
    for run in runs {
        Ended::new("validate".to_owned(), &run.wait_with_output().unwrap()).done();
    }
}

#[test]
fn without_git_or_the_right_to_read_it_says_so() {
    let stack = stack("git::https://me:pa55word@127.0.0.1:1/net.git?ref=v1", "");
    let told = stack.run(["init"]).code(1).complains(&["Git cannot read https://127.0.0.1:1/net.git"]);
    assert!(!told.all().contains("pa55word"), "{told}");
    let told = stack.run(["init", "-json"]).code(1);
    assert!(!told.all().contains("pa55word"), "{told}");
    // Everyone on the machine can read what programs are called with.
    let (tools, calls) = (stack.path("tools"), stack.path("calls"));
    fs::create_dir(&tools).unwrap();
    let wrapper = format!("#!/bin/sh\necho \"$*\" >> {}\nexit 1\n", calls.display());
    fs::write(tools.join("git"), wrapper).unwrap();
    fs::set_permissions(tools.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    finish(stack.command().env("PATH", path).arg("init")).code(1);
    let called = fs::read_to_string(calls).unwrap();
    assert!(
        called.contains("ls-remote -- https://127.0.0.1:1/net.git") && !called.contains("pa55word"),
        "{called}"
    );

    let told = Ended::new("init".to_owned(), &stack.command().env("PATH", "").arg("init").output().unwrap());
    told.code(1).complains(&["There is no program \"git\""]);
}

#[test]
fn repositories_are_fetched_over_ssh() {
    let sshd = Sshd::start();
    let repository = repository();
    let known = sshd.path("known_hosts");
    fs::write(&known, format!("[127.0.0.1]:{} {}\n", sshd.port, sshd.host_key())).unwrap();
    let ssh = |known: &std::path::Path| {
        format!(
            "ssh -F none -i {} -o IdentitiesOnly=yes -o UserKnownHostsFile={}",
            sshd.path("user_key").display(),
            known.display()
        )
    };
    let source = format!("git::ssh://{}@127.0.0.1:{}{}", user(), sshd.port, repository.folder().display());
    let stack = stack(&format!("{source}//modules/site"), "  version = \">= 1\"\n");
    let init = |ssh: String| {
        let output = stack.command().env("GIT_SSH_COMMAND", ssh).arg("init").output().unwrap();
        Ended::new("init".to_owned(), &output)
    };
    // Nobody is asked whether an unknown host is the right one.
    init(ssh(&stack.path("none"))).code(1).complains(&["Git cannot read", "Host key verification failed"]);
    init(ssh(&known)).done().says(&["1.0.0, fetched"]);
    assert!(lock(&stack).contains(&format!("module \"{source}\"")));
    assert_eq!(text(&stack), "hello you");
}
