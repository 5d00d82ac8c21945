//! The quickstart's host is a real sshd, with keys and a configuration of its own, on loopback.

use std::fs;

use crate::kubectl::lines;
use crate::sshd::{Sshd, keygen, user};
use crate::stack::{Stack, tree};

/// The quickstart on this host. What it writes lies in the server's folder.
fn quickstart_on(sshd: &Sshd) -> Stack {
    let stack = Stack::example("quickstart");
    let variables = [
        ("host_address", "127.0.0.1".to_owned()),
        ("host_user", user()),
        ("host_port", sshd.port.to_string()),
        ("host_identity_file", sshd.path("user_key").display().to_string()),
        ("host_key", sshd.host_key()),
        ("host_file", sshd.path("quickstart.conf").display().to_string()),
    ];
    let lines = variables.map(|(name, value)| format!("{name} = {value:?}\n"));
    stack.write("host.auto.hclvars", &lines.concat());
    stack
}

#[test]
fn the_quickstart_on_a_real_host() {
    let sshd = Sshd::start();
    let stack = quickstart_on(&sshd);
    stack.apply().done().says(&["6 created"]);
    let address = stack.run(["output", "-raw", "address"]).done().out;
    let file = sshd.path("quickstart.conf");
    let expect = format!("# Where the page is served.\nupstream = {address}\n");
    assert_eq!(fs::read_to_string(&file).unwrap(), expect);
    stack.plan().done();

    fs::write(&file, "upstream = elsewhere\n").unwrap();
    stack.plan().code(2).says(&[
        "host_file.upstream",
        "- upstream = elsewhere",
        &format!("+ upstream = {address}"),
    ]);
    stack.apply().done().says(&["1 updated"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), expect);
    stack.plan().done();

    stack.destroy().done();
    assert!(!file.exists());
    let left: Vec<_> = fs::read_dir(sshd.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("quickstart")), "{left:?}");
}

#[test]
fn a_host_that_refuses_or_is_another_is_told() {
    let sshd = Sshd::start();
    let stack = quickstart_on(&sshd);
    stack.apply().done();
    let before = tree(&sshd.path("quickstart.conf"));
    let good = fs::read_to_string(stack.path("host.auto.hclvars")).unwrap();
    let place = {
        let text = fs::read_to_string(stack.path("main.hcl")).unwrap();
        lines(&text).iter().position(|line| line.starts_with("host \"edge\"")).unwrap() + 1
    };

    keygen(&stack.path("other_key"));
    let other_key = stack.path("other_key").display().to_string();
    let refused = good.replace(&sshd.path("user_key").display().to_string(), &other_key);
    let unknown = good.replace(
        &sshd.host_key(),
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPoqvZvLbWqNjFgDpmWEMuPMnHEAwn9jkd2Xr4HFbVQ",
    );
    let cases = [
        (refused, vec!["Login denied", "other_key", "identity_file"]),
        (unknown, vec!["Host key changed", "host_key pins"]),
    ];
    for (variables, fragments) in cases {
        stack.write("host.auto.hclvars", &variables);
        let state = fs::read(stack.path(".meshform/state.json")).unwrap();
        for command in ["plan", "apply"] {
            let arguments = [command, "-auto-approve"];
            let ended = stack.run(&arguments[..if command == "plan" { 1 } else { 2 }]).code(1);
            ended.complains(&fragments).complains(&[&format!("main.hcl:{place}:6")]);
        }
        assert_eq!(fs::read(stack.path(".meshform/state.json")).unwrap(), state);
        assert_eq!(tree(&sshd.path("quickstart.conf")), before);
    }
    stack.write("host.auto.hclvars", &good);
    stack.destroy().done();
}
