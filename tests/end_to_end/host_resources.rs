//! What a host holds beside whole files: folders, lines and variables, from the first plan to the end, on the sandbox.

use std::fs;
use std::time::{Duration, Instant};

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

/// A database and a container, with all that they need.
const WORKLOADS: &str = r#"
host "h" {
  sandbox = true
}

variable "bind" {
  default = "0.0.0.0"
}

resource "host_package" "database" {
  name    = "mariadb-server"
  version = "1:10.11.*"
}

resource "host_file" "database" {
  path       = "/etc/mysql/mariadb.conf.d/60-bind.cnf"
  content    = "[mysqld]\nbind-address = ${var.bind}\n"
  depends_on = [host_package.database]

  create_parents = true
}

resource "host_service" "database" {
  name       = "mariadb"
  enabled    = true
  state      = "running"
  restart_on = [host_file.database]
  depends_on = [host_package.database]
}

resource "host_command" "schema" {
  run        = "mariadb -e 'CREATE DATABASE test; CREATE TABLE test.ratings (id INT)'"
  unless     = "mariadb -e 'USE test'"
  depends_on = [host_service.database]
}

resource "host_package" "engine" {
  name = "docker.io"
}

resource "host_container" "details" {
  name        = "details"
  image       = "docker.io/istio/examples-bookinfo-details-v1:1.20.2"
  ports       = ["19080:9080"]
  environment = { SANDBOX_ANSWER = "details v1" }
  depends_on  = [host_package.engine]
}
"#;

/// What a page on this machine says.
fn page(address: &str) -> std::io::Result<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: host\r\nConnection: close\r\n\r\n")?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    Ok(said.rsplit("\r\n").next().unwrap_or_default().to_owned())
}

#[test]
fn software_of_a_host_comes_and_goes() {
    let stack = Stack::of(WORKLOADS);
    let run = |line: &str| {
        let mut ssh = std::process::Command::new("ssh");
        ssh.arg("-F").arg(stack.path(".meshform/sandbox/ssh_config")).args(["h", line]);
        crate::program::finish(&mut ssh)
    };
    stack.run(["sandbox", "up"]).done();
    stack.plan().code(2).says(&["host_package.database", "host_container.details", "6 to create"]);
    run("! dpkg-query -W mariadb-server 2>/dev/null").done();
    stack.apply().done();
    let holds = "systemctl is-active mariadb && systemctl is-enabled mariadb && mariadb -e 'SHOW DATABASES' && docker ps --format '{{.Names}} {{.State}}'";
    assert_eq!(run(holds).done().out, "active\nenabled\ntest\ndetails running\n");
    let config = fs::read_to_string(stack.path(".meshform/sandbox/ssh_config")).unwrap();
    let address = config.lines().find_map(|line| line.trim().strip_prefix("HostName ")).unwrap();
    assert_eq!(page(&format!("{address}:19080")).unwrap(), "details v1");
    stack.plan().done();

    let first = run("systemctl show -p InvocationID --value mariadb").done().out;
    let changed = ["-var", "bind=127.0.0.1"];
    stack.run([&["apply", "-auto-approve"][..], &changed].concat()).done().says(&["restart"]);
    assert_ne!(run("systemctl show -p InvocationID --value mariadb").done().out, first, "it was restarted");
    stack.run([&["plan", "-detailed-exitcode"][..], &changed].concat()).done();
    stack.apply().done();

    run("systemctl disable -q --now mariadb; docker rm -f details >/dev/null; mariadb -e 'DROP DATABASE test' 2>/dev/null; true").done();
    stack.plan().code(2).says(&[
        "host_service.database",
        "\"stopped\" → \"running\"",
        "host_container.details",
    ]);
    stack.apply().done();
    assert_eq!(run(holds).done().out, "active\nenabled\ntest\ndetails running\n");
    stack.plan().done();

    let boot = "cat /proc/sys/kernel/random/boot_id";
    let (first, deadline) = (run(boot).done().out, Instant::now() + Duration::from_secs(60));
    run("reboot").done();
    let up = format!(
        "[ \"$({boot})\" != {} ] && systemctl is-system-running --wait -q && systemctl is-active -q mariadb docker",
        first.trim()
    );
    while run(&up).code != 0 {
        assert!(Instant::now() < deadline, "it does not come back");
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_eq!(page(&format!("{address}:19080")).unwrap(), "details v1", "it is started again");
    stack.plan().done();

    stack.destroy().done();
    run("! dpkg-query -W -f '${db:Status-Status}' mariadb-server 2>/dev/null | grep -qx installed && ! command -v docker").done();
    assert!(page(&format!("{address}:19080")).is_err(), "nothing answers any more");
}
