//! A world in memory: one provider with one resource type, one target, one store; faults on demand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use meshform_engine::address::{Address, TargetKind};
use meshform_engine::apply::{Applied, Event, apply};
use meshform_engine::diagnostic::{Diagnostics, Severity, Sources};
use meshform_engine::files::{FileError, Files};
use meshform_engine::inputs::Input;
use meshform_engine::modules;
use meshform_engine::observer::{Observer, Progress, Stop};
use meshform_engine::pipeline::{Failure, Options, World, check, plan};
use meshform_engine::plan::{FieldChange, Plan, Refresh, Restriction};
use meshform_engine::ports::*;
use meshform_engine::schema::{Attribute, Body, DataType, ResourceType};
use meshform_engine::state::Snapshot;
use meshform_engine::types::Type;
use meshform_engine::value::{Path, Value};

use crate::store::Store;

/// What exists, by identity, and what goes wrong.
#[derive(Default)]
pub(crate) struct Reality {
    pub(crate) things: BTreeMap<String, Value>,
    /// Identities whose next step fails after its effect.
    pub(crate) broken: Vec<String>,
    /// Those whose next step fails after its effect, and tells what is there.
    pub(crate) halfway: Vec<String>,
    /// Steps that are turned down, such as "Delete a".
    pub(crate) refused: Vec<String>,
    /// Identity of the target.
    pub(crate) uid: String,
    /// Journal entries after which the process "dies"; `None` never.
    pub(crate) entries_left: Option<usize>,
    pub(crate) state: Snapshot,
    pub(crate) journal: Vec<Event>,
    pub(crate) performed: Vec<String>,
    pub(crate) reads: usize,
    /// The `data` blocks' instances, in the order in which they were looked up.
    pub(crate) looked_up: Vec<String>,
}

pub(crate) type Shared = Arc<Mutex<Reality>>;

pub(crate) struct Bed {
    pub(crate) reality: Shared,
    pub(crate) inputs: Vec<Input>,
    pub(crate) destroy: bool,
    pub(crate) replace: Vec<Address>,
    pub(crate) restriction: Option<Restriction>,
    pub(crate) refresh: Refresh,
}

impl Bed {
    pub(crate) fn new() -> Self {
        let reality = Reality { uid: "uid-1".into(), ..Reality::default() };
        Self {
            reality: Arc::new(Mutex::new(reality)),
            inputs: Vec::new(),
            destroy: false,
            replace: Vec::new(),
            restriction: None,
            refresh: Refresh::Whole,
        }
    }

    pub(crate) fn world(&self) -> World {
        let provider: Arc<dyn Provider> = Arc::new(Things(Arc::clone(&self.reality)));
        let store = Arc::new(Store(Arc::clone(&self.reality)));
        World::new([provider], [], store, Arc::new(Nothing), Arc::new(Epoch))
    }

    fn options(&self) -> Options {
        let (inputs, replace) = (self.inputs.clone(), self.replace.clone());
        let (restriction, refresh) = (self.restriction.clone(), self.refresh);
        Options { inputs, replace, restriction, refresh, destroy: self.destroy, ..Options::default() }
    }

    pub(crate) fn plan(&self, text: &str) -> Result<Plan, Failure> {
        let sources = sources(text);
        let world = self.world();
        let options = self.options();
        futures::executor::block_on(plan(sources, &world, &options, &Silent)).map(|planned| planned.plan)
    }

    pub(crate) fn apply_plan(&self, plan: &Plan) -> Result<Applied, Failure> {
        let world = self.world();
        futures::executor::block_on(apply(plan, &world, &self.options(), &Silent, &Stop::default()))
    }

    pub(crate) fn apply(&self, text: &str) -> Result<Applied, Failure> {
        self.apply_plan(&self.plan(text)?)
    }

