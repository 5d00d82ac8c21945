//! What is wrong is told with its place and a way out, ends with exit code 1, and changes nothing.

use std::fs;

use crate::stack::{Stack, Tree, tree};

/// What a run that goes far enough may make though it is refused: the key for fingerprints, and what guards the state.
const OWN: [&str; 4] = [".gitignore", "fingerprint.key", "lock", "lock.guard"];

/// A text that is wrong, and what is said about it by `validate`, `plan` and `apply` alike.
#[track_caller]
fn check(text: &str, complaints: &[&str]) {
    let stack = Stack::of(text);
    for arguments in [&["validate"][..], &["plan"], &["apply", "-auto-approve"]] {
        refused(&stack, arguments, complaints);
    }
    assert!(!stack.path(".meshform").exists(), "a stack that is wrong leaves nothing behind");
}

/// Arguments that are wrong for a stack, and what is said about them.
#[track_caller]
fn refused(stack: &Stack, arguments: &[&str], complaints: &[&str]) {
    let before = known(stack);
    stack.run(arguments).code(1).complains(complaints);
    let after = known(stack);
    let changed: Vec<_> =
        before.keys().chain(after.keys()).filter(|path| before.get(*path) != after.get(*path)).collect();
    assert!(changed.is_empty(), "{arguments:?} has changed {changed:?}");
}

/// All files of a stack, but for those of no consequence.
fn known(stack: &Stack) -> Tree {
    let mut files = tree(stack.folder());
    files.retain(|path, _| OWN.iter().all(|name| *path != stack.path(".meshform").join(name)));
    files
}

fn object(manifest: &str) -> String {
    format!(
        "cluster \"main\" {{ sandbox = true }}\nresource \"kube_object\" \"x\" {{\n  manifest = {manifest}\n}}\n"
    )
}

#[test]
fn syntax() {
    check(
        "output \"a\" {\n  value = [1, 2\n}\n",
        &["Invalid syntax", "main.hcl:2:11", "This [ is not closed", "1 error"],
    );
    check("output \"a\" {\n  value = \n}\n", &["Invalid syntax", "main.hcl:2:11"]);
    check("output \"a\" {\n  value = \"${1\"\n}\n", &["Invalid syntax", "main.hcl:2:"]);
    check("output \"a\" {\n  value = 1\n", &["Invalid syntax", "main.hcl:"]);
    check("}\n", &["Invalid syntax", "main.hcl:1:1"]);
    check("\u{feff}output \"a\" { value = nope }\n", &["main.hcl:1:"]);
    check("output \"a\" {\n  value = <<EOT\nx\n}\n", &["Invalid syntax", "main.hcl:", "heredoc"]);
}

#[test]
fn names() {
    check(
        "variable \"message\" { default = 1 }\noutput \"a\" { value = var.mesage }\n",
        &["Unknown reference", "main.hcl:2:22", "No variable is named \"mesage\". Did you mean \"message\"?"],
    );
    check(
        "resource \"value\" \"first\" { input = 1 }\noutput \"a\" { value = value.frist.output }\n",
        &["Unknown reference", "main.hcl:2:22", "Did you mean \"first\"?"],
    );
    check(
        "output \"a\" { value = uper(\"x\") }\n",
        &["Unknown function", "main.hcl:1:22", "Did you mean upper?"],
    );
    check(
        "resource \"kube_objekt\" \"a\" {}\n",
        &["Unknown resource type", "main.hcl:1:10", "Did you mean \"kube_object\"?"],
    );
    check("recource \"value\" \"a\" {}\n", &["main.hcl:1:1", "recource", "resource"]);
    check("resource \"value\" \"a\" {\n  inptu = 1\n}\n", &["main.hcl:2:3", "inptu", "input"]);
    check(
        "resource \"value\" \"a\" { input = 1 }\nresource \"value\" \"a\" { input = 2 }\n",
        &["Duplicate name", "main.hcl:2:10", "value.a"],
    );
    check("mesh \"m\" {}\n", &["main.hcl:1:1", "mesh"]);
}

#[test]
fn circles() {
    check(
        "resource \"value\" \"a\" { input = value.b.output }\nresource \"value\" \"b\" { input = value.a.output }\n",
        &["Cycle", "main.hcl:1:32", "value.a → value.b → value.a"],
    );
    check("locals {\n  a = local.b\n  b = local.a\n}\n", &["Cycle", "main.hcl:2:7", "local.a"]);
    check("resource \"value\" \"a\" { input = value.a.output }\n", &["main.hcl:1:32", "value.a"]);
}

