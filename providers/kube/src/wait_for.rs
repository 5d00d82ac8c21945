//! What `wait_for` blocks say of when an object is ready, in the place of the rule of its kind.
//!
//! | in the block | holds when |
//! | --- | --- |
//! | `condition { type, status }` | `status.conditions` has the condition, of the newest generation, with that status (`True`, if left out) |
//! | `field { path, value }` | the field has this value |
//! | `field { path, pattern }` | the field's text matches this regular expression |
//! | `field { path }` | the field is there, and not null |
//! | `cel` | this expression over `self`, the object, is true |
//! | `fail_if` | never: once this expression is true, it has failed |
//!
//! All of all blocks must hold, and the controller must have seen the newest generation, as far as it tells. What makes any object fail
//! still does: that it is being deleted, and pods that do not start.
//!
//! A block of a `kube_manifests` or `kube_chart` says of which of its objects it is, by `kind` and perhaps `name` and `namespace`.

use meshform_engine::diagnostic::Severity;
use meshform_engine::ports::Problem;
use meshform_engine::schema::{Attribute, BlockType, Body};
use meshform_engine::types::Type;
use meshform_engine::value::{Path, PathStep, Value, from_json};
use meshform_kube_schema::cel::{self, Program};
use regex::Regex;
use serde_json::Value as Json;

use crate::identity::{ObjectName, TypeName};
use crate::owned::scalar_text;
use crate::ready::{Readiness, condition_status, observed};
use crate::refusal::field_path;

/// The blocks' name.
pub(crate) const NAME: &str = "wait_for";
/// By what a composite's block says which objects it is of.
const SELECTORS: [&str; 3] = ["kind", "name", "namespace"];
/// How much of a value is told.
const SHOWN_MAX: usize = 80;

/// The block of one object.
pub(crate) fn block() -> BlockType {
    BlockType::list(
        NAME,
        Body::from(Vec::from(expressions())).with(condition()).with(field()),
        "What must hold until the object counts as ready, instead of what its kind usually must.",
    )
}

/// The block of a composite, which says which objects it is of.
pub(crate) fn selecting_block() -> BlockType {
    let text = |name, description| Attribute::optional(name, Type::String, description);
    let selectors = vec![
        Attribute::required("kind", Type::String, "The kind of the objects that this is of."),
        text("name", "The name of the object that this is of; all of the kind, if left out."),
        text("namespace", "The namespace of the objects that this is of."),
    ];
    let attributes: Vec<_> = selectors.into_iter().chain(expressions()).collect();
    BlockType { body: Body::from(attributes).with(condition()).with(field()), ..block() }
}

fn expressions() -> [Attribute; 2] {
    let text = |name, description| Attribute::optional(name, Type::String, description);
    [
        text(
            "cel",
            "An expression of the Common Expression Language over `self`, the object, that must be true.",
        ),
        text(
            "fail_if",
            "Such an expression that says that the object has failed, and nothing more is to be waited for.",
        ),
    ]
}

fn condition() -> BlockType {
    let attributes = vec![
        Attribute::required("type", Type::String, "The type of the condition, such as Ready."),
        Attribute::default("status", Type::String, "True", "The status that it must have."),
    ];
    BlockType::list("condition", attributes, "A condition of the object's status.")
}

fn field() -> BlockType {
    let attributes = vec![
        Attribute::required(
            "path",
            Type::String,
            "The field, such as \"status.phase\" or \"status.listeners[name=\\\"web\\\"].ready\".",
        ),
        Attribute::optional("value", Type::Any, "What it must be."),
        Attribute::optional("pattern", Type::String, "A regular expression that its text must match."),
    ];
    BlockType::list(
        "field",
        attributes,
        "A field of the object; with neither `value` nor `pattern` it must only be there.",
    )
}

