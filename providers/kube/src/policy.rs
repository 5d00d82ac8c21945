//! What becomes of declared fields that others own: what `field_policy` says, and what a scaler owns.
//!
//! | policy | when someone else owns the field |
//! | --- | --- |
//! | `fail` | it is a conflict, unless `force_conflicts` is set: this is the default |
//! | `take` | it is taken over, and no other field is |
//! | `yield` | it is left to them, as if it were not declared |
//! | `adopt_live` | it is applied with the value that it has, so that both own it |
//!
//! What is scaled through the subresource `scale`, as by a HorizontalPodAutoscaler or KEDA, yields `spec.replicas` by itself.

use meshform_engine::diagnostic::Severity;
use meshform_engine::ports::Problem;
use meshform_engine::value::{Kind, Path, PathStep, Value};

use crate::owned::{Manager, Owners};
use crate::refusal::field_path;

const NAME: &str = "field_policy";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    Take,
    Yield,
    Fail,
    AdoptLive,
}

impl Policy {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "take" => Some(Self::Take),
            "yield" => Some(Self::Yield),
            "fail" => Some(Self::Fail),
            "adopt_live" => Some(Self::AdoptLive),
            _ => None,
        }
    }
}

/// A manifest once it is known what is there.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    /// What is applied.
    pub(crate) manifest: Value,
    /// Fields that are left to others.
    pub(crate) left: Vec<Path>,
    /// Fields that are taken from others.
    pub(crate) taken: Vec<Path>,
    /// What a reviewer should know.
    pub(crate) notes: Vec<String>,
}

/// Whether a field is one of these, or in one of them.
pub(crate) fn is_within(field: &Path, places: &[Path]) -> bool {
    places.iter().any(|place| field.starts_with(place))
}

/// The manifest as it is applied to this object.
pub(crate) fn settle(desired: &Value, manifest: Value, live: &Value, owners: &Owners) -> Settled {
    let mut settled = Settled { manifest, left: Vec::new(), taken: Vec::new(), notes: Vec::new() };
    let rules = rules(desired, &settled.manifest);
    for (path, policy) in &rules {
        match policy {
            Policy::Fail => {}
            Policy::Take => settled.taken.push(path.clone()),
            Policy::Yield => settled.leave(path, owners.others_at(&path.0)),
            Policy::AdoptLive => settled.adopt(path, live, owners),
        }
    }
    let replicas = Path(["spec", "replicas"].map(|name| PathStep::Attribute(name.to_owned())).to_vec());
    let is_forced = desired.get("force_conflicts").and_then(Value::as_bool) == Some(true);
    if !is_forced && !rules.iter().any(|(path, _)| replicas.starts_with(path)) {
        let scaler = owners.others().find(|manager| is_scaler(manager, &replicas));
        settled.leave(&replicas, scaler.map(|scaler| format!("{scaler}, which scales it")));
    }
    settled
}

fn is_scaler(manager: &Manager, replicas: &Path) -> bool {
    manager.subresource == "scale" && manager.fields.covers(&replicas.0)
}

impl Settled {
    /// Leaves a field to its owner, if there is one and the field is declared.
    fn leave(&mut self, path: &Path, owner: Option<String>) {
        let (Some(owner), Some(_)) = (owner, self.manifest.at(path)) else { return };
        self.manifest = with_field(&self.manifest, &path.0, None);
        self.notes.push(format!("`{path}` is left to {owner}."));
        self.left.push(path.clone());
    }

    fn adopt(&mut self, path: &Path, live: &Value, owners: &Owners) {
        let (Some(owner), Some(value)) = (owners.others_at(&path.0), live.at(path)) else { return };
        if self.manifest.at(path).is_some_and(|declared| !declared.same(&value)) {
            self.manifest = with_field(&self.manifest, &path.0, Some(value));
            self.notes.push(format!("`{path}` stays as {owner} has set it."));
        }
    }
}

fn rules(desired: &Value, manifest: &Value) -> Vec<(Path, Policy)> {
    let given = desired.get(NAME).and_then(Value::as_map).into_iter().flatten();
    given
        .filter_map(|(field, word)| Some((field_path(field, manifest), Policy::parse(word.as_str()?)?)))
        .collect()
}