#[test]
fn types() {
    check(
        "variable \"n\" {\n  type    = number\n  default = \"three\"\n}\n",
        &["Invalid variable value", "main.hcl:3:13", "a number is required"],
    );
    check("output \"a\" { value = 1 + [] }\n", &["Invalid operand", "main.hcl:1:26", "not a tuple"]);
    check(
        "host \"h\" { sandbox = true }\nresource \"host_file\" \"a\" {\n  path = \"/a\"\n  content = [1]\n}\n",
        &["main.hcl:4:13", "string"],
    );
    check(
        "host \"h\" { sandbox = true }\nresource \"host_file\" \"a\" {\n  path = \"a\"\n  content = \"\"\n}\n",
        &["Invalid path", "main.hcl:3:10", "not an absolute path"],
    );
    check("host \"h\" {\n  port = \"ssh\"\n}\n", &["main.hcl:2:10", "number"]);
    check("resource \"value\" \"a\" {\n  count = -1\n  input = 1\n}\n", &["main.hcl:2:11", "whole number"]);
    // Another value may be given in place of the default: only a plan knows.
    let validated = "variable \"n\" {\n  default = 1\n  validation {\n    condition     = var.n > 1\n    error_message = \"Above one.\"\n  }\n}\n";
    refused(&Stack::of(validated), &["plan"], &["main.hcl:4:21", "Above one."]);
}

#[test]
fn manifests() {
    check(
        &object("{ apiVersion = \"v1\", kind = \"ConfigMap\", metadata = { namespace = \"default\" } }"),
        &["Missing in the manifest", "main.hcl:3:", "Every object needs `name`"],
    );
    check(
        &object("{ apiVersion = \"v1\", kind = \"ConfigMap\" }"),
        &["The object has no name", "main.hcl:3:14", "metadata = { name ="],
    );
    check(&object("\"ConfigMap\""), &["Not an object", "main.hcl:3:14", "this is a string"]);
    check(
        &object(
            "{ apiVersion = \"v1\", kind = \"ConfigMap\", metadata = { name = \"x\", labels = { on = true } } }",
        ),
        &["Not a text", "main.hcl:3:", "Put it in quotes"],
    );
    check(
        "resource \"kube_object\" \"x\" {\n  manifest = { apiVersion = \"v1\", kind = \"ConfigMap\", metadata = { name = \"x\" } }\n}\n",
        &["main.hcl:1:10", "cluster"],
    );
}

#[test]
fn all_of_it_is_told_in_one_run() {
    let text = "variable \"a\" {\n  type = number\n  default = \"x\"\n}\noutput \"b\" { value = var.aa }\noutput \"c\" { value = nope() }\n\
                resource \"valeu\" \"d\" {}\ncluster \"main\" {\n  sandbox = \"perhaps\"\n}\n";
    let stack = Stack::of(text);
    stack.write("more.hcl", "output \"e\" {\n  value = local.none\n}\n");
    let all = [
        "main.hcl:3:13",
        "main.hcl:5:22",
        "main.hcl:6:22",
        "main.hcl:7:10",
        "main.hcl:9:13",
        "more.hcl:2:11",
    ];
    stack.run(["plan"]).code(1).complains(&all).complains(&["6 errors"]);
    // What a broken file may have meant to declare is not said to be missing; everything else is.
    stack.write("broken.hcl", "output \"f\" {\n  value = (1\n}\n");
    let rest = ["main.hcl:3:13", "main.hcl:6:22", "main.hcl:7:10", "main.hcl:9:13", "broken.hcl:2:11"];
    stack.run(["plan"]).code(1).complains(&rest).complains(&["5 errors"]);
}

#[test]
fn arguments() {
    let stack =
        Stack::of("variable \"size\" { type = number }\nresource \"value\" \"a\" { input = var.size }\n");
    let refused = |arguments: &[&str], complaints: &[&str]| refused(&stack, arguments, complaints);
    refused(
        &["plan"],
        &["No value for required variable", "main.hcl:1:10", "-var size=…", "MESHFORM_VAR_size"],
    );
    refused(
        &["plan", "-var", "size=big"],
        &["Invalid variable value", "main.hcl:1:10", "-var", "a number is required"],
    );
    refused(&["plan", "-var", "size"], &["-var takes NAME=VALUE"]);
    refused(
        &["plan", "-var", "size=1", "-var", "sise=2"],
        &["Undeclared variable", "\"sise\"", "Did you mean \"size\"?"],
    );
    refused(&["plan", "-var-file", "none.hclvars"], &["none.hclvars"]);
    refused(&["plan", "-var", "size=1", "-frobnicate"], &["--frobnicate"]);
    refused(&["frobnicate"], &["unrecognized subcommand 'frobnicate'"]);
    refused(&["plan", "nowhere"], &["No such stack", "nowhere"]);
    refused(&["apply", "nowhere.plan"], &["No such stack or plan", "nowhere.plan"]);
    refused(
        &["apply", "-var", "size=1"],
        &["Nobody is there to approve", "-auto-approve", "Nothing was changed"],
    );
    refused(&["show", "main.hcl"], &["plan"]);
    refused(&["apply", "main.hcl"], &["plan"]);
    refused(&["output", "size"], &["size"]);
    refused(&["state", "show", "value.a"], &["value.a"]);
    refused(&["plan", "-lock-timeout", "soon"], &["soon"]);
    refused(&["apply", "-parallelism", "0"], &["0"]);
    refused(&["plan", "-out", "none/plan", "-var", "size=1"], &["none/plan"]);
}

