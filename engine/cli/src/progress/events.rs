//! The run as JSON lines on standard output.

use std::time::{SystemTime, UNIX_EPOCH};

use meshform_engine::observer::{Observer, Progress};
use serde_json::Value as Json;

use crate::{json, terminal};

/// Writes each event as one line of JSON.
pub(crate) struct EventStream;

impl EventStream {
    /// A stream whose first line tells the versions.
    pub(crate) fn new() -> Self {
        let stream = Self;
        stream.write(json::events::version(crate::VERSION));
        stream
    }

    /// One that goes on where another one, or none yet, has begun.
    pub(crate) fn continued() -> Self {
        Self
    }

    /// Writes one document.
    pub(crate) fn write(&self, mut document: Json) {
        document["at_ms"] = now_ms().into();
        // A reader that has gone away must not stop the run; the exit code still tells how it went.
        let _ = terminal::print(&format!("{document}\n"));
    }
}

impl Observer for EventStream {
    fn event(&self, event: &Progress) {
        self.write(json::events::progress(event));
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