    /// What `validate` says of these files.
    pub(crate) fn validated(&self, files: &[(&str, &str)]) -> String {
        let mut sources = Sources::default();
        for (name, text) in files {
            sources.add(*name, text);
        }
        let (_, diagnostics) = check(&sources, &self.world(), ".");
        let lines = diagnostics.iter().map(|it| match &it.span {
            Some(span) => {
                let name = sources.get(span.source).map_or("", |source| &source.name);
                format!("{name}:{} {}", sources.position(span).unwrap().0, it.summary)
            }
            None => it.summary.clone(),
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn diagnostics(&self, text: &str) -> String {
        match self.plan(text) {
            Err(Failure::Diagnostics(diagnostics)) => show_diagnostics(text, &diagnostics),
            Err(Failure::Store(error)) => error.to_string(),
            Ok(_) => "no errors".to_owned(),
        }
    }

    pub(crate) fn show_plan(&self, text: &str) -> String {
        match self.plan(text) {
            Ok(plan) => show(&plan),
            Err(_) => self.diagnostics(text),
        }
    }

    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut Reality) -> T) -> T {
        change(&mut self.reality.lock().unwrap())
    }
}

/// The stack's file; after each line `### FOLDER` that of a module, which is called as "./FOLDER".
pub(crate) fn sources(text: &str) -> Sources {
    let mut parts = text.split("\n### ");
    let mut sources = Sources::default();
    sources.add("main.hcl", parts.next().unwrap());
    for part in parts {
        let (folder, text) = part.split_once('\n').unwrap();
        sources.add_in(Some(folder), format!("{folder}/main.hcl"), text);
    }
    while let missing @ [_, ..] = &modules::missing(&sources)[..] {
        for call in missing {
            sources.locate(call.path.clone(), Ok(call.source.trim_start_matches("./").to_owned()));
        }
    }
    sources
}

pub(crate) fn show_diagnostics(text: &str, diagnostics: &Diagnostics) -> String {
    let sources = sources(text);
    let lines = diagnostics.iter().map(|it| {
        let place = it.span.as_ref().map_or(String::new(), |span| {
            let (line, column) = sources.position(span).unwrap();
            format!("{line}:{column} `{}` ", sources.text(span).unwrap())
        });
        format!("{place}{}: {}", it.summary, it.detail)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A plan as lines of text.
pub(crate) fn show(plan: &Plan) -> String {
    let mut lines = Vec::new();
    for change in &plan.changes {
        let reason = change.reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
        lines.push(format!("{:?} {}{reason}", change.action, change.address));
        for field in &change.fields {
            let side =
                |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), |value| format!("{value:?}"));
            let forced = if field.forces_replace { " !" } else { "" };
            lines.push(format!(
                "  {}: {} -> {}{forced}",
                field.path,
                side(&field.before),
                side(&field.after)
            ));
        }
    }
    for (name, output) in plan.outputs.iter().filter(|(_, output)| output.changed()) {
        lines.push(format!("output {name}: {:?} -> {:?}", output.before, output.after));
    }
    lines.join("\n")
}

pub(crate) struct Silent;

impl Observer for Silent {
    fn event(&self, _: &Progress) {}
}

pub(crate) struct Epoch;

impl Clock for Epoch {
    fn now_ms(&self) -> i64 {
        0
    }
    fn sleep_ms(&self, _: u64) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

pub(crate) struct Nothing;

impl Files for Nothing {
    fn read(&self, _: &str) -> Result<Vec<u8>, FileError> {
        Err(FileError::NotFound)
    }
    fn glob(&self, _: &str, _: &str) -> Result<Vec<String>, FileError> {
        Ok(Vec::new())
    }
    fn exists(&self, _: &str) -> bool {
        false
    }
}

/// `thing`: `name` says what it is, `input` and the nested blocks may change, `fixed` may not; `id` and `echo` are computed.
pub(crate) struct Things(pub(crate) Shared);

impl Provider for Things {
    fn resource_types(&self) -> Vec<ResourceType> {
        vec![ResourceType {
            name: "thing",
            target: Some(TargetKind::Cluster),
            part_kind: None,
            body: crate::nested::with_blocks(vec![
                Attribute::required("name", Type::String, "What it is."),
                Attribute::optional("input", Type::Any, "May change."),
                Attribute::optional("fixed", Type::String, "May not change."),
                Attribute::computed("id", Type::String, "Set by the target."),
                Attribute::computed("echo", Type::Any, "The input as the target repeats it."),
            ]),
        }]
    }

    fn data_types(&self) -> Vec<DataType> {
        let attributes = vec![
            Attribute::required("name", Type::String, "What it is."),
            Attribute::optional("note", Type::Any, "Repeated."),
            Attribute::computed("input", Type::Any, "The thing's."),
            Attribute::computed("id", Type::String, "The thing's."),
        ];
        let clock = vec![
            Attribute::optional("zone", Type::String, "Where."),
            Attribute::computed("time", Type::String, "There."),
        ];
        vec![
            DataType { name: "thing", target: Some(TargetKind::Cluster), body: attributes.into() },
            DataType { name: "clock", target: None, body: clock.into() },
        ]
    }

    fn check_data(&self, _: &str, arguments: &Value) -> Vec<Problem> {
        let is_empty = arguments.get_str("name") == Some("");
        let problem = || Problem {
            severity: Severity::Error,
            summary: "No name".into(),
            detail: "It is empty.".into(),
            path: Path::attribute("name"),
        };
        is_empty.then(problem).into_iter().collect()
    }

    fn read<'a>(&'a self, items: &'a [ReadItem]) -> BoxFuture<'a, Vec<Found>> {
        let time = |item: &ReadItem| {
            let zone = item.arguments.get("zone").cloned().unwrap_or_else(Value::null);
            Ok(Value::object([("zone".to_owned(), zone), ("time".to_owned(), "noon".into())]))
        };
        Box::pin(async move { items.iter().map(time).collect() })
    }

    fn target(&self) -> Option<(TargetKind, Body)> {
        Some((TargetKind::Cluster, vec![Attribute::optional("server", Type::String, "Where it is.")].into()))
    }

    fn check(&self, _: &str, desired: &Value) -> Vec<Problem> {
        crate::nested::problems(desired)
    }

    fn lower(&self, _: &LowerRequest<'_>) -> Result<Option<Vec<Part>>, Vec<Problem>> {
        Ok(None)
    }

    fn identify(&self, _: &str, _: &Address, desired: &Value) -> Option<String> {
        desired.get_str("name").map(str::to_owned)
    }

    fn difference(&self, request: &DifferenceRequest<'_>) -> Difference {
        let (verdict, fields, planned) = match (request.observed, request.desired) {
            (Observed::Absent, None) => (Verdict::NoOp, vec![], Value::null()),
            (Observed::Present(_), None) => (Verdict::Delete, vec![], Value::null()),
            (Observed::Absent, Some(desired)) => (Verdict::Create, vec![], planned(desired, None)),
            (Observed::Present(there), Some(desired)) => {
                let fields: Vec<_> = ["input", "fixed", "rule", "log", "gate"]
                    .into_iter()
                    .filter_map(|name| {
                        let before = there.attributes.get(name).cloned();
                        let before = before.unwrap_or_else(|| crate::nested::nothing(name));
                        let after = desired.get(name).cloned().unwrap_or_else(Value::null);
                        (!before.same(&after)).then(|| FieldChange {
                            path: Path::attribute(name),
                            before: Some(before),
                            after: Some(after),
                            forces_replace: name == "fixed",
                            owner: None,
                        })
                    })
                    .collect();
                let verdict = match &fields[..] {
                    [] => Verdict::NoOp,
                    fields if fields.iter().any(|field| field.forces_replace) => Verdict::Replace,
                    _ => Verdict::Update,
                };
                let id = (verdict != Verdict::Replace).then(|| there.attributes.get("id").cloned()).flatten();
                let planned = match verdict {
                    Verdict::NoOp => there.attributes.clone(),
                    _ => planned(desired, id),
                };
                (verdict, fields, planned)
            }
        };
        Difference {
            verdict,
            fields,
            drift: crate::refresh::drift(request),
            planned,
            wants_preview: false,
            notes: vec![],
            problems: vec![],
        }
    }

    fn connect<'a>(
        &'a self,
        target: &'a TargetConfig,
    ) -> BoxFuture<'a, Result<Arc<dyn Target>, ProviderError>> {
        let server = target.attributes.get_str("server").unwrap_or_default();
        let (uid, is_cut) = (self.0.lock().unwrap().uid.clone(), server == "cut");
        let connected: Arc<dyn Target> = Arc::new(Here { uid, is_cut, reality: Arc::clone(&self.0) });
        Box::pin(async move {
            match server {
                "down" => Err(error(ErrorCode::Unreachable, "nobody answers")),
                "locked" => Err(error(ErrorCode::Denied, "it does not let us in")),
                _ => Ok(connected),
            }
        })
    }
}

fn planned(desired: &Value, id: Option<Value>) -> Value {
    let mut fields = desired.as_map().cloned().unwrap_or_default();
    fields.insert("id".into(), id.unwrap_or_else(|| Value::unknown(Type::String)));
    fields.insert("echo".into(), Value::unknown(Type::Any));
    Value::object(fields)
}

fn error(code: ErrorCode, detail: &str) -> ProviderError {
    ProviderError { code, summary: "It failed".into(), detail: detail.into(), path: None }
}

struct Here {
    uid: String,
    /// Whether it goes away once it is connected.
    is_cut: bool,
    reality: Shared,
}

impl Target for Here {
    fn identity(&self) -> &str {
        &self.uid
    }

