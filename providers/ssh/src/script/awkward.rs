//! Names and contents that upset a shell, made at random, through the programs that look and write, by every shell that hosts have.

use std::fs;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::tests::{Machine, machines, new};
use super::*;

/// What a name or a content may be made of.
const PIECES: &[&str] = &[
    "'",
    "\"",
    "\\",
    "$(echo ran)",
    "`echo ran`",
    "$HOME",
    "${PATH}",
    "$$",
    "$'",
    "\n",
    "\r",
    "\t",
    " ",
    "  ",
    ";",
    "&",
    "&&",
    "|",
    "<",
    ">",
    "*",
    "?",
    "[a]",
    "{b,c}",
    "~",
    "#",
    "!",
    "!!",
    "%s",
    "%",
    "-",
    "--",
    "-n",
    "=",
    "(",
    ")",
    "}",
    "\\n",
    "\\0",
    "\\'",
    "'\\''",
    "é",
    "日本",
    "🦀",
    "\u{301}",
    "\u{202e}",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{1}",
    "END",
    "EOF",
    "CONTENT-n",
    "RUN-",
    "finish",
    "a",
    "b",
];

/// So many names fit into a folder's limit of 255 bytes.
const PIECES_MAX: usize = 18;

fn text(random: &mut StdRng, pieces: usize) -> String {
    let count = random.random_range(1..=pieces);
    (0..count).map(|_| PIECES[random.random_range(0..PIECES.len())]).collect()
}

/// The name of a file: all but a slash can be in it, and nothing but dots is another one's.
fn name(random: &mut StdRng, number: usize) -> String {
    let made = text(random, PIECES_MAX);
    match random.random_range(0..3) {
        0 => format!("{number}{made}"),
        1 => format!("{made}{number}"),
        _ => format!("{made}{number}{}", text(random, 1)),
    }
}

/// Bytes of any kind, or text, of any length up to a few lines.
fn content(random: &mut StdRng) -> Vec<u8> {
    match random.random_range(0..3) {
        0 => (0..random.random_range(0..300)).map(|_| random.random()).collect(),
        1 => [b"\0", text(random, 30).as_bytes(), b"\0\0\n"].concat(),
        _ => text(random, 60).into_bytes(),
    }
}

/// What each shell is asked to hold must be held by it to the byte.
fn each(check: impl Fn(&Machine, StdRng)) {
    for (seed, machine) in (31..).zip(machines()) {
        check(&machine, StdRng::seed_from_u64(seed));
    }
}

#[test]
fn words_are_what_was_quoted() {
    each(|machine, mut random| {
        let words: Vec<_> = (0..400).map(|_| text(&mut random, 30)).collect();
        let script: String = words.iter().map(|word| format!("printf '%s\\0' {}\n", quote(word))).collect();
        let (output, complaints) = machine.raw(&script);
        let expect: String = words.iter().map(|word| format!("{word}\0")).collect();
        assert_eq!(String::from_utf8(output).unwrap(), expect, "{:?}", machine.shell);
        assert_eq!(complaints, "");
    });
}

#[test]
fn every_file_is_looked_at() {
    each(|machine, mut random| {
        let files: Vec<_> =
            (0..200).map(|number| (machine.file(&name(&mut random, number)), content(&mut random))).collect();
        for (path, content) in files.iter().step_by(2) {
            fs::write(path, content).unwrap();
        }
        let looks = files.iter().enumerate().map(|(index, (path, _))| FileLook {
            index,
            path,
            want: None,
            content: true,
        });
        let looks = Looks { files: looks.collect(), ..Looks::default() };
        let answer = machine.run(&super::look("n", &looks, false, false));
        for (index, (path, content)) in files.iter().enumerate() {
            let held = answer.get("content", index).and_then(|record| record.bytes(0));
            let sum = answer.get("sum", index).map(|record| record.field(0).to_owned());
            let is_there = index % 2 == 0;
            assert_eq!(held.as_ref(), is_there.then_some(content), "{:?} {path:?}", machine.shell);
            assert_eq!(sum, is_there.then(|| sha256(content)), "{:?} {path:?}", machine.shell);
            assert_eq!(answer.get("absent", index).is_some(), !is_there, "{:?} {path:?}", machine.shell);
        }
    });
}

#[test]
fn every_file_is_written_and_removed() {
    each(|machine, mut random| {
        for number in 0..30 {
            let folder = format!("{}.d", name(&mut random, number));
            let path = machine.file(&format!("{folder}/{}", name(&mut random, number)));
            let content = content(&mut random);
            let file = Write { content: &content, parents: true, ..new(&path, "") };
            assert_eq!(machine.change(&write("n", &file)), "done renamed", "{:?} {path:?}", machine.shell);
            assert!(fs::read(&path).unwrap() == content, "{:?} {path:?} holds {content:?}", machine.shell);
            let gone =
                Remove { path: &path, policy: Policy::Remove, was: "", guard: Guard::Any, confirm: None };
            assert_eq!(machine.change(&remove("n", &gone)), "done removed", "{:?} {path:?}", machine.shell);
            fs::remove_dir(machine.file(&folder)).unwrap();
        }
        assert_eq!(machine.names(), Vec::<String>::new(), "nothing else was made by {:?}", machine.shell);
    });
}

#[test]
fn every_value_reaches_a_command() {
    each(|machine, mut random| {
        for _ in 0..40 {
            let folder = machine.file(&name(&mut random, 0));
            fs::create_dir(&folder).unwrap();
            let values: Vec<_> = (0..8).map(|_| text(&mut random, 30)).collect();
            let names = ["A", "B", "C", "D", "E", "F", "G", "_h1"];
            let task = Task {
                command: "printf '%s\\0' \"$PWD\" \"$A\" \"$B\" \"$C\" \"$D\" \"$E\" \"$F\" \"$G\" \"$_h1\"",
                setting: Setting {
                    environment: names.into_iter().zip(values.iter().map(String::as_str)).collect(),
                    folder: Some(&folder),
                },
                guards: Guards { creates: Some("/nowhere"), ..Guards::default() },
                seconds: 20,
                revert: None,
            };
            let answer = machine.run(&super::task("n", &task, true));
            let output = answer.get("output", 0).and_then(|record| record.bytes(0)).unwrap();
            let expect: String =
                [&folder].into_iter().chain(&values).map(|value| format!("{value}\0")).collect();
            assert_eq!(String::from_utf8(output).unwrap(), expect, "{:?}", machine.shell);
            fs::remove_dir(&folder).unwrap();
        }
        assert_eq!(machine.names(), Vec::<String>::new(), "nothing else was made by {:?}", machine.shell);
    });
}
