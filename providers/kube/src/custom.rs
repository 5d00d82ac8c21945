//! Objects of kinds whose definition is in the same plan: no server can be asked about them yet, but the definition can.

use meshform_engine::ports::{ErrorCode, Preview, ProviderError};
use meshform_engine::value::{Path, Value, to_json};
use meshform_kube_schema::object::{fill_defaults, prune};
use meshform_kube_schema::types::{Compiler, TypeId, Types};
use meshform_kube_schema::{FieldError, NOWHERE, broken_rules, check_values};
use serde_json::Value as Json;

use crate::identity::TypeName;
use crate::refusal::field_path;

const DEFINITION: &str = "CustomResourceDefinition";
const GROUP: &str = "apiextensions.k8s.io";

/// The definitions among the objects of a plan.
pub(crate) struct Definitions {
    kinds: Vec<CustomKind>,
}

/// A version of a kind that a definition serves.
struct CustomKind {
    of_type: TypeName,
    definition: String,
    is_namespaced: bool,
    types: Types,
    root: TypeId,
}

/// What an object breaks: the field in the server's notation, and what is wrong with it.
struct Mistake {
    field: String,
    message: String,
}

impl Definitions {
    /// Those among these manifests.
    pub(crate) fn among<'m>(manifests: impl Iterator<Item = &'m Value>) -> Self {
        let definitions = manifests
            .filter(|manifest| TypeName::of(manifest).is_some_and(|of_type| of_type.is(GROUP, DEFINITION)))
            .filter_map(|manifest| to_json(manifest).ok());
        Self { kinds: definitions.flat_map(|definition| kinds(&definition)).collect() }
    }

    /// What the plan itself tells about an object: whether its definition, which is in the plan, would refuse it. `None` where it has none
    /// there.
    ///
    /// `hides` says that the object's values are secret.
    pub(crate) fn preview(&self, manifest: &Value, body: &Json, hides: bool) -> Option<Preview> {
        let of_type = TypeName::of(manifest)?;
        let kind = self.kinds.iter().find(|kind| kind.of_type == of_type)?;
        let mistakes = kind.mistakes(body);
        if mistakes.is_empty() {
            return Some(Preview::Unverified(format!(
                "its admission is unverified, as the cluster does not have this definition of {of_type} yet. By the \
                 definition in this plan ({}) it is valid.",
                kind.definition
            )));
        }
        Some(Preview::Refused(refusal(kind, manifest, &mistakes, hides)))
    }
}

fn kinds(definition: &Json) -> Vec<CustomKind> {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
    let versions = definition.pointer("/spec/versions").and_then(Json::as_array).into_iter().flatten();
    let served = versions.filter(|version| version["served"] == true);
    let kind = |version: &Json| {
        let name = version["name"].as_str()?;
        let schema = version.pointer("/schema/openAPIV3Schema")?;
        let mut compiler = Compiler::custom();
        let root = compiler.root(schema);
        Some(CustomKind {
            of_type: TypeName::new(&format!("{}/{name}", text("/spec/group")), text("/spec/names/kind")),
            definition: text("/metadata/name").to_owned(),
            is_namespaced: text("/spec/scope") == "Namespaced",
            types: compiler.finish(),
            root,
        })
    };
    served.filter_map(kind).collect()
}

impl CustomKind {
    /// Everything that the server would refuse, by the definition: undeclared fields, wrong values, broken rules.
    fn mistakes(&self, body: &Json) -> Vec<Mistake> {
        let root = self.types.at(self.root);
        let pruned = prune(root, body);
        let mut mistakes: Vec<Mistake> = pruned
            .unknown
            .into_iter()
            .map(|field| Mistake { field, message: "The definition declares no such field.".to_owned() })
            .collect();
        let mut object = pruned.object;
        fill_defaults(root, &mut object);
        let mut found = check_values(root, &object, None);
        // Rules find what the schema promises, or are not asked.
        if !found.iter().any(FieldError::is_blocking) {
            found.extend(broken_rules(root, &object, None, &|_| false));
        }
        mistakes
            .extend(found.into_iter().map(|error| Mistake { field: error.field, message: error.message }));
        let has_namespace = body.pointer("/metadata/namespace").is_some_and(|given| !given.is_null());
        if has_namespace && !self.is_namespaced {
            let message = "The definition makes it a kind of the whole cluster.".to_owned();
            mistakes.push(Mistake { field: "metadata.namespace".to_owned(), message });
        }
        mistakes
    }
}

