//! How large functions and files are. A ratchet: what is too long already may stay for now, but no more may join it.

use crate::functions::functions;
use crate::sources::{Source, rust};

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 500;

/// How many functions and files were longer when this was last looked at. Lower it when one goes; never raise it.
const LONG_FUNCTIONS: usize = 0;
const LONG_FILES: usize = 0;

fn long_functions(source: &Source) -> Vec<String> {
    let long = functions(&source.text).into_iter().filter(|function| function.lines > FUNCTION_LINES_MAX);
    long.map(|function| format!("{}: {} has {} lines", source.path, function.name, function.lines)).collect()
}

fn long_file(source: &Source) -> Option<String> {
    let lines = source.text.lines().count();
    (lines > FILE_LINES_MAX).then(|| format!("{} has {lines} lines", source.path))
}

/// Fails when there are more than before, and also when there are fewer, so that the numbers above stay true.
fn ratchet(found: &[String], before: usize) {
    assert_eq!(found.len(), before, "too long:\n{}", found.join("\n"));
}

#[test]
fn functions_stay_short() {
    ratchet(&rust().iter().flat_map(long_functions).collect::<Vec<_>>(), LONG_FUNCTIONS);
}

#[test]
fn files_stay_short() {
    ratchet(&rust().iter().filter_map(long_file).collect::<Vec<_>>(), LONG_FILES);
}

#[test]
fn what_is_too_long_is_found() {
    let source = |lines: usize| Source {
        path: "a.rs".to_owned(),
        text: format!("fn long() {{\n{}}}\n", "    call();\n".repeat(lines - 2)),
    };
    assert_eq!(long_functions(&source(70)), Vec::<String>::new());
    assert_eq!(long_functions(&source(71)), ["a.rs: long has 71 lines"]);
    assert_eq!(long_file(&source(500)), None);
    assert_eq!(long_file(&source(501)), Some("a.rs has 501 lines".to_owned()));
}
