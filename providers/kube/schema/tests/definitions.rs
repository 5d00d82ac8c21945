//! Definitions that the API server refuses. What it answers as a whole is recorded in the conformance suite; these are the corners.

use meshform_kube_schema::check_definition;
use serde_json::{Value, json};

fn definition(properties: &Value) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "as.example.com" },
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": { "plural": "as", "singular": "a", "kind": "A", "listKind": "AList" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": {
                "type": "object", "properties": properties,
            } } }],
        },
        "status": { "storedVersions": ["v1"] },
    })
}

fn check_whole(definition: &Value, expect: &[&str]) {
    let errors = check_definition(definition, None);
    let shown = errors.iter().map(|error| {
        let field = error.field.replace("spec.validation.openAPIV3Schema.properties", "");
        format!("{field}: {}", error.message)
    });
    assert_eq!(shown.collect::<Vec<_>>(), expect, "{definition}");
}

fn check(x: Value, expect: &[&str]) {
    check_whole(&definition(&json!({ "x": x })), expect);
}

#[test]
fn what_is_structural() {
    check(json!({ "type": "array" }), &["[x].items: Required value: must be specified"]);
    check(
        json!({ "type": "string", "anyOf": [{ "type": "string" }] }),
        &["[x].anyOf[0].type: Forbidden: must be empty to be structural"],
    );
    check(
        json!({ "x-kubernetes-int-or-string": true, "anyOf": [{ "type": "integer" }, { "type": "string" }] }),
        &[],
    );
    check(
        json!({ "type": "object", "oneOf": [{ "properties": { "y": { "minLength": 1 } } }] }),
        &[
            "[x].properties[y]: Required value: because it is defined in spec.validation.openAPIV3Schema.properties[x].oneOf[0].properties[y]",
        ],
    );
    check(json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true }), &[]);
    check(
        json!({ "type": "object", "x-kubernetes-embedded-resource": true }),
        &[
            "[x].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
        ],
    );
    check(
        json!({ "type": "string", "pattern": "[" }),
        &[
            "[x].pattern: Invalid value: \"[\": must be a valid regular expression, but isn't: error parsing regexp",
        ],
    );
}

#[test]
fn what_keywords_may_say() {
    check(json!({ "type": "object", "$ref": "y" }), &["[x].$ref: Forbidden: $ref is not supported"]);
    check(
        json!({ "type": "object", "x-kubernetes-list-type": "set" }),
        &["[x].type: Invalid value: \"object\": must be array if x-kubernetes-list-type is specified"],
    );
    check(
        json!({ "type": "array", "x-kubernetes-list-type": "bag", "items": { "type": "string" } }),
        &[
            "[x].x-kubernetes-list-type: Unsupported value: \"bag\": supported values: \"atomic\", \"map\", \"set\"",
        ],
    );
    check(
        json!({ "type": "array", "x-kubernetes-list-type": "set", "items": { "type": "string", "nullable": true } }),
        &["[x].items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is set"],
    );
}

#[test]
fn defaults_are_values() {
    let object = |default: Value| {
        json!({
            "type": "object", "default": default, "properties": { "a": { "type": "integer", "minimum": 1 } },
            "x-kubernetes-validations": [{ "rule": "!has(self.a) || self.a < 9", "message": "too large" }],
        })
    };
    check(object(json!({ "a": 1 })), &[]);
    check(
        object(json!({ "b": 1 })),
        &["[x].default: Invalid value: {\"b\":1}: must not have unknown fields"],
    );
    check(
        object(json!({ "a": 0 })),
        &["[x].default.a: Invalid value: 0: a in body should be greater than or equal to 1"],
    );
    check(object(json!({ "a": 9 })), &["[x].default: Invalid value: too large"]);
}

#[test]
fn rules_say_what_can_be_asked() {
    let rules = |rule: Value| json!({ "type": "string", "x-kubernetes-validations": [rule] });
    check(
        rules(json!({ "rule": "self == 'a'", "fieldPath": ".b" })),
        &["[x].x-kubernetes-validations[0].fieldPath: Invalid value: \".b\": must be a valid path"],
    );
    check(
        rules(json!({ "rule": "self == 'a'", "optionalOldSelf": true })),
        &[
            "[x].x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule",
        ],
    );
    check(
        rules(json!({ "rule": "self ==\n'a'" })),
        &[
            "[x].x-kubernetes-validations[0].message: Required value: message must be specified if rule contains line breaks",
        ],
    );
    check(
        json!({ "type": "array", "items": rules(json!({ "rule": "self == oldSelf" })) }),
        &[
            "[x].items.x-kubernetes-validations[0].rule: Invalid value: \"self == oldSelf\": oldSelf cannot be used on the uncorrelatable portion of the schema within spec.validation.openAPIV3Schema.properties[x]",
        ],
    );
    // What is wrong with the schema is told alone.
    let mut broken = rules(json!({ "rule": "self == 1" }));
    broken["uniqueItems"] = json!(true);
    check(
        broken,
        &[
            "[x].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        ],
    );
}

#[test]
fn versions_that_differ_have_paths_of_their_own() {
    let mut two = definition(&json!({ "x": { "type": "string" } }));
    let mut second = two["spec"]["versions"][0].clone();
    second["name"] = json!("v2");
    second["storage"] = json!(false);
    second["schema"]["openAPIV3Schema"]["properties"]["x"] = json!({ "type": "text" });
    second["additionalPrinterColumns"] = json!([{ "name": "A", "type": "text", "jsonPath": "spec" }]);
    two["spec"]["versions"] = json!([two["spec"]["versions"][0], second]);
    check_whole(
        &two,
        &[
            "spec.versions[1].schema.openAPIV3Schema.properties[x].type: Unsupported value: \"text\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"",
            "spec.versions[1].additionalPrinterColumns[0].type: Invalid value: \"text\": must be one of boolean,date,integer,number,string",
            "spec.versions[1].additionalPrinterColumns[0].JSONPath: Invalid value: \"spec\": must be a simple json path starting with .",
        ],
    );
}
