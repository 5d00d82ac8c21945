//! A stack as it is meant: its blocks, the text that says so, and what must be there once it is applied.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use meshform_engine::value::Value;

use crate::reality::{Key, Thing};

/// What every secret begins with, and nothing else does.
pub(crate) const HUSH: &str = "hush";

/// The file of the module that blocks of [`Form::Module`] call.
pub(crate) const MODULE: &str = r#"
variable "place" { }
variable "name" { }
variable "input" { }
variable "fixed" { }
resource "thing" "it" {
  cluster = var.place
  name    = var.name
  input   = var.input
  fixed   = var.fixed
}
output "id" { value = thing.it.id }
output "name" { value = thing.it.name }
"#;

/// The blocks of a stack by number; each refers only to those before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stack {
    pub(crate) blocks: BTreeMap<u64, Block>,
    /// Which secret its variable holds.
    pub(crate) secret: u64,
    /// Whether names change with what cannot change, so that things may be created before they are destroyed.
    pub(crate) renames: bool,
    /// Blocks that have been given other numbers, with a `moved` block.
    pub(crate) moved: BTreeMap<u64, u64>,
    /// Blocks whose things are to stay when they leave the stack, with their form.
    pub(crate) removed: BTreeMap<u64, Form>,
    /// Whether the output with all identities is sensitive.
    pub(crate) hides_ids: bool,
    /// Whether all of it is to go.
    pub(crate) destroy: bool,
}

/// A block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// The number that its thing is called by.
    pub(crate) thing: u64,
    pub(crate) form: Form,
    pub(crate) each: Each,
    pub(crate) cluster: u64,
    pub(crate) input: Meant,
    pub(crate) fixed: u64,
    pub(crate) lifecycle: Lifecycle,
}

/// How a thing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Resource,
    /// In a module of its own.
    Module,
}

/// How often a block is meant.
#[derive(Clone, Debug)]
pub(crate) enum Each {
    Once,
    Count(u64),
    Keys(BTreeSet<u64>),
    /// Once for each id of an earlier block, which are not known before that is made.
    IdsOf(u64),
}

/// What an input is.
#[derive(Clone, Debug)]
pub(crate) enum Meant {
    Nothing,
    Number(u64),
    Secret,
    /// What the target says of an earlier block.
    IdOf(u64),
    /// What is found by looking the things of an earlier block up, after they are made.
    Found(u64),
}

/// What its `lifecycle` says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lifecycle {
    pub(crate) ignores: bool,
    pub(crate) protected: bool,
    pub(crate) triggered_by: Option<u64>,
    pub(crate) created_first: bool,
}

/// What must be there: the input, unless it is ignored, and what cannot change.
pub(crate) type Wanted = BTreeMap<Key, (Option<Value>, String)>;

impl Block {
    fn is_repeated(&self) -> bool {
        !matches!(self.each, Each::Once)
    }
}

/// The text of the secret of this number.
pub(crate) fn secret(number: u64) -> String {
    format!("{HUSH}-{number}-{}", number * 7919)
}

pub(crate) fn cluster(number: u64) -> String {
    format!("c{number}")
}

impl Stack {
    pub(crate) fn text(&self) -> String {
        let mut text =
            "cluster \"c0\" { }\ncluster \"c1\" { }\nvariable \"s\" {\n  sensitive = true\n}\n".to_owned();
        for (at, block) in &self.blocks {
            self.write_look_up(&mut text, *at, block);
            self.write_block(&mut text, *at, block);
        }
        for (from, to) in &self.moved {
            let (from, to) = (self.named(*from, *to), self.named(*to, *to));
            write(&mut text, format_args!("moved {{\n  from = {from}\n  to   = {to}\n}}\n"));
        }
        for (at, form) in &self.removed {
            let from = reference(*form, *at);
            write(
                &mut text,
                format_args!("removed {{\n  from = {from}\n  lifecycle {{\n    destroy = false\n  }}\n}}\n"),
            );
        }
        let ids: Vec<_> = self.blocks.keys().map(|at| self.ids_text(*at)).collect();
        let hidden = if self.hides_ids { "  sensitive = true\n" } else { "" };
        write(&mut text, format_args!("output \"ids\" {{\n  value = [{}]\n{hidden}}}\n", ids.join(", ")));
        text.push_str("output \"s\" {\n  value     = var.s\n  sensitive = true\n}\n");
        text
    }

    fn write_look_up(&self, text: &mut String, at: u64, block: &Block) {
        let Meant::Found(other) = block.input else { return };
        let (it, cluster) = (self.name_of(other), self.blocks.get(&other).map_or(0, |other| other.cluster));
        let (each, name) = match self.is_repeated(other) {
            true => (
                format!("  for_each = {{ for key, it in {it} : key => it.name }}\n"),
                "each.value".to_owned(),
            ),
            false => (String::new(), format!("{it}.name")),
        };
        write(
            text,
            format_args!(
                "data \"thing\" \"d{at}\" {{\n{each}  cluster = cluster.c{cluster}\n  name = {name}\n  depends_on = [{it}]\n}}\n"
            ),
        );
    }

