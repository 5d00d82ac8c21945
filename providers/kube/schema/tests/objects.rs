//! Objects against schemas and the rules in them.

use meshform_kube_schema::types::{Compiler, TypeId, Types};
use meshform_kube_schema::{FieldError, broken_rules, check_object};
use serde_json::{Value, json};

fn compiled(spec: &Value) -> (Types, TypeId) {
    let schema = json!({ "type": "object", "properties": { "spec": spec } });
    let mut compiler = Compiler::custom();
    let root = compiler.root(&schema);
    (compiler.finish(), root)
}

fn object(spec: &Value) -> Value {
    json!({ "apiVersion": "example.com/v1", "kind": "A", "metadata": { "name": "a" }, "spec": spec })
}

fn shown(errors: &[FieldError]) -> Vec<String> {
    errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect()
}

fn check(schema: &Value, old: Option<&Value>, new: &Value, expect: &[&str]) {
    let (types, root) = compiled(schema);
    let errors = check_object(types.at(root), &object(new), old.map(object).as_ref());
    assert_eq!(shown(&errors), expect, "{new}");
}

fn ruled(properties: Value, rule: Value) -> Value {
    json!({ "type": "object", "properties": properties, "x-kubernetes-validations": [rule] })
}

#[test]
fn values_are_of_their_declared_types() {
    let check = |property: Value, value: Value, rule: &str| {
        let schema = ruled(json!({ "a": property }), json!({ "rule": rule }));
        check(&schema, None, &json!({ "a": value }), &[]);
    };
    let text = |format: &str| json!({ "type": "string", "format": format });
    check(json!({ "type": "integer" }), json!(3), "self.a / 2 == 1");
    check(json!({ "type": "number" }), json!(3), "self.a / 2.0 == 1.5");
    check(text("date-time"), json!("2024-01-02T03:04:05Z"), "self.a > timestamp('2024-01-01T00:00:00Z')");
    check(text("date"), json!("2024-01-02"), "self.a.getDate() == 2");
    check(text("duration"), json!("90s"), "self.a > duration('1m')");
    check(text("byte"), json!("YWI="), "self.a == b'ab'");
    check(
        json!({ "x-kubernetes-int-or-string": true }),
        json!("5%"),
        "type(self.a) == string && self.a == '5%'",
    );
    check(json!({ "x-kubernetes-int-or-string": true }), json!(5), "type(self.a) == int && self.a == 5");
    check(
        json!({ "type": "object", "additionalProperties": { "type": "integer" } }),
        json!({ "x-y": 1 }),
        "self.a['x-y'] == 1",
    );
    check(
        json!({ "type": "object", "properties": { "b-c": { "type": "string" }, "in": { "type": "string" } } }),
        json!({ "b-c": "1", "in": "2" }),
        "self.a.b__dash__c == '1' && self.a.__in__ == '2'",
    );
}

#[test]
fn a_change_is_asked_what_it_may_change() {
    let fixed = json!({ "type": "string", "x-kubernetes-validations": [{ "rule": "self == oldSelf", "message": "is fixed" }] });
    let items = json!({ "type": "object", "required": ["k"], "properties": { "k": { "type": "string" }, "v": fixed } });
    let schema = json!({ "type": "object", "properties": {
        "v": fixed,
        "map": { "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], "items": items },
        "once": { "type": "string", "x-kubernetes-validations": [
            { "rule": "!oldSelf.hasValue() || oldSelf.value() == self", "optionalOldSelf": true, "message": "is set once" },
        ] },
    } });
    let old = json!({ "v": "1", "map": [{ "k": "a", "v": "1" }, { "k": "b", "v": "2" }] });
    check(&schema, None, &old, &[]);
    check(&schema, Some(&old), &old, &[]);
    check(&schema, Some(&json!({})), &old, &[]);
    check(&schema, Some(&old), &json!({ "v": "2" }), &["spec.v: Invalid value: \"2\": is fixed"]);
    let moved =
        json!({ "v": "1", "map": [{ "k": "b", "v": "3" }, { "k": "c", "v": "1" }, { "k": "a", "v": "1" }] });
    check(&schema, Some(&old), &moved, &["spec.map[0].v: Invalid value: \"3\": is fixed"]);
    check(&schema, Some(&old), &json!({ "once": "1" }), &[]);
    check(
        &schema,
        Some(&json!({ "once": "1" })),
        &json!({ "once": "2" }),
        &["spec.once: Invalid value: \"2\": is set once"],
    );
}

#[test]
fn what_was_accepted_once_is_not_refused_later() {
    let schema = json!({ "type": "object", "properties": {
        "a": { "type": "string", "maxLength": 2, "x-kubernetes-validations": [{ "rule": "self.startsWith('x')" }] },
        "b": { "type": "string" },
    } });
    let wrong = json!({ "a": "abc", "b": "1" });
    check(
        &schema,
        None,
        &wrong,
        &[
            "spec.a: Too long: may not be more than 2 bytes",
            "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
        ],
    );
    check(&schema, Some(&wrong), &json!({ "a": "abc", "b": "2" }), &[]);
    check(
        &schema,
        Some(&wrong),
        &json!({ "a": "ab", "b": "1" }),
        &["spec.a: Invalid value: \"ab\": failed rule: self.startsWith('x')"],
    );
}

#[test]
fn failures_say_what_the_rule_says() {
    let check = |rule: Value, expect: &str| {
        let schema =
            ruled(json!({ "a": { "type": "integer" }, "d": { "x-kubernetes-int-or-string": true } }), rule);
        check(&schema, None, &json!({ "a": 1, "d": "x" }), &[expect]);
    };
    check(json!({ "rule": "self.a > 1" }), "spec: Invalid value: failed rule: self.a > 1");
    check(json!({ "rule": "self.a > 1", "message": " too little " }), "spec: Invalid value: too little");
    check(
        json!({ "rule": "self.a > 1", "message": "m", "messageExpression": "'is ' + string(self.a)" }),
        "spec: Invalid value: is 1",
    );
    check(
        json!({ "rule": "self.a > 1", "message": "m", "messageExpression": "string(1 / (self.a - 1))" }),
        "spec: Invalid value: m",
    );
    check(
        json!({ "rule": "self.a > 1", "reason": "FieldValueForbidden", "fieldPath": ".a" }),
        "spec.a: Forbidden: failed rule: self.a > 1",
    );
    check(
        json!({ "rule": "1 / (self.a - 1) == 0" }),
        "spec: Invalid value: \"object\": division by zero evaluating rule: 1 / (self.a - 1) == 0",
    );
    check(
        json!({ "rule": "self.d < 3", "message": "m" }),
        "spec: Invalid value: \"object\": 'no such overload': call arguments did not match a supported operator, function or macro signature for rule: m",
    );
}

#[test]
fn rules_of_what_is_not_known_are_left_out() {
    let schema = ruled(
        json!({ "a": { "type": "integer" }, "b": { "type": "integer" } }),
        json!({ "rule": "self.a < 5 && self.b < 5" }),
    );
    let (types, root) = compiled(&schema);
    let check = |spec: Value, expect: usize| {
        let errors = broken_rules(types.at(root), &object(&spec), None, &|value| value == "not known");
        assert_eq!(errors.len(), expect, "{spec}");
    };
    check(json!({ "a": 1, "b": "not known" }), 0);
    check(json!({ "a": 7, "b": "not known" }), 1);
    check(json!("not known"), 0);
}
