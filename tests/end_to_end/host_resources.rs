//! What a host holds beside whole files: folders, lines and variables, from the first plan to the end, on the sandbox.

use std::fs;

use crate::stack::{Stack, tree};

const TEXT: &str = r#"
host "h" {
  sandbox = true
}

variable "token" {
  type      = string
  sensitive = true
  default   = "s3cret-token"
}

resource "host_directory" "app" {
  path = "/srv/the app"
  mode = "0750"
}

resource "host_file" "app" {
  path    = "${host_directory.app.path}/app.conf"
  content = "here\n"
}

resource "host_line" "hosts" {
  path       = "/etc/hosts"
  match      = "10.9.8.7"
  line       = "10.9.8.7 app # it's \"ours\""
  on_destroy = "restore"
}

resource "host_env_file" "app" {
  path       = "/etc/environment"
  format     = "environment"
  values     = { APP_HOME = host_directory.app.path, APP_TOKEN = var.token }
  on_destroy = "restore"
}
"#;

#[test]
fn parts_of_a_host_come_and_go() {
    let stack = Stack::of(TEXT);
    stack.run(["sandbox", "up"]).done();
    // The first plan makes the host.
    stack.plan().code(2);
    let (hosts, variables) = (stack.on_host("h", "/etc/hosts"), stack.on_host("h", "/etc/environment"));
    fs::write(&hosts, "127.0.0.1 localhost\n10.9.8.7 old\n# theirs\n").unwrap();
    fs::write(&variables, "# theirs\nAPP_HOME=\"/former home\"\nLANG=C\n").unwrap();
    let root = stack.on_host("h", "/etc");
    let before = tree(&root);

    let planned = stack.plan().code(2).says(&[
        "host_directory.app",
        "host_file.app",
        "10.9.8.7 old",
        "10.9.8.7 app # it's \\\"ours\\\"",
        "/former home",
        "former values of what is not sensitive come",
    ]);
    assert!(!planned.all().contains("s3cret"), "{}", planned.all());
    assert_eq!(tree(&root), before, "a plan changes nothing");
    let applied = stack.apply().done();
    assert!(!applied.all().contains("s3cret"), "{}", applied.all());
    let read = |path: &std::path::Path| fs::read_to_string(path).unwrap();
    assert_eq!(read(&hosts), "127.0.0.1 localhost\n10.9.8.7 app # it's \"ours\"\n# theirs\n");
    let expect = "# theirs\nAPP_HOME=\"/srv/the app\"\nLANG=C\nAPP_TOKEN=s3cret-token\n";
    assert_eq!(read(&variables), expect);
    assert_eq!(read(&stack.on_host("h", "/srv/the app/app.conf")), "here\n");
    assert!(!read(&stack.path(".meshform/state.json")).contains("s3cret"));
    stack.plan().done();

    fs::write(&hosts, "10.9.8.7 hand\n").unwrap();
    stack.plan().code(2).says(&["host_line.hosts", "10.9.8.7 hand"]);
    stack.apply().done().says(&["1 updated"]);
    stack.plan().done();

    stack.destroy().done();
    assert_eq!(read(&hosts), "10.9.8.7 old\n");
    assert_eq!(read(&variables), "# theirs\nAPP_HOME=\"/former home\"\nLANG=C\n");
    assert!(!stack.on_host("h", "/srv/the app").exists());
}
