//! What the fuzzers and the ordinary tests feed with texts: each takes any text, and fails only by what must never happen: a panic, or a
//! property that does not hold. What takes too long or too much memory is for whoever calls to tell.
//!
//! `cargo test -p meshform-engine --test fuzz` runs all of it for some seconds. The targets take a nightly toolchain and `cargo install cargo-fuzz`. From the workspace's folder:
//!
//! ```text
//! cargo +nightly fuzz run --fuzz-dir tests/fuzz --sanitizer none stack -- \
//!     -dict=tests/fuzz/hcl.dict -rss_limit_mb=2048 -timeout=10 -max_len=4096 -max_total_time=900
//! ```
//!
//! The others are `console`, `format` and `decode`. What one of them finds becomes a text of its corpus, so that it is tested from then on.

use std::collections::BTreeMap;
use std::sync::Arc;

use meshform_engine::config::{Config, Registry, decode as decode_stack};
use meshform_engine::console::{Console, expressions};
use meshform_engine::diagnostic::{Diagnostics, ModuleProblem, Sources};
use meshform_engine::files::NoFiles;
use meshform_engine::format::format as formatted;
use meshform_engine::lang::{Expression, FunctionContext, Scope, evaluate};
use meshform_engine::pipeline::{World, check};
use meshform_engine::plan::Plan;
use meshform_engine::ports::{
    BoxFuture, Clock, Holder, Journal, Kept, Lease, Loaded, StateStore, StoreError,
};
use meshform_engine::state::Snapshot;
use meshform_engine::value::{Fingerprinter, Value};
use meshform_engine::{modules, syntax};

/// One way to read a text.
pub(crate) type Entry = fn(&str);

/// All of them, under the names of their folders in the corpus.
pub(crate) const ENTRIES: [(&str, Entry); 4] =
    [("stack", stack), ("console", console), ("format", format), ("decode", decode)];

/// What separates the files of a stack, and a function's arguments.
const SEPARATOR: char = '\0';

/// Words that mean something, for mutations: one a line, in quotes, as the fuzzer reads them.
pub(crate) fn dictionary() -> Vec<String> {
    let lines = include_str!("hcl.dict").lines();
    let quoted = lines.filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    quoted.map(|word| word.replace("\\x0a", "\n").replace("\\\"", "\"").replace("\\\\", "\\")).collect()
}

/// Parses, decodes and validates a stack. The first file is its own, those that follow are of the modules `./b` and `./c`.
pub(crate) fn stack(text: &str) {
    let mut sources = Sources::default();
    for (part, folder) in text.split(SEPARATOR).zip([None, Some("b"), Some("c")]) {
        sources.add_in(folder, format!("{}/main.hcl", folder.unwrap_or(".")), part);
    }
    locate(&mut sources);
    let (config, diagnostics) = check(&sources, &world(), ".");
    check_places(&diagnostics, &sources);
    assert_eq!(config.is_none(), diagnostics.has_errors());
}

fn locate(sources: &mut Sources) {
    // A module that two others call twice each is there four times.
    for _ in 0..3 {
        for call in modules::missing(sources) {
            let folder = call.source.strip_prefix("./").filter(|folder| ["b", "c"].contains(folder));
            let found = match folder {
                Some(folder) if !call.callers.iter().any(|caller| caller == folder) => Ok(folder.to_owned()),
                _ => Err(ModuleProblem {
                    summary: "Not there".into(),
                    detail: "There is no such module.".into(),
                }),
            };
            sources.locate(call.path, found);
        }
    }
}

/// Every place that a diagnostic names is in its text, at the bounds of letters.
fn check_places(diagnostics: &Diagnostics, sources: &Sources) {
    for diagnostic in diagnostics.iter() {
        let place = diagnostic.span.as_ref();
        assert!(place.is_none_or(|span| sources.text(span).is_some()), "{diagnostic:?}");
        assert!(place.is_none_or(|span| sources.position(span).is_some()), "{diagnostic:?}");
    }
}

