//! Random stacks, edits, drift, faults and crashes under a seed; what must always hold is checked after every run.
//!
//! `MESHFORM_SEEDS=100000 cargo test -p meshform-engine --test pipeline simulation` runs more seeds, `MESHFORM_SEED=7` just one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use meshform_engine::apply::fold;
use meshform_engine::inputs::Input;
use meshform_engine::pipeline::Failure;
use meshform_engine::plan::{Plan, StepOperation};
use meshform_engine::ports::{Operation, Precondition};
use meshform_engine::state::RecordStatus;
use meshform_engine::value::Value;

use crate::random::Random;
use crate::world::{Bed, Reality, show};

const SEEDS: u64 = 400;
const ROUNDS: u64 = 4;
/// Applies after which a stack must have settled once nothing goes wrong any more.
const SETTLED_WITHIN: usize = 3;

#[test]
#[expect(clippy::disallowed_methods, reason = "a seed is given by the environment")]
fn what_must_hold_holds_whatever_happens() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = match number("MESHFORM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("MESHFORM_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        let outcome = std::panic::catch_unwind(|| Simulation::new(seed).run());
        assert!(outcome.is_ok(), "seed {seed}: run it again by MESHFORM_SEED={seed}");
    }
}

/// A block of the stack.
#[derive(Clone, Debug)]
struct Block {
    /// What it is on the target; with a key behind it if it is repeated.
    thing: String,
    /// Keys of `for_each`.
    keys: Option<BTreeSet<u64>>,
    input: Meant,
    fixed: u64,
    /// Whether it is created before it is destroyed: its name changes with what it cannot change.
    first: bool,
}

impl Block {
    fn name(&self) -> String {
        if self.first { format!("{}-f{}", self.thing, self.fixed) } else { self.thing.clone() }
    }
}

/// What an input is.
#[derive(Clone, Debug)]
enum Meant {
    Nothing,
    Number(u64),
    Secret,
    /// What the target says of an earlier block.
    IdOf(u64),
    /// What is found by looking the things of an earlier block up, after they are made.
    Found(u64),
}

impl Meant {
    /// The earlier block that it is about.
    fn other(&self) -> Option<u64> {
        match self {
            Self::IdOf(other) | Self::Found(other) => Some(*other),
            Self::Nothing | Self::Number(_) | Self::Secret => None,
        }
    }
}