/// The value with another field at a path, or without it; the same where there is nothing that the field could be in.
fn with_field(value: &Value, path: &[PathStep], field: Option<Value>) -> Value {
    let Some((step, rest)) = path.split_first() else { return value.clone() };
    let inside = |part: &Value| match rest {
        [] => field.clone(),
        _ => Some(with_field(part, rest, field.clone())),
    };
    match (step, value.kind()) {
        (PathStep::Attribute(name), Kind::Map(_) | Kind::Object(_)) => {
            let mut fields = value.as_map().cloned().unwrap_or_default();
            match fields.get(name).and_then(&inside) {
                Some(part) => drop(fields.insert(name.clone(), part)),
                None => drop(fields.remove(name)),
            }
            Value::object(fields).marked(value.is_sensitive())
        }
        (_, Kind::List(parts)) => {
            let is_it =
                |index: usize| value.at(&Path(vec![step.clone()])).is_some_and(|it| parts[index].same(&it));
            let parts = (0..parts.len()).filter_map(|index| match is_it(index) {
                true => inside(&parts[index]),
                false => Some(parts[index].clone()),
            });
            Value::list(parts.collect::<Vec<_>>()).marked(value.is_sensitive())
        }
        _ => value.clone(),
    }
}

/// What is wrong with the policies of a block.
pub(crate) fn check(desired: &Value) -> Vec<Problem> {
    let given = desired.get(NAME).and_then(Value::as_map).into_iter().flatten();
    let wrong = given.filter(|(_, word)| word.as_str().is_some_and(|word| Policy::parse(word).is_none()));
    wrong
        .map(|(field, _)| Problem {
            severity: Severity::Error,
            summary: "Unknown policy".to_owned(),
            detail: "A field's policy is `take`, `yield`, `fail` or `adopt_live`.".to_owned(),
            path: Path::attribute(NAME).join(PathStep::Attribute(field.clone())),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use meshform_engine::value::{from_json, to_json};
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::MANAGER;

    fn manifest() -> Json {
        json!({ "spec": { "replicas": 2, "paused": false, "containers": [{ "name": "a", "image": "x" }, { "name": "b", "image": "y" }] } })
    }

    fn check(policies: Json, expect: Json, left: &[&str], taken: &[&str]) {
        let images = json!({ "k:{\"name\":\"b\"}": { "f:image": {} } });
        let managed = json!([
            { "manager": "hpa", "operation": "Update", "subresource": "scale", "fieldsV1": { "f:spec": { "f:replicas": {} } } },
            { "manager": "ci", "operation": "Apply", "fieldsV1": { "f:spec": { "f:containers": images } } },
        ]);
        let live = json!({ "spec": { "replicas": 7, "containers": [{ "name": "a", "image": "x" }, { "name": "b", "image": "z" }] } });
        let desired = from_json(&json!({ "field_policy": policies }));
        let owners = Owners::parse(&managed, MANAGER);
        let settled = settle(&desired, from_json(&manifest()), &from_json(&live), &owners);
        assert_eq!(to_json(&settled.manifest).unwrap(), expect, "{policies}");
        let shown = |paths: &[Path]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!((shown(&settled.left), shown(&settled.taken)), (own(left), own(taken)), "{policies}");
    }

    fn own(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn spec(replicas: Json, image: &str) -> Json {
        let mut all = manifest();
        all["spec"]["containers"][1]["image"] = json!(image);
        match replicas.is_null() {
            true => drop(all["spec"].as_object_mut().unwrap().remove("replicas")),
            false => all["spec"]["replicas"] = replicas,
        }
        all
    }

    #[test]
    fn fields_are_settled_one_by_one() {
        check(json!({}), spec(json!(null), "y"), &["spec.replicas"], &[]);
        check(json!({ "spec.replicas": "fail" }), spec(json!(2), "y"), &[], &[]);
        check(json!({ "spec.replicas": "take" }), spec(json!(2), "y"), &[], &["spec.replicas"]);
        check(json!({ "spec.replicas": "adopt_live" }), spec(json!(7), "y"), &[], &[]);
        check(json!({ "spec.paused": "yield" }), spec(json!(null), "y"), &["spec.replicas"], &[]);
        let image = "spec.containers[name=\"b\"].image";
        let mut without = spec(json!(null), "y");
        without["spec"]["containers"][1].as_object_mut().unwrap().remove("image");
        check(json!({ image: "yield" }), without, &["spec.containers[\"b\"].image", "spec.replicas"], &[]);
        check(json!({ image: "adopt_live" }), spec(json!(null), "z"), &["spec.replicas"], &[]);
    }

    #[test]
    fn policies_have_names() {
        let problems = |word: &str| super::check(&from_json(&json!({ "field_policy": { "a": word } }))).len();
        assert_eq!([problems("take"), problems("yield"), problems("force")], [0, 0, 1]);
    }
}