/// Evaluates expressions as `console` does, one on each line, over a few names.
pub(crate) fn console(text: &str) {
    const STACK: &str = r#"
variable "unknown" {}
variable "list" { default = ["a", "b", "ü"] }
variable "secret" {
  default   = "hunter2"
  sensitive = true
}
locals {
  map  = { a = 1, "b c" = [1.5, null], c = { d = true } }
  sets = toset(["x", "y"])
  deep = [[[["x"]]]]
  text = "a-b_c ${1 + 2}\n"
}
"#;
    let mut sources = Sources::default();
    sources.add("main.hcl", STACK);
    let registry = Registry::new([]);
    let (config, _) = config(&sources, &registry);
    let variables =
        BTreeMap::from([("unknown".to_owned(), Value::unknown(meshform_engine::types::Type::Any))]);
    let (functions, snapshot) = (functions(), Snapshot::default());
    let (console, _) = Console::new(&config, &registry, &variables, &snapshot, &functions);
    let (complete, rest) = expressions(text);
    for expression in complete.into_iter().chain([rest]) {
        let answer = console.answer(expression);
        check_places(&answer.diagnostics, &answer.sources);
        assert_eq!(answer.value.is_none(), answer.diagnostics.has_errors());
        let shown = format!("{:?}{:?}", answer.value, answer.diagnostics);
        assert!(!shown.contains("hunter2"), "{expression} tells the secret");
    }
}

fn config(sources: &Sources, registry: &Registry) -> (Config, Diagnostics) {
    let (files, _) = syntax::parse(sources);
    decode_stack(sources, &files, registry)
}

fn functions() -> FunctionContext<'static> {
    FunctionContext {
        files: &NoFiles,
        base: "stack",
        workspace: "default",
        now: 1_515_000_000_123,
        impure: None,
    }
}

/// Formats a file: what is formatted stays, says the same, and whatever is valid can be formatted.
pub(crate) fn format(text: &str) {
    match formatted("main.hcl", text) {
        Ok(once) => {
            let twice = formatted("main.hcl", &once);
            assert!(twice.as_ref().is_ok_and(|twice| *twice == once), "{text:?}\n{once:?}\n{twice:?}");
        }
        Err(refused) => {
            check_places(&refused.diagnostics, &refused.sources);
            let changed = refused.diagnostics.iter().any(|it| it.summary == "This file cannot be formatted");
            assert!(!changed, "{text:?} is valid");
        }
    }
}

/// Functions that read texts of a form of their own. The first letter says which; `t`, `u` and `v` are the texts after it.
const FUNCTIONS: &[&str] = &[
    "yamldecode(t)",
    "yamldecode(yamlencode(yamldecode(t))) == yamldecode(t)",
    "parsemanifests(t)",
    "jsondecode(t)",
    "jsondecode(jsonencode(jsondecode(t))) == jsondecode(t)",
    "yamldecode(yamlencode(jsondecode(t))) == jsondecode(t)",
    "csvdecode(t)",
    "regexall(u, t)",
    "regex(u, t)",
    "replace(t, u, v)",
    "format(u, t, v)",
    "format(u, tonumber(t))",
    "formatlist(u, [t, v])",
    "formatdate(u, t)",
    "timeadd(t, u)",
    "timecmp(t, u)",
    "[base64decode(t)]",
    "base64gunzip(t)",
    "base64gunzip(base64gzip(t)) == t",
    "base64decode(base64encode(t)) == t",
    "urldecode(t)",
    "urldecode(urlencode(t)) == t",
    "textdecodebase64(t, u)",
    "textdecodebase64(textencodebase64(t, u), u) == t",
    "parseint(t, tonumber(u))",
    "tonumber(t) + 1",
    "tostring(tonumber(t))",
    "cidrsubnet(t, tonumber(u), tonumber(v))",
    "cidrsubnets(t, tonumber(u), 4)",
    "cidrhost(t, tonumber(u))",
    "cidrcontains(t, u)",
    "cidrnetmask(t)",
    "templatestring(t, { a = u, b = [v] })",
    "[title(t), upper(t), lower(t), strrev(t), length(t)]",
    "[substr(t, tonumber(u), tonumber(v)), trim(t, u), split(u, t), indent(3, t)]",
    "join(u, split(u, t)) == t",
    "sort(split(u, t))",
    "jsonencode(t)",
    "basename(t) == dirname(t)",
    "pathexpand(t)",
    "log(tonumber(t), tonumber(u))",
    "pow(tonumber(t), tonumber(u))",
    "rsadecrypt(t, u)",
];

