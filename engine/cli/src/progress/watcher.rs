//! Who watches a run: a person or a machine.

use meshform_engine::observer::{Observer, Progress};

use super::{Display, EventStream};

/// Shows a run in the way that was asked for.
pub(crate) enum Watcher {
    /// On standard error, for people.
    Person(Display),
    /// As events on standard output.
    Machine(EventStream),
    /// Not at all: the result is a document of its own.
    Nobody,
}

impl Watcher {
    /// Says something besides the events.
    pub(crate) fn note(&self, text: &str) {
        match self {
            Self::Person(display) => display.note(text),
            Self::Machine(stream) => stream.write(crate::json::events::note(text)),
            Self::Nobody => {}
        }
    }

    /// Whether a failure was told so long ago that it may be out of sight.
    pub(crate) fn has_lost_a_failure(&self) -> bool {
        matches!(self, Self::Person(display) if display.has_lost_a_failure())
    }
}

impl Observer for Watcher {
    fn event(&self, event: &Progress) {
        match self {
            Self::Person(display) => display.event(event),
            Self::Machine(stream) => stream.event(event),
            Self::Nobody => {}
        }
    }
}
