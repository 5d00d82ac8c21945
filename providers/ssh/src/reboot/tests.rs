use std::sync::Arc;

use meshform_engine::ports::{DifferenceRequest, Operation, Precondition, Verdict};
use meshform_engine::state::{Record, RecordStatus};
use meshform_engine::value::Fingerprinter;

use super::*;
use crate::resource::Restart;
use crate::script::Program;

struct Plain;

impl Fingerprinter for Plain {
    fn fingerprint(&self, value: &Value) -> String {
        format!("{:?}", value.unmarked())
    }
}

fn wanted(triggers: Value) -> Value {
    let when = Value::list(REASONS.map(Value::from));
    Value::object([("when".to_owned(), when), ("triggers".to_owned(), triggers)])
}

fn record(triggers: Value, tried: Option<&str>) -> Arc<Record> {
    Arc::new(Record {
        target: None,
        identity: "reboot:host_reboot.x".into(),
        attributes: with(&wanted(triggers), [("boot_id", "b0".into())]),
        private: json!({ "kernel_tried": tried }),
        depends_on: Vec::new(),
        status: RecordStatus::Complete,
    })
}

/// What a host answers to a plan: the verdict and the notes, and whether apply reboots it.
fn check(answer: &str, record: Option<Arc<Record>>, desired: &Value, expect: &str) {
    let address = Address::new("host_reboot", "x");
    let lines = answer.lines().count();
    let answer = Answer::read(format!("BEGIN\tn\n{answer}END\tn\t{lines}\n").as_bytes(), "n").unwrap();
    let item = ObserveItem {
        address: address.clone(),
        kind: "host_reboot".into(),
        identity: "reboot:host_reboot.x".into(),
        desired: Some(desired.clone()),
        record: record.clone(),
    };
    let observed = Reboot.observed(0, &item, &answer, &Promises::default()).unwrap().unwrap();
    let difference = Reboot.difference(&DifferenceRequest {
        address: &address,
        kind: "host_reboot",
        record: record.as_deref(),
        observed: &observed,
        desired: Some(desired),
        preview: None,
        fingerprinter: &Plain,
    });
    let Observed::Present(there) = &observed else { panic!("a host is always in some boot") };
    let request = PerformRequest {
        address,
        kind: "host_reboot".into(),
        identity: item.identity,
        operation: Operation::Update,
        desired: item.desired,
        record,
        precondition: Precondition::Version(there.version.clone()),
        timeout_ms: None,
    };
    let is_wholly_known = desired.is_wholly_known();
    if difference.verdict == Verdict::Update && is_wholly_known {
        let reboots = matches!(Reboot.work(&request, None).unwrap(), Work::Restart(_));
        // What has happened already is settled by the same programs.
        assert_eq!(
            reboots,
            expect.contains("The host reboots") || there.version.ends_with(" over"),
            "{difference:?}"
        );
    }
    let found = format!("{:?} {}", difference.verdict, difference.notes.join(" "));
    assert!(found.starts_with(expect), "{found:?}, not {expect:?}");
}

#[test]
fn a_host_reboots_for_a_reason_only() {
    let none = || wanted(Value::null());
    let boot = "boot\t0\tb1\n";
    check(boot, None, &none(), "NoOp ");
    check(boot, Some(record(Value::null(), None)), &none(), "NoOp ");
    let required = "boot\t0\tb1\nrequired\t0\tlinux-base libc6 \n";
    check(
        required,
        None,
        &none(),
        "Update The host reboots: its system asks for that, after changes of linux-base libc6.",
    );
    check(
        required,
        Some(record(Value::null(), None)),
        &with(&none(), [("when", Value::list(["kernel".into()]))]),
        "Update The host does not reboot",
    );
    let kernel = "boot\t0\tb1\nkernel\t0\t6.1.0-1\t6.1.0-2\n";
    check(
        kernel,
        Some(record(Value::null(), None)),
        &none(),
        "Update The host reboots: it runs the kernel 6.1.0-1, and 6.1.0-2 is installed.",
    );
    check(
        kernel,
        Some(record(Value::null(), Some("6.1.0-2"))),
        &none(),
        "NoOp The host was rebooted for the kernel 6.1.0-2 and runs 6.1.0-1 again",
    );
    check(kernel, Some(record(Value::null(), Some("6.1.0-1"))), &none(), "Update The host reboots");
}