    fn observe<'a>(
        &'a self,
        items: &'a [ObserveItem],
    ) -> BoxFuture<'a, Vec<Result<Observed, ProviderError>>> {
        let mut reality = self.reality.lock().unwrap();
        reality.reads += 1;
        let answers = items.iter().map(|item| {
            self.answers()?;
            Ok(match reality.things.get(&item.identity) {
                None => Observed::Absent,
                Some(thing) => Observed::Present(Observation {
                    attributes: thing.clone(),
                    version: format!("{:?}", thing.unmarked()),
                    detail: serde_json::Value::Null,
                }),
            })
        });
        let answers = answers.collect();
        Box::pin(async { answers })
    }

    fn read<'a>(&'a self, items: &'a [ReadItem]) -> BoxFuture<'a, Vec<Found>> {
        let mut reality = self.reality.lock().unwrap();
        reality.looked_up.extend(items.iter().map(|item| item.address.to_string()));
        let answers = items.iter().map(|item| {
            self.answers()?;
            let name = item.arguments.get_str("name").unwrap_or_default();
            let Some(thing) = reality.things.get(name) else {
                let missing = error(ErrorCode::Invalid, &format!("there is no {name}"));
                return Err(ProviderError { path: Some(Path::attribute("name")), ..missing });
            };
            let is_secret = name.starts_with("secret");
            let input = thing.get("input").cloned().unwrap_or_else(Value::null).marked(is_secret);
            let mut fields = item.arguments.as_map().cloned().unwrap_or_default();
            fields.insert("input".into(), input);
            fields.insert("id".into(), thing.get("id").cloned().unwrap_or_else(Value::null));
            Ok(Value::object(fields))
        });
        let answers = answers.collect();
        Box::pin(async { answers })
    }

    fn preview<'a>(&'a self, items: &'a [PreviewItem]) -> BoxFuture<'a, Vec<Preview>> {
        let answers = items.iter().map(|_| Preview::Unverified("never".into())).collect();
        Box::pin(async { answers })
    }

    fn perform<'a>(
        &'a self,
        request: &'a PerformRequest,
        _: &'a dyn ports::Progress,
    ) -> BoxFuture<'a, Result<Performed, StepFailure>> {
        let result = self.change(request);
        Box::pin(async { result })
    }
}

