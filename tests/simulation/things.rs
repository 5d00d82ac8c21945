//! The provider of the simulated world: `thing` has a name, an input that may change, and something that may not; it lives on a cluster.
//!
//! Requests take a while, and in bad weather fail in all the ways in which servers and networks do.

use std::sync::Arc;

use meshform_engine::address::{Address, TargetKind};
use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{
    BoxFuture, Clock as _, Difference, DifferenceRequest, ErrorCode, Found, LowerRequest, Observation,
    ObserveItem, Observed, Operation, Part, PerformRequest, Performed, Preview, PreviewItem, Problem,
    Progress, Provider, ProviderError, ReadItem, StepFailure, Target, TargetConfig, Verdict,
};
use meshform_engine::schema::{Attribute, Body, DataType, ResourceType};
use meshform_engine::types::Type;
use meshform_engine::value::{Path, Value};

use crate::executor::{Process, Time};
use crate::random::Random;
use crate::reality::{Effect, Key, Reality};

/// Of these fields a difference consists.
const FIELDS: [&str; 2] = ["input", "fixed"];
/// The longest that a request takes on its way there, or back, in milliseconds.
const WAY_MS: u64 = 40;

/// The world as one process has it before it.
#[derive(Clone)]
pub(crate) struct Things {
    pub(crate) process: Process,
    pub(crate) reality: Reality,
    pub(crate) time: Time,
    pub(crate) random: Arc<std::sync::Mutex<Random>>,
    /// Whether the servers check what a request says that it has reviewed.
    pub(crate) proves: bool,
}

impl Provider for Things {
    fn resource_types(&self) -> Vec<ResourceType> {
        let attributes = vec![
            Attribute::required("name", Type::String, "What it is."),
            Attribute::optional("input", Type::Any, "May change."),
            Attribute::optional("fixed", Type::String, "May not change."),
            Attribute::computed("id", Type::String, "Set by the target."),
            Attribute::computed("echo", Type::Any, "The input as the target repeats it."),
        ];
        let target = Some(TargetKind::Cluster);
        vec![ResourceType { name: "thing", target, part_kind: None, body: attributes.into() }]
    }

    fn data_types(&self) -> Vec<DataType> {
        let attributes = vec![
            Attribute::required("name", Type::String, "What it is."),
            Attribute::computed("id", Type::String, "The thing's."),
        ];
        vec![DataType { name: "thing", target: Some(TargetKind::Cluster), body: attributes.into() }]
    }

    fn target(&self) -> Option<(TargetKind, Body)> {
        Some((TargetKind::Cluster, Body::default()))
    }

    fn check(&self, _: &str, _: &Value) -> Vec<Problem> {
        Vec::new()
    }

    fn lower(&self, _: &LowerRequest<'_>) -> Result<Option<Vec<Part>>, Vec<Problem>> {
        Ok(None)
    }

    fn identify(&self, _: &str, _: &Address, desired: &Value) -> Option<String> {
        desired.get_str("name").map(str::to_owned)
    }

    fn difference(&self, request: &DifferenceRequest<'_>) -> Difference {
        let (verdict, fields, planned) = match (request.observed, request.desired) {
            (Observed::Absent, None) => (Verdict::NoOp, Vec::new(), Value::null()),
            (Observed::Present(_), None) => (Verdict::Delete, Vec::new(), Value::null()),
            (Observed::Absent, Some(desired)) => (Verdict::Create, Vec::new(), planned(desired, None)),
            (Observed::Present(there), Some(desired)) => compare(&there.attributes, desired),
        };
        let (drift, notes, problems) = (Vec::new(), Vec::new(), Vec::new());
        Difference { verdict, fields, drift, planned, wants_preview: false, notes, problems }
    }

    fn connect<'a>(
        &'a self,
        target: &'a TargetConfig,
    ) -> BoxFuture<'a, Result<Arc<dyn Target>, ProviderError>> {
        Box::pin(async move {
            self.way().await;
            if self.reality.fault(2) == Some(0) {
                return Err(failure(ErrorCode::Unreachable, "nobody answers"));
            }
            let name = target.address.name.clone();
            let (uid, world) = (format!("uid of {name}"), self.clone());
            Ok(Arc::new(Cluster { name, uid, world }) as Arc<dyn Target>)
        })
    }
}

impl Things {
    /// A request is on its way.
    async fn way(&self) {
        let duration_ms = {
            let mut random = self.random.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            random.below(WAY_MS)
        };
        self.time.sleep_ms(duration_ms).await;
    }
}

fn compare(there: &Value, desired: &Value) -> (Verdict, Vec<FieldChange>, Value) {
    let change = |name: &&'static str| {
        let part = |of: &Value| of.get(name).cloned().unwrap_or_else(Value::null);
        let (before, after) = (part(there), part(desired));
        (!before.same(&after)).then(|| FieldChange {
            path: Path::attribute(*name),
            before: Some(before),
            after: Some(after),
            forces_replace: *name == "fixed",
            owner: None,
        })
    };
    let fields: Vec<_> = FIELDS.iter().filter_map(change).collect();
    match &fields[..] {
        [] => (Verdict::NoOp, fields, there.clone()),
        all if all.iter().any(|field| field.forces_replace) => {
            (Verdict::Replace, fields, planned(desired, None))
        }
        _ => (Verdict::Update, fields, planned(desired, there.get("id").cloned())),
    }
}

