//! What plans and applies of many objects in one cluster cost, beside what any client has to pay.
//!
//! `cargo bench --bench kube` measures against one and the same server in one run: `meshform plan` when there is nothing to do, and the
//! bare LIST of the same objects; `meshform apply` of a saved plan, and as many bare server-side applies at the same concurrency; and
//! `kubectl diff --server-side`, which looks at each object by itself, so that it is shown a tenth of them and its time taken tenfold.
//!
//! The server is the sandbox, in a process of its own; where `KUBEBUILDER_ASSETS` names a folder with a control plane's programs, all is
//! measured against that, too. `BENCH_OBJECTS` makes it fewer than ten thousand.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints, and fails by panicking"
)]

#[path = "../../end_to_end/control_plane.rs"]
mod control_plane;
#[path = "../cost.rs"]
mod cost;
mod raw;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use control_plane::ControlPlane;
use cost::{Cost, run};
use raw::Raw;
use tempfile::TempDir;

const OBJECTS: usize = 10_000;
/// So many of them are applied by each side.
const APPLIED: usize = 1_000;
const CONCURRENCY: usize = 16;
const ROUNDS: usize = 5;
/// Makes the sandbox's cluster.
const FIRST: &str = "cluster \"main\" {\n  sandbox = true\n}\nresource \"kube_object\" \"first\" {\n  manifest = { apiVersion = \"v1\", kind = \"Namespace\", metadata = { name = \"first\" } }\n}\n";
/// What the road asks for.
const LIST_RATIO_MAX: f64 = 1.5;
const PEAK_MB_MAX: f64 = 150.0;
const APPLY_RATIO_MIN: f64 = 0.8;

fn main() {
    let objects = std::env::var("BENCH_OBJECTS").map_or(OBJECTS, |text| text.parse().unwrap());
    let sandbox = Sandbox::start();
    measure("the sandbox", &sandbox.kubeconfig(), objects);
    drop(sandbox);
    match std::env::var_os("KUBEBUILDER_ASSETS") {
        Some(assets) => {
            let plane = ControlPlane::start(Path::new(&assets));
            measure("a kube-apiserver", &plane.kubeconfig(), objects);
        }
        None => println!(
            "\n  ### NOT MEASURED: a kube-apiserver: KUBEBUILDER_ASSETS names no folder with its programs\n"
        ),
    }
}

/// An embedded cluster in a process of its own.
struct Sandbox(TempDir);

impl Sandbox {
    fn start() -> Self {
        let folder = TempDir::with_prefix("meshform-").unwrap();
        fs::write(folder.path().join("main.hcl"), FIRST).unwrap();
        // Whoever first has something there makes the cluster, and starts the process that serves it.
        run(meshform().args(["apply", "-auto-approve"]), folder.path());
        Self(folder)
    }

    fn kubeconfig(&self) -> PathBuf {
        self.0.path().join(".meshform/sandbox/main.kubeconfig")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = meshform().args(["sandbox", "down"]).current_dir(self.0.path()).output();
    }
}

fn meshform() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshform"));
    command.env("NO_COLOR", "1");
    command
}

fn measure(server: &str, kubeconfig: &Path, objects: usize) {
    let raw = Raw::connect(kubeconfig);
    println!("\n{objects} ConfigMaps of about 1.3 KB on {server}; medians of {ROUNDS}");
    apply(&raw, kubeconfig, APPLIED.min(objects));
    let stack = stack(kubeconfig, "many", objects);
    raw.namespace("many");
    run(meshform().args(["apply", "-auto-approve"]), stack.path());
    no_op(&raw, &stack, objects);
    kubectl(kubeconfig, objects);
}

