//! What the documentation says is done as it says: its commands are run, its stacks are checked, its examples are applied.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::program::{finish, meshform};
use crate::stack::{Stack, checkout, copy};

/// A place like a checkout, with its examples and a `meshform` to call. Dropping it ends the sandboxes that were brought up in it.
struct Checkout {
    folder: TempDir,
}

impl Checkout {
    fn new() -> Self {
        let folder = TempDir::with_prefix("meshform-").unwrap();
        copy(&checkout().join("examples"), &folder.path().join("examples"));
        fs::create_dir(folder.path().join("bin")).unwrap();
        symlink(env!("CARGO_BIN_EXE_meshform"), folder.path().join("bin/meshform")).unwrap();
        Self { folder }
    }

    /// Runs a line of the documentation, which has to succeed.
    fn run(&self, line: &str) {
        let line = line.replace("cargo run --release -- ", "meshform ");
        let script = line.split_whitespace().next().unwrap();
        if ["tests/run", ".ci/run"].contains(&script) {
            // It would run this very test. That it can be run has to do.
            let mode = fs::metadata(checkout().join(script)).unwrap().permissions().mode();
            assert_eq!(mode & 0o111, 0o111, "{script} is not executable");
            return;
        }
        let path = format!("{}:{}", self.folder.path().join("bin").display(), std::env::var("PATH").unwrap());
        let program = meshform(self.folder.path());
        let mut command = Command::new("sh");
        command.args(["-euc", &line]).current_dir(self.folder.path());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        finish(command.env("PATH", path)).done();
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        for example in folders(&self.folder.path().join("examples")) {
            let mut command = meshform(self.folder.path());
            let _ = command.args(["sandbox", "down", &format!("examples/{example}")]).output();
        }
    }
}

fn folders(of: &Path) -> Vec<String> {
    let entries = fs::read_dir(of).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The fenced blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let ends = |block: &str| block.split("\n```").next().unwrap().to_owned();
    text.split(&fence).skip(1).map(ends).collect()
}

fn readme() -> String {
    fs::read_to_string(checkout().join("README.md")).unwrap()
}

#[test]
fn blocks_are_found() {
    let text = "a\n```sh\none\ntwo\n```\nb\n```hcl\nc\n```\n```sh\nthree\n```\n";
    assert_eq!(blocks(text, "sh"), ["one\ntwo", "three"]);
    assert_eq!(blocks(text, "hcl"), ["c"]);
}

#[test]
fn its_commands_do_what_they_say() {
    let place = Checkout::new();
    let blocks = blocks(&readme(), "sh");
    assert!(blocks.len() >= 3, "{blocks:?}");
    for line in blocks.iter().flat_map(|block| block.lines()).filter(|line| !line.trim().is_empty()) {
        place.run(line);
    }
}

#[test]
fn its_stacks_are_valid() {
    let blocks = blocks(&readme(), "hcl");
    assert!(!blocks.is_empty());
    for block in blocks {
        let stack = Stack::of(&block);
        fs::create_dir(stack.path("manifests")).unwrap();
        stack.write(
            "manifests/web.yaml",
            "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: app}\nspec: {ports: [{port: 80}]}\n",
        );
        stack.run(["validate"]).done();
    }
}

#[test]
fn every_example_works_as_it_stands() {
    for name in folders(&checkout().join("examples")) {
        let stack = Stack::example(&name);
        stack.run(["validate"]).done();
        if fs::read_dir(stack.folder())
            .unwrap()
            .any(|it| it.unwrap().path().to_string_lossy().ends_with(".mftest.hcl"))
        {
            stack.run(["test"]).done().says(&["Passed: "]);
        }
        stack.plan().code(2);
        stack.apply().done();
        stack.plan().done();
        stack.destroy().done();
        assert_eq!(stack.run(["state", "list"]).done().out, "", "{name} is not all gone");
    }
}
