//! A sensitive value goes where it is meant to go, and is seen nowhere else.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;

use crate::program::Ended;
use crate::spellings::{SECRET, needles, shows};
use crate::stack::{Stack, tree};

const STACK: &str = r#"
variable "password" {
  type      = string
  sensitive = true
}

cluster "main" { sandbox = true }
host "edge" { sandbox = true }

resource "kube_object" "login" {
  manifest = {
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "login", namespace = "default" }
    stringData = { password = var.password }
    data       = { config = base64encode("password=${var.password}") }
  }
}

resource "host_file" "login" {
  path    = "/etc/login"
  content = "password=${var.password}\n"
}

resource "host_command" "environment" {
  run         = "printf %s \"$PASSWORD\" | cmp - /etc/expected && echo \"used $PASSWORD\""
  environment = { PASSWORD = var.password }
  depends_on  = [host_file.expected]
}

resource "host_command" "text" {
  run      = "echo '${var.password}' >/tmp/text; cat /tmp/text >&2; cat /tmp/text"
  triggers = { password = var.password }
}

resource "host_file" "expected" {
  path    = "/etc/expected"
  content = var.password
}

resource "host_file" "echo" {
  path    = "/etc/echo"
  content = host_command.environment.stdout
}

resource "value" "kept" {
  input = { login = [var.password, base64encode(var.password)] }
}

output "password" {
  value     = value.kept.output
  sensitive = true
}
"#;

fn stack(text: &str) -> Stack {
    Stack::of(text)
}

fn run(stack: &Stack, arguments: &[&str]) -> Ended {
    let mut command = stack.command();
    let ended = crate::program::finish(command.args(arguments).env("MESHFORM_VAR_password", SECRET));
    assert!(!shows(ended.all().as_bytes(), &needles()), "the secret is shown by {ended}");
    ended
}

/// Checks that no file of the stack holds the secret, but for the sandbox's own world: that is where it is meant to be.
fn check_files(stack: &Stack) {
    let worlds = [".meshform/sandbox/clusters/main/world", ".meshform/sandbox/hosts/edge/root"];
    let inside = |path: &std::path::Path| worlds.iter().any(|world| path.starts_with(stack.path(world)));
    let files = tree(stack.folder());
    assert!(files.keys().any(|path| path.ends_with("state.json")));
    let told: Vec<_> = files
        .iter()
        .filter(|(path, content)| !inside(path) && shows(content, &needles()))
        .map(|(path, _)| path)
        .collect();
    assert!(told.is_empty(), "the secret is kept in {told:?}");
}

/// Does something while all processes' arguments are looked at.
fn watched<T>(work: impl FnOnce() -> T) -> T {
    let needles = needles();
    let done = AtomicBool::new(false);
    let look = || {
        let mut seen = 0;
        while !done.load(Ordering::Relaxed) {
            for process in fs::read_dir("/proc").unwrap().flatten() {
                let Ok(arguments) = fs::read(process.path().join("cmdline")) else { continue };
                seen += 1;
                let shown = String::from_utf8_lossy(&arguments).replace('\0', " ");
                assert!(!shows(&arguments, &needles), "the secret is among the arguments of {shown:?}");
            }
        }
        seen
    };
    thread::scope(|scope| {
        let watcher = scope.spawn(look);
        let result = work();
        done.store(true, Ordering::Relaxed);
        assert!(watcher.join().unwrap() > 0);
        result
    })
}

