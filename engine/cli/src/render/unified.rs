//! Unified diffs, as `diff -u` writes and `patch` reads them.

use std::time::Duration;

use anstyle::Style;
use similar::TextDiff;

use super::style::{ADDED, FAINT, REMOVED, STRONG, paint};
use super::text::harmless;

/// After so long the rest counts as replaced.
const PATIENCE: Duration = Duration::from_secs(5);

/// The difference of two texts of the file `name`, exact to the letter.
pub(crate) fn exact(name: &str, before: &str, after: &str) -> String {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(before, after);
    diff.unified_diff().header(&format!("old/{name}"), &format!("new/{name}")).to_string()
}

/// The same for a person: coloured, and harmless to terminals.
pub(crate) fn painted(exact: &str) -> String {
    exact.lines().map(|line| paint(style(line), harmless(line)) + "\n").collect()
}

fn style(line: &str) -> Style {
    match line.as_bytes() {
        [b'-', b'-', b'-', ..] | [b'+', b'+', b'+', ..] => STRONG,
        [b'-', ..] => REMOVED,
        [b'+', ..] => ADDED,
        [b'@', ..] => FAINT,
        _ => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_is_one_that_patch_reads() {
        let text = exact("a.hcl", "b=1\nc = 2\r\n", "b = 1\nc = 2\r\n");
        assert_eq!(text, "--- old/a.hcl\n+++ new/a.hcl\n@@ -1,2 +1,2 @@\n-b=1\n+b = 1\n c = 2\r\n");
        assert_eq!(exact("a.hcl", "b = 1\n", "b = 1\n"), "");
    }

    #[test]
    fn what_a_person_sees_steers_no_terminal() {
        let text = painted(&exact("a.hcl", "# \u{1b}[2J\r\n", ""));
        let text = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(text, "--- old/a.hcl\n+++ new/a.hcl\n@@ -1 +0,0 @@\n-# \\u001b[2J\n");
    }
}
