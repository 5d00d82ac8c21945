//! What large stacks cost: CPU seconds and peak memory of `validate`, `plan`, `apply` and the `plan` after it.
//!
//! `cargo bench --bench stacks` prints them for 1,000, 10,000 and 100,000 instances, written as so many blocks and as one block with `count`,
//! and how much more ten times as many cost. Where `terraform` is installed, it is measured on the same stacks of `terraform_data` up to
//! 10,000 instances, of which it applies 1,000: more take it too long.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and fails by panicking")]

#[expect(dead_code, reason = "other benches use more of it")]
mod cost;

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::cost::{Cost, run};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// So many instances terraform plans, and so many it applies.
const TERRAFORM_MAX: (usize, usize) = (10_000, 1_000);
/// Less than this is too little for a ratio.
const CPU_SECONDS_MIN: f64 = 0.05;
fn main() {
    println!(
        "{:<26} {:>9} {:>11} {:>11} {:>11} {:>11}",
        "", "HCL", "validate", "plan", "apply", "no-op plan"
    );
    for form in [Form::Blocks, Form::Count] {
        let costs: Vec<_> = SIZES.iter().map(|count| meshform(form, *count)).collect();
        for (at, pair) in costs.windows(2).enumerate() {
            let ratios = pair[0].iter().zip(&pair[1]).map(|(small, large)| ratio(small, large));
            let what = format!("{} to {} {}", SIZES[at + 1], SIZES[at], form.name());
            println!("{what:<26} {:>9}{}", "", ratios.collect::<String>());
        }
        let version =
            Command::new("terraform").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if version.is_err() {
            println!("terraform is not installed: nothing to compare with");
            continue;
        }
        for count in SIZES.iter().filter(|count| **count <= TERRAFORM_MAX.0) {
            terraform(form, *count);
        }
    }
}

/// How a stack is written.
#[derive(Clone, Copy)]
enum Form {
    /// As many blocks, nine of ten of which refer to the one before.
    Blocks,
    /// One block with `count`.
    Count,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Blocks => "blocks",
            Self::Count => "count",
        }
    }

    fn text(self, kind: &str, count: usize) -> String {
        let head = "variable \"region\" {\n  default = \"eu\"\n}\n";
        match self {
            Self::Blocks => {
                std::iter::once(head.to_owned()).chain((0..count).map(|at| block(kind, at))).collect()
            }
            Self::Count => format!(
                "{head}resource \"{kind}\" \"all\" {{\n  count = {count}\n  input = {{ name = \"r${{count.index}}-${{var.region}}\" }}\n}}\n"
            ),
        }
    }
}

fn block(kind: &str, at: usize) -> String {
    let parent = match at % 10 {
        0 => "\"root\"".to_owned(),
        _ => format!("{kind}.r{}.output.name", at - 1),
    };
    format!(
        r#"
resource "{kind}" "r{at}" {{
  input = {{
    name    = "r{at}-${{var.region}}"
    parent  = {parent}
    tags    = {{ app = "shop", tier = "web", index = {at}, note = "a somewhat longer text, that makes the block as large as those that people write by hand are" }}
    ports   = [80, 443, {port}]
    enabled = {at} % 2 == 0 ? true : false
    labels  = {{ for part in ["a", "b", "c"] : part => upper("${{part}}-{at}") }}
    about   = "It listens on {port}, and tells ${{var.region}} of it."
  }}
}}
"#,
        port = 8000 + at % 1000
    )
}

fn meshform(form: Form, count: usize) -> [Cost; 4] {
    let stack = TempDir::new().unwrap();
    let text = form.text("value", count);
    fs::write(stack.path().join("main.hcl"), &text).unwrap();
    let run =
        |arguments: &[&str]| run(Command::new(env!("CARGO_BIN_EXE_meshform")).args(arguments), stack.path());
    let costs = [
        run(&["validate"]),
        run(&["plan"]),
        run(&["apply", "-auto-approve"]),
        run(&["plan", "-detailed-exitcode"]),
    ];
    show(&format!("meshform, {count} {}", form.name()), text.len(), &costs);
    costs
}

fn terraform(form: Form, count: usize) {
    let stack = TempDir::new().unwrap();
    let text = form.text("terraform_data", count);
    fs::write(stack.path().join("main.tf"), &text).unwrap();
    let run = |arguments: &[&str]| run(Command::new("terraform").args(arguments), stack.path());
    run(&["init"]);
    let mut costs = vec![run(&["validate"]), run(&["plan"])];
    if count <= TERRAFORM_MAX.1 {
        costs.extend([run(&["apply", "-auto-approve"]), run(&["plan", "-detailed-exitcode"])]);
    }
    show(&format!("terraform, {count} {}", form.name()), text.len(), &costs);
}

fn ratio(small: &Cost, large: &Cost) -> String {
    match small.cpu_seconds < CPU_SECONDS_MIN {
        true => format!(" {:>11}", "-"),
        false => format!(" {:>10.1}×", large.cpu_seconds / small.cpu_seconds),
    }
}

fn show(what: &str, bytes: usize, costs: &[Cost]) {
    let costs = costs.iter().map(|cost| format!(" {:>5.2}s {:>4.0}M", cost.cpu_seconds, cost.peak_mb));
    println!("{what:<26} {:>6.1} MB{}", bytes as f64 / 1e6, costs.collect::<String>());
}