fn planned(desired: &Value, id: Option<Value>) -> Value {
    let mut fields = desired.as_map().cloned().unwrap_or_default();
    fields.insert("id".to_owned(), id.unwrap_or_else(|| Value::unknown(Type::String)));
    fields.insert("echo".to_owned(), Value::unknown(Type::Any));
    Value::object(fields)
}

fn failure(code: ErrorCode, detail: &str) -> ProviderError {
    ProviderError { code, summary: "It failed".into(), detail: detail.into(), path: None }
}

/// A connected cluster.
struct Cluster {
    name: String,
    uid: String,
    world: Things,
}

impl Cluster {
    fn key(&self, identity: &str) -> Key {
        (self.name.clone(), identity.to_owned())
    }

    fn observe_one(&self, item: &ObserveItem) -> Result<Observed, ProviderError> {
        let reality = &self.world.reality;
        match reality.fault(40) {
            Some(0) => return Err(failure(ErrorCode::Other, "429: too many requests")),
            // A list that was too long under way.
            Some(1) => return Err(failure(ErrorCode::Other, "410: the list has expired")),
            // The rest of the plan stands.
            Some(2..10) => return Err(failure(ErrorCode::Unreachable, "the line was cut")),
            _ => {}
        }
        Ok(match reality.look(self.world.process, &self.key(&item.identity)) {
            None => Observed::Absent,
            Some(thing) => Observed::Present(Observation {
                version: thing.revision.to_string(),
                attributes: thing.attributes,
                detail: serde_json::Value::Null,
            }),
        })
    }

    fn read_one(&self, item: &ReadItem) -> Found {
        let name = item.arguments.get_str("name").unwrap_or_default();
        let things = self.world.reality.things();
        let Some(thing) = things.get(&self.key(name)) else {
            return Err(failure(ErrorCode::Invalid, &format!("there is no {name}")));
        };
        let mut fields = item.arguments.as_map().cloned().unwrap_or_default();
        fields.insert("id".into(), thing.attributes.get("id").cloned().unwrap_or_else(Value::null));
        Ok(Value::object(fields))
    }

    /// What the servers do when a request arrives.
    fn receive(&self, request: &PerformRequest) -> Result<Performed, StepFailure> {
        let (reality, key) = (&self.world.reality, self.key(&request.identity));
        if reality.is_dead(self.world.process) {
            return Err(failure(ErrorCode::Unreachable, "nobody asked").into());
        }
        if self.world.proves && !reality.proves(&key, &request.precondition) {
            return Err(failure(ErrorCode::Changed, "it is not what was reviewed").into());
        }
        let effect = || {
            let attributes = reality.change(Effect {
                process: self.world.process,
                address: request.address.clone(),
                operation: request.operation,
                key: key.clone(),
                precondition: request.precondition.clone(),
                before: None,
                desired: request.desired.clone(),
            });
            Performed { attributes, private: serde_json::Value::Null }
        };
        let told = request.desired.as_ref().map(Value::unmarked);
        let fail = |code, what: &str| Err(failure(code, &format!("{what} at {told:?}")).into());
        match reality.fault(10) {
            None => Ok(effect()),
            Some(0) => fail(ErrorCode::Unreachable, "the line was cut"),
            Some(1) => fail(ErrorCode::TimedOut, "nobody has answered"),
            Some(2) => fail(ErrorCode::Conflict, "409: another one owns it"),
            Some(3) => fail(ErrorCode::Denied, "403: not today"),
            Some(4) => fail(ErrorCode::Other, "429: too many requests"),
            Some(5) => fail(ErrorCode::Other, "500: a server failed"),
            Some(6) => {
                effect();
                fail(ErrorCode::Other, "500: a server failed, but it was done")
            }
            Some(7) => {
                effect();
                fail(ErrorCode::Unreachable, "the line was cut after it was done")
            }
            Some(8) if request.operation != Operation::Delete => {
                let partial = Some(Box::new(effect()));
                Err(StepFailure { error: failure(ErrorCode::Failed, "it does not get ready"), partial })
            }
            Some(_) => {
                effect();
                fail(ErrorCode::TimedOut, "the answer was lost")
            }
        }
    }
}

impl Target for Cluster {
    fn identity(&self) -> &str {
        &self.uid
    }

    fn observe<'a>(
        &'a self,
        items: &'a [ObserveItem],
    ) -> BoxFuture<'a, Vec<Result<Observed, ProviderError>>> {
        Box::pin(async move {
            self.world.way().await;
            let answers = items.iter().map(|item| self.observe_one(item)).collect();
            self.world.way().await;
            answers
        })
    }

    fn read<'a>(&'a self, items: &'a [ReadItem]) -> BoxFuture<'a, Vec<Found>> {
        Box::pin(async move {
            self.world.way().await;
            items.iter().map(|item| self.read_one(item)).collect()
        })
    }

    fn preview<'a>(&'a self, items: &'a [PreviewItem]) -> BoxFuture<'a, Vec<Preview>> {
        let answers = items.iter().map(|_| Preview::Unverified("nobody asked".into())).collect();
        Box::pin(async { answers })
    }

    fn perform<'a>(
        &'a self,
        request: &'a PerformRequest,
        progress: &'a dyn Progress,
    ) -> BoxFuture<'a, Result<Performed, StepFailure>> {
        Box::pin(async move {
            progress.report(&request.address, "on its way");
            self.world.way().await;
            let answer = self.receive(request);
            self.world.way().await;
            answer
        })
    }
}
