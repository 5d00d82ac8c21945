//! Line diffs of texts: context, removed and added lines, the differing words marked.

use std::time::Duration;

use anstyle::Style;
use similar::{ChangeTag, InlineChange, TextDiff};

use super::style::{ADDED, EMPHASIS, FAINT, REMOVED, paint};
use super::text::harmless;

/// Unchanged lines shown around each change.
const CONTEXT: usize = 3;
/// After so long the rest counts as replaced: a coarser diff, but never a hang.
const PATIENCE: Duration = Duration::from_millis(500);

/// The difference of two texts, line by line.
pub(crate) fn lines(before: &str, after: &str) -> Vec<String> {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(before, after);
    let mut all = Vec::new();
    let mut seen = 0;
    for group in diff.grouped_ops(CONTEXT) {
        let start = group.first().map_or(0, |op| op.new_range().start);
        if start > seen {
            all.push(paint(FAINT, format!("… {} unchanged", super::text::counted(start - seen, "line"))));
        }
        seen = group.last().map_or(0, |op| op.new_range().end);
        for change in group.iter().flat_map(|op| diff.iter_inline_changes(op)) {
            all.push(change_line(&change));
        }
    }
    all.extend(newline_note(before, after));
    all
}

/// The difference of two short texts of one line each.
pub(crate) fn words(before: &str, after: &str) -> [String; 2] {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_words(before, after);
    let side = |drop: ChangeTag, style: Style, marker: char| {
        let parts = diff.iter_all_changes().filter(|change| change.tag() != drop);
        let parts = parts.map(|change| emphasised(style, change.tag() != ChangeTag::Equal, change.value()));
        format!("{}{}", paint(style, format!("{marker} ")), parts.collect::<String>())
    };
    [side(ChangeTag::Insert, REMOVED, '-'), side(ChangeTag::Delete, ADDED, '+')]
}

fn change_line(change: &InlineChange<'_, str>) -> String {
    let (marker, style) = match change.tag() {
        ChangeTag::Equal => (' ', Style::new()),
        ChangeTag::Delete => ('-', REMOVED),
        ChangeTag::Insert => ('+', ADDED),
    };
    let mut line = if marker == ' ' { "  ".to_owned() } else { paint(style, format!("{marker} ")) };
    for (emphasis, text) in change.iter_strings_lossy() {
        let text = text.trim_end_matches(['\n', '\r']);
        if !text.is_empty() {
            line.push_str(&emphasised(style, emphasis, text));
        }
    }
    line
}

fn emphasised(style: Style, emphasis: bool, text: &str) -> String {
    let style = if emphasis { style.effects(style.get_effects() | EMPHASIS.get_effects()) } else { style };
    paint(style, harmless(text))
}

/// A last line that gains or loses its end is a change that no line shows.
fn newline_note(before: &str, after: &str) -> Option<String> {
    let ends = |text: &str| text.is_empty() || text.ends_with('\n');
    match (ends(before), ends(after)) {
        (true, false) => Some(paint(FAINT, "(the last line loses its line end)")),
        (false, true) => Some(paint(FAINT, "(the last line gains a line end)")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, after: &str, expect: &[&str]) {
        let lines: Vec<_> =
            lines(before, after).iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect();
        assert_eq!(lines, expect);
    }

    #[test]
    fn only_changes_and_their_neighbours_show() {
        let before: String = (1..=12).map(|number| format!("line {number}\n")).collect();
        let after = before.replace("line 8\n", "line eight\n");
        let expect = [
            "… 4 lines unchanged",
            "  line 5",
            "  line 6",
            "  line 7",
            "- line 8",
            "+ line eight",
            "  line 9",
            "  line 10",
            "  line 11",
        ];
        check(&before, &after, &expect);
    }

    #[test]
    fn a_lost_line_end_shows() {
        check("a\n", "a", &["- a", "+ a", "(the last line loses its line end)"]);
        check("", "a\n", &["+ a"]);
    }

    #[test]
    fn escapes_do_not_reach_the_terminal() {
        check("a\n", "\u{1b}[2J\n", &["- a", "+ \\u001b[2J"]);
    }

    #[test]
    fn differing_words_are_marked() {
        let [before, after] = words("image nginx:1.27", "image nginx:1.28");
        assert!(before.contains("\u{1b}[7m") && after.contains("\u{1b}[7m"));
        assert_eq!(anstream::adapter::strip_str(&after).to_string(), "+ image nginx:1.28");
    }
}
