//! What a plan looks at: all, only what the configuration changes, or nothing but what is recorded.

use meshform_engine::inputs::Input;
use meshform_engine::plan::{FieldChange, Plan, Refresh};
use meshform_engine::ports::{DifferenceRequest, ErrorCode, Observed};
use meshform_engine::state::RecordStatus;
use meshform_engine::value::{Kind, Path, Value};

use crate::plans::{applied, stack};
use crate::targeting::restriction;
use crate::world::{Bed, show};

/// What is no longer as recorded, as the test's provider tells it.
pub(crate) fn drift(request: &DifferenceRequest<'_>) -> Vec<FieldChange> {
    let (Some(record), Observed::Present(there)) = (request.record, request.observed) else {
        return Vec::new();
    };
    let fields = ["input", "fixed"].into_iter().filter_map(|name| {
        let part = |value: &Value| value.get(name).cloned().unwrap_or_else(Value::null);
        let (before, after) = (part(&record.attributes), part(&there.attributes));
        let is_same = match before.kind() {
            Kind::Fingerprint(known) => **known == *request.fingerprinter.fingerprint(&after),
            _ => before.same(&after),
        };
        let path = Path::attribute(name);
        let change = FieldChange {
            path,
            before: Some(before),
            after: Some(after),
            forces_replace: false,
            owner: None,
        };
        (!is_same).then_some(change)
    });
    fields.collect()
}

/// Someone changes a thing's input.
pub(crate) fn meddle(bed: &Bed, name: &str, input: Value) {
    bed.with(|reality| {
        let mut fields = reality.things.get(name).and_then(Value::as_map).cloned().unwrap();
        fields.insert("input".to_owned(), input);
        reality.things.insert(name.to_owned(), Value::object(fields));
    });
}

fn drifts(plan: &Plan) -> Vec<String> {
    let drift = plan.changes.iter().flat_map(|change| &change.drift);
    let side = |value: &Option<Value>| format!("{:?}", value.as_ref().unwrap());
    drift.map(|it| format!("{}: {} -> {}", it.path, side(&it.before), side(&it.after))).collect()
}

const PAIR: &str = r#"
variable "n" { default = 1 }
resource "thing" "a" {
  name  = "a"
  input = 1
}
resource "thing" "b" {
  name  = "b"
  input = { n = var.n, of = thing.a.id }
}
output "a" { value = thing.a.input }
output "b" { value = thing.b.id }
"#;

#[test]
fn what_the_configuration_does_not_change_need_not_be_looked_at() {
    let mut bed = Bed::new();
    applied(&bed, &stack(PAIR));
    bed.refresh = Refresh::Changes;
    meddle(&bed, "a", 2.into());
    let reads = bed.with(|reality| reality.reads);
    let plan = bed.plan(&stack(PAIR)).unwrap();
    assert_eq!(show(&plan), "NoOp thing.a\nNoOp thing.b");
    assert_eq!(plan.unseen.len(), 2);
    assert!(plan.is_empty());
    assert_eq!(bed.with(|reality| reality.reads), reads, "something was looked at");

    // What changes is looked at, so that its apply has something to prove.
    bed.inputs = vec![Input::Text { name: "n".into(), text: "2".into(), origin: "-var".into() }];
    let plan = bed.plan(&stack(PAIR)).unwrap();
    assert_eq!(plan.unseen, ["thing.a".parse().unwrap()]);
    meddle(&bed, "b", "moved".into());
    let refused = bed.apply_plan(&plan).unwrap();
    assert_eq!(refused.failed[0].error.code, ErrorCode::Changed);
    applied(&bed, &stack(PAIR));
    assert!(bed.plan(&stack(PAIR)).unwrap().is_empty());
    // What drifted and was not looked at is still there for a plan that looks.
    bed.refresh = Refresh::Whole;
    assert_eq!(bed.show_plan(&stack(PAIR)), "Update thing.a\n  input: 2 -> 1\nNoOp thing.b",);
}

#[test]
fn what_goes_and_what_is_half_done_is_looked_at_always() {
    let mut bed = Bed::new();
    applied(&bed, &stack(PAIR));
    bed.refresh = Refresh::Changes;
    let without = "resource \"thing\" \"a\" {\n  name  = \"a\"\n  input = 1\n}\n";
    let reads = bed.with(|reality| reality.reads);
    let plan = bed.plan(&stack(without)).unwrap();
    assert!(show(&plan).contains("Delete thing.b"));
    assert!(bed.with(|reality| reality.reads) > reads);
    bed.replace = vec!["thing.a".parse().unwrap()];
    let plan = bed.plan(&stack(PAIR)).unwrap();
    assert!(show(&plan).contains("ReplaceDeleteFirst thing.a"), "{}", show(&plan));
}

