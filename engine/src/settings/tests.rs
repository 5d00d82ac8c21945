use super::*;
use crate::ports::Keeping;
use crate::schema::{Attribute, BlockType};
use crate::value::to_json;

fn registry() -> Registry {
    let text = |name| Attribute::optional(name, Type::String, "A text.");
    let bucket = vec![Attribute::required("bucket", Type::String, "Where."), text("secret").sensitive()];
    let encryption = Body::from(vec![text("passphrase").sensitive()]);
    let fallback = BlockType::single("fallback", vec![text("passphrase").sensitive()], "The one before.");
    Registry::new([]).keeping_in(Keeping {
        backends: [("local", Body::default()), ("s3", bucket.into())].into(),
        encryption: encryption.with(fallback),
    })
}

fn functions() -> FunctionContext<'static> {
    FunctionContext { workspace: "staging", ..FunctionContext::constant() }
}

/// What is said, with the texts that are underlined.
fn told(diagnostics: &Diagnostics, sources: &Sources) -> String {
    let lines = diagnostics.iter().map(|problem| {
        let place = problem.span.as_ref().and_then(|span| sources.text(span)).unwrap_or("nowhere");
        format!("{}: {} [{place}]", problem.summary, problem.detail)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn shown(settings: &Settings) -> String {
    let json = |value: &Value| to_json(value).map_or_else(|_| format!("{value:?}"), |json| json.to_string());
    let backend = settings.backend.iter().map(|(kind, set)| format!("{kind} {}", json(&set.value)));
    let encryption = settings.encryption.iter().map(|set| format!("encryption {}", json(&set.value)));
    let parallelism = settings.parallelism.iter().map(|count| format!("parallelism {count}"));
    let budget = settings.max_deletes.iter().map(|budget| format!("max_deletes {budget}"));
    parallelism.chain(budget).chain(backend).chain(encryption).collect::<Vec<_>>().join("; ")
}

fn check(stack: &str, expect: &str) {
    let mut sources = Sources::default();
    sources.add("main.hcl", stack);
    let (name, text, origin) = ("given".to_owned(), "from -var".to_owned(), "-var".to_owned());
    let inputs = [Input::Text { name, text, origin }];
    let read = read(&sources, &registry(), &inputs, &functions());
    let found = read.map_or_else(|problems| told(&problems, &sources), |settings| shown(&settings));
    assert_eq!(found, expect, "{stack}");
}

#[test]
fn settings_are_evaluated_before_everything_else() {
    check("locals {\n  broken = nothing.of.that\n}\n", "");
    check("meshform {\n  required_version = \">= 0.1\"\n}\n", "");
    check("variable \"given\" {}\nmeshform {\n  parallelism = 2 * 4\n}\n", "parallelism 8");
    check("variable \"given\" {}\nmeshform {\n  max_deletes = 2 + 1\n}\n", "max_deletes 3");
    check("variable \"given\" {}\nmeshform {\n  max_deletes = \"20%\"\n}\n", "max_deletes 20%");
    check(
        r#"
variable "given" {}
variable "region" { default = "eu" }
variable "unused_and_without_value" {}
meshform {
  backend "s3" { bucket = "${var.given}-${var.region}-${meshform.workspace}" }
}
meshform {
  encryption { passphrase = upper("a") }
}
"#,
        r#"s3 {"bucket":"from -var-eu-staging","secret":null}; encryption {"fallback":null,"passphrase":"A"}"#,
    );
}

#[test]
fn what_is_wrong_with_settings_is_told_where_it_is() {
    let in_backend =
        |inner: &str| format!("variable \"given\" {{}}\nmeshform {{\n  backend \"s3\" {{\n{inner}\n}}\n}}\n");
    check(
        &in_backend("bucket = \"a\"\nbukket = \"b\""),
        "Unsupported argument: The backend \"s3\" has no argument \"bukket\". Did you mean \"bucket\"? [bukket]",
    );
    check(
        &in_backend(""),
        "Missing required argument: The backend \"s3\" needs the argument \"bucket\". [backend]",
    );
    check(
        &in_backend("bucket = local.x"),
        "Reference out of place: Where the state is kept must be known before anything else, and \"local\" is not. Only variables, \
         `meshform.workspace` and functions may be used here. [local.x]",
    );
    check(
        &in_backend("bucket = var.givven"),
        "Unknown reference: No variable is named \"givven\". Did you mean \"given\"? [var.givven]",
    );
    check(
        &in_backend("bucket = meshform.workspac"),
        "Unknown reference: There is no `meshform.workspac`. Did you mean \"workspace\"? [meshform.workspac]",
    );
    check(
        &in_backend("bucket = timestamp()"),
        "Not known yet: This is needed before anything else, and it is known only later. Use a variable, or write it out. [timestamp()]",
    );
    check(
        "variable \"given\" {}\nmeshform {\n  backend \"s4\" {}\n}\n",
        "Unknown backend: There is no backend \"s4\". Did you mean \"s3\"? [\"s4\"]",
    );
    check(
        "variable \"given\" {}\nmeshform {\n  backend \"local\" {}\n}\nmeshform {\n  backend \"local\" {}\n}\n",
        "Duplicate setting: `backend` is set already by another `meshform` block. Take one of the two out. [backend]",
    );
    for wrong in ["0", "1.5", "\"many\"", "-1", "null", "65536"] {
        check(
            &format!("variable \"given\" {{}}\nmeshform {{\n  parallelism = {wrong}\n}}\n"),
            &format!(
                "Invalid parallelism: `parallelism` is how many steps run at once on each target: a whole number from 1 to 65535. [{wrong}]"
            ),
        );
    }
}

#[test]
fn encryption_from_outside_may_be_hcl_or_json_and_is_never_shown() {
    let check = |text: &str, expect: Result<&str, &str>| {
        let read = encryption(text, &registry(), &functions()).map(|written| written.value);
        if let Ok(value) = &read {
            assert!(value.has_sensitive(), "{text}");
        }
        let read = read.map(|value| to_json(&value).unwrap().to_string());
        let read = read.map_err(|problems| told(&problems, &Sources::default()));
        assert_eq!(read.as_deref().map_err(String::as_str), expect, "{text}");
    };
    let plain = r#"{"fallback":{"passphrase":"b"},"passphrase":"a${b}"}"#;
    check("passphrase = \"a$${b}\"\nfallback {\n  passphrase = \"b\"\n}", Ok(plain));
    check(r#"{ "passphrase": "a${b}", "fallback": { "passphrase": "b" } }"#, Ok(plain));
    check(
        r#"{ "passphrse": "hunter2" }"#,
        Err(
            "MESHFORM_ENCRYPTION: Unsupported argument: The `encryption` block has no argument \"passphrse\". Did you mean \"passphrase\"? [nowhere]",
        ),
    );
    let told = encryption("hunter2 = = \"hunter2\"", &registry(), &functions()).unwrap_err();
    assert!(!told.iter().any(|problem| problem.detail.contains("= \"hunter2")), "{told:?}");
}
