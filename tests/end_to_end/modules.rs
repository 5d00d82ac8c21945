//! Modules of a stack: read from their folders, planned with it, and part of a saved plan.

use std::fs;

use crate::program::piped;
use crate::stack::Stack;

const MAIN: &str = r#"
module "site" {
  source   = "./parts/site"
  for_each = { east = 2, west = 3 }
  name     = each.key
  replicas = each.value
}

output "texts" {
  value = { for key, site in module.site : key => site.text }
}
"#;

const SITE: &str = r#"
variable "name" {
  type = string
}

variable "replicas" {
  type = number
}

module "text" {
  source = "../text"
  parts  = [file("${path.module}/greeting.txt"), var.name, var.replicas]
}

resource "value" "text" {
  input = module.text.joined
}

output "text" {
  value = value.text.output
}
"#;

const TEXT: &str = r#"
variable "parts" {
  type = list(string)
}

output "joined" {
  value = join(" ", var.parts)
}
"#;

fn stack() -> Stack {
    let stack = Stack::of(MAIN);
    for folder in ["parts/site", "parts/text"] {
        fs::create_dir_all(stack.path(folder)).unwrap();
    }
    stack.write("parts/site/main.hcl", SITE);
    stack.write("parts/site/greeting.txt", "hello");
    stack.write("parts/text/main.hcl", TEXT);
    stack
}

#[test]
fn a_saved_plan_holds_its_modules() {
    let stack = stack();
    stack.run(["validate"]).done();
    stack.run(["plan", "-out", "plan.mf"]).done();
    fs::remove_file(stack.path("parts/site/main.hcl")).unwrap();
    fs::remove_file(stack.path("parts/text/main.hcl")).unwrap();
    stack.run(["apply", "plan.mf"]).done();
    let output = stack.run(["output", "-json"]).done().out;
    assert!(output.contains("hello west 3"), "{output}");
    let list = stack.run(["state", "list"]).done().out;
    assert_eq!(list, "module.site[\"east\"].value.text\nmodule.site[\"west\"].value.text\n");
    stack.write("parts/site/main.hcl", SITE);
    stack.write("parts/text/main.hcl", TEXT);
    stack.plan().done();
    let shown = stack.run(["state", "show", "module.site[\"east\"].value.text"]).done().out;
    assert!(shown.contains("hello east 2"), "{shown}");
    let answer = piped(stack.command().arg("console"), "module.site[\"east\"].text").done();
    assert_eq!(answer.out, "\"hello east 2\"\n");
    stack.destroy().done();
    assert_eq!(stack.run(["state", "list"]).done().out, "");
}

#[test]
fn what_is_wrong_is_told_in_the_modules_file() {
    let check = |text: &str, expect: &[&str]| {
        let stack = stack();
        stack.write("main.hcl", text);
        let told = stack.run(["validate"]).code(1).err;
        for expect in expect {
            assert!(told.contains(expect), "{expect:?} in {told}");
        }
    };
    check("module \"a\" {\n  source = \"./none\"\n}\n", &["No such module", "main.hcl", "\"./none\""]);
    check("module \"a\" {\n  source = \"./\"\n}\n", &["Module calls itself"]);
    check("module \"a\" {\n  source = \"parts/site\"\n}\n", &["Unsupported module source", "\"./\""]);
    check(
        "module \"a\" {\n  source = \"./parts/site\"\n  name = []\n  replicas = 1\n}\n",
        &["main.hcl", "The variable \"name\" does not fit its type"],
    );
    let stack = stack();
    stack.write("parts/text/main.hcl", &TEXT.replace("var.parts", "var.part"));
    let told = stack.run(["validate"]).code(1).err;
    assert!(told.contains("parts/text/main.hcl") && told.contains("Did you mean \"parts\"?"), "{told}");
    assert_eq!(told.matches("Unknown reference").count(), 1, "said once for all instances: {told}");
}