#[test]
fn secrets_are_looked_at_always() {
    let text = "variable \"s\" {\n  default   = \"hunter2\"\n  sensitive = true\n}
resource \"thing\" \"a\" {\n  name  = \"a\"\n  input = var.s\n}\n";
    let mut bed = Bed::new();
    applied(&bed, &stack(text));
    bed.refresh = Refresh::Changes;
    let plan = bed.plan(&stack(text)).unwrap();
    assert!(plan.is_empty() && plan.unseen.is_empty(), "{}", show(&plan));
}

#[test]
fn records_are_brought_up_to_date_with_what_is_there() {
    let mut bed = Bed::new();
    applied(&bed, &stack(PAIR));
    bed.refresh = Refresh::Only;
    assert!(bed.plan(&stack(PAIR)).unwrap().is_empty());
    meddle(&bed, "a", 2.into());
    bed.with(|reality| {
        reality.things.remove("b");
        reality.performed.clear();
    });
    // What the configuration wants meanwhile is not asked.
    let text = stack(&PAIR.replace("input = 1", "input = 3"));
    let plan = bed.plan(&text).unwrap();
    assert_eq!(show(&plan), "Refresh thing.a\nForget thing.b (it is gone)\noutput a: Some(1) -> Some(2)");
    assert_eq!(drifts(&plan), ["input: 1 -> 2"]);
    applied(&bed, &text);
    bed.with(|reality| {
        assert!(reality.performed.is_empty(), "{:?}", reality.performed);
        assert_eq!(reality.state.records.len(), 1);
        assert_eq!(format!("{:?}", reality.state.outputs), r#"{"a": 2, "b": "id-of-b"}"#);
    });
    assert!(bed.plan(&text).unwrap().is_empty());
    bed.refresh = Refresh::Whole;
    assert_eq!(
        show(&bed.plan(&text).unwrap()).lines().take(3).collect::<Vec<_>>(),
        ["Update thing.a", "  input: 2 -> 3", "Create thing.b"],
    );
}

#[test]
fn nothing_is_recorded_that_was_not_reviewed() {
    let mut bed = Bed::new();
    applied(&bed, &stack(PAIR));
    bed.refresh = Refresh::Only;
    meddle(&bed, "a", 2.into());
    let gone = bed.with(|reality| reality.things.remove("b").unwrap());
    let plan = bed.plan(&stack(PAIR)).unwrap();
    meddle(&bed, "a", 3.into());
    bed.with(|reality| reality.things.insert("b".to_owned(), gone));
    let before = bed.with(|reality| reality.state.records.clone());
    let refused = bed.apply_plan(&plan).unwrap();
    let codes: Vec<_> = refused.failed.iter().map(|failed| failed.error.code).collect();
    assert_eq!(codes, [ErrorCode::Changed, ErrorCode::Changed]);
    assert_eq!(bed.with(|reality| reality.state.records.clone()), before);
}

#[test]
fn a_secret_that_drifted_is_recorded_as_one() {
    let text = "variable \"s\" {\n  default   = \"hunter2\"\n  sensitive = true\n}
resource \"thing\" \"a\" {\n  name  = \"a\"\n  input = var.s\n}\n";
    let mut bed = Bed::new();
    applied(&bed, &stack(text));
    bed.refresh = Refresh::Only;
    meddle(&bed, "a", "hunter3".into());
    applied(&bed, &stack(text));
    let recorded = bed.with(|reality| format!("{:?}", reality.state.records));
    assert!(!recorded.contains("hunter"), "{recorded}");
    assert!(bed.plan(&stack(text)).unwrap().is_empty());
}

#[test]
fn a_refresh_can_be_kept_to_a_part() {
    let mut bed = Bed::new();
    applied(&bed, &stack(PAIR));
    meddle(&bed, "a", 2.into());
    meddle(&bed, "b", 2.into());
    bed.refresh = Refresh::Only;
    bed.restriction = Some(restriction("-target thing.a"));
    assert!(bed.show_plan(&stack(PAIR)).starts_with("Refresh thing.a\noutput a"));
    bed.restriction = Some(restriction("-exclude thing.a"));
    assert_eq!(bed.show_plan(&stack(PAIR)), "");
    bed.restriction = Some(restriction("-exclude thing.b"));
    assert!(bed.show_plan(&stack(PAIR)).starts_with("Refresh thing.a\noutput a"));
}

/// Of what another run has begun, and not recorded yet, nothing says which parts are secret.
#[test]
fn what_was_begun_and_never_recorded_is_secret_as_a_whole() {
    let text = stack(
        "variable \"s\" {\n  default   = \"hunter2\"\n  sensitive = true\n}\nresource \"thing\" \"a\" {\n  name  = \"a\"\n  input = var.s\n}\n",
    );
    let mut bed = Bed::new();
    applied(&bed, &text);
    bed.with(|reality| {
        let record = reality.state.records.values_mut().next().unwrap();
        (record.attributes, record.status) = (Value::null(), RecordStatus::Incomplete);
    });
    bed.refresh = Refresh::Only;
    let plan = bed.plan(&text).unwrap();
    assert_eq!(show(&plan), "NoOp thing.a");
    assert!(plan.changes[0].planned.is_sensitive() && plan.changes[0].drift.is_empty());
}
