//! Targets that cannot be reached when a plan is made: the rest of it stands, and nothing of theirs is touched or forgotten.

use meshform_engine::address::Address;
use meshform_engine::plan::{Plan, Refresh, Unreachable};

use crate::plans::applied;
use crate::targeting::restriction;
use crate::world::{Bed, show};

/// Two clusters, of which one may be out of reach.
fn stack(server: &str, text: &str) -> String {
    format!("cluster \"here\" {{ }}\ncluster \"far\" {{\n  server = \"{server}\"\n}}\n{text}")
}

/// A plan, and what is left out of it because of which target.
fn told(plan: &Plan) -> String {
    let names = |list: &[Address]| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let lost = |it: &Unreachable| {
        let (there, behind) = (names(&it.instances), names(&it.dependants));
        format!("lost {}: {}: there [{there}], behind [{behind}]", it.target, it.detail)
    };
    let lost = plan.unreachable().iter().map(lost);
    std::iter::once(show(plan)).chain(lost).collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn records(bed: &Bed) -> String {
    let record = |(address, record): (&Address, &meshform_engine::state::Record)| {
        format!("{address}={}", record.identity)
    };
    bed.with(|reality| reality.state.records.iter().map(record).collect::<Vec<_>>().join(" "))
}

/// What there is after the apply of a plan without a target, and once that is back.
struct Then<'a> {
    plan: &'a str,
    recorded: &'a str,
    back: &'a str,
}

/// Applies `before` while all can be reached, and `after` while the far cluster cannot; then that is back.
fn check(before: &str, after: &str, expect: &Then<'_>) {
    check_with(before, after, expect, |_| ());
}

fn check_with(before: &str, after: &str, expect: &Then<'_>, ask: impl Fn(&mut Bed)) {
    for server in ["down", "cut"] {
        let mut bed = Bed::new();
        applied(&bed, &stack("", before));
        let state = bed.with(|reality| reality.state.clone());
        ask(&mut bed);
        let text = stack(server, after);
        let plan = bed.plan(&text).unwrap_or_else(|_| panic!("{}", bed.diagnostics(&text)));
        let reason = if server == "cut" { "the line was cut" } else { "nobody answers" };
        assert_eq!(told(&plan), expect.plan.trim().replace("REASON", reason), "{server}: {after}");
        for (address, _) in state.records.iter().filter(|(_, it)| is_far(it)) {
            assert!(plan.change(address).is_none(), "{address} is planned");
        }
        bed.apply_plan(&plan).unwrap();
        assert_eq!(records(&bed), expect.recorded, "{server}: {after}");
        for (address, record) in state.records.iter().filter(|(_, it)| is_far(it)) {
            let now = bed.with(|reality| reality.state.records.get(address).cloned());
            assert_eq!(now.as_ref(), Some(record), "{address} is not as it was");
        }
        let again = bed.plan(&text).unwrap();
        assert!(again.is_empty() && !again.unreachable().is_empty(), "{}", told(&again));
        let text = stack("", after);
        assert_eq!(bed.show_plan(&text), expect.back.trim(), "{server}: {after}");
        applied(&bed, &text);
        assert_eq!(
            told(&bed.plan(&text).unwrap()).matches("NoOp").count(),
            bed.plan(&text).unwrap().changes.len()
        );
    }
}

fn is_far(record: &meshform_engine::state::Record) -> bool {
    record.target.as_ref().is_some_and(|target| target.name == "far")
}

fn thing(name: &str, place: &str, input: &str) -> String {
    format!(
        "resource \"thing\" \"{name}\" {{\n  name    = \"{name}\"\n  cluster = cluster.{place}\n  input   = {input}\n}}\n"
    )
}

/// `b` is far and needs `a`; `c` needs `b`; `d` stands alone; `e` is far, too.
fn chain(d: &str) -> String {
    [
        thing("a", "here", "1"),
        thing("b", "far", "thing.a.id"),
        "locals { b = thing.b.id }\n".to_owned(),
        thing("c", "here", "local.b"),
        thing("d", "here", d),
        thing("e", "far", d),
        "output \"c\" { value = thing.c.id }\noutput \"d\" { value = thing.d.input }\n".to_owned(),
    ]
    .concat()
}

