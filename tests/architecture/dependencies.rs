//! Who may depend on whom: every arrow points to the engine.

use std::process::Command;

use crate::sources::root;

const ROOT: &str = "meshform";
const ENGINE: &str = "meshform-engine";
const KUBE: &str = "meshform-provider-kube";
const KUBE_SCHEMA: &str = "meshform-kube-schema";
const SSH: &str = "meshform-provider-ssh";
const STATE: &str = "meshform-state";
const STATE_HTTP: &str = "meshform-state-http";

/// Each package and what it may know of the others. The root is the only place that names them all, and nobody may know it.
const MAY_KNOW: &[(&str, &[&str])] = &[
    (ENGINE, &[]),
    ("meshform-cli", &[ENGINE]),
    (STATE, &[ENGINE]),
    (STATE_HTTP, &[ENGINE, STATE]),
    // By the same client.
    ("meshform-state-s3", &[ENGINE, STATE, STATE_HTTP]),
    ("meshform-state-kube", &[ENGINE, STATE]),
    ("meshform-state-postgres", &[ENGINE, STATE]),
    // What a definition of a custom kind says and forbids. The sandbox's API server asks it as a real one would; the provider asks it of
    // kinds whose definition is in the same plan, which no server can be asked about yet. Written twice, they would differ.
    (KUBE_SCHEMA, &[]),
    (KUBE, &[ENGINE, KUBE_SCHEMA]),
    (SSH, &[ENGINE]),
    ("meshform-sandbox", &[ENGINE, KUBE_SCHEMA]),
    ("meshform-provider-istio", &[ENGINE, KUBE, SSH]),
    ("meshform-provider-rollout", &[ENGINE, KUBE, SSH]),
];

/// What the engine may not reach through any of its dependencies: sockets, files, clocks, processes and terminals.
const NOT_IN_ENGINE: &[&str] =
    &["chrono", "clap", "hyper", "jiff", "mio", "rustix", "socket2", "tempfile", "terminal_size", "tokio"];

/// The most packages that `Cargo.lock` may hold, which is what a cold build pays for. Raise it only with a reason: thirty are the S3
/// server that the tests run.
const LOCKED_PACKAGES_MAX: usize = 430;

/// The forbidden edges in the output of `cargo tree --depth 1 --prefix depth`, each as `from -> to`.
fn forbidden_edges(tree: &str) -> Vec<String> {
    let mut forbidden = Vec::new();
    let mut from = "";
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let (depth, name) = depth_and_name(line);
        if depth == "0" {
            from = name;
        } else if !may_know(from, name) {
            forbidden.push(format!("{from} -> {name}"));
        }
    }
    forbidden
}

fn may_know(from: &str, to: &str) -> bool {
    let ours = to == ROOT || to.starts_with("meshform-");
    let known = MAY_KNOW.iter().find(|(package, _)| *package == from).map(|(_, known)| *known);
    !ours || (from == ROOT && to != ROOT) || known.is_some_and(|known| known.contains(&to))
}

/// `1serde v1.0.0 (*)` is at depth 1 and named `serde`.
fn depth_and_name(line: &str) -> (&str, &str) {
    let name_start = line.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(line.len());
    let (depth, rest) = line.split_at(name_start);
    (depth, rest.split(' ').next().unwrap_or(rest))
}

fn cargo_tree(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--prefix", "depth", "--edges", "normal,build"])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_arrow_points_to_the_engine() {
    // Without `--no-dedupe` an edge that was shown once is left out later.
    let tree = cargo_tree(&["--workspace", "--depth", "1", "--no-dedupe"]);
    let packages = tree.lines().filter(|line| line.starts_with('0')).count();
    assert_eq!(packages, MAY_KNOW.len() + 1, "a package that no rule is written for:\n{tree}");
    assert_eq!(forbidden_edges(&tree), Vec::<String>::new());
}

#[test]
fn the_engine_reaches_no_io() {
    let tree = cargo_tree(&["--package", ENGINE]);
    let reached: Vec<_> =
        tree.lines().map(|line| depth_and_name(line).1).filter(|name| NOT_IN_ENGINE.contains(name)).collect();
    assert_eq!(reached, Vec::<&str>::new());
}

#[test]
fn the_lock_file_stays_small() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let packages = lock.lines().filter(|line| *line == "[[package]]").count();
    assert!(
        packages <= LOCKED_PACKAGES_MAX,
        "Cargo.lock holds {packages} packages, above {LOCKED_PACKAGES_MAX}"
    );
}

#[test]
fn a_forbidden_edge_is_found() {
    let check = |from: &str, to: &str, expect: &[&str]| {
        let tree = format!("0{from} v0.1.0 (/folder)\n1{to} v0.1.0 (/folder) (*)\n1serde v1.0.0\n\n");
        assert_eq!(forbidden_edges(&tree), expect, "{from} and {to}");
    };
    check("meshform", "meshform-state", &[]);
    check("meshform-state", "meshform-engine", &[]);
    check("meshform-state-http", "meshform-state", &[]);
    check("meshform-state-s3", "meshform-state-http", &[]);
    check("meshform-state-http", "meshform-state-s3", &["meshform-state-http -> meshform-state-s3"]);
    check("meshform-state-postgres", "meshform-state", &[]);
    check(
        "meshform-state-kube",
        "meshform-state-postgres",
        &["meshform-state-kube -> meshform-state-postgres"],
    );
    check("meshform-provider-istio", "meshform-provider-kube", &[]);
    check("meshform-provider-rollout", "meshform-provider-ssh", &[]);
    check("meshform-engine", "meshform-state", &["meshform-engine -> meshform-state"]);
    check("meshform-state", "meshform-cli", &["meshform-state -> meshform-cli"]);
    check("meshform-state", "meshform-state-postgres", &["meshform-state -> meshform-state-postgres"]);
    check("meshform-cli", "meshform-sandbox", &["meshform-cli -> meshform-sandbox"]);
    check(
        "meshform-provider-kube",
        "meshform-provider-ssh",
        &["meshform-provider-kube -> meshform-provider-ssh"],
    );
    check("meshform-provider-kube", "meshform-kube-schema", &[]);
    check("meshform-kube-schema", "meshform-engine", &["meshform-kube-schema -> meshform-engine"]);
    check("meshform-provider-ssh", "meshform-sandbox", &["meshform-provider-ssh -> meshform-sandbox"]);
    check("meshform-sandbox", "meshform", &["meshform-sandbox -> meshform"]);
    check("meshform-new", "meshform-engine", &["meshform-new -> meshform-engine"]);
}
