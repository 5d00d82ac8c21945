//! The rules on secrets, moves, imports and runs: see `rules`.

use std::sync::Arc;

use meshform_engine::apply::apply;
use meshform_engine::observer::{Observer, Progress, Stop};
use meshform_engine::pipeline::Options;

use crate::plans::{applied, stack};
use crate::rules::{check, performed, recorded, thing};
use crate::world::{Bed, show};

fn secret(sensitive: bool) -> String {
    format!("variable \"s\" {{\n  default   = \"hunter2\"\n  sensitive = {sensitive}\n}}\n")
        + &thing("a", "  input = var.s")
}

#[test]
fn rule_25_what_becomes_a_secret_changes_the_record_only() {
    let bed = Bed::new();
    applied(&bed, &stack(&secret(false)));
    performed(&bed);
    let plan = bed.plan(&stack(&secret(true))).unwrap();
    assert!(show(&plan).starts_with("Refresh thing.a (some of it is sensitive"), "{}", show(&plan));
    applied(&bed, &stack(&secret(true)));
    assert_eq!(performed(&bed), "");
    let state = bed.with(|reality| format!("{:?}", reality.state.records));
    assert!(!state.contains("hunter2"), "{state}");
    assert!(bed.plan(&stack(&secret(true))).unwrap().is_empty());
}

#[test]
fn rule_26_a_secret_stays_one_and_is_given_out_only_where_that_is_said() {
    let output =
        |more: &str| secret(true) + &format!("output \"o\" {{\n  value = upper(\"${{var.s}}!\")\n{more}}}\n");
    let said = Bed::new().diagnostics(&stack(&output("")));
    assert!(said.contains("Sensitive output"), "{said}");
    let plan = Bed::new().plan(&stack(&output("  sensitive = true\n"))).unwrap();
    assert!(plan.outputs["o"].after.as_ref().unwrap().is_sensitive());
    // A module's, too, where the stack gives it out.
    let inner = "module \"m\" {\n  source = \"./m\"\n}\noutput \"o\" {\n  value = module.m.o\n}\n### m\nvariable \"s\" {\n  default   = \"x\"\n  sensitive = true\n}\noutput \"o\" {\n  value     = var.s\n  sensitive = true\n}\n";
    assert!(Bed::new().diagnostics(inner).contains("Sensitive output"));
}

/// Ephemeral values may go where targets are described, and into nothing that is recorded.
#[test]
fn rule_27_what_is_ephemeral_is_in_no_plan_and_no_state_and_is_given_again() {
    let token = "variable \"t\" {\n  default   = \"t-4711\"\n  ephemeral = true\n}\n";
    let with = |value: &str| Bed::new().diagnostics(&stack(&format!("{token}{}", thing("a", value))));
    assert!(with("  input = var.t").contains("Ephemeral value not allowed"));
    let text = stack(&format!("{token}{}", thing("a", ""))).replace("  default   = \"t-4711\"\n", "");
    let mut bed = Bed::new();
    bed.inputs = vec![meshform_engine::inputs::Input::Text {
        name: "t".into(),
        text: "t-4711".into(),
        origin: "-var".into(),
    }];
    let mut plan = bed.plan(&text).unwrap();
    // As it is read back from a file.
    plan.variables.clear();
    assert!(bed.apply_plan(&plan).is_ok());
    bed.inputs.clear();
    plan.serial = bed.with(|reality| reality.state.serial);
    plan.lineage = bed.with(|reality| reality.state.lineage.clone());
    assert!(bed.apply_plan(&plan).is_err());
}

#[test]
fn rule_28_moves_follow_each_other_and_contradict_nothing() {
    let moved = |from: &str, to: &str| format!("moved {{\n  from = thing.{from}\n  to   = thing.{to}\n}}\n");
    let one = |name: &str| thing(name, "").replace(&format!("name = \"{name}\""), "name = \"one\"");
    let bed = check(&one("a"), &(one("c") + &moved("a", "b") + &moved("b", "c")), "");
    assert_eq!(recorded(&bed), "thing.c");
    let said = |text: &str| Bed::new().diagnostics(&stack(text));
    assert!(said(&(moved("a", "b") + &moved("b", "a"))).contains("Circular move"));
    assert!(said(&(one("a") + &moved("a", "b"))).contains("What was moved is still there"));
}