#[test]
fn the_rest_of_a_new_stack_is_made() {
    check(
        "",
        &chain("1"),
        &Then {
            plan: "Create thing.a\nCreate thing.d\noutput d: None -> Some(1)\nlost cluster.far: REASON: there [thing.b thing.e], behind [thing.c]",
            recorded: "thing.a=a thing.d=d",
            back: "NoOp thing.a\nCreate thing.b\nCreate thing.c\nNoOp thing.d\nCreate thing.e\noutput c: None -> Some(unknown(string))",
        },
    );
}

#[test]
fn what_is_recorded_there_stays_as_it_is() {
    check(
        &chain("1"),
        &chain("2"),
        &Then {
            plan: "NoOp thing.a\nUpdate thing.d\n  input: 1 -> 2\noutput d: Some(1) -> Some(2)\nlost cluster.far: REASON: there [thing.b thing.e], behind [thing.c]",
            recorded: "thing.a=a thing.b=b thing.c=c thing.d=d thing.e=e",
            back: "NoOp thing.a\nNoOp thing.b\nNoOp thing.c\nNoOp thing.d\nUpdate thing.e\n  input: 1 -> 2",
        },
    );
}

#[test]
fn what_is_no_longer_wanted_waits_with_all_that_it_needs() {
    check(
        &chain("1"),
        &thing("d", "here", "1"),
        &Then {
            plan: "NoOp thing.d\noutput c: Some(\"id-of-c\") -> None\noutput d: Some(1) -> None\nlost cluster.far: REASON: there [thing.b thing.e], behind [thing.a thing.c]",
            recorded: "thing.a=a thing.b=b thing.c=c thing.d=d thing.e=e",
            back: "Delete thing.a (it is no longer in the configuration)\nDelete thing.b (it is no longer in the configuration)\nDelete thing.c (it is no longer in the configuration)\nNoOp thing.d\nDelete thing.e (it is no longer in the configuration)",
        },
    );
}

/// What needs nothing that is out of reach goes all the same.
#[test]
fn what_stands_alone_goes() {
    check(
        &chain("1"),
        &chain("1")
            .replace(&thing("d", "here", "1"), "")
            .replace("output \"d\" { value = thing.d.input }\n", ""),
        &Then {
            plan: "NoOp thing.a\nDelete thing.d (it is no longer in the configuration)\noutput d: Some(1) -> None\nlost cluster.far: REASON: there [thing.b thing.e], behind [thing.c]",
            recorded: "thing.a=a thing.b=b thing.c=c thing.e=e",
            back: "NoOp thing.a\nNoOp thing.b\nNoOp thing.c\nNoOp thing.e",
        },
    );
}

#[test]
fn what_moves_away_from_there_stays_there() {
    check(
        &(thing("a", "far", "1").replace("= \"a\"", "= \"old\"") + &thing("d", "here", "1")),
        &(thing("a", "here", "1") + &thing("d", "here", "1")),
        &Then {
            plan: "NoOp thing.d\nlost cluster.far: REASON: there [thing.a], behind []",
            recorded: "thing.a=old thing.d=d",
            back: "ReplaceCreateFirst thing.a (its identity changes)\nDelete thing.a (deposed \"cluster.far old\") (thing.a takes its place first)\nNoOp thing.d",
        },
    );
}

#[test]
fn what_is_looked_up_there_is_not_told() {
    let text = [
        thing("a", "here", "1"),
        thing("b", "far", "1"),
        "data \"thing\" \"b\" {\n  cluster = cluster.far\n  name    = \"b\"\n}\n".to_owned(),
        thing("c", "here", "data.thing.b.id"),
    ];
    check(
        &text[..2].concat(),
        &text.concat(),
        &Then {
            plan: "NoOp thing.a\nlost cluster.far: REASON: there [data.thing.b thing.b], behind [thing.c]",
            recorded: "thing.a=a thing.b=b",
            back: "NoOp thing.a\nNoOp thing.b\nCreate thing.c",
        },
    );
}

#[test]
fn a_stack_is_taken_down_but_for_what_is_there() {
    for server in ["down", "cut"] {
        let mut bed = Bed::new();
        applied(&bed, &stack("", &chain("1")));
        bed.destroy = true;
        let text = stack(server, &chain("1"));
        let plan = bed.plan(&text).unwrap();
        let expect = "Delete thing.c\nDelete thing.d\noutput c: Some(\"id-of-c\") -> None\noutput d: Some(1) -> None\nlost cluster.far: REASON: there [thing.b thing.e], behind [thing.a]";
        let reason = if server == "cut" { "the line was cut" } else { "nobody answers" };
        assert_eq!(told(&plan), expect.replace("REASON", reason));
        bed.apply_plan(&plan).unwrap();
        assert_eq!(records(&bed), "thing.a=a thing.b=b thing.e=e");
        applied(&bed, &stack("", &chain("1")));
        assert_eq!(records(&bed), "");
    }
}