/// What is wrong with the blocks of an object.
pub(crate) fn check(desired: &Value) -> Vec<Problem> {
    let blocks = desired.get(NAME).and_then(Value::as_list).unwrap_or_default();
    let mut problems = Vec::new();
    if !blocks.is_empty() && desired.get("wait").and_then(Value::as_bool) == Some(false) {
        let detail =
            "`wait = false` says not to wait, and `wait_for` what to wait for. Take one of the two out.";
        problems.push(error("Wait, or not?", detail, Path::attribute("wait")));
    }
    for (at, block) in blocks.iter().enumerate() {
        let path = Path::attribute(NAME).join(PathStep::Index(at));
        let (conditions, fields) = (parts(block, "condition"), parts(block, "field"));
        problems
            .extend(["cel", "fail_if"].into_iter().filter_map(|name| check_expression(block, name, &path)));
        let has_expression = block.get("cel").is_some_and(|text| !text.is_null());
        if block.is_wholly_known() && conditions.is_empty() && fields.is_empty() && !has_expression {
            let detail = "Say what to wait for: a `condition`, a `field` or `cel`.";
            problems.push(error("Nothing to wait for", detail, path.clone()));
        }
        let inside = path.join(PathStep::Attribute("field".to_owned()));
        let checked = fields.iter().enumerate();
        problems
            .extend(checked.filter_map(|(at, field)| check_field(field, &inside.join(PathStep::Index(at)))));
    }
    problems
}

fn check_expression(block: &Value, name: &str, path: &Path) -> Option<Problem> {
    let mistake = Program::compile(block.get_str(name)?).err()?;
    let detail = format!("It cannot be read: {mistake}");
    Some(error("Not an expression", &detail, path.join(PathStep::Attribute(name.to_owned()))))
}

fn check_field(field: &Value, path: &Path) -> Option<Problem> {
    let at = |name: &str| path.join(PathStep::Attribute(name.to_owned()));
    if field.get_str("path").is_some_and(|text| field_path(text, &Value::null()).0.is_empty()) {
        let detail = "It is the names of fields with dots between them, such as \"status.phase\".";
        return Some(error("Not the path of a field", detail, at("path")));
    }
    let given = |name: &str| field.get(name).filter(|value| !value.is_null());
    if given("value").is_some() && given("pattern").is_some() {
        let detail = "A field has a `value`, or matches a `pattern`. Take one of the two out.";
        return Some(error("Two expectations of one field", detail, path.clone()));
    }
    let pattern = given("pattern").and_then(Value::as_str)?;
    let wrong = Regex::new(pattern).err()?;
    Some(error("Not a regular expression", &format!("It cannot be read: {wrong}."), at("pattern")))
}

fn error(summary: &str, detail: &str, path: Path) -> Problem {
    Problem { severity: Severity::Error, summary: summary.to_owned(), detail: detail.to_owned(), path }
}

fn parts<'v>(block: &'v Value, name: &str) -> &'v [Value] {
    block.get(name).and_then(Value::as_list).unwrap_or_default()
}

/// Which of a composite's blocks are of an object: a list of blocks as an object has them.
pub(crate) fn of_part(blocks: &[Value], of_type: &TypeName, name: &ObjectName) -> Value {
    let own = blocks.iter().filter(|block| is_of(block, of_type, name));
    Value::list(own.map(|block| {
        let fields = block.as_map().into_iter().flatten();
        let fields = fields.filter(|(field, _)| !SELECTORS.contains(&field.as_str()));
        Value::object(fields.map(|(field, value)| (field.clone(), value.clone())))
    }))
}

fn is_of(block: &Value, of_type: &TypeName, name: &ObjectName) -> bool {
    let fits = |field: &str, own: &str| block.get_str(field).is_none_or(|wanted| wanted == own);
    fits("kind", &of_type.kind) && fits("name", &name.name) && fits("namespace", &name.namespace)
}

