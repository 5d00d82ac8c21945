//! The same change to many instances is told once.

use meshform_engine::plan::{Action, Change};

use super::{Detail, body, header};
use crate::render::style::{FAINT, STRONG, paint};
use crate::render::text::{harmless, indented};

/// One change, and the other instances that see the very same.
pub(super) struct Entry<'a> {
    first: &'a Change,
    others: Vec<&'a Change>,
    body: Vec<String>,
}

/// The changes in the order in which they are shown, those with the same action and content together.
pub(super) fn fold<'a>(changes: impl Iterator<Item = &'a Change>, detail: Detail) -> Vec<Entry<'a>> {
    let mut changes: Vec<_> = changes.collect();
    changes.sort_by_key(|change| header::rank(change.action));
    let mut entries: Vec<Entry<'a>> = Vec::new();
    let mut seen = std::collections::HashMap::new();
    for change in changes {
        let body = body::lines(change, detail);
        let key = (change.action, change.address.kind.as_str(), change.address.name.as_str(), body.clone());
        match seen.get(&key).and_then(|at: &usize| entries.get_mut(*at)) {
            Some(entry) => entry.others.push(change),
            None => {
                // What has no content (a deletion) is never folded: each one gets its line.
                if !body.is_empty() {
                    seen.insert(key, entries.len());
                }
                entries.push(Entry { first: change, others: Vec::new(), body });
            }
        }
    }
    entries
}

impl<'a> Entry<'a> {
    pub(super) fn action(&self) -> Action {
        self.first.action
    }

    /// All instances that see the change.
    pub(super) fn changes(&self) -> impl Iterator<Item = &'a Change> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    /// What stands below them.
    pub(super) fn body(&self) -> &[String] {
        &self.body
    }

    /// Whether it takes one line.
    pub(super) fn is_short(&self) -> bool {
        self.body.is_empty()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![header::line(self.first)];
        for other in &self.others {
            let address = other.address.to_string();
            lines.push(format!(
                "{} {}{}",
                paint(FAINT, "    and    "),
                paint(STRONG, harmless(&address)),
                header::place(other)
            ));
        }
        if !self.others.is_empty() {
            let count = self.others.len() + 1;
            lines.push(paint(FAINT, format!("      the same for all {count}:")));
        }
        lines.extend(indented(self.body.iter().cloned(), 6));
        lines
    }
}