#[test]
fn records_are_not_held_against_what_cannot_be_seen() {
    let only = |bed: &mut Bed| bed.refresh = Refresh::Only;
    for server in ["down", "cut"] {
        let mut bed = Bed::new();
        applied(&bed, &stack("", &chain("1")));
        crate::data::put(&bed, "d", "by others");
        bed.with(|reality| reality.things.remove("e"));
        only(&mut bed);
        let plan = bed.plan(&stack(server, &chain("1"))).unwrap();
        let [lost] = plan.unreachable() else { panic!("{}", told(&plan)) };
        let names: Vec<_> = lost.instances.iter().map(ToString::to_string).collect();
        assert_eq!((names.join(" ").as_str(), lost.dependants.len()), ("thing.b thing.e", 0));
        assert!(plan.changes.iter().all(|change| change.address.name != "b" && change.address.name != "e"));
        bed.apply_plan(&plan).unwrap();
        assert_eq!(records(&bed), "thing.a=a thing.b=b thing.c=c thing.d=d thing.e=e");
        applied(&bed, &stack("", &chain("1")));
        assert_eq!(records(&bed), "thing.a=a thing.b=b thing.c=c thing.d=d");
    }
}

#[test]
fn what_is_asked_for_goes_along_as_far_as_it_can_be_reached() {
    let asked = |flags: &'static str| move |bed: &mut Bed| bed.restriction = Some(restriction(flags));
    let plan_of = |flags: &'static str, server: &str| {
        let mut bed = Bed::new();
        asked(flags)(&mut bed);
        let text = stack(server, &chain("1"));
        match bed.plan(&text) {
            Ok(plan) => told(&plan),
            Err(_) => bed.diagnostics(&text),
        }
    };
    assert_eq!(
        plan_of("-target thing.c thing.d", "down"),
        "Create thing.a\nCreate thing.d\noutput d: None -> Some(1)\nlost cluster.far: nobody answers: there [thing.b], behind [thing.c]"
    );
    assert_eq!(plan_of("-target thing.d", "down"), "Create thing.d\noutput d: None -> Some(1)");
    assert_eq!(
        plan_of("-exclude thing.b", "down"),
        "Create thing.a\nCreate thing.d\noutput d: None -> Some(1)\nlost cluster.far: nobody answers: there [thing.e], behind []"
    );
    assert_eq!(
        plan_of("-target thing.e", "down"),
        "2:9 `\"far\"` It failed: nobody answers (at cluster.far)",
        "nothing of it can be reached"
    );
}

#[test]
fn what_is_recorded_is_taken_as_it_is_without_a_look() {
    let mut bed = Bed::new();
    applied(&bed, &stack("", &chain("1")));
    bed.refresh = Refresh::Changes;
    // Nothing changes there: nobody looks.
    assert_eq!(
        told(&bed.plan(&stack("down", &chain("1"))).unwrap()),
        "NoOp thing.a\nNoOp thing.b\nNoOp thing.c\nNoOp thing.d\nNoOp thing.e"
    );
    assert_eq!(
        told(&bed.plan(&stack("down", &chain("2"))).unwrap()),
        "NoOp thing.a\nUpdate thing.d\n  input: 1 -> 2\noutput d: Some(1) -> Some(2)\nlost cluster.far: nobody answers: there [thing.b thing.e], behind [thing.c]"
    );
}

/// Who answers and does not let us in has been reached.
#[test]
fn only_what_does_not_answer_is_left_out() {
    let bed = Bed::new();
    let check = |text: &str, expect: &str| assert_eq!(bed.diagnostics(text), expect);
    check(&stack("locked", &chain("1")), "2:9 `\"far\"` It failed: it does not let us in (at cluster.far)");
    let third = "cluster \"third\" {\n  server = \"locked\"\n}\n".to_owned() + &thing("f", "third", "1");
    check(
        &stack("down", &(chain("1") + &third)),
        "2:9 `\"far\"` It failed: nobody answers (at cluster.far)\n33:9 `\"third\"` It failed: it does not let us in (at cluster.third)",
    );
    check(
        &stack("down", &thing("b", "far", "1")),
        "2:9 `\"far\"` It failed: nobody answers (at cluster.far)",
    );
}

