//! What Terraform says of the same expressions, where there is a `terraform`.
//!
//! Each expression becomes the input of a `terraform_data` resource in a file of its own, and all of them one plan: it tells values,
//! what is unknown and what is sensitive. What does not plan is told with its file; that is left out, and the rest planned again.
//! Where we differ is in `differences.txt`, with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use meshform_engine::value::{Kind, Value};

use crate::cases::{Table, all, folder, updating};
use crate::world::{FILES, Shelf, evaluated};

/// The names of `world` as Terraform can have them.
const NAMES: &str = r#"
resource "terraform_data" "unknown" {}

locals {
  text   = terraform_data.unknown.id
  any    = jsondecode(local.text)
  number = tonumber(local.any)
  bool   = tobool(local.any)
  pods   = local.bool ? tolist([{ name = "", port = 0 }]) : null
  pod    = local.bool ? { name = "", port = 0 } : null
  map    = local.bool ? tomap({ a = 0 }) : null
  template = "a=$${a}, b=$${b}"
  region = "eu"
  secret = sensitive("hunter2")
}
"#;

/// What Terraform has no such thing as.
const NOT_IN_TERRAFORM: &[&str] = &[
    "base64gunzip(",
    "cidrcontains(",
    "parsemanifests(",
    "urldecode(",
    "type(",
    "each",
    "kube_object.",
    "var.stored",
    "var.unk",
];

/// What is another text in each run.
const CLOCK: &str = "plantimestamp()";

/// What no implementation but ours is asked: Terraform takes all memory or does not end.
pub(crate) const NOT_ASKED: &str = "extremes";

/// How long one run of Terraform may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const ERROR: &str = "error";
/// Both sides' numbers are compared in as many digits: Terraform calculates with 512 bits.
const DIGITS: u64 = 100;

#[test]
fn differences_from_terraform_are_known() {
    let Some(binary) = terraform() else {
        eprintln!("NOT RUN: there is no terraform on the PATH, so the tables are not compared with it");
        return;
    };
    let tables = all();
    let cases = tables.iter().filter(|table| table.name() != NOT_ASKED).flat_map(Table::cases);
    let (expressions, left_out): (Vec<&str>, Vec<&str>) =
        cases.map(|case| case.expression.as_str()).partition(|text| is_comparable(text));
    let resource = |(at, text): (usize, &&str)| {
        format!(
            "resource \"terraform_data\" \"c{at}\" {{\n  input = {}\n}}\n",
            text.replace("var.", "local.")
        )
    };
    let files: Vec<String> = expressions.iter().enumerate().map(resource).collect();
    let theirs = planned(&binary, "terraform", &files);
    let differences: BTreeMap<&str, [String; 2]> = expressions
        .iter()
        .zip(theirs)
        .map(|(text, theirs)| (*text, [ours(text), theirs]))
        .filter(|(_, [ours, theirs])| ours != theirs)
        .collect();
    println!(
        "{} expressions compared with terraform, {} differ, {} have no counterpart there",
        expressions.len(),
        differences.len(),
        left_out.len()
    );
    judge(&differences, "differences.txt");
}

/// Whether Terraform can be asked the same.
pub(crate) fn is_comparable(text: &str) -> bool {
    text != CLOCK && !NOT_IN_TERRAFORM.iter().any(|name| text.contains(name))
}

/// Compares what differs with what is known to differ.
pub(crate) fn judge(differences: &BTreeMap<&str, [String; 2]>, file: &str) {
    let path = folder().join(file);
    let lines = |[ours, theirs]: &[String; 2]| vec![format!("= {ours}"), format!("~ {theirs}")];
    let known = Table::read(path.clone());
    let listed: BTreeSet<&str> = known.cases().map(|case| case.expression.as_str()).collect();
    let stale = known
        .cases()
        .filter(|case| differences.get(case.expression.as_str()).map(lines).as_ref() != Some(&case.expected));
    let stale: Vec<&str> = stale.map(|case| case.expression.as_str()).collect();
    let new = differences.iter().filter(|(text, _)| !listed.contains(*text));
    let new: String = new.map(|(text, both)| format!("{text}\n{}\n\n", lines(both).join("\n"))).collect();
    if updating() && !new.is_empty() {
        fs::write(path.with_extension("new"), &new).unwrap();
    }
    assert!(
        new.is_empty() && stale.is_empty(),
        "to be explained in {file}:\n\n{new}\nno longer so:\n{}",
        stale.join("\n")
    );
}

pub(crate) fn terraform() -> Option<PathBuf> {
    let version =
        Command::new("terraform").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match version {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        status => status.unwrap().success().then(|| PathBuf::from("terraform")),
    }
}

/// What comes out here, in the form in which both sides are compared.
fn ours(text: &str) -> String {
    let (value, said) = evaluated(text, &Shelf::new());
    if said.is_empty() { canonical(&value) } else { ERROR.to_owned() }
}

/// Marks inside of what is marked anyway say nothing.
pub(crate) fn canonical(value: &Value) -> String {
    if value.is_sensitive() {
        return format!("sensitive({})", canonical(&value.unmarked()));
    }
    match value.kind() {
        Kind::Null => "null".to_owned(),
        Kind::Number(number) => {
            let digits = DIGITS.try_into().unwrap();
            number
                .with_precision_round(digits, bigdecimal::RoundingMode::HalfEven)
                .normalized()
                .to_plain_string()
        }
        Kind::String(text) => format!("{text:?}"),
        Kind::List(elements) | Kind::Set(elements) => {
            format!("[{}]", elements.iter().map(canonical).collect::<Vec<_>>().join(", "))
        }
        Kind::Map(entries) => canonical_entries(entries),
        Kind::Object(object) => canonical_entries(&object.fields),
        Kind::Unknown(_) => "unknown".to_owned(),
        _ => format!("{value:?}"),
    }
}

