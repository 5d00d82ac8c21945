//! What the simulator has found, each as the shortest history that shows it.

use crate::scenario::apply_in_turn;
use crate::stack::{Block, Each, Form, Lifecycle, Meant, Stack};

/// Applies these in turn: after each one all is as it says.
fn check(stacks: impl IntoIterator<Item = Stack>) {
    if let Err(problem) = apply_in_turn(stacks) {
        panic!("{problem}");
    }
}

fn block(cluster: u64, input: Meant) -> Block {
    let (form, each, lifecycle) = (Form::Resource, Each::Once, Lifecycle::default());
    Block { thing: 1, form, each, cluster, input, fixed: 0, lifecycle }
}

fn stack(blocks: impl IntoIterator<Item = (u64, Block)>) -> Stack {
    Stack { blocks: blocks.into_iter().collect(), ..Stack::default() }
}

#[test]
fn what_moves_to_another_target_is_removed_from_the_former() {
    check([0, 1].map(|cluster| stack([(0, block(cluster, Meant::Nothing))])));
    let renamed = |cluster, fixed| Stack {
        renames: true,
        ..stack([(0, Block { fixed, ..block(cluster, Meant::Nothing) })])
    };
    check([renamed(0, 0), renamed(1, 1)]);
}

#[test]
fn what_is_only_forgotten_needs_no_target() {
    let kept = (0, block(0, Meant::Nothing));
    let left = (1, Block { thing: 2, ..block(1, Meant::Nothing) });
    let without = Stack { removed: [(1, Form::Resource)].into(), ..stack([kept.clone()]) };
    check([stack([kept, left]), without]);
}

#[test]
fn an_ignored_secret_stays_one() {
    let ignoring =
        |input| Block { lifecycle: Lifecycle { ignores: true, ..Lifecycle::default() }, ..block(0, input) };
    check([Meant::Secret, Meant::Number(1)].map(|input| stack([(0, ignoring(input))])));
}

/// What it depends on is removed and made anew, and comes after its removal, and before its making: it goes first, then.
#[test]
fn what_moves_to_another_target_may_depend_on_what_is_replaced() {
    let stacks = [(0, 0), (1, 1)].map(|(cluster, fixed)| {
        let needed = Block { fixed, ..block(0, Meant::Nothing) };
        let moved = Block { thing: 2, ..block(cluster, Meant::IdOf(0)) };
        stack([(0, needed), (1, moved)])
    });
    check(stacks);
}

/// Its thing goes to another block in the same step as its `count`, so that it is recorded under an address that neither has.
#[test]
fn what_another_block_takes_over_is_not_removed_as_deposed() {
    let counted = |cluster, thing| Block { thing, each: Each::Count(3), ..block(cluster, Meant::Nothing) };
    let single = Block { thing: 3, ..block(1, Meant::Nothing) };
    check([stack([(5, counted(0, 1))]), stack([(5, single), (6, counted(0, 1))])]);
    // Under the same name, on the former target.
    let here = |cluster| block(cluster, Meant::Nothing);
    check([stack([(0, here(0))]), stack([(0, here(1)), (1, here(0))])]);
}