/// What is wrong with blocks of a composite that are of none of its objects.
pub(crate) fn check_used<'n>(
    blocks: &[Value],
    objects: impl Iterator<Item = (&'n TypeName, &'n ObjectName)> + Clone,
) -> Vec<Problem> {
    let unused = blocks
        .iter()
        .enumerate()
        .filter(|(_, block)| !objects.clone().any(|(of_type, name)| is_of(block, of_type, name)));
    unused
        .map(|(at, block)| {
            let path = Path::attribute(NAME).join(PathStep::Index(at));
            let kind = block.get_str("kind").unwrap_or_default();
            let named = block.get_str("name").map(|name| format!(" {name}")).unwrap_or_default();
            let detail = format!("There is no {kind}{named} here that could be waited for.");
            error("Nothing to wait for", &detail, path)
        })
        .collect()
}

/// What must hold of one object.
#[derive(Debug)]
pub(crate) struct Rules {
    rules: Vec<Rule>,
    /// What says that it has failed.
    failures: Vec<Expression>,
    /// Whether no value of the object is told.
    hides: bool,
}

#[derive(Debug)]
enum Rule {
    Condition { name: String, status: String },
    Field { path: String, expected: Expected, hides: bool },
    Expression(Expression),
}

/// A truth about the object.
#[derive(Debug)]
struct Expression {
    text: String,
    program: Program,
    hides: bool,
}

#[derive(Debug)]
enum Expected {
    Anything,
    Value(Value),
    Pattern(Regex),
}

impl Rules {
    /// What the blocks of an object say; `None` where its kind says when it is ready.
    pub(crate) fn of(desired: &Value, hides: bool) -> Option<Self> {
        let blocks = desired.get(NAME).and_then(Value::as_list).unwrap_or_default();
        let rules = blocks.iter().flat_map(|block| {
            let conditions = parts(block, "condition").iter().filter_map(condition_rule);
            let fields = parts(block, "field").iter().filter_map(field_rule);
            conditions.chain(fields).chain(Expression::of(block, "cel").map(Rule::Expression))
        });
        let rules: Vec<_> = rules.collect();
        let failures = blocks.iter().filter_map(|block| Expression::of(block, "fail_if")).collect();
        (!rules.is_empty()).then_some(Self { rules, failures, hides })
    }

    /// How far the object is.
    pub(crate) fn readiness(&self, object: &Json) -> Readiness {
        match observed(object) {
            Readiness::Ready => {}
            other => return other,
        }
        if let Some(failure) = self.failures.iter().find(|failure| failure.holds(object) == Ok(true)) {
            return Readiness::Failed(format!("{} is true", failure.shown()));
        }
        let waits = self.rules.iter().find_map(|rule| self.missing(rule, object));
        waits.map_or(Readiness::Ready, Readiness::Waiting)
    }

    /// What is missing until a rule holds.
    fn missing(&self, rule: &Rule, object: &Json) -> Option<String> {
        match rule {
            Rule::Condition { name, status } => match condition_status(object, name) {
                Some((is, _)) if is == status => None,
                Some((is, why)) => Some(format!("its condition {name} is {is}, not {status}: {why}")),
                None => Some(format!("its condition {name} is not there yet")),
            },
            Rule::Expression(expression) => match expression.holds(object) {
                Ok(true) => None,
                Ok(false) => Some(format!("{} is not true yet", expression.shown())),
                Err(_) if expression.hides || self.hides => {
                    Some(format!("{} cannot be told yet", expression.shown()))
                }
                Err(why) => Some(format!("{} cannot be told yet: {why}", expression.shown())),
            },
            Rule::Field { path, expected, hides } => {
                let value = from_json(object);
                let value = value.at(&field_path(path, &value)).filter(|value| !value.is_null());
                if value.as_ref().is_some_and(|value| expected.fits(value)) {
                    return None;
                }
                let is = match value.as_ref().map(shown) {
                    None => "is not there yet".to_owned(),
                    Some(_) if *hides || self.hides => "is not what is waited for".to_owned(),
                    Some(is) => format!("is {is}, not {}", expected.shown()),
                };
                Some(format!("`{path}` {is}"))
            }
        }
    }
}