fn refusal(kind: &CustomKind, manifest: &Value, mistakes: &[Mistake], hides: bool) -> ProviderError {
    let shown = mistakes.iter().map(|mistake| match (hides, is_field(&mistake.field)) {
        (false, true) => format!("- {}: {}", mistake.field, mistake.message),
        (false, false) => format!("- {}", mistake.message),
        (true, true) => format!("- {}", mistake.field),
        (true, false) => "- the object as a whole".to_owned(),
    });
    let fields = mistakes.iter().map(|mistake| mistake.field.as_str());
    let first = fields.into_iter().find(|field| is_field(field));
    let mut path = Path::attribute("manifest");
    path.0.extend(first.into_iter().flat_map(|field| field_path(field, manifest).0));
    ProviderError {
        code: ErrorCode::Invalid,
        summary: "The definition does not accept the object".to_owned(),
        detail: format!(
            "{}, which is in this plan, does not allow this {}:\n{}\nChange the object, or its definition.",
            kind.definition,
            kind.of_type.kind,
            shown.collect::<Vec<_>>().join("\n")
        ),
        path: Some(path),
    }
}

fn is_field(field: &str) -> bool {
    !field.is_empty() && field != NOWHERE
}

#[cfg(test)]
mod tests {
    use meshform_engine::value::from_json;
    use serde_json::json;

    use super::*;

    fn definition() -> Json {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": "widgets.example.com" },
            "spec": {
                "group": "example.com", "scope": "Cluster", "names": { "kind": "Widget", "plural": "widgets" },
                "versions": [
                    { "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": {
                        "type": "object",
                        "properties": { "spec": {
                            "type": "object", "required": ["size"],
                            "properties": {
                                "size": { "type": "integer", "minimum": 1 },
                                "most": { "type": "integer", "default": 3 },
                                "color": { "type": "string", "enum": ["red", "blue"] },
                            },
                            "x-kubernetes-validations": [{ "rule": "self.size <= self.most", "message": "too large" }],
                        } },
                    } } },
                    { "name": "v2", "served": false, "storage": false, "schema": { "openAPIV3Schema": { "type": "object" } } },
                ],
            },
        })
    }

    fn check(object: Json, hides: bool, expect: &str) {
        let manifests = [from_json(&definition())];
        let preview = Definitions::among(manifests.iter()).preview(&from_json(&object), &object, hides);
        let shown = match preview {
            None => "not in the plan".to_owned(),
            Some(Preview::Refused(error)) => {
                let lines: Vec<_> = error.detail.lines().filter(|line| line.starts_with('-')).collect();
                format!("{} {}", error.path.unwrap_or_default(), lines.join(" "))
            }
            Some(Preview::Unverified(reason)) => reason.split(',').next().unwrap_or_default().to_owned(),
            Some(Preview::Would(_)) => "would".to_owned(),
        };
        assert_eq!(shown, expect, "{object}");
    }

    fn widget(spec: Json) -> Json {
        json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": "w" }, "spec": spec })
    }

    #[test]
    fn objects_are_held_against_the_definition_in_the_plan() {
        for (spec, expect) in [
            (json!({ "size": 1 }), "its admission is unverified"),
            (
                json!({ "size": 0 }),
                "manifest.spec.size - spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1",
            ),
            (
                json!({ "size": "1" }),
                "manifest.spec.size - spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"",
            ),
            (json!({ "size": 4 }), "manifest.spec - spec: Invalid value: too large"),
            (json!({ "size": 4, "most": 5 }), "its admission is unverified"),
            (
                json!({ "size": 1, "colour": "red" }),
                "manifest.spec.colour - spec.colour: The definition declares no such field.",
            ),
            (
                json!({ "size": 1, "color": "green" }),
                "manifest.spec.color - spec.color: Unsupported value: \"green\": supported values: \"red\", \"blue\"",
            ),
        ] {
            check(widget(spec), false, expect);
        }
        let mut placed = widget(json!({ "size": 1 }));
        placed["metadata"]["namespace"] = json!("x");
        check(
            placed,
            false,
            "manifest.metadata.namespace - metadata.namespace: The definition makes it a kind of the whole cluster.",
        );
    }

    #[test]
    fn secret_values_are_not_told() {
        check(widget(json!({ "size": 1, "color": "hunter2" })), true, "manifest.spec.color - spec.color");
    }

    #[test]
    fn other_kinds_are_not_held_against_it() {
        let of = |api_version: &str, kind: &str| json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": "w" } });
        check(of("example.com/v2", "Widget"), false, "not in the plan");
        check(of("example.org/v1", "Widget"), false, "not in the plan");
        check(of("example.com/v1", "Gadget"), false, "not in the plan");
    }
}