#[test]
fn triggers_reboot_once() {
    let boot = "boot\t0\tb1\n";
    check(boot, None, &wanted("one".into()), "Update The host reboots: its triggers are new.");
    check(boot, Some(record("one".into(), None)), &wanted("one".into()), "NoOp ");
    check(
        boot,
        Some(record("one".into(), None)),
        &wanted("two".into()),
        "Update The host reboots: its triggers have changed.",
    );
    check(boot, Some(record("one".into(), None)), &wanted(Value::null()), "Update The host does not reboot");
    check(
        boot,
        Some(record("one".into(), None)),
        &wanted(Value::unknown(Type::String)),
        "Update The host reboots, if",
    );
    // A run was cut off: before the host had gone, and after it was back.
    let hash = hash(&wanted("two".into())).unwrap();
    let before = format!("boot\t0\tb1\nmarker\t0\tb1\t{hash}\n");
    check(
        &before,
        Some(record("one".into(), None)),
        &wanted("two".into()),
        "Update The host reboots: its triggers have changed.",
    );
}

#[test]
fn a_reboot_that_has_happened_is_only_recorded() {
    let desired = wanted("two".into());
    let hash = hash(&desired).unwrap();
    let after = format!("boot\t0\tb2\nmarker\t0\tb1\t{hash}\n");
    let record = record("one".into(), None);
    check(
        &after,
        Some(Arc::clone(&record)),
        &desired,
        "Update The host does not reboot: only what is recorded changes.",
    );
}

/// Runs a program of a reboot where nothing can be rebooted, with these commands before it.
fn run(before: &str, program: impl Fn(&dyn Restart) -> Program, version: &str) -> String {
    let desired = wanted("two".into());
    let request = PerformRequest {
        address: Address::new("host_reboot", "x"),
        kind: "host_reboot".into(),
        identity: String::new(),
        operation: Operation::Update,
        desired: Some(desired),
        record: Some(record("one".into(), None)),
        precondition: Precondition::Version(version.to_owned()),
        timeout_ms: None,
    };
    let Work::Restart(restart) = Reboot.work(&request, None).unwrap() else { panic!("no reboot") };
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("program");
    std::fs::write(&path, program(&*restart).text).unwrap();
    // What reboots the host is not reached: it is another program there.
    let fake = "mount -t tmpfs none /var/lib && mount -t tmpfs none /usr/local/sbin && mount -t tmpfs none /boot && mount -t tmpfs none /run && printf '#!/bin/sh\\necho asked\\n' >/usr/local/sbin/reboot && chmod +x /usr/local/sbin/reboot && PATH=/usr/local/sbin:$PATH";
    let all = format!("{fake}; {before}\nsh {} 2>&1; cat /var/lib/meshform/* 2>/dev/null", path.display());
    let output = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &all])
        .output()
        .expect("unshare is needed: install util-linux");
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    String::from_utf8_lossy(&output.stdout)
        .replace(boot.trim(), "NOW")
        .replace(&hash(&wanted("two".into())).unwrap(), "HASH")
}

#[test]
fn programs_tell_what_has_happened() {
    let now = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let version = format!("{} - - -", now.trim());
    let begun = run("", |restart| restart.begin("n"), &version);
    assert_eq!(begun, "BEGIN\tn\nasked\nbegun\t0\tNOW\nEND\tn\t1\nNOW HASH\n");
    let over = run("", |restart| restart.begin("n"), "other - - -");
    assert_eq!(over, "BEGIN\tn\nover\t0\tNOW\nEND\tn\t1\n");
    let key = key(&Address::new("host_reboot", "x"));
    let hash = hash(&wanted("two".into())).unwrap();
    let marked = format!("mkdir /var/lib/meshform; echo other {hash} >/var/lib/meshform/reboot-{key}");
    let over = run(&marked, |restart| restart.begin("n"), &version.replace("- - -", "- - over"));
    assert_eq!(over, "BEGIN\tn\nover\t0\tNOW\nEND\tn\t1\nother HASH\n");
    let refused = run("printf 'exit 1' >/usr/local/sbin/reboot", |restart| restart.begin("n"), &version);
    assert_eq!(refused, "BEGIN\tn\nrefused\t0\nEND\tn\t1\n");
    let kernels = "r=$(uname -r); touch /boot/vmlinuz-$r /boot/vmlinuz-0.1 /boot/vmlinuz-999.1-rescue /boot/vmlinuz-999.1-2-other";
    let ended = run(&format!("{marked}; {kernels}"), |restart| restart.end("n"), &version);
    let running = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let running = running.trim();
    assert_eq!(ended, format!("BEGIN\tn\ndone\t0\t{running}\t{running}\nboot\t0\tNOW\nEND\tn\t2\n"));
    let newer = "r=$(uname -r); touch /boot/vmlinuz-$r /boot/vmlinuz-999.1$(printf %s $r | sed 's/^[^-]*//')";
    let ended = run(newer, |restart| restart.end("n"), &version);
    assert!(ended.contains(&format!("done\t0\t{running}\t999.1")), "{ended}");
}
