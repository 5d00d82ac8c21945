//! Why a command did not do what it was asked for.

use std::io;
use std::path::Path;

use meshform_engine::diagnostic::{Diagnostic, Diagnostics, Sources};
use meshform_engine::pipeline::Failure;
use meshform_engine::ports::{SandboxError, StoreError};

use crate::render;
use crate::{json, terminal};

/// What is wrong, with the files in which the places lie.
#[derive(Debug)]
pub(crate) struct Problem {
    diagnostics: Diagnostics,
    sources: Sources,
}

impl Problem {
    /// A problem without a place.
    pub(crate) fn new(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::found(Diagnostic::error(summary, detail).into(), Sources::default())
    }

    /// Problems in these files.
    pub(crate) fn found(diagnostics: Diagnostics, sources: Sources) -> Self {
        Self { diagnostics, sources }
    }

    /// A file or folder that cannot be used. `attempt` reads after "failed to".
    pub(crate) fn io(attempt: &str, path: &Path, error: &io::Error) -> Self {
        Self::new("File trouble", format!("Failed to {attempt} {}: {error}.", path.display()))
    }

    /// What stopped the engine.
    pub(crate) fn from_engine(failure: Failure, sources: Sources) -> Self {
        match failure {
            Failure::Diagnostics(diagnostics) => Self::found(diagnostics, sources),
            Failure::Store(error) => error.into(),
        }
    }

    /// The same, with what else was found in the same files. What has no files of its own stands in no other's way.
    #[must_use]
    pub(crate) fn and(mut self, found: Diagnostics) -> Self {
        if self.sources.iter().next().is_some() {
            self.diagnostics.extend(found);
            self.diagnostics = self.diagnostics.sorted();
        }
        self
    }

    /// Tells it: as text on standard error, or as JSON on standard output.
    pub(crate) fn report(&self, style: ReportStyle) {
        let document = match style {
            ReportStyle::Text => return tell(&self.diagnostics, &self.sources),
            ReportStyle::Document => {
                json::text(&json::diagnostics::document(&self.diagnostics, &self.sources))
            }
            ReportStyle::Events => self.event_lines(),
        };
        // There is no better place to say that standard output is broken.
        let _ = terminal::print(&document);
    }

    fn event_lines(&self) -> String {
        let event = |diagnostic| json::events::diagnostic(diagnostic, &self.sources);
        self.diagnostics.iter().map(|diagnostic| format!("{}\n", event(diagnostic))).collect()
    }
}

/// How a problem is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportStyle {
    /// For a person.
    Text,
    /// As one JSON document.
    Document,
    /// As events, one JSON document on each line.
    Events,
}

/// Writes diagnostics for a person.
pub(crate) fn tell(diagnostics: &Diagnostics, sources: &Sources) {
    if !diagnostics.is_empty() {
        terminal::say(&render::diagnostics::text(diagnostics, sources, terminal::columns()));
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::new("Standard output cannot be written", format!("Failed to write the result: {error}."))
    }
}

impl From<SandboxError> for Problem {
    fn from(error: SandboxError) -> Self {
        Self::new("The sandbox cannot be had", error.message)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let (summary, hint) = match &error {
            StoreError::Locked { .. } => (
                "The state is locked",
                " Wait until that run has ended, or let this one wait with -lock-timeout=5m. The lock of a run that has died expires \
                 by itself.",
            ),
            StoreError::Fenced => (
                "The lock is lost",
                " What was done until then is recorded. Run \"meshform plan\" once the other run has ended.",
            ),
            StoreError::Invalid { .. } => ("A stored file cannot be used", ""),
            StoreError::Io { .. } => ("The state's storage failed", ""),
        };
        Self::new(summary, format!("Failed to {error}.{hint}"))
    }
}
