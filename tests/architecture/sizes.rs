//! How large files are. How large functions are is clippy's to say (`too-many-lines-threshold`).

use crate::sources::{Source, rust};

const FILE_LINES_MAX: usize = 500;

fn long_file(source: &Source) -> Option<String> {
    let lines = source.text.lines().count();
    (lines > FILE_LINES_MAX).then(|| format!("{} has {lines} lines", source.path))
}

#[test]
fn files_stay_short() {
    assert_eq!(rust().iter().filter_map(long_file).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn what_is_too_long_is_found() {
    let source = |lines: usize| Source { path: "a.rs".to_owned(), text: "line\n".repeat(lines) };
    assert_eq!(long_file(&source(500)), None);
    assert_eq!(long_file(&source(501)), Some("a.rs has 501 lines".to_owned()));
}
