//! What reaches into the sandbox of a stack: a kubeconfig, a shell on a host, a log.

use std::fs;
use std::process::Command;

use crate::program::finish;
use crate::stack::Stack;

const TEXT: &str = r#"
cluster "main" {
  sandbox = true
}

host "Edge" {
  sandbox = true
}

resource "kube_object" "page" {
  cluster  = cluster.main
  manifest = { apiVersion = "v1", kind = "ConfigMap", metadata = { name = "page", namespace = "default" } }
}

resource "host_file" "motd" {
  host    = host.Edge
  path    = "/etc/motd"
  content = "hello\n"
}
"#;

#[test]
fn it_is_within_reach() {
    let stack = Stack::of(TEXT);
    stack
        .run(["sandbox", "kubeconfig"])
        .code(1)
        .complains(&["No such cluster", "It comes up when a plan needs"]);
    stack.apply().done();

    let path = stack.run(["sandbox", "kubeconfig", "main"]).done().out;
    assert!(fs::read_to_string(path.trim()).unwrap().contains("http://127.0.0.1:"));
    assert_eq!(stack.run(["sandbox", "kubeconfig"]).done().out, path);
    stack.run(["sandbox", "kubeconfig", "mian"]).code(1).complains(&["Did you mean \"main\"?"]);

    assert_eq!(stack.run(["sandbox", "ssh", "Edge", "cat", "/etc/motd"]).done().out, "hello\n");
    let status = stack.run(["sandbox", "ssh", "Edge", "--", "sh -c 'exit 7'"]);
    assert_eq!(status.code, 7, "{status}");
    stack.run(["sandbox", "ssh", "Egde"]).code(1).complains(&["Did you mean \"Edge\"?"]);

    // What the status shows can be pasted.
    let shown = stack.run(["sandbox", "status"]).done().out;
    let ssh = shown.lines().map(str::trim).find(|line| line.starts_with("ssh -F")).unwrap();
    let pasted = finish(Command::new("sh").args(["-c", &format!("{ssh} cat /etc/motd")])).done();
    assert_eq!(pasted.out, "hello\n");

    stack.run(["sandbox", "logs"]).done().says(&["serving "]);
    assert_eq!(stack.run(["sandbox", "logs", "-lines", "1"]).done().out.lines().count(), 1);
    stack.run(["sandbox", "reset"]).done().says(&["are gone"]);
    stack.run(["sandbox", "logs"]).done().complains(&["nothing yet"]);
}
