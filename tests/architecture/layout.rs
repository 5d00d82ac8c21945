//! What lies at the top, and what lies nowhere.

use crate::sources::{all, root};

/// What the top level may hold beside files whose name starts with a dot. `target` is where cargo builds.
const TOP: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "engine",
    "examples",
    "main.rs",
    "providers",
    "state",
    "target",
    "tests",
];

const MAIN_LINES_MAX: usize = 40;

fn may_lie_at_the_top(name: &str) -> bool {
    name.starts_with('.') || TOP.contains(&name)
}

/// The lines of `text` that name a folder of the machine that it was written on, by the folder that the workspace lies in.
fn lines_with_local_paths(text: &str, workspace: &str) -> Vec<usize> {
    let near = |line: &&str| line.match_indices(workspace).next().is_some();
    text.lines().enumerate().filter(|(_, line)| near(line)).map(|(index, _)| index + 1).collect()
}

#[test]
fn the_top_level_is_fixed() {
    let names = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name());
    let strangers: Vec<_> =
        names.map(|name| name.into_string().unwrap()).filter(|name| !may_lie_at_the_top(name)).collect();
    assert_eq!(strangers, Vec::<String>::new());
}

#[test]
fn main_only_puts_the_parts_together() {
    let lines = std::fs::read_to_string(root().join("main.rs")).unwrap().lines().count();
    assert!(lines <= MAIN_LINES_MAX, "main.rs has {lines} lines, above {MAIN_LINES_MAX}");
}

#[test]
fn no_file_names_a_folder_of_this_machine() {
    let workspace = root().display().to_string();
    let found: Vec<_> = all()
        .iter()
        .map(|source| (source.path.clone(), lines_with_local_paths(&source.text, &workspace)))
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    assert_eq!(found, Vec::new());
}

#[test]
fn strangers_and_local_paths_are_found() {
    assert!(may_lie_at_the_top("engine") && may_lie_at_the_top(".ci"));
    assert!(!may_lie_at_the_top("src") && !may_lie_at_the_top("notes.md"));
    assert_eq!(lines_with_local_paths("a\nb /home/ann/meshform/x\n", "/home/ann/meshform"), [2]);
    assert_eq!(lines_with_local_paths("/home/ann/other\n", "/home/ann/meshform"), Vec::<usize>::new());
}