/// Runs one function on texts. Those that undo each other must give back what they were given.
pub(crate) fn decode(text: &str) {
    let mut letters = text.chars();
    let Some(choice) = letters.next() else { return };
    let Some(call) =
        usize::try_from(u32::from(choice)).ok().and_then(|choice| FUNCTIONS.get(choice % FUNCTIONS.len()))
    else {
        return;
    };
    let functions = functions();
    let mut scope = Scope::new(&functions);
    let mut texts = letters.as_str().split(SEPARATOR);
    for name in ["t", "u", "v"] {
        scope.set(name, Value::from(texts.next().unwrap_or_default()));
    }
    let mut sources = Sources::default();
    let source = sources.add("call", call);
    let Ok(ast) = syntax::parse_expression(source, call) else { panic!("{call} does not parse") };
    let mut diagnostics = Diagnostics::new();
    let value = evaluate(&Expression::new(source, (*call).into(), ast), &scope, &mut diagnostics);
    let compares = call.contains(" == ") && !call.contains("dirname") && !has_long_number(text);
    if compares && !diagnostics.has_errors() {
        assert_ne!(value.as_bool(), Some(false), "{call} with {:?}", letters.as_str());
    }
}

/// Whether a text holds more digits than are shown of a number.
fn has_long_number(text: &str) -> bool {
    const SHOWN: usize = 150;
    let others = |letter: char| !(letter.is_ascii_digit() || letter == '.');
    text.split(others).any(|digits| digits.len() > SHOWN)
}

fn world() -> World {
    World::new([], [], Arc::new(NoStore), Arc::new(NoFiles), Arc::new(Stopped))
}

/// A clock that stands still.
struct Stopped;

impl Clock for Stopped {
    fn now_ms(&self) -> i64 {
        0
    }

    fn sleep_ms(&self, _: u64) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

/// Nothing is loaded or stored where stacks are only validated.
struct NoStore;

impl StateStore for NoStore {
    fn load(&self) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        Box::pin(async { Err(StoreError::Fenced) })
    }

    fn fingerprinter(&self) -> BoxFuture<'_, Result<Arc<dyn Fingerprinter>, StoreError>> {
        Box::pin(async { Err(StoreError::Fenced) })
    }

    fn lock<'a>(&'a self, _: &'a str, _: u64) -> BoxFuture<'a, Result<Box<dyn Lease>, StoreError>> {
        Box::pin(async { Err(StoreError::Fenced) })
    }

    fn begin<'a>(
        &'a self,
        _: &'a dyn Lease,
        _: &'a Snapshot,
    ) -> BoxFuture<'a, Result<Box<dyn Journal>, StoreError>> {
        Box::pin(async { Err(StoreError::Fenced) })
    }

    fn encode_plan<'a>(&'a self, _: &'a Plan) -> BoxFuture<'a, Result<Vec<u8>, StoreError>> {
        Box::pin(async { Err(StoreError::Fenced) })
    }

    fn decode_plan(&self, _: &[u8]) -> Result<Plan, StoreError> {
        Err(StoreError::Fenced)
    }

    fn encode_state<'a>(&'a self, _: &'a Snapshot) -> BoxFuture<'a, Result<Vec<u8>, StoreError>> {
        Box::pin(async { Err(StoreError::Fenced) })
    }

    fn decode_state(&self, _: &[u8]) -> Result<Snapshot, StoreError> {
        Err(StoreError::Fenced)
    }

    fn history(&self) -> BoxFuture<'_, Result<Vec<Kept>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn recall(&self, _: u64) -> BoxFuture<'_, Result<Snapshot, StoreError>> {
        Box::pin(async { Err(StoreError::Fenced) })
    }

    fn holder(&self) -> BoxFuture<'_, Result<Option<Holder>, StoreError>> {
        Box::pin(async { Ok(None) })
    }

    fn unlock(&self, _: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Fenced) })
    }

    fn rewrite<'a>(&'a self, _: &'a dyn Lease) -> BoxFuture<'a, Result<usize, StoreError>> {
        Box::pin(async { Ok(0) })
    }
}