impl Expression {
    fn of(block: &Value, name: &str) -> Option<Self> {
        let text = block.get_str(name)?;
        let program = Program::compile(text).ok()?;
        Some(Self { text: text.to_owned(), program, hides: block.has_sensitive() })
    }

    fn holds(&self, object: &Json) -> Result<bool, cel::Error> {
        self.program.holds(&[("self", object)])
    }

    fn shown(&self) -> String {
        if self.hides { "the expression".to_owned() } else { format!("`{}`", self.text) }
    }
}

impl Expected {
    fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Anything => true,
            // `"3"` and `3` are the same to whoever writes them.
            Self::Value(expected) => {
                expected.same(value) || plain(expected).is_some_and(|text| plain(value) == Some(text))
            }
            Self::Pattern(pattern) => plain(value).is_some_and(|text| pattern.is_match(&text)),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Anything => "there".to_owned(),
            Self::Value(value) => shown(value),
            Self::Pattern(pattern) => format!("what matches {:?}", pattern.as_str()),
        }
    }
}

fn condition_rule(block: &Value) -> Option<Rule> {
    let status = block.get_str("status").unwrap_or("True");
    Some(Rule::Condition { name: block.get_str("type")?.to_owned(), status: status.to_owned() })
}

fn field_rule(block: &Value) -> Option<Rule> {
    let given = |name: &str| block.get(name).filter(|value| !value.is_null());
    let pattern = given("pattern").and_then(Value::as_str).and_then(|pattern| Regex::new(pattern).ok());
    let expected = match (given("value"), pattern) {
        (Some(value), _) => Expected::Value(value.unmarked()),
        (None, Some(pattern)) => Expected::Pattern(pattern),
        (None, None) => Expected::Anything,
    };
    Some(Rule::Field { path: block.get_str("path")?.to_owned(), expected, hides: block.has_sensitive() })
}

/// A scalar as a text, without quotes.
fn plain(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| scalar_text(value))
}