struct Simulation {
    random: Random,
    bed: Bed,
    blocks: BTreeMap<u64, Block>,
    /// Things that others made.
    foreign: BTreeSet<String>,
    names: u64,
    /// Whether this stack's blocks have names that change.
    first: bool,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut bed = Bed::new();
        bed.inputs = vec![secret(0)];
        let first = seed % 2 == 1;
        Self { random: Random(seed), bed, blocks: BTreeMap::new(), foreign: BTreeSet::new(), names: 0, first }
    }

    fn run(&mut self) {
        for _ in 0..ROUNDS {
            self.edit();
            self.drift();
            self.apply_in_bad_weather();
            self.settle();
        }
        self.bed.destroy = true;
        self.apply_in_bad_weather();
        self.settle();
        self.bed.with(|reality| assert!(reality.state.records.is_empty(), "{:?}", reality.state.records));
    }

    /// Blocks come, go and change.
    fn edit(&mut self) {
        for _ in 0..=self.random.below(6) {
            let at = self.random.below(8);
            match self.random.below(7) {
                0 => drop(self.blocks.remove(&at)),
                1 => self.rename_block(at),
                _ => {
                    let block = self.block(at);
                    self.blocks.insert(at, block);
                }
            }
        }
        if self.random.one_in(3) {
            self.bed.inputs = vec![secret(self.random.below(9))];
        }
        let there: BTreeSet<u64> = self.blocks.keys().copied().collect();
        for block in self.blocks.values_mut() {
            if block.input.other().is_some_and(|other| !there.contains(&other)) {
                block.input = Meant::Nothing;
            }
        }
    }

    /// A new block, or an old one with something changed.
    fn block(&mut self, at: u64) -> Block {
        let known = self.blocks.get(&at).cloned();
        let thing = match known {
            Some(known) if !self.random.one_in(5) => known.thing,
            _ => {
                self.names += 1;
                format!("t{}", self.names)
            }
        };
        let keys = self.random.one_in(3).then(|| (0..4).filter(|_| self.random.one_in(2)).collect());
        let input = match self.random.below(5) {
            0 => Meant::Nothing,
            1 => Meant::Number(self.random.below(3)),
            2 => Meant::Secret,
            3 if at > 0 => Meant::Found(self.random.below(at)),
            _ if at > 0 => Meant::IdOf(self.random.below(at)),
            _ => Meant::Number(7),
        };
        Block { thing, keys, input, fixed: self.random.below(5) / 4, first: self.first }
    }

    /// The same thing under another name, behind all that it may refer to.
    fn rename_block(&mut self, at: u64) {
        let to = at + self.random.below(3) + 1;
        if let Some(block) = self.blocks.remove(&at) {
            self.blocks.entry(to).or_insert(block);
        }
    }

    fn text(&self) -> String {
        let mut text = "cluster \"c\" { }\nvariable \"s\" {\n  sensitive = true\n}\n".to_owned();
        for (at, block) in &self.blocks {
            let (keys, name) = match &block.keys {
                None => (String::new(), format!("{:?}", block.name())),
                Some(keys) => {
                    let keys: Vec<_> = keys.iter().map(|key| format!("\"{key}\"")).collect();
                    let keys = format!("  for_each = toset([{}])\n", keys.join(", "));
                    (keys, format!("\"{}-${{each.key}}\"", block.name()))
                }
            };
            let is_repeated = |other: &u64| self.blocks.get(other).is_some_and(|block| block.keys.is_some());
            let input = match &block.input {
                Meant::Nothing => "null".to_owned(),
                Meant::Number(number) => number.to_string(),
                Meant::Secret => "var.s".to_owned(),
                Meant::IdOf(other) => match is_repeated(other) {
                    true => format!("[for it in thing.b{other} : it.id]"),
                    false => format!("thing.b{other}.id"),
                },
                Meant::Found(other) => match is_repeated(other) {
                    true => format!("[for it in data.thing.d{at} : it.id]"),
                    false => format!("data.thing.d{at}.id"),
                },
            };
            if let Meant::Found(other) = &block.input {
                let (each, name) = match is_repeated(other) {
                    true => (format!("  for_each = thing.b{other}\n"), "each.value.name".to_owned()),
                    false => (String::new(), format!("thing.b{other}.name")),
                };
                writeln!(
                    text,
                    "data \"thing\" \"d{at}\" {{\n{each}  name = {name}\n  depends_on = [thing.b{other}]\n}}"
                )
                .unwrap();
            }
            writeln!(
                text,
                "resource \"thing\" \"b{at}\" {{\n{keys}  name  = {name}\n  input = {input}\n  fixed = \"{}\"\n  lifecycle {{ create_before_destroy = {} }}\n}}",
                block.fixed,
                block.first && (at + block.fixed) % 3 == 0
            )
            .unwrap();
        }
        text
    }

    /// Others change, remove and make things.
    fn drift(&mut self) {
        while self.random.one_in(3) {
            self.change_one_thing();
        }
    }

    /// What one of the others changed, if anything.
    fn change_one_thing(&mut self) -> Option<String> {
        let (random, foreign, first) = (&mut self.random, &mut self.foreign, self.first);
        self.bed.with(|reality| {
            let nth = random.below(reality.things.len().max(1) as u64);
            let name = reality.things.keys().nth(usize::try_from(nth).unwrap())?.clone();
            match random.below(4) {
                0 => drop(reality.things.remove(&name)),
                1 => {
                    let name = format!("t{}", random.below(20));
                    if reality.things.contains_key(&name) {
                        return None;
                    }
                    reality.things.insert(name.clone(), Value::object([]));
                    foreign.insert(name.clone());
                    return Some(name);
                }
                _ => {
                    let mut fields = reality.things[&name].as_map().cloned().unwrap_or_default();
                    // What cannot change must be replaced, and what is created first cannot be without a new name.
                    let field = if first || random.one_in(2) { "input" } else { "fixed" };
                    fields.insert(field.to_owned(), Value::string(format!("by others {}", random.below(9))));
                    let changed = Value::object(fields);
                    let before = reality.things.insert(name.clone(), changed.clone());
                    return (before != Some(changed)).then_some(name);
                }
            }
            Some(name)
        })
    }

    /// One apply in which anything may go wrong.
    fn apply_in_bad_weather(&mut self) {
        let chaos = Random(self.random.below(u64::MAX));
        self.bed.with(|reality| reality.chaos = Some(chaos));
        let Ok(plan) = self.bed.plan(&self.text()) else { return self.good_weather() };
        let moved = if self.random.one_in(4) { self.change_one_thing() } else { None };
        let unproven = moved.as_ref().is_some_and(|name| self.is_unproven(&plan, name));
        if self.random.one_in(2) {
            let entries = usize::try_from(self.random.below(20)).unwrap();
            self.bed.with(|reality| reality.entries_left = Some(entries));
        }
        self.bed.with(|reality| reality.performed.clear());
        let applied = self.bed.apply_plan(&plan);
        self.good_weather();
        if let Err(Failure::Diagnostics(diagnostics)) = applied {
            let said = diagnostics.iter().map(|it| it.detail.as_str()).collect::<Vec<_>>().join(" ");
            panic!("an apply that had begun was refused: {said}");
        }
        self.bed.with(|reality| {
            only_what_was_planned(&plan, reality);
            nothing_is_forgotten(reality, &self.foreign);
            if let Some(name) = moved.filter(|_| !unproven) {
                let touched = reality.performed.iter().any(|step| step.ends_with(&format!(" {name}")));
                assert!(!touched, "{name} was changed since the review, and overwritten");
            }
        });
    }

    /// Whether the plan says openly that it could not tell what is there.
    fn is_unproven(&self, plan: &Plan, name: &str) -> bool {
        let mut changes = plan.changes.iter();
        changes.any(|it| it.identity.as_deref() == Some(name) && it.precondition == Precondition::Unproven)
    }

    fn good_weather(&mut self) {
        self.bed.with(|reality| (reality.chaos, reality.entries_left) = (None, None));
    }

    /// Once nothing goes wrong, the next applies come to the configuration, and then there is nothing to do.
    fn settle(&mut self) {
        let text = self.text();
        for _ in 0..SETTLED_WITHIN {
            let applied =
                self.bed.apply(&text).unwrap_or_else(|_| panic!("{}\n{text}", self.bed.diagnostics(&text)));
            let failed: Vec<_> =
                applied.failed.iter().map(|it| format!("{}: {}", it.address, it.error)).collect();
            assert_eq!(failed, Vec::<String>::new(), "{text}");
            self.bed.with(|reality| nothing_is_forgotten(reality, &self.foreign));
            if self.bed.plan(&text).unwrap().is_empty() {
                return self.is_as_configured();
            }
        }
        panic!("it does not settle: {}\n{text}", show(&self.bed.plan(&text).unwrap()));
    }

    fn is_as_configured(&mut self) {
        let blocks = self.blocks.values().filter(|_| !self.bed.destroy);
        let wanted: BTreeSet<String> = blocks
            .flat_map(|block| match &block.keys {
                None => vec![block.name()],
                Some(keys) => keys.iter().map(|key| format!("{}-{key}", block.name())).collect(),
            })
            .collect();
        self.foreign = self.bed.with(|reality| {
            let there: BTreeSet<String> = reality.things.keys().cloned().collect();
            let left: BTreeSet<String> = there.difference(&wanted).cloned().collect();
            assert!(wanted.is_subset(&there), "{wanted:?} {there:?}");
            assert!(left.is_subset(&self.foreign), "left behind: {left:?}");
            let recorded: BTreeSet<String> =
                reality.state.records.values().map(|record| record.identity.clone()).collect();
            assert_eq!(recorded, wanted);
            assert!(reality.state.records.values().all(|record| record.status == RecordStatus::Complete));
            left
        });
    }
}