    fn write_block(&self, text: &mut String, at: u64, block: &Block) {
        let (each, key) = match &block.each {
            Each::Once => (String::new(), ""),
            Each::Count(count) => (format!("  count = {count}\n"), "-${count.index}"),
            Each::Keys(keys) => {
                let keys: Vec<_> = keys.iter().map(|key| format!("\"{key}\"")).collect();
                (format!("  for_each = toset([{}])\n", keys.join(", ")), "-${each.key}")
            }
            Each::IdsOf(other) => {
                let ids = match self.is_repeated(*other) {
                    true => self.ids_text(*other),
                    false => format!("[{}]", self.ids_text(*other)),
                };
                (format!("  for_each = toset({ids})\n"), "-${each.key}")
            }
        };
        let (place, input) = (cluster(block.cluster), self.input_text(at, block));
        let content = format!(
            "  name = \"{}{key}\"\n  input = {input}\n  fixed = \"{}\"\n",
            self.stem(block),
            block.fixed
        );
        match block.form {
            Form::Module => write(
                text,
                format_args!(
                    "module \"b{at}\" {{\n  source = \"./m\"\n{each}  place = cluster.{place}\n{content}}}\n"
                ),
            ),
            Form::Resource => write(
                text,
                format_args!(
                    "resource \"thing\" \"b{at}\" {{\n{each}  cluster = cluster.{place}\n{content}{}}}\n",
                    self.lifecycle_text(&block.lifecycle)
                ),
            ),
        }
    }

    fn lifecycle_text(&self, lifecycle: &Lifecycle) -> String {
        let mut lines = String::new();
        if lifecycle.ignores {
            lines.push_str("    ignore_changes = [input]\n");
        }
        if lifecycle.protected {
            lines.push_str("    prevent_destroy = true\n");
        }
        if lifecycle.created_first {
            lines.push_str("    create_before_destroy = true\n");
        }
        if let Some(other) = lifecycle.triggered_by {
            write(&mut lines, format_args!("    replace_triggered_by = [{}]\n", self.name_of(other)));
        }
        format!("  lifecycle {{\n{lines}  }}\n")
    }

    fn input_text(&self, at: u64, block: &Block) -> String {
        match block.input {
            Meant::Nothing => "null".to_owned(),
            Meant::Number(number) => number.to_string(),
            Meant::Secret => "var.s".to_owned(),
            Meant::IdOf(other) => self.ids_text(other),
            Meant::Found(other) if self.is_repeated(other) => format!("[for it in data.thing.d{at} : it.id]"),
            Meant::Found(_) => format!("data.thing.d{at}.id"),
        }
    }

    /// An expression that gives the ids of a block: one, or a list.
    fn ids_text(&self, at: u64) -> String {
        let it = self.name_of(at);
        if self.is_repeated(at) { format!("[for it in {it} : it.id]") } else { format!("{it}.id") }
    }

    fn is_repeated(&self, at: u64) -> bool {
        self.blocks.get(&at).is_some_and(Block::is_repeated)
    }

    /// What a block is called.
    pub(crate) fn name_of(&self, at: u64) -> String {
        self.named(at, at)
    }

    /// What a block is called under a number, written as the block of another number is.
    fn named(&self, at: u64, written_as: u64) -> String {
        reference(self.blocks.get(&written_as).map_or(Form::Resource, |block| block.form), at)
    }

    fn stem(&self, block: &Block) -> String {
        match self.renames {
            true => format!("t{}-f{}", block.thing, block.fixed),
            false => format!("t{}", block.thing),
        }
    }

    /// The keys of a block's things, in the order of their instances.
    fn keys(&self, block: &Block, things: &BTreeMap<Key, Thing>) -> Vec<Key> {
        let stem = self.stem(block);
        let place = cluster(block.cluster);
        let key = |suffix: String| (place.clone(), format!("{stem}-{suffix}"));
        match &block.each {
            Each::Once => vec![(place, stem)],
            Each::Count(count) => (0..*count).map(|index| key(index.to_string())).collect(),
            Each::Keys(keys) => keys.iter().map(|each| key(each.to_string())).collect(),
            Each::IdsOf(other) => {
                let ids: BTreeSet<_> = self.ids(*other, things).into_iter().collect();
                ids.into_iter().map(key).collect()
            }
        }
    }

    fn ids(&self, at: u64, things: &BTreeMap<Key, Thing>) -> Vec<String> {
        let Some(block) = self.blocks.get(&at) else { return Vec::new() };
        let id = |key: &Key| Some(things.get(key)?.attributes.get_str("id")?.to_owned());
        self.keys(block, things).iter().filter_map(id).collect()
    }

    /// All that must be there once this is applied, given what the targets have called things.
    pub(crate) fn wanted(&self, things: &BTreeMap<Key, Thing>) -> Wanted {
        let blocks = self.blocks.values().filter(|_| !self.destroy);
        let wanted = blocks.flat_map(|block| {
            let input = (!block.lifecycle.ignores).then(|| self.input(block, things));
            let content = (input, block.fixed.to_string());
            self.keys(block, things).into_iter().map(move |key| (key, content.clone()))
        });
        wanted.collect()
    }

    fn input(&self, block: &Block, things: &BTreeMap<Key, Thing>) -> Value {
        match block.input {
            Meant::Nothing => Value::null(),
            Meant::Number(number) => Value::number(number),
            Meant::Secret => Value::string(secret(self.secret)),
            Meant::IdOf(other) | Meant::Found(other) => {
                let mut ids = self.ids(other, things).into_iter().map(Value::string);
                match self.is_repeated(other) {
                    true => Value::list(ids),
                    false => ids.next().unwrap_or_else(Value::null),
                }
            }
        }
    }
}

fn reference(form: Form, at: u64) -> String {
    match form {
        Form::Resource => format!("thing.b{at}"),
        Form::Module => format!("module.b{at}"),
    }
}

fn write(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    let _ = text.write_fmt(arguments);
}
