//! One suite of commands for real hosts and for the sandbox's: what they say, and how they end.
//!
//! A file of `commands` is a list of cases, one after the other on one host:
//!
//! ```text
//! $ a command line
//! + more of it, as another line
//! > a line that it prints
//! ! a part of what it says on standard error
//! = its exit status, unless that is 0
//! @ accounts: it takes more than one account, and a sandbox that isn't run by root has just one
//! - sandbox: why the sandbox's host differs; the lines below are what it does instead
//! ```

use std::fs;
use std::path::{Path, PathBuf};

/// How a command ended: its exit status, and what it said on both of its outputs.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// What a command is to do.
#[derive(Clone, Default)]
struct Expected {
    lines: Vec<String>,
    errors: Vec<String>,
    code: i32,
}

struct Case {
    place: String,
    line: String,
    expected: Expected,
    sandbox: Option<Expected>,
    takes_accounts: bool,
}

/// Whom the commands are asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    #[allow(dead_code, reason = "only real hosts are real")]
    Real,
    #[allow(dead_code, reason = "real hosts are no sandbox")]
    Sandbox { has_accounts: bool },
}

/// More differences than these would be a sandbox that cannot be trusted.
const DIFFERENCES_MAX: usize = 12;

/// The names of the files, in order.
pub(crate) fn topics() -> Vec<String> {
    let entries = fs::read_dir(folder()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter_map(|name| name.strip_suffix(".txt").map(str::to_owned)).collect();
    names.sort();
    names
}

/// Runs the cases of one file, and tells what was otherwise than expected.
pub(crate) fn differences(topic: &str, asked: Asked, run: &dyn Fn(&str) -> Said) -> Vec<String> {
    let cases = read(&folder().join(format!("{topic}.txt")));
    let is_asked = |case: &&Case| !case.takes_accounts || asked != Asked::Sandbox { has_accounts: false };
    let told = cases.iter().filter(is_asked).filter_map(|case| {
        let expected = case.sandbox.as_ref().filter(|_| asked != Asked::Real).unwrap_or(&case.expected);
        let said = run(&case.line);
        let why = difference(expected, &said)?;
        let Said { code, out, err } = said;
        Some(format!("{}: {}\n{why}; it said ({code}):\n{out}{err}", case.place, case.line))
    });
    told.collect()
}

/// How many cases there are, and in how many of them the sandbox is known to differ.
pub(crate) fn counts() -> (usize, usize) {
    let all: Vec<Case> =
        topics().iter().flat_map(|topic| read(&folder().join(format!("{topic}.txt")))).collect();
    (all.len(), all.iter().filter(|case| case.sandbox.is_some()).count())
}

/// That there are not too many differences.
pub(crate) fn few(known: usize) -> bool {
    known <= DIFFERENCES_MAX
}

fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut checkouts = here.ancestors().map(|folder| folder.join("tests/hosts/commands"));
    checkouts.find(|folder| folder.is_dir()).unwrap()
}

fn read(path: &Path) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (number, line) in fs::read_to_string(path).unwrap().lines().enumerate() {
        let (mark, text) = line.split_at_checked(1).unwrap_or(("", ""));
        let text = text.strip_prefix(' ').unwrap_or(text).to_owned();
        if mark == "$" {
            let place = format!("{}:{}", path.file_name().unwrap().to_string_lossy(), number + 1);
            let expected = Expected::default();
            cases.push(Case { place, line: text, expected, sandbox: None, takes_accounts: false });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        if mark == "@" {
            assert!(text.starts_with("accounts"), "{line}");
            case.takes_accounts = true;
            continue;
        }
        if mark == "-" {
            assert!(text.starts_with("sandbox: "), "{line}: no reason is given");
            case.sandbox = Some(Expected::default());
            continue;
        }
        let expected = case.sandbox.as_mut().unwrap_or(&mut case.expected);
        match mark {
            "+" => case.line.push_str(&format!("\n{text}")),
            ">" => expected.lines.push(text),
            "!" => expected.errors.push(text),
            "=" => expected.code = text.parse().unwrap(),
            "" | "#" => {}
            mark => unreachable!("{mark} in {}", path.display()),
        }
    }
    cases
}

fn difference(expected: &Expected, said: &Said) -> Option<String> {
    if said.code != expected.code {
        return Some(format!("it ended with {} instead of {}", said.code, expected.code));
    }
    if !said.out.lines().eq(expected.lines.iter()) {
        return Some(format!("it did not print {:?}", expected.lines));
    }
    let missing = expected.errors.iter().find(|part| !said.err.contains(*part))?;
    Some(format!("it did not complain {missing:?}"))
}
