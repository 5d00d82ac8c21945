//! `fmt`: what it writes, what it lists, and how it ends.

use std::fs;

use crate::program::{self, Ended};
use crate::stack::Stack;

const UGLY: &str = "locals {\na=1\n  bbb = \"${local.a}\" # why\n}\n";
const TIDY: &str = "locals {\n  a   = 1\n  bbb = local.a # why\n}\n";

fn stack() -> Stack {
    let stack = Stack::of(UGLY);
    stack.write("tidy.hcl", TIDY);
    fs::create_dir(stack.path("sub")).unwrap();
    stack.write("sub/x.auto.hclvars", "a=1\n");
    stack
}

fn read(stack: &Stack, name: &str) -> String {
    fs::read_to_string(stack.path(name)).unwrap()
}

/// Runs with a text on standard input.
fn piped(stack: &Stack, arguments: &[&str], input: &str) -> Ended {
    program::piped(stack.command().args(arguments), input)
}

#[test]
fn a_folder_is_formatted_and_its_changed_files_are_listed() {
    let stack = stack();
    assert_eq!(stack.run(["fmt", "-check"]).code(3).out, "main.hcl\n");
    assert_eq!(stack.run(["fmt", "-check", "-list=false"]).code(3).out, "");
    assert_eq!(stack.run(["fmt", "-write=false"]).done().out, "main.hcl\n");
    assert_eq!(read(&stack, "main.hcl"), UGLY);
    assert_eq!(stack.run(["fmt"]).done().out, "main.hcl\n");
    assert_eq!(read(&stack, "main.hcl"), TIDY);
    assert_eq!(stack.run(["fmt", "-check"]).done().out, "");
    assert_eq!(stack.run(["fmt", "-recursive"]).done().out, "sub/x.auto.hclvars\n");
    assert_eq!(read(&stack, "sub/x.auto.hclvars"), "a = 1\n");
}

#[test]
fn the_changes_are_shown_as_patch_reads_them() {
    let stack = stack();
    let diff = "--- old/main.hcl\n+++ new/main.hcl\n@@ -1,4 +1,4 @@\n locals {\n-a=1\n-  bbb = \"${local.a}\" # why\n+  a   = 1\n+  bbb = local.a # why\n }\n";
    assert_eq!(stack.run(["fmt", "-check", "-diff", "-list=false"]).code(3).out, diff);
}

#[test]
fn standard_input_is_formatted_to_standard_output() {
    let stack = stack();
    assert_eq!(piped(&stack, &["fmt", "-"], UGLY).done().out, TIDY);
    assert_eq!(piped(&stack, &["fmt", "-"], TIDY).done().out, TIDY);
    assert_eq!(piped(&stack, &["fmt", "-check", "-"], UGLY).code(3).out, "");
    assert_eq!(piped(&stack, &["fmt", "-check", "-"], TIDY).done().out, "");
    let refused = piped(&stack, &["fmt", "-"], "a = [\n")
        .code(1)
        .complains(&["standard input:1:5", "This [ is not closed."]);
    assert_eq!(refused.out, "");
}

#[test]
fn a_file_that_is_wrong_is_left_alone_and_keeps_no_other_waiting() {
    let stack = stack();
    stack.write("a.hcl", "a = \n");
    stack.run(["fmt"]).code(1).complains(&["a.hcl:1:5"]).says(&["main.hcl"]);
    assert_eq!(read(&stack, "a.hcl"), "a = \n");
    assert_eq!(read(&stack, "main.hcl"), TIDY);
    stack.run(["fmt", "none.hcl", "tidy.hcl"]).code(1).complains(&["There is no file or folder none.hcl."]);
}