#[test]
fn it_is_neither_told_nor_kept() {
    let stack = stack(STACK);
    run(&stack, &["validate"]).done();
    run(&stack, &["plan"]).done().says(&[
        "password: (sensitive)",
        "PASSWORD = (sensitive)",
        "content = (sensitive)",
    ]);
    run(&stack, &["plan", "-json"]).done();
    run(&stack, &["plan", "-out", "saved.plan"]).done();
    run(&stack, &["show", "saved.plan"]).done();
    run(&stack, &["show", "-json", "saved.plan"]).done();
    watched(|| run(&stack, &["apply", "saved.plan"])).done().says(&["7 created", "password = (sensitive)"]);
    check_files(&stack);

    // It is where it is meant to be.
    let secret = ["secret", "login", "-o", "jsonpath={.data.password}"];
    let encoded = BASE64_STANDARD_NO_PAD.encode(SECRET);
    assert_eq!(stack.get("main", &secret).done().out.trim_end_matches('='), encoded);
    let on_host = |path: &str| fs::read_to_string(stack.on_host("edge", path)).unwrap();
    assert_eq!(on_host("/etc/login"), format!("password={SECRET}\n"));
    assert_eq!(on_host("/etc/echo"), format!("used {SECRET}"));

    run(&stack, &["plan", "-detailed-exitcode"]).done();
    for command in [
        &["show"][..],
        &["show", "-json"],
        &["show", "-full"],
        &["output"],
        &["output", "-json"],
        &["output", "password"],
    ] {
        run(&stack, command).done();
    }
    run(&stack, &["output", "-raw", "password"]).code(1);
    for address in run(&stack, &["state", "list"]).done().out.lines() {
        run(&stack, &["state", "show", address]).done();
        run(&stack, &["state", "show", "-json", address]).done();
    }
    fs::write(stack.on_host("edge", "/etc/login"), "password=theirs\n").unwrap();
    run(&stack, &["plan", "-detailed-exitcode", "-full"]).code(2).says(&["host_file.login", "(sensitive)"]);
    watched(|| run(&stack, &["apply", "-auto-approve", "-json"])).done();
    assert_eq!(on_host("/etc/login"), format!("password={SECRET}\n"));
    run(&stack, &["destroy", "-auto-approve"]).done();
    check_files(&stack);
}

#[test]
fn a_failure_does_not_tell_it() {
    let steps = r#"
variable "password" {
  type      = string
  sensitive = true
}

host "edge" { sandbox = true }

resource "host_command" "environment" {
  run         = "echo \"no $PASSWORD\"; echo \"no $PASSWORD\" >&2; exit 3"
  environment = { PASSWORD = var.password }
}

resource "host_command" "text" {
  run = "echo '${var.password}'; echo '${var.password}' >&2; exit 4"
}

resource "host_command" "syntax" {
  run = "if '${var.password}"
}

resource "host_file" "nowhere" {
  path    = "/proc/none"
  content = var.password
}
"#;
    let stack = stack(steps);
    for flags in [&["-json"][..], &[]] {
        let failed = watched(|| run(&stack, &[&["apply", "-auto-approve"], flags].concat())).code(1);
        assert!(failed.all().contains("exit code 3") && failed.all().contains("exit code 4"), "{failed}");
        check_files(&stack);
    }
    run(&stack, &["show"]).done();
    run(&stack, &["plan"]);
}

#[test]
fn a_refusal_does_not_tell_it() {
    let object = |kind: &str, rest: &str| {
        format!(
            "resource \"kube_object\" \"{}\" {{\n  manifest = {{\n    apiVersion = \"v1\"\n    kind = \"{kind}\"\n    \
             metadata = {{ name = \"x\", namespace = \"default\"{rest} }}\n",
            kind.to_lowercase()
        )
    };
    let text = [
        "variable \"password\" {\n  type = string\n  sensitive = true\n}\ncluster \"main\" { sandbox = true }\n".to_owned(),
        object("Service", "") + "    spec = { type = var.password, ports = [{ port = 80 }] }\n  }\n}\n",
        object("ConfigMap", ", labels = { a = \"!${var.password}\" }") + "  }\n}\n",
        object("Secret", "") + "    data = { password = var.password }\n  }\n}\n",
        object("Pod", "") + "    spec = { containers = [{ name = \"a\", image = \"a\", ports = [{ containerPort = var.password }] }] }\n  }\n}\n",
    ];
    let stack = stack(&text.concat());
    for arguments in [&["plan"][..], &["plan", "-json"], &["apply", "-auto-approve"]] {
        run(&stack, arguments).code(1);
    }
    // Names are told everywhere, so that none may be secret.
    let named = text[0].clone() + &object("ConfigMap", "").replace("\"x\"", "var.password") + "  }\n}\n";
    stack.write("main.hcl", &named);
    run(&stack, &["validate"]).code(1).complains(&["A sensitive name", "main.hcl:10:25"]);
}

