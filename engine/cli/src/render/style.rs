//! The colours, each named for what it says.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// Comes to be.
pub(crate) const ADDED: Style = AnsiColor::Green.on_default();
/// Ceases to be.
pub(crate) const REMOVED: Style = AnsiColor::Red.on_default();
/// Becomes different.
pub(crate) const CHANGED: Style = AnsiColor::Yellow.on_default();
/// Takes something away that may not come back, or went wrong.
pub(crate) const DANGER: Style = AnsiColor::Red.on_default().bold();
/// May go wrong.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// Went right.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Names and headings.
pub(crate) const STRONG: Style = Style::new().bold();
/// What the eye may skip.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// The very words that differ between two lines.
pub(crate) const EMPHASIS: Style = Style::new().invert();

/// A text in a style.
pub(crate) fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
