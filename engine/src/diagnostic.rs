//! Problems with a place: what the user wrote, where, why it is wrong, and what to do.
//!
//! Diagnostics accumulate: a run shows all that is wrong, not only the first thing.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;

use crate::address::ModulePath;

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The run goes on.
    Warning,
    /// The run ends without touching anything.
    Error,
}

/// One source file among [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// A stretch of one source file, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// The bytes.
    pub range: Range<usize>,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What kind of problem it is: constant text, no user values.
    pub summary: String,
    /// What, why, and what to do, in sentences.
    pub detail: String,
    /// The place to underline.
    pub span: Option<Span>,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Error, summary: summary.into(), detail: detail.into(), span: None }
    }

    /// A warning without a place.
    pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(summary, detail) }
    }

    /// The same diagnostic with a place.
    #[must_use]
    pub fn at(mut self, span: impl Into<Option<Span>>) -> Self {
        self.span = span.into();
        self
    }
}

/// All problems that one run found.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    all: Vec<Diagnostic>,
    /// The hashes of all of them, so that most need not be compared with any.
    hashes: HashSet<u64>,
}

impl Diagnostics {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, unless the very same one is there already (a block with many instances says it once).
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let mut hasher = DefaultHasher::new();
        diagnostic.hash(&mut hasher);
        if self.hashes.insert(hasher.finish()) || !self.all.contains(&diagnostic) {
            self.all.push(diagnostic);
        }
    }

    /// Adds all of another run.
    pub fn extend(&mut self, other: impl IntoIterator<Item = Diagnostic>) {
        other.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }

    /// Whether any of them is an error.
    pub fn has_errors(&self) -> bool {
        self.all.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// In the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.all.iter()
    }

    /// In the order of their places; those without a place last.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.all.sort_by_key(|diagnostic| match &diagnostic.span {
            Some(span) => (false, span.source.0, span.range.start),
            None => (true, 0, 0),
        });
        self
    }

    /// The same as warnings, whatever they were.
    #[must_use]
    pub fn into_warnings(self) -> Self {
        let mut warnings = Self::new();
        warnings.extend(self.all.into_iter().map(|it| Diagnostic { severity: Severity::Warning, ..it }));
        warnings
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

impl PartialEq for Diagnostics {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl Eq for Diagnostics {}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.into_iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        let mut diagnostics = Self::new();
        diagnostics.push(diagnostic);
        diagnostics
    }
}

/// One file of a stack as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The name to show, relative to where the user stands.
    pub name: String,
    /// The text with line ends normalised to `\n` and no byte-order mark.
    pub text: String,
    /// The folder of the module that it is part of, as seen from the stack's; `None` for the stack's own files.
    pub folder: Option<String>,
    /// Where each line begins.
    line_starts: Vec<usize>,
}

impl Source {
    fn new(name: String, text: String, folder: Option<String>) -> Self {
        let after = text.match_indices('\n').map(|(at, _)| at + 1);
        let line_starts = std::iter::once(0).chain(after).collect();
        Self { name, text, folder, line_starts }
    }

    /// The lines that a range touches, with one before and one after: the number of the first one, from 1, and their bytes.
    pub fn lines_around(&self, range: &Range<usize>) -> (usize, Range<usize>) {
        let first = self.line(range.start).saturating_sub(1);
        let behind = self.line(range.end) + 2;
        let start = |line: usize| self.line_starts.get(line).copied();
        (first + 1, start(first).unwrap_or(0)..start(behind).unwrap_or(self.text.len()))
    }

    /// The number, from 0, of the line that a byte is in.
    fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at).saturating_sub(1)
    }
}

/// The files of a stack and of its modules. Spans refer to them by position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    files: Vec<Source>,
    modules: BTreeMap<ModulePath, Result<String, ModuleProblem>>,
}

/// Why a module's files are not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleProblem {
    /// What kind of problem it is: constant text, no user values.
    pub summary: String,
    /// What, why, and what to do, in sentences.
    pub detail: String,
}

impl Sources {
    /// Adds a file of the stack; a byte-order mark and carriage returns before line feeds are dropped, as editors do not show them.
    pub fn add(&mut self, name: impl Into<String>, text: &str) -> SourceId {
        self.add_in(None, name, text)
    }

