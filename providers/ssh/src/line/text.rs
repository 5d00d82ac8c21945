//! Lines in a text: how they are found, put and replaced.

/// Where a line goes that has to be added.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// How the line begins beside which it goes.
    pub(super) near: &'a str,
    /// On which side of it.
    pub(super) spot: Spot,
}

/// On which side of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// After the last such line.
    After,
    /// Before the first such line.
    Before,
}

/// Whether a line begins with this text, blanks apart, and a word of it does not go on in the line.
pub(super) fn begins(line: &str, key: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    let Some(rest) = line.trim_start().strip_prefix(key.trim_start()) else { return false };
    !(key.ends_with(is_word) && rest.starts_with(is_word))
}

/// The lines that begin so.
pub(super) fn matching<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    text.lines().filter(|line| begins(line, key)).collect()
}

/// The text with this line exactly once: in the place of the first line that begins so, or added.
pub(super) fn put(text: &str, key: &str, line: &str, place: Option<Place<'_>>) -> String {
    if text.lines().any(|there| begins(there, key)) {
        return replace(text, key, &[line]);
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let at = place.and_then(|place| position(&lines, place)).unwrap_or(lines.len());
    let (before, after) = lines.split_at_checked(at).unwrap_or((&lines, &[]));
    let mut edited = before.concat();
    push(&mut edited, line, ending(text));
    edited.push_str(&after.concat());
    edited
}

/// The text with these lines in the place of the first line that begins so, and without the others that do.
pub(super) fn replace(text: &str, key: &str, lines: &[&str]) -> String {
    let mut edited = String::with_capacity(text.len());
    let mut is_done = false;
    for there in text.split_inclusive('\n') {
        if !begins(there.trim_end_matches(['\n', '\r']), key) {
            edited.push_str(there);
            continue;
        }
        for line in lines.iter().filter(|_| !is_done) {
            push(&mut edited, line, ending(text));
        }
        is_done = true;
    }
    edited
}

fn position(lines: &[&str], place: Place<'_>) -> Option<usize> {
    let is_near = |line: &&str| begins(line.trim_end_matches(['\n', '\r']), place.near);
    match place.spot {
        Spot::After => lines.iter().rposition(is_near).map(|at| at + 1),
        Spot::Before => lines.iter().position(is_near),
    }
}

/// Adds a line, after ending the one before it if that is not ended.
fn push(text: &mut String, line: &str, ending: &str) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str(ending);
    }
    text.push_str(line);
    text.push_str(ending);
}

/// How this text's lines end.
fn ending(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_their_beginning() {
        let check =
            |line: &str, key: &str, expect: bool| assert_eq!(begins(line, key), expect, "{line:?} {key:?}");
        check("Port 22", "Port", true);
        check("  Port\t22", "Port", true);
        check("Ports 22", "Port", false);
        check("#Port 22", "Port", false);
        check("#Port 22", "#Port", true);
        check("Port=22", "Port=", true);
        check("Größe 1", "Größ", false);
        check("/dev/sda1 /", "/dev/sda1", true);
        check("", "x", false);
    }

    #[test]
    fn a_line_is_there_once() {
        let check = |text: &str, key: &str, line: &str, place: Option<Place<'_>>, expect: &str| {
            let edited = put(text, key, line, place);
            assert_eq!(edited, expect, "{text:?}");
            assert_eq!(put(&edited, key, line, place), edited, "{text:?} again");
            assert_eq!(matching(&edited, key), [line]);
        };
        let beside = |near, spot| Some(Place { near, spot });
        check("", "a", "a 1", None, "a 1\n");
        check("b\n", "a", "a 1", None, "b\na 1\n");
        check("b", "a", "a 1", None, "b\na 1\n");
        check("b\r\n", "a", "a 1", None, "b\r\na 1\r\n");
        check("x\na 2\ny\n", "a", "a 1", None, "x\na 1\ny\n");
        check("a 2\nx\n a 3", "a", "a 1", None, "a 1\nx\n");
        check("x\nb 1\nb 2\ny\n", "a", "a 1", beside("b", Spot::After), "x\nb 1\nb 2\na 1\ny\n");
        check("x\nb 1\nb 2\ny\n", "a", "a 1", beside("b", Spot::Before), "x\na 1\nb 1\nb 2\ny\n");
        check("x\n", "a", "a 1", beside("b", Spot::After), "x\na 1\n");
        check("x\ny", "a", "a 1", beside("y", Spot::After), "x\ny\na 1\n");
        check("it's $(x)\n", "é", "é \"q\" $HOME", None, "it's $(x)\né \"q\" $HOME\n");
    }

    #[test]
    fn what_was_there_comes_back() {
        let check = |text: &str, lines: &[&str], expect: &str| assert_eq!(replace(text, "a", lines), expect);
        check("x\na 1\ny\n", &[], "x\ny\n");
        check("x\na 1\ny\n", &["a 2", "a 3"], "x\na 2\na 3\ny\n");
        check("x\n", &["a 2"], "x\n");
    }
}
