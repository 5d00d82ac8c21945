//! The language reference is true: its stacks are checked and planned, its expressions evaluated. `UPDATE=1` writes the answers anew.

use std::fs;

use crate::program::piped;
use crate::stack::{Stack, checkout};

const PAGE: &str = "engine/language.md";

/// A fenced block: its language, and its lines.
struct Block {
    language: String,
    lines: Vec<String>,
}

/// The page as text and fenced blocks, in turn.
fn parts(text: &str) -> Vec<Result<String, Block>> {
    let mut parts = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        match line.strip_prefix("```") {
            None => parts.push(Ok(line.to_owned())),
            Some(language) => {
                let inside = lines.by_ref().take_while(|line| *line != "```").map(str::to_owned);
                parts.push(Err(Block { language: language.to_owned(), lines: inside.collect() }));
            }
        }
    }
    parts
}

/// The lines after `>` with their answers: in a block of `values` each as one line of JSON.
fn answered(block: &Block) -> Vec<String> {
    let stack = Stack::of("");
    let mut answered = Vec::new();
    for question in block.lines.iter().filter(|line| line.starts_with("> ")) {
        let mut console = stack.command();
        answered.push(question.clone());
        if block.language == "values" {
            let answer = piped(console.args(["console", "-json"]), &question[2..]).done();
            let answer: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
            answered.push(answer["value"].to_string());
        } else {
            let answer = piped(console.arg("console"), &question[2..]).done();
            answered.extend(answer.out.lines().map(str::to_owned));
        }
    }
    answered
}

#[test]
fn its_expressions_have_the_answers_that_it_shows() {
    let path = checkout().join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let mut questions = 0;
    let mut written = String::new();
    for part in parts(&page) {
        match part {
            Ok(line) => written.push_str(&format!("{line}\n")),
            Err(block) => {
                let is_asked = ["console", "values"].contains(&block.language.as_str());
                let lines = if is_asked { answered(&block) } else { block.lines };
                questions += lines.iter().filter(|line| is_asked && line.starts_with("> ")).count();
                written.push_str(&format!("```{}\n{}\n```\n", block.language, lines.join("\n")));
            }
        }
    }
    assert!(questions > 60, "{questions}");
    if std::env::var_os("UPDATE").is_some() {
        return fs::write(&path, written).unwrap();
    }
    assert_eq!(page, written, "UPDATE=1 writes the answers anew");
}

#[test]
fn its_stacks_are_valid() {
    let page = fs::read_to_string(checkout().join(PAGE)).unwrap();
    let blocks: Vec<_> =
        parts(&page).into_iter().filter_map(Result::err).filter(|it| it.language == "hcl").collect();
    let mut stacks: Vec<Vec<(String, String)>> = Vec::new();
    for block in blocks {
        // A block that begins with the name of another file belongs to the stack before.
        match block.lines[0].strip_prefix("# ").filter(|name| name.ends_with(".hcl")) {
            Some(name) => stacks.last_mut().unwrap().push((name.to_owned(), block.lines.join("\n"))),
            None => stacks.push(vec![("main.hcl".to_owned(), block.lines.join("\n"))]),
        }
    }
    assert!(stacks.len() >= 8, "{}", stacks.len());
    for files in stacks {
        let stack = Stack::of("");
        for (name, text) in &files {
            fs::create_dir_all(stack.path(name).parent().unwrap()).unwrap();
            stack.write(name, &format!("{text}\n"));
        }
        stack.run(["fmt", "-check", "-recursive"]).done();
        stack.run(["validate"]).done();
        if files.iter().any(|(name, _)| name.ends_with(".mftest.hcl")) {
            stack.run(["test"]).done();
        }
        // Where it is about a cluster or a host that is not there, that is all that can be said.
        if !files.iter().any(|(_, text)| text.contains("kubeconfig") || text.contains("address")) {
            stack.apply().done();
            stack.plan().done();
        }
    }
}

#[test]
fn it_names_every_function() {
    let page = fs::read_to_string(checkout().join(PAGE)).unwrap();
    let asked: String =
        parts(&page).into_iter().filter_map(Result::err).flat_map(|block| block.lines).collect();
    for name in meshform_engine::lang::function_names() {
        assert!(asked.contains(&format!("{name}(")), "no example of {name}");
    }
}
