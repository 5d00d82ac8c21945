//! A journal's text: a first line that says what it continues, then one line per event.
//!
//! Every line carries a sum of itself and of all lines before it, so that a line that was changed, moved or taken out is noticed.
//! A last line without its line feed is what a crash left of a write that nobody was told about: it never happened.

use meshform_engine::apply::Event;
use meshform_engine::value::Fingerprinter;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::WireError;
use super::document::{self, Layout};
use super::event::EventBody;
use super::state::MadeBody;
use crate::upgrade::{EVENT, JOURNAL};

/// The content of a journal's first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    /// The lineage of the state.
    pub(crate) lineage: String,
    /// The serial of the snapshot that it goes on from.
    pub(crate) serial: u64,
    /// The token of the lease under which it is written.
    pub(crate) token: u64,
    /// Who began it, when and for what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) made: Option<MadeBody>,
}

/// A journal that was read.
#[derive(Debug)]
pub(crate) struct JournalText {
    /// What it goes on from.
    pub(crate) header: Header,
    /// What happened.
    pub(crate) events: Vec<Event>,
}

/// A damaged line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LineError {
    /// The line, from 1.
    pub(crate) line: usize,
    /// What is wrong with it.
    pub(crate) problem: WireError,
}

/// Makes a journal's lines, each with the sum of all so far.
pub(crate) struct Lines {
    sum: String,
}

impl Lines {
    /// The first line, and what makes the others.
    pub(crate) fn begin(header: &Header) -> Result<(String, Self), WireError> {
        let text = document::seal(&JOURNAL, header, Layout::Line)?;
        let sum = document::open::<Header>(&JOURNAL, text.as_bytes())?.digest;
        Ok((text, Self { sum }))
    }

    /// The next line, for an event as [`event`] made it.
    pub(crate) fn next(&mut self, event: &str) -> String {
        self.sum = sum(&self.sum, event);
        format!("{{\"sum\":\"{}\",\"entry\":{event}}}\n", self.sum)
    }
}

/// An event's text, without its secrets.
pub(crate) fn event(event: &Event, keyed: &dyn Fingerprinter) -> Result<String, WireError> {
    document::line(&EventBody::new(event, keyed))
}

/// Reads a journal.
///
/// # Errors
/// When any line but a torn last one is not what was written.
pub(crate) fn read(bytes: &[u8]) -> Result<JournalText, LineError> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let mut lines = bytes[..whole].split_inclusive(|byte| *byte == b'\n').zip(1..);
    let failed = |line| move |problem| LineError { line, problem };
    let (first, _) = lines.next().ok_or(WireError::CutOff).map_err(failed(1))?;
    let header = document::open::<Header>(&JOURNAL, first).map_err(failed(1))?;
    let mut last = header.digest;
    let mut events = Vec::new();
    for (text, line) in lines {
        let entry: Line<'_> =
            serde_json::from_slice(text).map_err(|_| WireError::Altered).map_err(failed(line))?;
        last = sum(&last, entry.entry.get());
        if entry.sum != last {
            return Err(WireError::Altered).map_err(failed(line));
        }
        let body: EventBody = EVENT.read(header.version, entry.entry).map_err(failed(line))?;
        events.push(body.into_event());
    }
    Ok(JournalText { header: header.body, events })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    sum: &'a str,
    #[serde(borrow)]
    entry: &'a RawValue,
}

fn sum(last: &str, entry: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(last.as_bytes()).update(entry.as_bytes());
    hasher.finalize().to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::sample;

    fn journal() -> String {
        let header = Header { lineage: "l".into(), serial: 3, token: 9, made: None };
        let (mut text, mut lines) = Lines::begin(&header).unwrap();
        for each in sample::events() {
            text.push_str(&lines.next(&event(&each, &sample::key()).unwrap()));
        }
        text
    }

    #[test]
    fn a_journal_cut_anywhere_holds_what_was_whole() {
        let text = journal();
        let first = text.find('\n').unwrap() + 1;
        let all = read(text.as_bytes()).unwrap().events;
        for cut in 0..text.len() {
            let whole = text[..cut].matches('\n').count();
            match read(&text.as_bytes()[..cut]) {
                Ok(read) => assert_eq!(read.events, all[..whole - 1], "{cut}"),
                Err(error) => assert!(cut < first && error.problem == WireError::CutOff, "{cut}: {error:?}"),
            }
        }
    }

    #[test]
    fn no_change_goes_unnoticed() {
        let text = journal();
        let whole = read(text.as_bytes()).unwrap().events.len();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << (at % 8);
            let torn = at == text.len() - 1;
            let read = read(&bytes).map(|read| read.events.len());
            assert_eq!(read.ok(), torn.then_some(whole - 1), "{at}");
        }
    }

    #[test]
    fn lines_cannot_be_moved_or_taken_out() {
        let text = journal();
        let lines: Vec<_> = text.split_inclusive('\n').collect();
        let check = |order: &[usize], expect: usize| {
            let text: String = order.iter().map(|line| lines[*line]).collect();
            let error = read(text.as_bytes()).unwrap_err();
            assert_eq!(error, LineError { line: expect, problem: WireError::Altered });
        };
        check(&[0, 2], 2);
        check(&[0, 1, 3], 3);
        check(&[0, 2, 1], 2);
        check(&[0, 1, 1], 3);
    }
}
