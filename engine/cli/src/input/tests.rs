//! The test files of a stack: `*.mftest.hcl` in its folder and in one below it.

use std::path::Path;

use meshform_engine::config::{Config, Registry};
use meshform_engine::diagnostic::{Diagnostics, SourceId, Sources};
use meshform_engine::testing::{TestFile, decode};

use super::Stack;
use super::stack::{files, shown, text};
use crate::problem::Problem;

/// How the names of test files end.
pub(super) const TEST_ENDING: &str = ".mftest.hcl";

/// The folder, as seen from the stack's, in which test files are looked for besides the stack's own.
pub(crate) const TEST_FOLDER: &str = "tests";

/// The files of a stack with those of its tests.
#[derive(Debug)]
pub(crate) struct Tests {
    /// All of them, the stack's own first.
    pub(crate) sources: Sources,
    /// Which are tests.
    files: Vec<SourceId>,
}

impl Tests {
    /// Reads the test files of a stack. There may be none.
    ///
    /// # Errors
    /// When a folder cannot be listed or a file cannot be read.
    pub(crate) fn read(stack: &Stack, folder: &Path) -> Result<Self, Problem> {
        let mut sources = stack.sources.clone();
        let mut paths = files(&stack.folder, TEST_ENDING)?;
        let below = stack.folder.join(folder);
        if below.is_dir() && folder != Path::new(".") {
            paths.extend(files(&below, TEST_ENDING)?);
        }
        let mut tests = Vec::new();
        for path in paths {
            tests.push(sources.add(shown(&path), &text(&path)?));
        }
        Ok(Self { sources, files: tests })
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// What they say of a stack.
    pub(crate) fn decoded(&self, config: &Config, registry: &Registry) -> (Vec<TestFile>, Diagnostics) {
        decode(&self.sources, &self.files, config, registry)
    }
}