use meshform_engine::ports;

impl Here {
    fn answers(&self) -> Result<(), ProviderError> {
        if self.is_cut { Err(error(ErrorCode::Unreachable, "the line was cut")) } else { Ok(()) }
    }

    fn change(&self, request: &PerformRequest) -> Result<Performed, StepFailure> {
        let mut reality = self.reality.lock().unwrap();
        let there = reality.things.get(&request.identity).map(|thing| format!("{:?}", thing.unmarked()));
        let proven = match (&request.precondition, there) {
            (Precondition::Unproven, _) | (Precondition::Absent, None) => true,
            (Precondition::Version(version), Some(there)) => *version == there,
            _ => false,
        };
        if !proven {
            return Err(error(ErrorCode::Changed, "it is not what was reviewed").into());
        }
        if reality.refused.contains(&format!("{:?} {}", request.operation, request.identity)) {
            return Err(error(ErrorCode::Denied, "it may not be").into());
        }
        reality.performed.push(format!("{:?} {}", request.operation, request.identity));
        let performed = self.effect(&mut reality, request);
        if reality.broken.contains(&request.identity) {
            return Err(error(ErrorCode::Failed, &format!("broken with {:?}", performed.attributes)).into());
        }
        if reality.halfway.contains(&request.identity) {
            let error = error(ErrorCode::Failed, "it does not get ready");
            return Err(StepFailure { error, partial: Some(Box::new(performed)) });
        }
        Ok(performed)
    }

    fn effect(&self, reality: &mut Reality, request: &PerformRequest) -> Performed {
        let Some(desired) = &request.desired else {
            reality.things.remove(&request.identity);
            return Performed { attributes: Value::null(), private: serde_json::Value::Null };
        };
        let id = Value::string(format!("id-of-{}", request.identity));
        let mut fields = desired.unmarked().as_map().cloned().unwrap_or_default();
        fields.insert("id".into(), id);
        let echo = fields.get("input").cloned().unwrap_or_else(Value::null);
        fields.insert("echo".into(), echo);
        let attributes = Value::object(fields);
        reality.things.insert(request.identity.clone(), attributes.clone());
        Performed { attributes, private: serde_json::Value::Null }
    }
}
