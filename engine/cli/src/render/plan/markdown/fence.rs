//! Styled lines as a fenced block of a diff: the colours become the markers that a diff has in its first column.

use super::LINE_MAX;
use crate::render::style::{ADDED, CHANGED, DANGER, REMOVED};
use crate::render::text::harmless;

/// The lines in a fence that none of them can end, at most so many of them.
pub(super) fn fence(mut lines: Vec<String>, most: usize) -> String {
    let more = lines.len().saturating_sub(most);
    lines.truncate(most);
    if more > 0 {
        lines.push(format!("  … {more} lines more"));
    }
    let lines: Vec<_> = lines.iter().map(|line| shortened(line)).collect();
    let run = |line: &String| line.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let ticks = "`".repeat(lines.iter().map(run).max().unwrap_or(0).max(2) + 1);
    format!("{ticks}diff\n{}\n{ticks}\n\n", lines.join("\n"))
}

/// Lines of new things.
pub(super) fn added(lines: &[String]) -> Vec<String> {
    let is_new = |line: &str| line.starts_with(&ADDED.render().to_string());
    lines.iter().map(|line| format!("{} {}", if is_new(line) { '+' } else { ' ' }, plain(line))).collect()
}

/// Lines of changes, whose markers stand wherever the values do.
pub(super) fn changed(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| marked(line)).collect()
}

fn marked(line: &str) -> String {
    let inner = line.trim_start_matches(' ');
    let indent = &line[..line.len() - inner.len()];
    let styles = [(ADDED, '+'), (REMOVED, '-'), (DANGER, '-'), (CHANGED, '!')];
    let painted = styles
        .into_iter()
        .find_map(|(style, marker)| Some((marker, inner.strip_prefix(style.render().to_string().as_str())?)));
    let Some((marker, rest)) = painted else { return format!("  {}", plain(line)).trim_end().to_owned() };
    let text = plain(inner);
    let text = if is_marker(rest) { text.get(2..).unwrap_or_default() } else { text.as_str() };
    format!("{marker} {indent}{text}").trim_end().to_owned()
}

/// A marker is painted by itself; anything else that begins like one is text.
fn is_marker(painted: &str) -> bool {
    let rest = painted.strip_prefix(['+', '-', '~']);
    rest.is_some_and(|rest| rest.strip_prefix(' ').unwrap_or(rest).starts_with('\u{1b}'))
}

/// The line without its styles, and harmless.
pub(super) fn plain(line: &str) -> String {
    harmless(&anstream::adapter::strip_str(line).to_string()).into_owned()
}

/// The text as markdown that shows it, in one line, whatever it holds.
pub(super) fn escaped(text: &str) -> String {
    // As an entity, a letter is no markup.
    let is_markup = |letter: char| "*_`[]\\~#|".contains(letter);
    html(text)
        .replace('\n', " ")
        .chars()
        .map(
            |letter| if is_markup(letter) { format!("&#{};", u32::from(letter)) } else { letter.to_string() },
        )
        .collect()
}

/// The text as HTML that shows it.
pub(super) fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(LINE_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::style::{FAINT, paint};

    fn check(lines: &[String], expect: &str) {
        assert_eq!(changed(lines).join("\n"), expect);
    }

    #[test]
    fn colours_become_markers_in_the_first_column() {
        check(
            &[
                format!("{} spec.replicas  {}", paint(CHANGED, "~"), paint(REMOVED, "2")),
                format!("    {}{}", paint(REMOVED, "- "), paint(REMOVED, "old")),
                format!("    {}", paint(ADDED, "- name: web")),
                format!("    {}", paint(REMOVED, "- name: db")),
                "      context".to_owned(),
                paint(FAINT, "note: one"),
                paint(REMOVED, "- "),
                String::new(),
            ],
            "! spec.replicas  2\n-     old\n+     - name: web\n-     - name: db\n        context\n  note: one\n-\n",
        );
    }

    #[test]
    fn no_line_ends_its_fence() {
        let check = |lines: &[&str], expect: &str| {
            assert_eq!(fence(lines.iter().map(|line| (*line).to_owned()).collect(), 2), expect);
        };
        check(&["a"], "```diff\na\n```\n\n");
        check(&["````", "b", "c"], "`````diff\n````\nb\n  … 1 lines more\n`````\n\n");
    }

    #[test]
    fn text_is_no_markup() {
        let check = |text: &str, expect: &str| assert_eq!(escaped(text), expect);
        check("a<b>&\nc", "a&lt;b&gt;&amp; c");
        check("_a_ `b` [c]", "&#95;a&#95; &#96;b&#96; &#91;c&#93;");
    }
}