#[test]
fn an_expression_that_fails_does_not_tell_it() {
    let expressions = [
        "parseint(var.password, 10)",
        "jsondecode(var.password)",
        "yamldecode(\"{a: ${var.password}: ]\")",
        "regex(\"x+y\", var.password)",
        "regex(\"${var.password}(\", \"x\")",
        "var.password + 1",
        "!var.password",
        "file(var.password)",
        "templatefile(var.password, {})",
        "{ a = 1 }[var.password]",
        "[1][var.password]",
        "tonumber(var.password)",
        "tobool(var.password)",
        "base64decode(\"%%${var.password}\")",
        "formatdate(var.password, \"2020-01-01T00:00:00Z\")",
        "timeadd(var.password, \"1h\")",
        "cidrhost(var.password, 1)",
        "lookup({}, var.password)",
        "format(\"%d\", var.password)",
        "[for letter in var.password : letter]",
        "{ for e in [1, 2] : (var.password) => e }",
        "setproduct(var.password)",
        "var.password.length",
        "zipmap([var.password], [1, 2])",
    ];
    let mut text = "variable \"password\" {\n  type = string\n  sensitive = true\n  validation {\n    condition = length(var.password) > 1\n    \
                    error_message = \"no ${var.password}\"\n  }\n}\n"
        .to_owned();
    text.push_str(
        "resource \"value\" \"each\" {\n  for_each = toset([var.password])\n  input = each.key\n}\n",
    );
    for (number, expression) in expressions.iter().enumerate() {
        text.push_str(&format!("output \"o{number}\" {{\n  value = {expression}\n  sensitive = true\n}}\n"));
    }
    let stack = stack(&text);
    let plan = run(&stack, &["plan"]).code(1);
    for (number, expression) in expressions.iter().enumerate() {
        let line = 14 + number * 4;
        assert!(plan.err.contains(&format!("main.hcl:{line}:")), "{expression:?} did not fail: {plan}");
    }
    stack.edit("> 1", "> 100");
    run(&stack, &["plan"]).code(1).complains(&["main.hcl:5:17"]);
}

#[test]
fn what_is_written_into_a_secret_is_hidden_even_if_it_is_a_plain_text() {
    let stack = Stack::of(
        r#"
cluster "c" { sandbox = true }
resource "kube_object" "login" {
  manifest = {
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "login", namespace = "default" }
    stringData = { password = "hunter2" }
    data       = { other = base64encode("swordfish") }
  }
}
"#,
    );
    let hidden = |ended: Ended| {
        for secret in ["hunter2", "aHVudGVyMg", "swordfish", "c3dvcmRmaXNo"] {
            assert!(!ended.all().contains(secret), "{secret} in {ended}");
        }
    };
    hidden(stack.run(["plan", "-full"]).done());
    hidden(stack.run(["plan", "-json"]).done());
    hidden(stack.run(["apply", "-auto-approve", "-json"]).done());
    hidden(stack.run(["state", "show", "kube_object.login"]).done());
    hidden(stack.plan().done());
    stack.edit("hunter2", "hunter3");
    let ended = stack.run(["plan", "-full"]).done();
    assert!(!ended.all().contains("hunter3") && ended.out.contains("password"), "{ended}");
}

#[test]
fn what_becomes_sensitive_is_taken_out_of_the_state() {
    let stack = Stack::of(
        r#"
cluster "main" { sandbox = true }
host "edge" { sandbox = true }

variable "word" {
  default = "tr0ubador"
}

resource "kube_object" "page" {
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "page", namespace = "default" }
    data       = { page = var.word }
  }
}

resource "host_file" "page" {
  path    = "/etc/page"
  content = "<${var.word}>"
}

resource "value" "page" { input = [var.word] }
"#,
    );
    stack.apply().done();
    let state = stack.path(".meshform/state.json");
    assert!(fs::read_to_string(&state).unwrap().contains("tr0ubador"));
    stack.edit("variable \"word\" {", "variable \"word\" {\n  sensitive = true");
    stack.plan().code(2).says(&["record  kube_object.page", "some of it is sensitive from now on"]);
    stack.apply().done();
    assert!(!fs::read_to_string(&state).unwrap().contains("tr0ubador"));
    stack.plan().done();
}
