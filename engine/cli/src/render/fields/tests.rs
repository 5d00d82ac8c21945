use super::*;
use meshform_engine::types::Type;
use meshform_engine::value::{PathStep, from_json};
use serde_json::{Value as Json, json};

fn change(path: &str, before: Option<Value>, after: Option<Value>) -> FieldChange {
    let path = Path(path.split('.').map(|name| PathStep::Attribute(name.into())).collect());
    FieldChange { path, before, after, forces_replace: false, owner: None }
}

fn json_change(path: &str, before: Json, after: Json) -> FieldChange {
    change(path, Some(from_json(&before)), Some(from_json(&after)))
}

fn check(changes: &[FieldChange], expect: &str) {
    let lines = lines(changes, &Path::attribute("manifest"), Notation::Yaml, Owner::Holds);
    let plain = anstream::adapter::strip_str(&lines.join("\n")).to_string();
    assert_eq!(plain, expect);
}

#[test]
fn rows_are_aligned_and_the_prefix_is_left_out() {
    let mut replicas = json_change("manifest.spec.replicas", json!(2), json!(3));
    replicas.owner = Some("kubectl-edit (Update, 2026-11-01T10:00:00Z)".into());
    let mut class = json_change("manifest.spec.className", json!("a"), json!("b"));
    class.forces_replace = true;
    check(
        &[
            replicas,
            class,
            change("manifest.data.key", None, Some("x".into())),
            change("manifest.data.old", Some("x".into()), None),
            change("manifest.status", Some("x".into()), Some(Value::unknown(Type::String))),
        ],
        "~ spec.replicas   2 → 3  # owned by kubectl-edit (Update, 2026-11-01T10:00:00Z)\n\
         ~ spec.className  \"a\" → \"b\"  # forces replacement\n\
         + data.key        \"x\"\n\
         - data.old        \"x\"\n\
         ~ status          \"x\" → (known after apply)",
    );
}

#[test]
fn a_change_of_owners_shows_the_value_once() {
    let mut taken = json_change("manifest.spec.replicas", json!(2), json!(2));
    taken.owner = Some("no one until now".into());
    check(&[taken], "= spec.replicas  2  # owned by no one until now");
}

#[test]
fn sensitive_values_never_show_but_their_change_does() {
    let secret = |text: &str| Some(Value::string(text).sensitive());
    let inside = |text: &str| Some(Value::object([("password".into(), Value::string(text).sensitive())]));
    let stored = || Some(Value::new(Kind::Fingerprint("f1".into())).sensitive());
    check(
        &[
            change("a", secret("one"), secret("two")),
            change("b", Some("two".into()), secret("two")),
            change("c", stored(), Some(Value::unknown(Type::String).sensitive())),
            change("d", None, secret("two")),
            change("e", inside("one"), inside("two")),
            change("f", None, inside("two")),
        ],
        "~ a           (sensitive) → (sensitive, changed)\n\
         ~ b           (sensitive) → (sensitive, changed)\n\
         ~ c           (sensitive) → (sensitive, known after apply)\n\
         + d           (sensitive)\n\
         ~ e.password  (sensitive) → (sensitive, changed)\n\
         + f\n    password: (sensitive)",
    );
}

#[test]
fn compound_changes_are_split_down_to_what_differs() {
    check(
        &[json_change(
            "spec",
            json!({"same": 1, "containers": [{"name": "web", "image": "a:1"}, {"name": "log", "image": "l"}]}),
            json!({"same": 1, "containers": [{"name": "web", "image": "a:2"}, {"name": "proxy", "image": "p"}]}),
        )],
        "- spec.containers[\"log\"]\n    name: log\n    image: l\n\
         ~ spec.containers[\"web\"].image  \"a:1\" → \"a:2\"\n\
         + spec.containers[\"proxy\"]\n    name: proxy\n    image: p",
    );
    check(
        &[json_change("args", json!(["a", "b"]), json!(["a", "c"]))],
        "~ args  [\"a\", \"b\"] → [\"a\", \"c\"]",
    );
    let many = |last: &str| json!(["--first-long-argument=1", "--second-long-argument=2", last]);
    check(
        &[json_change("args", many("--x"), many("--y"))],
        "~ args\n      - --first-long-argument=1\n      - --second-long-argument=2\n    - - --x\n    + - --y",
    );
}

#[test]
fn what_only_apply_replaces_is_shown_in_short() {
    let before = Some("# Where the page is served.\nupstream = http://a\n".into());
    let after = || Some(Value::unknown(Type::String));
    check(
        &[change("content", before, after()), change("host", Some("a".into()), after())],
        "~ content  \"# Where the page is served.\\nupstream =… → (known after apply)\n~ host     \"a\" → (known after apply)",
    );
}

#[test]
fn texts_of_several_lines_are_line_diffs() {
    check(
        &[json_change("content", json!("a\nb\nc\n"), json!("a\nx\nc\n"))],
        "~ content\n      a\n    - b\n    + x\n      c",
    );
    let long = |word: &str| json!(format!("{word} and more words so that it does not fit well on one line"));
    check(
        &[json_change("content", long("one"), long("two"))],
        "~ content\n    - \"one and more words so that it does not fit well on one line\"\n    + \"two and more words so that it \
         does not fit well on one line\"",
    );
}

#[test]
fn what_nobody_reads_is_told_by_its_size_and_hash() {
    let large = || Some(Value::from("a line\n".repeat(20_000)));
    let told = "(140000 bytes, SHA-256 0c69231de95e232b4d1a7086793bdda0cb61015b7995d4e4b1dfe8809d2e8184)";
    let small = "(6 bytes, SHA-256 4c47b3e816fbe7d40cef9f665ba8f0be1ae68b5e8e7ed70f5b6bab7f70528e8f)";
    check(&[change("content", None, large())], &format!("+ content  {told}"));
    check(&[change("content", large(), None)], &format!("- content  {told}"));
    check(&[change("content", Some("small\n".into()), large())], &format!("~ content  {small} → {told}"));
    let page =
        |text: Option<Value>| Some(Value::object([("page".to_owned(), text.unwrap_or_else(Value::null))]));
    check(&[change("data", None, page(large()))], &format!("+ data\n    page: {told}"));
}