/// A part of a stack is what policies judge, too.
#[test]
fn policies_see_a_part() {
    let policy =
        "policy \"whole\" {\n  condition     = !plan.partial\n  error_message = \"Not all of it.\"\n}\n";
    let bed = Bed::new();
    assert!(!bed.plan(&stack("", &(chain("1") + policy))).unwrap().is_forbidden());
    assert!(bed.plan(&stack("down", &(chain("1") + policy))).unwrap().is_forbidden());
}

/// Of a block in many places, what is elsewhere is planned; so is what needs only that.
const FLEET: &str = r#"
locals { places = toset(["f", "h"]) }
resource "thing" "first" {
  for_each = local.places
  name     = "first-${each.key}"
  cluster  = each.key == "h" ? cluster.here : cluster.far
}
resource "thing" "second" {
  for_each = thing.first
  name     = "second-${each.key}"
  cluster  = each.key == "h" ? cluster.here : cluster.far
  input    = each.value.id
}
resource "thing" "third" {
  for_each   = local.places
  name       = "third-${each.key}"
  cluster    = each.key == "h" ? cluster.here : cluster.far
  depends_on = [thing.second]
}
resource "thing" "one" {
  name    = "one"
  cluster = cluster.here
  input   = thing.second["h"].id
}
resource "thing" "all" {
  name    = "all"
  cluster = cluster.here
  input   = [for it in thing.second : it.id]
}
resource "thing" "late" {
  name       = "late"
  cluster    = cluster.here
  depends_on = [thing.third]
}
resource "thing" "judged" {
  name    = "judged"
  cluster = cluster.here
  lifecycle {
    precondition {
      condition     = thing.first["f"].id != "never"
      error_message = "It is."
    }
  }
}
resource "thing" "on_all" {
  for_each = { for key, it in thing.second : it.id => key }
  name     = "on-${each.value}"
  cluster  = cluster.here
}
"#;

#[test]
fn what_is_elsewhere_is_planned() {
    let fleet =
        FLEET.replace("for_each = { for key, it in thing.second : it.id => key }", "for_each = toset([])");
    check(
        "",
        &fleet,
        &Then {
            plan: "Create thing.first[\"h\"]\nCreate thing.one\nCreate thing.second[\"h\"]\nCreate thing.third[\"h\"]\nlost cluster.far: REASON: there [thing.first[\"f\"] thing.second[\"f\"] thing.third[\"f\"]], behind [thing.all thing.judged thing.late]",
            recorded: "thing.first[\"h\"]=first-h thing.one=one thing.second[\"h\"]=second-h thing.third[\"h\"]=third-h",
            back: "Create thing.all\nCreate thing.first[\"f\"]\nNoOp thing.first[\"h\"]\nCreate thing.judged\nCreate thing.late\nNoOp thing.one\nCreate thing.second[\"f\"]\nNoOp thing.second[\"h\"]\nCreate thing.third[\"f\"]\nNoOp thing.third[\"h\"]",
        },
    );
}

/// What is recorded stands in for what cannot be seen, and nothing is made of it.
#[test]
fn how_many_there_are_is_not_told_by_what_is_out_of_reach() {
    let bed = Bed::new();
    applied(
        &bed,
        &stack(
            "",
            FLEET
                .replace("for_each = { for key, it in thing.second : it.id => key }", "for_each = toset([])")
                .as_str(),
        ),
    );
    let plan = bed.plan(&stack("down", FLEET)).unwrap();
    assert_eq!(
        told(&plan),
        "NoOp thing.first[\"h\"]\nNoOp thing.one\nNoOp thing.second[\"h\"]\nNoOp thing.third[\"h\"]\nlost cluster.far: nobody answers: there [thing.first[\"f\"] thing.second[\"f\"] thing.third[\"f\"]], behind [thing.all thing.judged thing.late thing.on_all]"
    );
    let text = FLEET.replace("\"h\" ?", "\"h\" || true ?");
    assert!(
        bed.plan(&stack("down", &text)).unwrap().unreachable()[0].count() > 0,
        "what moves away is there until then"
    );
}
