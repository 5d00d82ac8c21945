//! `kube_absent`: an object, or all that a selector finds, must not be there.

use std::fmt::Write as _;

use meshform_engine::diagnostic::Severity;
use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{Difference, DifferenceRequest, Observed, Problem, ReadItem, Verdict};
use meshform_engine::value::{Path, PathStep, Value};
use serde_json::Value as Json;

use crate::identity::TypeName;
use crate::lookup;
use crate::schema::{OBJECT, OBJECTS};

/// Which objects are meant, as an identity.
pub(crate) fn identity(desired: &Value) -> Option<String> {
    let known = |name: &str| match desired.get(name).filter(|value| !value.is_null()) {
        Some(value) => value.as_str().map(str::to_owned),
        None => Some(String::new()),
    };
    let of_type = TypeName::new(&known("api_version")?, &known("kind")?);
    let mut identity =
        format!("absent/{}/{}/{}/{}", of_type.group, of_type.kind, known("namespace")?, known("name")?);
    for name in ["label_selector", "field_selector"] {
        let selector = known(name)?;
        if !selector.is_empty() {
            let _ = write!(identity, "?{name}={selector}");
        }
    }
    Some(identity)
}

/// The look-up that finds what must not be there.
pub(crate) fn look_up(address: &meshform_engine::address::Address, desired: &Value) -> ReadItem {
    let is_named = desired.get("name").is_some_and(|name| !name.is_null());
    let mut arguments = desired.as_map().cloned().unwrap_or_default();
    arguments.insert("optional".to_owned(), true.into());
    let kind = if is_named { OBJECT } else { OBJECTS };
    ReadItem { address: address.clone(), kind: kind.to_owned(), arguments: Value::object(arguments) }
}

/// What is wrong with such a block.
pub(crate) fn check(desired: &Value) -> Vec<Problem> {
    let mut problems = lookup::check(desired);
    let given = |name: &str| desired.get(name).is_some_and(|value| !value.is_null());
    let is_selected = given("label_selector") || given("field_selector");
    if given("name") == is_selected {
        let detail =
            "Say which objects must not be there: by `name`, or by `label_selector` and `field_selector`.";
        problems.push(error(
            "Which objects are meant is not said",
            detail.to_owned(),
            Path::attribute("name"),
        ));
    }
    problems
}

