//! How stacks change: blocks come, go, change, and are given other names.

use std::collections::BTreeSet;

use meshform_engine::address::Address;
use meshform_engine::plan::{Refresh, Restriction};

use crate::lab::Asked;
use crate::random::Random;
use crate::stack::{Block, Each, Form, Lifecycle, Meant, Stack};

/// How many blocks a stack may have.
const BLOCKS: u64 = 7;

/// Changes a stack. `names` counts the things that have been given a name.
pub(crate) fn edit(stack: &mut Stack, random: &mut Random, names: &mut u64) {
    stack.moved.clear();
    stack.removed.clear();
    for _ in 0..=random.below(5) {
        let at = random.below(BLOCKS);
        match random.below(8) {
            0 => remove(stack, random, at),
            1 => rename(stack, random, at),
            _ => {
                let block = block(stack, random, names, at);
                stack.blocks.insert(at, block);
            }
        }
    }
    if random.one_in(3) {
        stack.secret = random.below(9);
    }
    forget_strangers(stack);
}

/// What a plan may be asked to be besides: about a part of the stack, with replacements, or with less to look at.
pub(crate) fn asked_for(stack: &Stack, random: &mut Random) -> Asked {
    let nth = usize::try_from(random.below(stack.blocks.len() as u64)).unwrap_or(0);
    let named = stack.blocks.keys().nth(nth).map(|at| stack.name_of(*at));
    let mut asked = Asked::default();
    match (random.below(16), named) {
        (0, Some(named)) => asked.restriction = named.parse().ok().map(|it| Restriction::Only(vec![it])),
        (1, Some(named)) => asked.restriction = named.parse().ok().map(|it| Restriction::Except(vec![it])),
        // What is created first cannot be replaced under the same name.
        (2, Some(named)) if !stack.renames => asked.replace.extend(named.parse::<Address>().ok()),
        (3, _) => asked.refresh = Refresh::Changes,
        (4, _) => asked.refresh = Refresh::Only,
        _ => {}
    }
    asked
}

fn remove(stack: &mut Stack, random: &mut Random, at: u64) {
    if let Some(block) = stack.blocks.remove(&at)
        && random.one_in(3)
    {
        stack.removed.insert(at, block.form);
    }
}

/// The same thing under another name, behind all that it may refer to.
fn rename(stack: &mut Stack, random: &mut Random, at: u64) {
    let to = at + random.below(3) + 1;
    if stack.blocks.contains_key(&to) {
        return;
    }
    if let Some(block) = stack.blocks.remove(&at) {
        stack.blocks.insert(to, block);
        if random.one_in(2) {
            stack.moved.insert(at, to);
        }
    }
}

/// A new block, or an old one with something changed.
fn block(stack: &Stack, random: &mut Random, names: &mut u64, at: u64) -> Block {
    let known = stack.blocks.get(&at);
    let thing = match known {
        Some(known) if !random.one_in(5) => known.thing,
        _ => {
            *names += 1;
            *names
        }
    };
    let form = match known {
        Some(known) if !random.one_in(8) => known.form,
        _ if random.one_in(4) => Form::Module,
        _ => Form::Resource,
    };
    let cluster = match known {
        Some(known) if !random.one_in(6) => known.cluster,
        _ => random.below(2),
    };
    let each = match random.below(9) {
        0 => Each::Count(random.below(4)),
        1 | 2 => Each::Keys((0..4).filter(|_| random.one_in(2)).collect()),
        3 if at > 0 => Each::IdsOf(random.below(at)),
        _ => Each::Once,
    };
    let input = match random.below(6) {
        0 => Meant::Nothing,
        1 => Meant::Number(random.below(3)),
        2 => Meant::Secret,
        3 if at > 0 => Meant::Found(random.below(at)),
        _ if at > 0 => Meant::IdOf(random.below(at)),
        _ => Meant::Number(7),
    };
    let lifecycle = lifecycle(stack, random, at);
    Block { thing, form, each, cluster, input, fixed: random.below(5) / 4, lifecycle }
}

fn lifecycle(stack: &Stack, random: &mut Random, at: u64) -> Lifecycle {
    Lifecycle {
        ignores: random.one_in(8),
        protected: random.one_in(12),
        // What is created first cannot be replaced under the same name.
        triggered_by: (at > 0 && !stack.renames && random.one_in(8)).then(|| random.below(at)),
        created_first: stack.renames && random.one_in(3),
    }
}

/// What refers to blocks that are not there any more refers to nothing.
fn forget_strangers(stack: &mut Stack) {
    let there: BTreeSet<u64> = stack.blocks.keys().copied().collect();
    let resources: BTreeSet<u64> =
        stack.blocks.iter().filter(|(_, block)| block.form == Form::Resource).map(|(at, _)| *at).collect();
    for block in stack.blocks.values_mut() {
        if let Each::IdsOf(other) = block.each
            && !there.contains(&other)
        {
            block.each = Each::Once;
        }
        if let Meant::IdOf(other) | Meant::Found(other) = block.input
            && !there.contains(&other)
        {
            block.input = Meant::Nothing;
        }
        block.lifecycle.triggered_by = block.lifecycle.triggered_by.filter(|other| resources.contains(other));
    }
    stack.moved.retain(|from, to| !there.contains(from) && there.contains(to));
    stack.removed.retain(|at, _| !there.contains(at));
}