#[test]
fn folders() {
    let empty = tempfile::tempdir().unwrap();
    for command in ["plan", "validate", "apply", "destroy"] {
        crate::program::run(empty.path(), [command])
            .code(1)
            .complains(&["No configuration", "no .hcl files"]);
    }
    assert!(tree(empty.path()).is_empty());
    let stack = Stack::of("");
    fs::write(stack.path("main.hcl"), b"output \"a\" { value = \"\xff\xfe\" }").unwrap();
    refused(&stack, &["plan"], &["main.hcl", "UTF-8"]);
}

#[test]
fn damaged_files() {
    let stack =
        Stack::of("resource \"value\" \"a\" { input = 1 }\noutput \"a\" { value = value.a.output }\n");
    stack.apply().done();
    stack.run(["plan", "-destroy", "-out", "end.plan"]).done();
    let state = stack.path(".meshform/state.json");
    let good = fs::read_to_string(&state).unwrap();
    let damages: [(&str, String); 5] = [
        ("cut off", good[..good.len() / 2].to_owned()),
        ("state.json", "junk".to_owned()),
        ("state.json", "{}".to_owned()),
        ("state.json", good.replacen("\"input\": 1", "\"input\": 2", 1)),
        ("state.json", good.replacen("\"version\": 1", "\"version\": 99", 1)),
    ];
    for (complaint, damaged) in damages {
        assert_ne!(damaged, good);
        fs::write(&state, &damaged).unwrap();
        for arguments in [
            &["plan"][..],
            &["apply", "-auto-approve"],
            &["apply", "end.plan"],
            &["destroy", "-auto-approve"],
            &["state", "list"],
            &["show"],
            &["output"],
        ] {
            refused(&stack, arguments, &["A stored file cannot be used", "state.json", complaint]);
        }
    }
    fs::write(&state, &good).unwrap();
    let plan = fs::read(stack.path("end.plan")).unwrap();
    for damaged in [&plan[..plan.len() / 2], b"", b"{}", b"\xff"] {
        fs::write(stack.path("end.plan"), damaged).unwrap();
        refused(&stack, &["apply", "end.plan"], &["plan"]);
        refused(&stack, &["show", "end.plan"], &["plan"]);
    }
    stack.plan().done();
}

#[test]
fn unreachable_targets() {
    let manifest =
        "{ apiVersion = \"v1\", kind = \"ConfigMap\", metadata = { name = \"x\", namespace = \"default\" } }";
    let on_cluster = |settings: &str| object(manifest).replace("sandbox = true", settings);
    let on_host = |settings: &str| {
        format!(
            "host \"h\" {{\n  {settings}\n}}\nresource \"host_file\" \"a\" {{\n  path = \"/a\"\n  content = \"\"\n}}\n"
        )
    };
    let cases = [
        (
            on_cluster("server = \"http://127.0.0.1:1\""),
            ["The cluster cannot be reached", "main.hcl:1:9", "127.0.0.1:1"],
        ),
        (on_cluster("kubeconfig = \"none.kubeconfig\""), ["kubeconfig", "main.hcl:1:", "none.kubeconfig"]),
        (on_cluster("kubeconfig_content = \"junk\""), ["kubeconfig", "main.hcl:1:", ""]),
        (on_host("address = \"127.0.0.1\"\n  port = 1"), ["127.0.0.1", "main.hcl:1:6", "refused"]),
        (on_host("address = \"127.0.0.1\"\n  identity_file = \"none_key\""), ["none_key", "main.hcl:", ""]),
        (on_host("address = \"host.invalid\""), ["host.invalid", "main.hcl:1:6", ""]),
    ];
    for (text, complaints) in cases {
        let stack = Stack::of(&text);
        for arguments in [&["plan"][..], &["apply", "-auto-approve"]] {
            refused(&stack, arguments, &complaints);
        }
        refused(&stack, &["plan", "-json"], &[]);
    }
}
