//! `policy`: what must hold of a plan before it is saved and applied.

use std::fs;

use serde_json::Value;

use crate::program::Ended;
use crate::stack::Stack;

const STACK: &str = r#"
variable "password" {
  default   = "hunter2-the-secret"
  sensitive = true
}

resource "value" "kept" {
  input = { replicas = 2, password = var.password }
}

policy "keep" {
  description   = "Nothing that is kept goes away."
  for_each      = [for change in plan.changes : change if change.name == "kept"]
  condition     = !contains(["delete", "replace"], each.value.action)
  error_message = "It is to stay, and it would be gone."
}

policy "replicas" {
  level         = "advisory"
  for_each      = { for change in plan.changes : change.address => change.after if change.after != null }
  condition     = each.value.input.replicas > 2
  error_message = "${each.key} has only ${each.value.input.replicas} replicas."
}

policy "password" {
  for_each      = [for change in plan.changes : change if change.after != null]
  condition     = length(each.value.after.input.password) > 8
  error_message = "The password is short."
}
"#;

/// The verdicts of a plan's policies by name.
fn verdicts(ended: &Ended) -> Vec<(String, String, usize)> {
    let document: Value = serde_json::from_str(&ended.out).unwrap();
    let policies = document["policies"].as_array().unwrap().iter();
    policies
        .map(|policy| {
            let text = |name: &str| policy[name].as_str().unwrap().to_owned();
            (text("name"), text("verdict"), policy["findings"].as_array().unwrap().len())
        })
        .collect()
}

#[test]
fn an_advisory_policy_only_says_so() {
    let stack = Stack::of(STACK);
    stack.run(["validate"]).done();
    stack
        .run(["plan", "-out", "plan.mfplan"])
        .done()
        .says(&["Policies: 2 hold; policy.replicas (advisory) does not hold."])
        .complains(&["value.kept has only 2 replicas. (policy.replicas, value.kept)", "main.hcl:"]);
    let expect =
        [("policy.keep", "holds", 0), ("policy.replicas", "fails", 1), ("policy.password", "holds", 0)];
    let expect = expect.map(|(name, verdict, count)| (name.to_owned(), verdict.to_owned(), count));
    assert_eq!(verdicts(&stack.run(["plan", "-json"]).done()), expect);
    assert_eq!(verdicts(&stack.run(["show", "-json", "plan.mfplan"]).done()), expect);
    // Of the password the saved plan knows only a fingerprint: what was told of it then counts.
    stack.run(["apply", "plan.mfplan"]).done();
    stack.plan().done();
}

#[test]
fn a_mandatory_policy_is_in_the_way_of_a_plan() {
    let stack = Stack::of(STACK);
    stack.apply().done();
    let before = stack.world();
    let refused = "It is to stay, and it would be gone. (policy.keep, value.kept)";
    let forbidden = "This plan cannot be applied: a mandatory policy does not hold.";
    stack
        .run(["plan", "-destroy", "-out", "plan.mfplan"])
        .code(1)
        .says(&["1 to delete", "policy.keep (mandatory) does not hold"])
        .complains(&[refused, forbidden, "Nothing was written to plan.mfplan."]);
    assert!(!stack.path("plan.mfplan").exists());
    let comment = stack.run(["plan", "-destroy", "-format", "markdown"]).code(1).complains(&[forbidden]);
    let open = "<details open><summary>Policies</summary>";
    assert!(comment.out.contains(open) && comment.out.contains(refused), "{comment}");
    let document = stack.run(["plan", "-destroy", "-json"]).code(1);
    let document: Value = serde_json::from_str(&document.out).unwrap();
    assert_eq!(
        (&document["forbidden"], &document["policies"][0]["verdict"]),
        (&true.into(), &"fails".into())
    );
    stack.destroy().code(1).complains(&[refused, forbidden]);
    let events = stack.run(["destroy", "-auto-approve", "-json"]).code(1);
    assert!(events.out.contains("\"forbidden\":true") && events.out.contains(refused), "{events}");
    stack.edit("replicas = 2, password = var.password", "replicas = 2, password = \"short\"");
    stack.apply().code(1).complains(&["The password is short. (policy.password, value.kept)"]);
    assert_eq!(stack.world(), before);
    stack.edit("\"short\"", "var.password");
    stack.plan().done();
}

#[test]
fn a_saved_plan_is_judged_again() {
    let stack = Stack::of(STACK);
    stack.run(["plan", "-out", "plan.mfplan"]).done();
    // A policy that was not there when the plan was made is not in the plan.
    stack.write("more.hcl", "policy \"never\" {\n  condition = false\n  error_message = \"Never.\"\n}\n");
    stack.run(["apply", "plan.mfplan"]).done();
    stack.run(["plan"]).code(1).complains(&["Never. (policy.never)"]);
    stack.apply().code(1).complains(&["Never. (policy.never)"]);
}

#[test]
fn policies_may_come_from_a_module() {
    let stack = Stack::of(
        "module \"rules\" {\n  source = \"./rules\"\n  most = 1\n}\nresource \"value\" \"a\" {\n  count = 2\n}\n",
    );
    fs::create_dir(stack.path("rules")).unwrap();
    let rules = "variable \"most\" { type = number }\npolicy \"few\" {\n  condition = plan.counts.create <= var.most\n  error_message = \"Too many: ${plan.counts.create}.\"\n}\n";
    stack.write("rules/main.hcl", rules);
    stack.apply().code(1).complains(&["Too many: 2. (module.rules.policy.few)", "rules/main.hcl"]);
    stack.edit("count = 2", "count = 1");
    stack.apply().done().says(&["Policies: 1 holds."]);
}
