//! Where ephemeral values may be used, and where they are refused.

use crate::world::{Bed, show_diagnostics};
use meshform_engine::pipeline::Failure;

const DECLARED: &str = r#"variable "token" {
  type      = string
  default   = "t-4711"
  ephemeral = true
}
locals {
  header = "Bearer ${var.token}"
}
cluster "c" {
}
"#;

fn check(text: &str, expect: &str) {
    assert_eq!(Bed::new().diagnostics(&format!("{DECLARED}{text}")), expect.trim(), "{text}");
}

#[test]
fn what_is_recorded_takes_no_ephemeral_value() {
    check(
        "output \"o\" {\n  value = local.header\n}",
        "12:11 `local.header` Ephemeral value not allowed: The value of the output \"o\" is ephemeral: it is known while one run lasts, and never recorded. An output is recorded. If it may be without this value, use ephemeralasnull(…).",
    );
    check(
        "resource \"thing\" \"a\" {\n  name = upper(local.header)\n}",
        "12:10 `upper(local.header)` Ephemeral value not allowed: name of thing.a is ephemeral: it is known while one run lasts, and never recorded. What a resource or a look-up is given is recorded. A `cluster` or `host` block may be given it.",
    );
    check(
        "resource \"thing\" \"a\" {\n  count = length(var.token)\n  name = \"a\"\n}",
        "12:11 `length(var.token)` Ephemeral value not allowed: The value of `count` is ephemeral: it is known while one run lasts, and never recorded. Instances are recorded. ephemeralasnull(…) leaves out what is ephemeral.",
    );
}

#[test]
fn messages_do_not_show_it() {
    let text = format!(
        "{DECLARED}check \"c\" {{\n  assert {{\n    condition     = var.token == \"\"\n    error_message = \"It is ${{var.token}}.\"\n  }}\n}}"
    );
    let plan = Bed::new().plan(&text).unwrap_or_else(|_| panic!("{}", Bed::new().diagnostics(&text)));
    let said: Vec<&str> = plan.warnings.iter().map(|warning| warning.detail.as_str()).collect();
    assert_eq!(
        said,
        [
            "A condition does not hold; its message refers to an ephemeral value, which is not shown. (check.c)"
        ]
    );
}

#[test]
fn it_may_decide_and_be_left_out() {
    check("output \"o\" {\n  value = ephemeralasnull({ a = 1, b = var.token })\n}", "no errors");
    check(
        "check \"c\" {\n  assert {\n    condition     = var.token != \"\"\n    error_message = \"x\"\n  }\n}",
        "no errors",
    );
}

#[test]
fn a_saved_plan_needs_it_again() {
    let bed = Bed::new();
    let with_default = format!("{DECLARED}resource \"thing\" \"a\" {{\n  name = \"a\"\n}}");
    let text = with_default.replace("  default   = \"t-4711\"\n", "");
    let mut plan = bed.plan(&with_default).unwrap_or_else(|_| panic!("the stack has no errors"));
    assert!(plan.variables["token"].has_ephemeral());
    // What is read back from a file does not hold it.
    plan.variables.clear();
    plan.sources = crate::world::sources(&text);
    let Err(Failure::Diagnostics(told)) = bed.apply_plan(&plan) else { panic!("applied without the token") };
    assert_eq!(
        show_diagnostics(&text, &told),
        "Ephemeral variable not given: The plan does not hold the value of \"token\", as it is ephemeral. Give it to the apply, too, as by -var token=…."
    );
    plan.sources = crate::world::sources(&with_default);
    assert!(bed.apply_plan(&plan).is_ok());
}
