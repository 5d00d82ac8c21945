//! `kill -9` at random moments: what comes next converges, and nothing is forgotten.
//!
//! The moments follow from a seed, which is printed; `MESHFORM_TEST_SEED` repeats it. They are spread over what an undisturbed run takes.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use crate::kubectl::lines;
use crate::stack::Stack;

/// The instances of the quickstart.
pub(crate) const ALL: [&str; 6] = [
    "host_command.announce",
    "host_file.upstream",
    "kube_object.namespace",
    "kube_object.page",
    "kube_object.service",
    "kube_object.web",
];

/// The quickstart, with the random moments of one test.
struct Victim {
    stack: Stack,
    random: StdRng,
    /// How long a run takes that nobody disturbs.
    duration: Duration,
    /// The process that serves the sandbox.
    sandbox: u64,
}

impl Victim {
    fn new(test: &str) -> Self {
        let given = std::env::var("MESHFORM_TEST_SEED").ok();
        let seed = given.map_or_else(|| rand::rng().random(), |seed| seed.parse().unwrap());
        eprintln!("{test}: MESHFORM_TEST_SEED={seed}");
        let stack = Stack::example("quickstart");
        stack.run(["sandbox", "up"]).done();
        let sandbox = sandbox(&stack);
        Self { stack, random: StdRng::seed_from_u64(seed), duration: Duration::ZERO, sandbox }
    }

    fn measure(&mut self, arguments: &[&str]) {
        let started = Instant::now();
        self.stack.run(arguments).done();
        self.duration = started.elapsed();
    }

    /// Runs the program and kills it in this part of its duration. Whether it was killed before its end.
    fn kill(&mut self, arguments: &[&str], part: usize, parts: usize) -> bool {
        let share = (part as f64 + self.random.random_range(0.0..1.0)) / parts as f64;
        let mut command = self.stack.command();
        let mut child = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(self.duration.mul_f64(share));
        child.kill().unwrap();
        let killed = child.wait().unwrap().signal() == Some(9);
        if !killed {
            // The machine had more to do when it was measured.
            self.duration = self.duration.mul_f64(0.8);
        }
        assert_eq!(sandbox(&self.stack), self.sandbox, "the sandbox did not outlive the client");
        killed
    }

    /// Applies, after which everything is there and there is nothing to do.
    fn converge(&self, arguments: &[&str]) {
        let with = |command: &[&'static str]| {
            self.stack.run(
                command.iter().copied().map(String::from).chain(arguments.iter().map(ToString::to_string)),
            )
        };
        with(&["apply", "-auto-approve"]).done();
        with(&["plan", "-detailed-exitcode"]).done();
        assert_eq!(lines(&self.stack.run(["state", "list"]).done().out), ALL);
    }

    /// Destroys, after which nothing is left.
    fn clear(&self) {
        self.stack.destroy().done();
        assert_eq!(self.stack.run(["state", "list"]).done().out, "");
        self.stack.get("main", &["namespace", "quickstart"]).code(1).complains(&["not found"]);
        assert!(!self.stack.on_host("edge", "/etc/quickstart.conf").exists());
    }
}

fn sandbox(stack: &Stack) -> u64 {
    let status = stack.run(["sandbox", "status", "-json"]).done();
    let status: Value = serde_json::from_str(&status.out).unwrap();
    status["pid"].as_u64().unwrap_or_else(|| panic!("no process in {status:#}"))
}

/// Does `round` with numbers below `count` until each has killed something.
fn each(count: usize, mut round: impl FnMut(usize) -> bool) {
    for number in 0..count {
        let hit = (0..10).any(|_| round(number));
        assert!(hit, "moment {number} of {count} was always past the end");
    }
}

#[test]
fn while_everything_is_created() {
    let mut victim = Victim::new("create");
    let apply = ["apply", "-auto-approve"];
    victim.measure(&apply);
    victim.clear();
    each(10, |number| {
        let killed = victim.kill(&apply, number, 10);
        victim.converge(&[]);
        victim.clear();
        killed
    });
}

#[test]
fn while_something_is_updated_or_replaced() {
    let mut victim = Victim::new("update");
    victim.converge(&[]);
    let changed = ["-var", "message=Hi", "-var", "host_file=/etc/other.conf"];
    let apply = ["apply", "-auto-approve"];
    victim.measure(&[&apply[..], &changed].concat());
    each(6, |number| {
        // To and fro, so that every apply has something to do.
        let variables = if number % 2 == 0 { &[][..] } else { &changed };
        let other = if number % 2 == 0 { &changed[..] } else { &[] };
        victim.converge(other);
        let killed = victim.kill(&[&apply[..], variables].concat(), number, 6);
        victim.converge(variables);
        killed
    });
    victim.clear();
    assert!(!victim.stack.on_host("edge", "/etc/other.conf").exists());
}

#[test]
fn while_everything_is_destroyed() {
    let mut victim = Victim::new("destroy");
    victim.converge(&[]);
    let destroy = ["destroy", "-auto-approve"];
    victim.measure(&destroy);
    each(4, |number| {
        victim.converge(&[]);
        let killed = victim.kill(&destroy, number, 4);
        // Back to all of it, or on to nothing.
        if number % 2 == 0 {
            victim.converge(&[]);
        }
        victim.clear();
        killed
    });
}
