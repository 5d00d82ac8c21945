//! What came of tests, as it is told in every form.

use meshform_engine::testing::{CleanUp, Command, RunReport, Status};

/// What came of one test file.
#[derive(Debug)]
pub(crate) struct TestedFile {
    /// Its name.
    pub(crate) name: String,
    /// When its first run began, in milliseconds since the epoch.
    pub(crate) began_ms: i64,
    /// Its runs.
    pub(crate) runs: Vec<TestedRun>,
    /// How its world was left.
    pub(crate) clean_up: CleanUp,
    /// How long all of it took.
    pub(crate) elapsed_ms: u64,
}

/// What came of one run.
#[derive(Debug)]
pub(crate) struct TestedRun {
    /// Its name.
    pub(crate) name: String,
    /// What it did.
    pub(crate) command: Command,
    /// What came of it.
    pub(crate) report: RunReport,
    /// How long it took.
    pub(crate) elapsed_ms: u64,
}

/// How many runs ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) errors: usize,
    pub(crate) skipped: usize,
    /// Worlds that could not be cleaned up.
    pub(crate) unclean: usize,
}

impl TestedFile {
    /// Whether all that it made is gone.
    pub(crate) fn is_clean(&self) -> bool {
        self.clean_up.left.is_empty() && !self.clean_up.diagnostics.has_errors()
    }
}

impl Tally {
    /// The runs of one file.
    pub(crate) fn of(file: &TestedFile) -> Self {
        let count = |status| file.runs.iter().filter(|run| run.report.status == status).count();
        Self {
            passed: count(Status::Pass),
            failed: count(Status::Fail),
            errors: count(Status::Error),
            skipped: count(Status::Skip),
            unclean: usize::from(!file.is_clean()),
        }
    }

    /// The runs of all files.
    pub(crate) fn of_all(files: &[TestedFile]) -> Self {
        files.iter().map(Self::of).fold(Self::default(), |all, one| Self {
            passed: all.passed + one.passed,
            failed: all.failed + one.failed,
            errors: all.errors + one.errors,
            skipped: all.skipped + one.skipped,
            unclean: all.unclean + one.unclean,
        })
    }

    /// Whether nothing went wrong.
    pub(crate) fn is_good(self) -> bool {
        self.failed + self.errors + self.unclean == 0
    }
}
