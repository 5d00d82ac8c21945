//! `value`: a resource that holds a value and does nothing else. It lives nowhere, so all of it is pure.

use std::sync::Arc;

use crate::address::{Address, TargetKind};
use crate::plan::FieldChange;
use crate::ports::{
    BoxFuture, Difference, DifferenceRequest, ErrorCode, LowerRequest, Observation, ObserveItem, Observed,
    Part, PerformRequest, Performed, Preview, PreviewItem, Problem, Progress, Provider, ProviderError,
    StepFailure, Target, TargetConfig, Verdict,
};
use crate::schema::{Attribute, Body, ResourceType};
use crate::state::{Record, RecordStatus};
use crate::types::Type;
use crate::value::{Path, Value};

/// The provider of `value`, and the target that its instances live on: the state itself.
pub(crate) struct Values;

impl Provider for Values {
    fn resource_types(&self) -> Vec<ResourceType> {
        vec![ResourceType {
            name: "value",
            target: None,
            part_kind: None,
            body: Body::from(vec![
                Attribute::optional("input", Type::Any, "The value to hold."),
                Attribute::optional("triggers_replace", Type::Any, "Replaces the instance when it changes."),
                Attribute::computed("output", Type::Any, "The value of `input` after apply."),
            ]),
        }]
    }

    fn target(&self) -> Option<(TargetKind, Body)> {
        None
    }

    fn check(&self, _: &str, _: &Value) -> Vec<Problem> {
        Vec::new()
    }

    fn lower(&self, _: &LowerRequest<'_>) -> Result<Option<Vec<Part>>, Vec<Problem>> {
        Ok(Some(Vec::new()))
    }

    fn identify(&self, _: &str, address: &Address, _: &Value) -> Option<String> {
        Some(address.to_string())
    }

    fn difference(&self, request: &DifferenceRequest<'_>) -> Difference {
        let Some(desired) = request.desired else {
            let verdict = match request.observed {
                Observed::Absent => Verdict::NoOp,
                Observed::Present(_) => Verdict::Delete,
            };
            return Difference::bare(verdict, Vec::new(), Value::null());
        };
        let Observed::Present(observation) = request.observed else {
            return Difference::bare(Verdict::Create, created(desired), planned(desired));
        };
        // What is held is stored with its sensitive parts as fingerprints, and compared as such.
        let wanted = desired.redacted(request.fingerprinter);
        let fields: Vec<_> = ["input", "triggers_replace"]
            .into_iter()
            .filter_map(|name| changed(name, desired, &wanted, &observation.attributes))
            .collect();
        let verdict = match fields.as_slice() {
            [] => Verdict::NoOp,
            fields if fields.iter().any(|field| field.forces_replace) => Verdict::Replace,
            _ => Verdict::Update,
        };
        Difference::bare(verdict, fields, planned(desired))
    }

    fn connect<'a>(
        &'a self,
        target: &'a TargetConfig,
    ) -> BoxFuture<'a, Result<Arc<dyn Target>, ProviderError>> {
        let detail = format!("A value lives nowhere, not on {}.", target.address);
        Box::pin(async {
            Err(ProviderError {
                code: ErrorCode::Other,
                summary: "No such target".to_owned(),
                detail,
                path: None,
            })
        })
    }
}

impl Target for Values {
    fn identity(&self) -> &str {
        "state"
    }

    fn observe<'a>(
        &'a self,
        items: &'a [ObserveItem],
    ) -> BoxFuture<'a, Vec<Result<Observed, ProviderError>>> {
        let looks = items.iter().map(|item| Ok(observed(item.record.as_deref()))).collect();
        Box::pin(async { looks })
    }

    fn preview<'a>(&'a self, items: &'a [PreviewItem]) -> BoxFuture<'a, Vec<Preview>> {
        let answers = items.iter().map(|_| Preview::Unverified(String::new())).collect();
        Box::pin(async { answers })
    }

    fn perform<'a>(
        &'a self,
        request: &'a PerformRequest,
        _: &'a dyn Progress,
    ) -> BoxFuture<'a, Result<Performed, StepFailure>> {
        let attributes = request.desired.as_ref().map_or_else(Value::null, planned);
        Box::pin(async { Ok(Performed { attributes, private: serde_json::Value::Null }) })
    }
}

/// What the state holds: nothing, unless a step came to its end.
pub(crate) fn observed(record: Option<&Record>) -> Observed {
    match record.filter(|record| record.status == RecordStatus::Complete) {
        Some(record) => Observed::Present(Observation {
            attributes: record.attributes.clone(),
            version: String::new(),
            detail: serde_json::Value::Null,
        }),
        None => Observed::Absent,
    }
}

fn planned(desired: &Value) -> Value {
    let field = |name: &str| desired.get(name).cloned().unwrap_or_else(Value::null);
    Value::object([
        ("input".to_owned(), field("input")),
        ("output".to_owned(), field("input")),
        ("triggers_replace".to_owned(), field("triggers_replace")),
    ])
}

fn created(desired: &Value) -> Vec<FieldChange> {
    let entries = desired.as_map().into_iter().flatten().filter(|(_, value)| !value.is_null());
    entries.map(|(name, value)| change(name, None, Some(value.clone()), false)).collect()
}

fn changed(name: &str, desired: &Value, wanted: &Value, held: &Value) -> Option<FieldChange> {
    let null = Value::null();
    let before = held.get(name).unwrap_or(&null);
    let after = wanted.get(name).unwrap_or(&null);
    if before.same(after) {
        return None;
    }
    let shown = |value: &Value| (!value.is_null()).then(|| value.clone());
    let after = desired.get(name).and_then(shown);
    Some(change(name, shown(before), after, name == "triggers_replace"))
}

fn change(name: &str, before: Option<Value>, after: Option<Value>, forces_replace: bool) -> FieldChange {
    FieldChange { path: Path::attribute(name), before, after, forces_replace, owner: None }
}