#[test]
fn rule_29_an_import_must_be_there_and_says_nothing_once_it_is_ours() {
    let import = thing("a", "") + "import {\n  to = thing.a\n  id = \"a\"\n}\n";
    let bed = Bed::new();
    assert!(bed.diagnostics(&stack(&import)).contains("Nothing to import"));
    applied(&bed, &stack(&thing("a", "")));
    assert_eq!(bed.show_plan(&stack(&import)), "NoOp thing.a");
}

#[test]
fn rule_30_the_serial_stands_still_when_nothing_changes() {
    let bed = Bed::new();
    let serial = || bed.with(|reality| reality.state.serial);
    let text = stack(&thing("a", ""));
    applied(&bed, &text);
    let first = serial();
    applied(&bed, &text);
    assert_eq!(serial(), first);
    applied(&bed, &stack(&thing("a", "  input = 1")));
    assert_eq!(serial(), first + 1);
}

/// The exit codes themselves are the program's: see the end-to-end tests.
#[test]
fn rule_31_an_output_alone_is_a_change() {
    let output = |value: &str| thing("a", "") + &format!("output \"o\" {{\n  value = {value}\n}}\n");
    let bed = Bed::new();
    applied(&bed, &stack(&output("1")));
    assert!(bed.plan(&stack(&output("1"))).unwrap().is_empty());
    assert!(!bed.plan(&stack(&output("2"))).unwrap().is_empty());
}

#[test]
fn rule_32_what_a_target_depends_on_outlives_all_that_is_on_it() {
    let text = "resource \"value\" \"where\" {\n  input = \"up\"\n}\ncluster \"c\" {\n  server = value.where.output\n}\n".to_owned()
        + &thing("a", "");
    let mut bed = Bed::new();
    applied(&bed, &text);
    // The first round makes what the cluster needs; what is on it comes in the second.
    applied(&bed, &text);
    assert_eq!(recorded(&bed), "thing.a value.where");
    bed.destroy = true;
    let ended = applied(&bed, &text);
    let order: Vec<_> = ended.succeeded.iter().map(|(address, _)| address.to_string()).collect();
    assert_eq!(order, ["thing.a", "value.where"]);
}

/// Asks to stop as soon as something has begun.
struct Interrupt(Arc<Stop>);

impl Observer for Interrupt {
    fn event(&self, event: &Progress) {
        if let Progress::StepStarted { .. } = event
            && !self.0.is_draining()
        {
            self.0.request();
        }
    }
}

#[test]
fn rule_33_a_failure_halts_what_depends_on_it_and_an_interrupt_drains() {
    let text = stack(&(thing("a", "") + &thing("b", "  input = thing.a.id") + &thing("c", "")));
    let bed = Bed::new();
    bed.with(|reality| reality.refused = vec!["Create a".to_owned()]);
    let ended = bed.apply(&text).unwrap();
    assert_eq!((ended.failed.len(), ended.skipped.len(), recorded(&bed)), (1, 1, "thing.c".to_owned()));

    let bed = Bed::new();
    let plan = bed.plan(&text).unwrap();
    let stop = Arc::new(Stop::default());
    let options = Options { parallelism: 1, ..Options::default() };
    let world = bed.world();
    let interrupt = Interrupt(Arc::clone(&stop));
    let ended = futures::executor::block_on(apply(&plan, &world, &options, &interrupt, &stop)).unwrap();
    assert!(ended.stopped && ended.failed.is_empty());
    assert_eq!((ended.succeeded.len(), ended.skipped.len()), (1, 2), "what is under way comes to its end");
    applied(&bed, &text);
    assert!(bed.plan(&text).unwrap().is_empty());
}