fn shown(value: &Value) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(blocks: &Json) -> Option<Rules> {
        Rules::of(&from_json(&json!({ "wait_for": blocks })), false)
    }

    fn object(status: &Json) -> Json {
        json!({ "apiVersion": "x.io/v1", "kind": "Foo", "metadata": { "generation": 2 }, "status": status })
    }

    /// What is waited for, as the table has it; `ready` when nothing is.
    fn check(blocks: Json, status: Json, expect: &str) {
        let said = match rules(&blocks).unwrap().readiness(&object(&status)) {
            Readiness::Ready => "ready".to_owned(),
            Readiness::Waiting(what) => what,
            Readiness::Failed(why) => format!("failed: {why}"),
        };
        assert_eq!(said, expect, "{blocks} {status}");
    }

    #[test]
    fn conditions_are_those_of_the_newest_generation() {
        let blocks = |status: &str| json!([{ "condition": [{ "type": "Issued", "status": status }] }]);
        let status = |is: &str, generation: u8| json!({ "conditions": [{ "type": "Issued", "status": is, "reason": "Why", "observedGeneration": generation }] });
        check(blocks("True"), status("True", 2), "ready");
        check(blocks("False"), status("False", 2), "ready");
        check(blocks("True"), status("False", 2), "its condition Issued is False, not True: Why");
        check(blocks("True"), status("True", 1), "its condition Issued is not there yet");
        check(blocks("True"), json!({}), "its condition Issued is not there yet");
        check(
            blocks("True"),
            json!({ "observedGeneration": 1 }),
            "its controller has not seen the change yet",
        );
    }

    #[test]
    fn fields_have_values_match_patterns_or_are_there() {
        let field = |more: Json| {
            let mut field = json!({ "path": "status.at[name=\"b\"].phase" });
            field.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!([{ "field": [field] }])
        };
        let status =
            |phase: Json| json!({ "at": [{ "name": "a", "phase": "Bad" }, { "name": "b", "phase": phase }] });
        let path = "`status.at[name=\"b\"].phase`";
        check(field(json!({})), status(json!("Up")), "ready");
        check(field(json!({})), status(json!(null)), &format!("{path} is not there yet"));
        check(field(json!({ "value": "Up" })), status(json!("Up")), "ready");
        check(field(json!({ "value": "3" })), status(json!(3)), "ready");
        check(field(json!({ "value": ["x"] })), status(json!(["x"])), "ready");
        check(
            field(json!({ "value": "Up" })),
            status(json!("Down")),
            &format!("{path} is \"Down\", not \"Up\""),
        );
        check(field(json!({ "pattern": "^U" })), status(json!("Up")), "ready");
        check(
            field(json!({ "pattern": "^U" })),
            status(json!("Down")),
            &format!("{path} is \"Down\", not what matches \"^U\""),
        );
    }

    #[test]
    fn expressions_are_over_the_object() {
        let blocks = json!([{ "cel": "self.status.ready == self.status.wanted", "fail_if": "has(self.status.broken) && self.status.broken" }]);
        check(blocks.clone(), json!({ "ready": 2, "wanted": 2 }), "ready");
        check(
            blocks.clone(),
            json!({ "ready": 1, "wanted": 2 }),
            "`self.status.ready == self.status.wanted` is not true yet",
        );
        check(
            blocks.clone(),
            json!({ "ready": 2, "wanted": 2, "broken": true }),
            "failed: `has(self.status.broken) && self.status.broken` is true",
        );
        let Readiness::Waiting(what) = rules(&blocks).unwrap().readiness(&object(&json!({}))) else {
            panic!()
        };
        assert!(what.starts_with("`self.status.ready == self.status.wanted` cannot be told yet: "), "{what}");
    }

    #[test]
    fn all_of_all_blocks_must_hold() {
        let field = |name: &str| json!({ "field": [{ "path": format!("status.{name}"), "value": true }] });
        check(json!([field("a"), field("b")]), json!({ "a": true }), "`status.b` is not there yet");
        check(json!([field("a"), field("b")]), json!({ "a": true, "b": true }), "ready");
        assert!(rules(&json!([])).is_none());
    }

    #[test]
    fn what_is_hidden_is_not_told() {
        let field = json!([{ "field": [{ "path": "status.a", "value": "hunter1" }] }]);
        let desired = from_json(&json!({ "wait_for": field }));
        let rules = Rules::of(&desired, true).unwrap();
        let Readiness::Waiting(what) = rules.readiness(&object(&json!({ "a": "hunter2" }))) else { panic!() };
        assert_eq!(what, "`status.a` is not what is waited for");
    }

    #[test]
    fn mistakes_are_told() {
        let problems = |desired: Json| {
            let found = super::check(&from_json(&desired));
            found.iter().map(|problem| format!("{}: {}", problem.path, problem.summary)).collect::<Vec<_>>()
        };
        let of = |field: Json| json!({ "wait_for": [{ "condition": [], "field": [field] }] });
        assert_eq!(problems(of(json!({ "path": "status.a", "value": 1 }))), [""; 0]);
        assert_eq!(
            problems(json!({ "wait_for": [{ "condition": [], "field": [] }] })),
            ["wait_for[0]: Nothing to wait for"]
        );
        assert_eq!(
            problems(of(json!({ "path": "..", "value": 1 }))),
            ["wait_for[0].field[0].path: Not the path of a field"]
        );
        assert_eq!(
            problems(of(json!({ "path": "a", "pattern": "(" }))),
            ["wait_for[0].field[0].pattern: Not a regular expression"]
        );
        assert_eq!(
            problems(of(json!({ "path": "a", "pattern": "b", "value": 1 }))),
            ["wait_for[0].field[0]: Two expectations of one field"]
        );
        let expression = json!({ "wait_for": [{ "cel": "self.a ==", "condition": [], "field": [] }] });
        assert_eq!(problems(expression), ["wait_for[0].cel: Not an expression"]);
        let mut both = of(json!({ "path": "a" }));
        both["wait"] = json!(false);
        assert_eq!(problems(both), ["wait: Wait, or not?"]);
    }
}
