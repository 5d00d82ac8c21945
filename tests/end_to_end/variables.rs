//! Where the values of variables come from.

use crate::program::typed;
use crate::stack::{Stack, tree};

const STACK: &str = r#"
variable "region" {
  type        = string
  description = "Where it runs."
}

variable "sizes" {
  type    = list(number)
  default = [1]
}

variable "password" {
  type      = string
  sensitive = true
}

output "all" {
  value = "${var.region} ${join("+", var.sizes)} ${length(nonsensitive(var.password))}"
}
"#;

#[test]
fn each_source_outranks_those_before_it() {
    let stack = Stack::of(STACK);
    stack.write("b.auto.hclvars", "region = \"auto-b\"\n");
    stack.write("a.auto.hclvars", "region = \"auto-a\"\nsizes = [2, 3]\n");
    stack.write("extra.hclvars", "region = \"file\"\n");
    let check = |environment: &[(&str, &str)], arguments: &[&str], expect: &str| {
        let mut command = stack.command();
        command.env("MESHFORM_VAR_password", "four").envs(environment.iter().copied());
        let ended = crate::program::finish(command.args(["plan"]).args(arguments)).done();
        assert!(ended.out.contains(&format!("\"{expect}\"")), "{expect}: {ended}");
    };
    check(&[("MESHFORM_VAR_region", "environment")], &[], "auto-b 2+3 4");
    check(&[("MESHFORM_VAR_sizes", "[7]")], &["-var-file", "extra.hclvars"], "file 2+3 4");
    check(&[], &["-var-file", "extra.hclvars", "-var", "region=flag", "-var", "sizes=[9]"], "flag 9 4");
    check(
        &[],
        &["-var", "region=flag", "-var-file", "extra.hclvars", "-var", "password=secret7"],
        "flag 2+3 7",
    );
}

#[test]
fn what_is_missing_is_all_told_where_nobody_can_be_asked() {
    let told = Stack::of(STACK).run(["plan"]).code(1);
    assert_eq!(told.err.matches("No value for required variable").count(), 2, "{told}");
    told.complains(&["-var region=…", "MESHFORM_VAR_password"]);
}

#[test]
fn what_is_missing_is_asked_for_at_a_terminal() {
    let stack = Stack::of(STACK);
    let keys = r"sleep 1; printf 'eu-1\r'; sleep 0.5; printf 'hunter2\r'; sleep 1";
    let ended = typed(stack.folder(), "plan", keys).done();
    let shown = ended.out.replace('\r', "");
    assert!(shown.contains("var.region\n  Where it runs.\n  Value: "), "{ended}");
    assert!(shown.contains("\"eu-1 1 7\""), "{ended}");
    assert!(!shown.contains("hunter2"), "a secret is not shown: {ended}");
    let told = typed(stack.folder(), "plan -input=false", "sleep 0.5").code(1);
    assert!(told.out.contains("No value for required variable"), "{told}");
}

#[test]
fn an_ephemeral_value_is_in_no_file_and_is_given_again() {
    const TOKEN: &str = "t-8f3a91c7";
    let stack = Stack::of(
        r#"
variable "token" {
  type      = string
  ephemeral = true
}

cluster "main" {
  sandbox = var.token != ""
}

resource "value" "length" {
  input = ephemeralasnull(length(var.token)) == null
}
"#,
    );
    let given = format!("token={TOKEN}");
    stack.run(["plan", "-var", given.as_str(), "-out", "saved.plan"]).done();
    stack.run(["apply", "saved.plan"]).code(1).complains(&["Ephemeral variable not given"]);
    // It may be another one by now.
    stack.run(["apply", "saved.plan", "-var", "token=t-new"]).done();
    for (path, bytes) in tree(stack.folder()) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains(TOKEN) && !text.contains("t-new"), "{} holds it: {text}", path.display());
    }
}