fn secret(number: u64) -> Input {
    Input::Text { name: "s".to_owned(), text: format!("hush{number}"), origin: "-var".to_owned() }
}

/// Whatever we made is in the state, or in the journal on top of it.
fn nothing_is_forgotten(reality: &Reality, foreign: &BTreeSet<String>) {
    let known = fold(reality.state.clone(), reality.journal.clone()).unwrap();
    let recorded: BTreeSet<_> = known.records.values().map(|record| record.identity.as_str()).collect();
    for name in reality.things.keys().filter(|name| !foreign.contains(*name)) {
        assert!(recorded.contains(name.as_str()), "{name} is forgotten");
    }
}

/// Nothing was done to a target that is not a step of the plan.
fn only_what_was_planned(plan: &Plan, reality: &Reality) {
    let planned: BTreeSet<String> = plan
        .steps
        .iter()
        .filter_map(|step| {
            let change = plan.change(&step.address)?;
            let StepOperation::Perform(operation) = step.operation else { return None };
            let identity = match operation {
                Operation::Delete => change.prior_identity.as_ref().or(change.identity.as_ref()),
                _ => change.identity.as_ref(),
            };
            Some(format!("{operation:?} {}", identity?))
        })
        .collect();
    for step in &reality.performed {
        assert!(planned.contains(step), "{step} was not planned: {planned:?}");
    }
}