/// Applies as many objects by both sides, in namespaces of their own.
fn apply(raw: &Raw, kubeconfig: &Path, count: usize) {
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let [bare, planned] = ["bare", "planned"].map(|name| format!("{name}-{round}"));
        raw.namespace(&bare);
        raw.namespace(&planned);
        let begin = Instant::now();
        raw.apply_all(&bare, count, CONCURRENCY);
        theirs.push(begin.elapsed().as_secs_f64());
        let stack = stack(kubeconfig, &planned, count);
        run(meshform().args(["plan", "-out", "saved.plan"]), stack.path());
        let concurrency = CONCURRENCY.to_string();
        let cost = run(meshform().args(["apply", "-parallelism", &concurrency, "saved.plan"]), stack.path());
        ours.push(cost.seconds);
    }
    let (theirs, ours) = (median(theirs), median(ours));
    let rate = |seconds: f64| count as f64 / seconds;
    println!(
        "apply of {count}: meshform {:.0}/s, bare server-side apply {:.0}/s at {CONCURRENCY} at once; {}",
        rate(ours),
        rate(theirs),
        verdict(theirs / ours, |ratio| ratio >= APPLY_RATIO_MIN, APPLY_RATIO_MIN)
    );
}

fn no_op(raw: &Raw, stack: &TempDir, objects: usize) {
    let (mut lists, mut parsed, mut plans): (Vec<f64>, Vec<f64>, Vec<Cost>) = Default::default();
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let bytes = raw.list("many");
        lists.push(begin.elapsed().as_secs_f64());
        assert_eq!(raw::count(&bytes), objects);
        parsed.push(begin.elapsed().as_secs_f64());
        plans.push(run(meshform().args(["plan", "-detailed-exitcode"]), stack.path()));
    }
    let (list, parsed) = (median(lists), median(parsed));
    let plan = median(plans.iter().map(|cost| cost.seconds).collect());
    let (cpu, peak) = (
        median(plans.iter().map(|cost| cost.cpu_seconds).collect()),
        median(plans.iter().map(|cost| cost.peak_mb).collect()),
    );
    println!(
        "no-op plan: {plan:.2} s ({cpu:.2} s of CPU); bare LIST {list:.2} s, read as JSON {parsed:.2} s; {}",
        verdict(plan / parsed, |ratio| ratio <= LIST_RATIO_MAX, LIST_RATIO_MAX)
    );
    println!("no-op plan: {}", verdict(peak, |peak| peak <= PEAK_MB_MAX, PEAK_MB_MAX) + " MB at most");
}

/// A tenth of the objects, for it looks at one after the other.
fn kubectl(kubeconfig: &Path, objects: usize) {
    let folder = TempDir::new().unwrap();
    let shown = objects.div_ceil(10);
    let texts = (0..shown).map(|at| raw::object("many", at).to_string());
    fs::write(folder.path().join("all.json"), texts.collect::<Vec<_>>().join("\n")).unwrap();
    let mut command = Command::new("kubectl");
    command.current_dir(folder.path()).arg("--kubeconfig").arg(kubeconfig);
    command.args(["diff", "--server-side", "--field-manager=meshform", "-f", "all.json"]);
    let begin = Instant::now();
    let ended = command.output().unwrap();
    let seconds = begin.elapsed().as_secs_f64();
    // It ends with 1 where it finds a difference, be it only of its own making.
    if !matches!(ended.status.code(), Some(0 | 1)) {
        return println!("\n  ### NOT MEASURED: kubectl diff: {}", String::from_utf8_lossy(&ended.stderr));
    }
    println!(
        "kubectl diff --server-side of {shown}: {seconds:.1} s; of {objects}, ten times that: {:.0} s",
        seconds * 10.0
    );
}

fn stack(kubeconfig: &Path, namespace: &str, count: usize) -> TempDir {
    let folder = TempDir::with_prefix("meshform-").unwrap();
    let text = format!(
        r#"cluster "main" {{
  kubeconfig = {kubeconfig:?}
}}

resource "kube_object" "all" {{
  count = {count}
  manifest = {{
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = {{ name = "map-${{count.index}}", namespace = {namespace:?}, labels = {{ app = "bench" }} }}
    data       = {{ for n in range({lines}) : "setting-${{n}}" => "${{count.index}}-{text}" }}
  }}
}}
"#,
        lines = raw::LINES,
        text = raw::LINE,
    );
    fs::write(folder.path().join("main.hcl"), text).unwrap();
    folder
}

fn verdict(value: f64, holds: impl Fn(f64) -> bool, bound: f64) -> String {
    let word = if holds(value) { "within" } else { "BEYOND" };
    format!("{value:.2}, {word} the bound of {bound}")
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