fn canonical_entries(entries: &BTreeMap<String, Value>) -> String {
    let entries = entries.iter().map(|(key, value)| format!("{key:?}: {}", canonical(value)));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
}

/// A new folder with the files and names that expressions use.
pub(crate) fn stack(name: &str) -> PathBuf {
    let stack = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&stack);
    for (path, bytes) in FILES {
        let path = stack.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    fs::write(stack.join("names.tf"), NAMES).unwrap();
    stack
}

/// What Terraform plans as the `input` of each `terraform_data.cN`, which stands in the file with the number N.
pub(crate) fn planned(binary: &Path, name: &str, files: &[String]) -> Vec<String> {
    let stack = stack(name);
    for (at, text) in files.iter().enumerate() {
        fs::write(stack.join(file_name(at)), text).unwrap();
    }
    let mut failed = BTreeSet::new();
    loop {
        let plan = ["plan", "-json", "-input=false", "-refresh=false", "-out=plan"];
        let (printed, content) = run(binary, &stack, &plan);
        let more = failures(&printed);
        if more.is_empty() {
            assert!(content, "{}", String::from_utf8_lossy(&printed));
            break;
        }
        for at in &more {
            fs::remove_file(stack.join(file_name(*at))).unwrap();
        }
        failed.extend(more);
    }
    let shown = read_json(run(binary, &stack, &["show", "-json", "plan"]).0);
    let inputs = inputs(&shown);
    let result = |at| match failed.contains(&at) {
        true => ERROR.to_owned(),
        false => inputs[&format!("c{at}")].clone(),
    };
    (0..files.len()).map(result).collect()
}

fn file_name(at: usize) -> String {
    format!("c{at}.tf")
}

/// Runs Terraform in the folder and gives what it prints and whether it was content.
fn run(binary: &Path, stack: &Path, arguments: &[&str]) -> (Vec<u8>, bool) {
    let printed = stack.join("printed");
    let mut child = Command::new(binary)
        .args(arguments)
        .current_dir(stack)
        .env("HOME", "/home/me")
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .stdout(fs::File::create(&printed).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("terraform {arguments:?} takes more than {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(20));
    };
    (fs::read(printed).unwrap(), status.success())
}

/// Exact numbers are needed, which our own reader has.
fn read_json(bytes: Vec<u8>) -> Value {
    let (value, said) = evaluated(r#"jsondecode(file("json"))"#, &Shelf::with("stack/json", bytes));
    assert!(said.is_empty(), "{said:?}");
    value
}

/// The expressions that Terraform finds fault with.
fn failures(lines: &[u8]) -> BTreeSet<usize> {
    let text = String::from_utf8_lossy(lines);
    let lines = text.lines().filter(|line| line.contains(r#""type":"diagnostic""#));
    let errors =
        lines.map(|line| read_json(line.into())).filter(|line| line.get_str("@level") == Some("error"));
    let at = errors.filter_map(|error| {
        let diagnostic = error.get("diagnostic")?;
        let range = diagnostic.get("range").and_then(|range| range.get_str("filename"));
        let in_file = range.and_then(|name| name.strip_prefix('c')?.strip_suffix(".tf")?.parse().ok());
        // What cannot be written into a plan has no place, but a name.
        in_file.or_else(|| {
            let (_, rest) = diagnostic.get_str("summary")?.split_once("terraform_data.c")?;
            rest.split_once(' ')?.0.parse().ok()
        })
    });
    at.collect()
}

/// The planned input of each resource by its name.
fn inputs(shown: &Value) -> BTreeMap<String, String> {
    let changes = shown.get("resource_changes").and_then(Value::as_list).unwrap();
    let input = |change: &Value| {
        let change = change.get("change")?;
        let part = |name: &str| change.get(name).and_then(|part| part.get("input")).cloned();
        let none = Value::null;
        let value = merged(
            &part("after").unwrap_or_else(none),
            &part("after_unknown").unwrap_or_else(none),
            &part("after_sensitive").unwrap_or_else(none),
        );
        Some(canonical(&value))
    };
    changes
        .iter()
        .map(|change| (change.get_str("name").unwrap().to_owned(), input(change).unwrap()))
        .collect()
}

/// A value with the marks that stand in two more trees of the same form.
fn merged(value: &Value, unknown: &Value, sensitive: &Value) -> Value {
    let mark = sensitive.as_bool() == Some(true);
    if unknown.as_bool() == Some(true) {
        return Value::unknown(meshform_engine::types::Type::Any).marked(mark);
    }
    let null = Value::null();
    let element =
        |tree: &Value, at: usize| tree.as_list().and_then(|list| list.get(at)).unwrap_or(&null).clone();
    let entry = |tree: &Value, key: &str| tree.get(key).unwrap_or(&null).clone();
    let whole = match value.kind() {
        Kind::List(elements) => Value::list(
            elements
                .iter()
                .enumerate()
                .map(|(at, part)| merged(part, &element(unknown, at), &element(sensitive, at))),
        ),
        Kind::Object(object) => {
            // What is unknown is missing in the value.
            let keys: BTreeSet<&String> =
                object.fields.keys().chain(unknown.as_map().into_iter().flat_map(BTreeMap::keys)).collect();
            Value::object(keys.into_iter().map(|key| {
                (key.clone(), merged(&entry(value, key), &entry(unknown, key), &entry(sensitive, key)))
            }))
        }
        kind => Value::new(kind.clone()),
    };
    whole.marked(mark)
}
