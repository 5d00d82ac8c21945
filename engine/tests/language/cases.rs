//! The tables as text: sections, expressions, and what is expected of them.
//!
//! ```text
//! ## section
//!
//! an expression, of one line or several
//! = its value, or one `! diagnostic` a line
//! ```

use std::path::{Path, PathBuf};
use std::{env, fs};

/// A file of cases.
pub(crate) struct Table {
    path: PathBuf,
    items: Vec<Item>,
}

enum Item {
    /// A comment, a heading or a blank line.
    Line(String),
    Case(Case),
}

/// An expression and what is expected of it.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) section: String,
    pub(crate) expression: String,
    /// Each line begins with a mark and a space.
    pub(crate) expected: Vec<String>,
    /// Where the expression starts.
    pub(crate) line: usize,
}

/// Where tables lie.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language")
}

/// All tables by name.
pub(crate) fn all() -> Vec<Table> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder().join("tables")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(Table::read).collect()
}

/// Whether what is expected is to be written anew.
pub(crate) fn updating() -> bool {
    env::var_os("UPDATE").is_some()
}

fn is_expectation(line: &str) -> bool {
    ["=", "!", "~"]
        .iter()
        .any(|mark| line == *mark || line.strip_prefix(mark).is_some_and(|rest| rest.starts_with(' ')))
}

impl Table {
    pub(crate) fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        let mut table = Self { path, items: Vec::new() };
        let mut section = String::new();
        let mut expression: Vec<&str> = Vec::new();
        let mut lines = text.lines().zip(1..).peekable();
        while let Some((line, number)) = lines.next() {
            if expression.is_empty() && (line.is_empty() || line.starts_with('#')) {
                section = line.strip_prefix("## ").map_or(section, str::to_owned);
                table.items.push(Item::Line(line.to_owned()));
                continue;
            }
            if expression.is_empty() || !is_expectation(line) {
                expression.push(line);
                continue;
            }
            let mut expected = vec![line.to_owned()];
            while let Some((more, _)) = lines.next_if(|(line, _)| is_expectation(line)) {
                expected.push(more.to_owned());
            }
            let line = number - expression.len();
            let expression = std::mem::take(&mut expression).join("\n");
            table.items.push(Item::Case(Case { section: section.clone(), expression, expected, line }));
        }
        assert!(expression.is_empty(), "{}: the last expression has no result", table.name());
        table
    }

    pub(crate) fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub(crate) fn cases(&self) -> impl Iterator<Item = &Case> {
        self.items.iter().filter_map(|item| match item {
            Item::Case(case) => Some(case),
            Item::Line(_) => None,
        })
    }

    /// Writes the table with other expectations.
    pub(crate) fn rewrite(&self, expected: impl Fn(&Case) -> Vec<String>) {
        let text: String = self
            .items
            .iter()
            .map(|item| match item {
                Item::Line(line) => format!("{line}\n"),
                Item::Case(case) => format!("{}\n{}\n", case.expression, expected(case).join("\n")),
            })
            .collect();
        fs::write(&self.path, text).unwrap();
    }
}
