//! A step that is refused because the thing has moved since the review tells each field as reviewed, as it is, and as it is wanted.

use meshform_engine::value::Value;

use crate::plans::{applied, stack};
use crate::world::Bed;

fn check(before: &str, after: &str, by_others: Option<Value>, expect: &[&str]) {
    let bed = Bed::new();
    applied(&bed, &stack(before));
    let plan = bed.plan(&stack(after)).unwrap();
    bed.with(|reality| match by_others {
        Some(thing) => drop(reality.things.insert("a".to_owned(), thing)),
        None => drop(reality.things.remove("a")),
    });
    let ended = bed.apply_plan(&plan).unwrap();
    let rows = ended
        .failed
        .iter()
        .flat_map(|failed| &failed.moved)
        .map(|row| format!("{}: {:?} | {:?} | {:?}", row.path, row.reviewed, row.now, row.wanted));
    assert_eq!(rows.collect::<Vec<_>>(), expect);
    assert_eq!(ended.failed.len(), 1);
}

fn thing(input: &str) -> Option<Value> {
    Some(Value::object([("name".to_owned(), "a".into()), ("input".to_owned(), input.into())]))
}

#[test]
fn each_field_is_told_three_times() {
    let a = |input: &str| format!("resource \"thing\" \"a\" {{\n  name  = \"a\"\n  input = {input}\n}}\n");
    check(&a("1"), &a("2"), thing("by others"), &["input: Some(1) | Some(\"by others\") | Some(2)"]);
    check("", &a("2"), thing("by others"), &["input: None | Some(\"by others\") | Some(2)"]);
    let secret = |text: &str| {
        format!("variable \"s\" {{\n  default = \"{text}\"\n  sensitive = true\n}}\n{}", a("var.s"))
    };
    check(
        &secret("hush"),
        &secret("pssst"),
        thing("by others"),
        &["input: Some((sensitive)) | Some((sensitive)) | Some((sensitive))"],
    );
}