    /// Adds a file of a module's folder, or of the stack's.
    pub fn add_in(&mut self, folder: Option<&str>, name: impl Into<String>, text: &str) -> SourceId {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
        self.files.push(Source::new(name.into(), text, folder.map(str::to_owned)));
        SourceId(u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX))
    }

    /// Says in which folder a module's files lie, as seen from the stack's, or why they are not there.
    pub fn locate(&mut self, module: ModulePath, folder: Result<String, ModuleProblem>) {
        self.modules.insert(module, folder);
    }

    /// In which folder a module's files lie, or why they are not there; `None` if nobody has looked yet.
    pub fn module(&self, module: &ModulePath) -> Option<Result<&str, &ModuleProblem>> {
        self.modules.get(module).map(|folder| folder.as_deref())
    }

    /// The modules that have been found, with their folders.
    pub fn modules(&self) -> impl Iterator<Item = (&ModulePath, &str)> {
        self.modules.iter().filter_map(|(module, folder)| Some((module, folder.as_deref().ok()?)))
    }

    /// One file.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.files.get(id.0 as usize)
    }

    /// All files with their identifiers.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        (0..).map(SourceId).zip(&self.files)
    }

    /// The text under a span.
    pub fn text(&self, span: &Span) -> Option<&str> {
        self.get(span.source)?.text.get(span.range.clone())
    }

    /// Line and column of a span's start, both from 1; the column counts characters.
    pub fn position(&self, span: &Span) -> Option<(usize, usize)> {
        let source = self.get(span.source)?;
        let line = source.line(span.range.start);
        let before = source.text.get(*source.line_starts.get(line)?..span.range.start)?;
        Some((line + 1, before.chars().count() + 1))
    }
}

/// The longest name, in letters, that others are suggested for.
const NAME_MAX: usize = 128;

/// The candidate most like a misspelt name, if any is close enough to be meant.
pub fn did_you_mean<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = given.chars().count();
    let limit = length.max(3) / 3;
    // Nobody mistypes a name that long, and comparing it takes long.
    if length > NAME_MAX {
        return None;
    }
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= limit)
        .map(|candidate| (edit_distance(given, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, candidate)| (*distance, *candidate))
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance with neighbouring letters swapped counting as one edit.
fn edit_distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut rows = vec![(0..=right.len()).collect::<Vec<_>>()];
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let mut best = (rows[i][j] + usize::from(a != b)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_around_a_range() {
        let mut sources = Sources::default();
        let id = sources.add("a.hcl", "one\ntwo\nthree\nfour\nfive\n");
        let source = sources.get(id).unwrap();
        let check = |range: Range<usize>, first: usize, text: &str| {
            let (number, lines) = source.lines_around(&range);
            assert_eq!((number, &source.text[lines]), (first, text), "{range:?}");
        };
        check(9..10, 2, "two\nthree\nfour\n");
        check(0..0, 1, "one\ntwo\n");
        check(5..15, 1, "one\ntwo\nthree\nfour\nfive\n");
        check(24..24, 5, "five\n");
    }

    #[test]
    fn what_was_said_is_not_said_again() {
        let mut diagnostics = Diagnostics::from(Diagnostic::error("a", "b"));
        diagnostics.extend([
            Diagnostic::error("a", "b"),
            Diagnostic::warning("a", "b"),
            Diagnostic::error("a", "b"),
        ]);
        assert_eq!(diagnostics.len(), 2);
    }

    #[test]
    fn suggestions_need_to_be_close() {
        let names = ["region", "replicas", "name"];
        let check = |given, expect| assert_eq!(did_you_mean(given, names), expect, "{given}");
        check("regoin", Some("region"));
        check("replica", Some("replicas"));
        check("nam", Some("name"));
        check("zone", None);
        check("x", None);
    }

    #[test]
    fn positions_count_characters_from_one() {
        let mut sources = Sources::default();
        let source = sources.add("a.hcl", "\u{feff}a = 1\r\nbä = x\n");
        let span = Span { source, range: 12..13 };
        assert_eq!(sources.text(&span), Some("x"));
        assert_eq!(sources.position(&span), Some((2, 6)));
        let at = |at: usize| sources.position(&Span { source, range: at..at });
        assert_eq!([0, 5, 6, 14, 15].map(at), [Some((1, 1)), Some((1, 6)), Some((2, 1)), Some((3, 1)), None]);
        assert_eq!(at(8), None, "within a letter");
    }
}