/// Names of objects, as `NAMESPACE/NAME`.
pub(crate) fn names(objects: &[Json]) -> Vec<String> {
    let text = |object: &Json, name: &str| {
        object
            .pointer("/metadata")
            .and_then(|metadata| metadata.get(name)?.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let name = |object: &Json| match text(object, "namespace").as_str() {
        "" => text(object, "name"),
        namespace => format!("{namespace}/{}", text(object, "name")),
    };
    objects.iter().map(name).collect()
}

/// The attributes, with what is there.
pub(crate) fn attributes(desired: &Value, found: Vec<String>) -> Value {
    let mut fields = desired.as_map().cloned().unwrap_or_default();
    fields.insert("found".to_owned(), Value::list(found.into_iter().map(Value::string)));
    Value::object(fields)
}

/// Tells which very objects were reviewed.
pub(crate) fn version(objects: &[Json]) -> String {
    let mut uids: Vec<_> =
        objects.iter().filter_map(|object| object.pointer("/metadata/uid")?.as_str()).collect();
    uids.sort_unstable();
    format!("uids-{}", blake3::hash(uids.join(",").as_bytes()).to_hex())
}

/// How many one apply may delete.
pub(crate) fn budget(desired: &Value) -> usize {
    let number = desired.get("delete_at_most").and_then(Value::as_number);
    number.and_then(|number| number.normalized().to_plain_string().parse().ok()).unwrap_or(0)
}

/// What apply would have to do.
pub(crate) fn difference(request: &DifferenceRequest<'_>) -> Difference {
    let nothing = |planned: Value| Difference {
        verdict: Verdict::NoOp,
        fields: Vec::new(),
        drift: Vec::new(),
        planned,
        wants_preview: false,
        notes: Vec::new(),
        problems: Vec::new(),
    };
    let Some(desired) = request.desired else { return nothing(Value::null()) };
    let none = nothing(attributes(desired, Vec::new()));
    let verdict = if request.record.is_none() { Verdict::Create } else { Verdict::Update };
    let there = match request.observed {
        Observed::Present(there) => there,
        Observed::Absent if request.record.is_none() => return Difference { verdict, ..none },
        Observed::Absent => return none,
    };
    let found = there.attributes.get("found").and_then(Value::as_list).unwrap_or_default();
    let fields = found.iter().filter_map(Value::as_str).map(|name| FieldChange {
        path: Path::attribute("found").join(PathStep::Attribute(name.to_owned())),
        before: Some("there".into()),
        after: None,
        forces_replace: false,
        owner: None,
    });
    let objects = there.detail.get("objects").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    Difference {
        verdict,
        fields: fields.collect(),
        notes: objects.iter().flat_map(notes).collect(),
        problems: over_budget(found.len(), budget(desired)).into_iter().collect(),
        ..none
    }
}

fn over_budget(found: usize, budget: usize) -> Option<Problem> {
    (found > budget).then(|| {
        let detail = format!(
            "{found} objects are there that must not be, and at most {budget} may be deleted by one apply. Look at them. If all of them are meant, set \
             `delete_at_most = {found}`."
        );
        error("More would be deleted than allowed", detail, Path::attribute("delete_at_most"))
    })
}

/// What a reviewer should know of one of them.
fn notes(object: &Json) -> Vec<String> {
    let name = names(std::slice::from_ref(object)).join("");
    let list = |pointer: &str| object.pointer(pointer).and_then(Json::as_array).into_iter().flatten();
    let finalizers: Vec<_> = list("/metadata/finalizers").filter_map(Json::as_str).collect();
    let held = (!finalizers.is_empty())
        .then(|| format!("{name} stays until its finalizers are done: {}.", finalizers.join(", ")));
    let is_controller = |owner: &&Json| owner.get("controller").and_then(Json::as_bool) == Some(true);
    let text = |json: &Json, name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let owned = list("/metadata/ownerReferences").find(is_controller).map(|owner| {
        format!("{name} belongs to {} {}, which may make it anew.", text(owner, "kind"), text(owner, "name"))
    });
    held.into_iter().chain(owned).collect()
}

/// What `difference` is told of the objects: nothing but their metadata.
pub(crate) fn detail(objects: &[Json]) -> Json {
    let metadata = objects.iter().map(|object| {
        let wanted = ["name", "namespace", "finalizers", "ownerReferences"];
        let fields = wanted
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), object.pointer("/metadata")?.get(*name)?.clone())));
        serde_json::json!({ "metadata": Json::Object(fields.collect()) })
    });
    serde_json::json!({ "objects": metadata.collect::<Vec<_>>() })
}

fn error(summary: &str, detail: String, path: Path) -> Problem {
    Problem { severity: Severity::Error, summary: summary.to_owned(), detail, path }
}

#[cfg(test)]
mod tests {
    use meshform_engine::value::from_json;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_meant_is_an_identity() {
        let check =
            |desired: Json, expect: &str| assert_eq!(identity(&from_json(&desired)).as_deref(), Some(expect));
        check(
            json!({ "api_version": "apps/v1", "kind": "Deployment", "name": "a", "namespace": "web" }),
            "absent/apps/Deployment/web/a",
        );
        check(
            json!({ "api_version": "v1", "kind": "Pod", "label_selector": "app=a" }),
            "absent//Pod//?label_selector=app=a",
        );
    }

    #[test]
    fn either_a_name_or_a_selection() {
        let check = |desired: Json, expect: usize| {
            assert_eq!(super::check(&from_json(&desired)).len(), expect, "{desired}")
        };
        check(json!({ "name": "a" }), 0);
        check(json!({ "label_selector": "app=a" }), 0);
        check(json!({}), 1);
        check(json!({ "name": "a", "label_selector": "app=a" }), 1);
        check(json!({ "name": "" }), 1);
    }

    #[test]
    fn reviewers_are_told_what_holds_or_makes_an_object() {
        let object = json!({ "metadata": {
            "name": "a", "namespace": "web", "finalizers": ["x.io/y"],
            "ownerReferences": [{ "kind": "ReplicaSet", "name": "r", "controller": true }],
        } });
        assert_eq!(
            notes(&object),
            [
                "web/a stays until its finalizers are done: x.io/y.",
                "web/a belongs to ReplicaSet r, which may make it anew."
            ]
        );
        assert!(over_budget(2, 2).is_none() && over_budget(3, 2).is_some());
    }
}
