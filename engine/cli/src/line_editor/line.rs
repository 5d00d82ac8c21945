//! A line that is being typed, and those that were typed before.

use unicode_width::UnicodeWidthChar as _;

use super::keys::Key;

/// Letters and a cursor between them.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    letters: Vec<char>,
    /// How many letters stand before the cursor.
    cursor: usize,
}

impl Line {
    fn of(text: &str) -> Self {
        let letters: Vec<_> = text.chars().collect();
        Self { cursor: letters.len(), letters }
    }

    pub(super) fn text(&self) -> String {
        self.letters.iter().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// Does what a key says.
    pub(super) fn press(&mut self, key: Key) {
        match key {
            Key::Letter(letter) => {
                self.letters.insert(self.cursor, letter);
                self.cursor += 1;
            }
            Key::Backspace => self.cut(self.cursor.saturating_sub(1), self.cursor),
            Key::Delete | Key::EndOrDelete => self.cut(self.cursor, self.cursor + 1),
            Key::CutEnd => self.cut(self.cursor, self.letters.len()),
            Key::CutStart => self.cut(0, self.cursor),
            Key::CutWord => self.cut(self.word_start(), self.cursor),
            Key::Left => self.cursor = self.cursor.saturating_sub(1),
            Key::Right => self.cursor = (self.cursor + 1).min(self.letters.len()),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = self.letters.len(),
            Key::Enter | Key::Interrupt | Key::Up | Key::Down | Key::Other => {}
        }
    }

    fn cut(&mut self, start: usize, end: usize) {
        self.letters.drain(start..end.min(self.letters.len()));
        self.cursor = start;
    }

    fn word_start(&self) -> usize {
        let before = &self.letters[..self.cursor];
        let word_end = before.iter().rposition(|letter| *letter != ' ').map_or(0, |at| at + 1);
        before[..word_end].iter().rposition(|letter| *letter == ' ').map_or(0, |at| at + 1)
    }

    /// What draws it over the present line of a terminal. Of a line that is too long, the part around the cursor shows.
    pub(super) fn drawn(&self, prompt: &str, columns: usize) -> String {
        let prompt_width: usize = widths(prompt.chars());
        let room = columns.saturating_sub(prompt_width + 1).max(1);
        let mut start = 0;
        while widths(self.letters[start..self.cursor].iter().copied()) > room {
            start += 1;
        }
        let mut free = room;
        let shown = self.letters[start..].iter().copied().take_while(|letter| {
            let width = letter.width().unwrap_or(0);
            let fits = width <= free;
            free = free.saturating_sub(width);
            fits
        });
        let shown: String = shown.collect();
        let column = prompt_width + widths(self.letters[start..self.cursor].iter().copied());
        format!("\r{prompt}{shown}\u{1b}[K\r\u{1b}[{column}C")
    }
}

fn widths(letters: impl Iterator<Item = char>) -> usize {
    letters.map(|letter| letter.width().unwrap_or(0)).sum()
}

/// The lines that were entered, the last one last.
#[derive(Debug, Default)]
pub(super) struct History {
    lines: Vec<String>,
    /// How far back the line on the screen is; none is the one that is being typed.
    back: usize,
    /// What was being typed before going back.
    typed: Line,
}

impl History {
    /// Adds a line; one that is blank or as the last one is not worth it.
    pub(super) fn add(&mut self, line: &str) {
        if !line.trim().is_empty() && self.lines.last().is_none_or(|last| last != line) {
            self.lines.push(line.to_owned());
        }
        self.back = 0;
    }

    /// Puts the line before the present one in its place.
    pub(super) fn back(&mut self, line: &mut Line) {
        if self.back == 0 {
            self.typed = line.clone();
        }
        if self.back < self.lines.len() {
            self.back += 1;
            *line = Line::of(&self.lines[self.lines.len() - self.back]);
        }
    }

    /// Puts the line after the present one in its place.
    pub(super) fn forth(&mut self, line: &mut Line) {
        match self.back {
            0 => {}
            1 => {
                self.back = 0;
                *line = std::mem::take(&mut self.typed);
            }
            _ => {
                self.back -= 1;
                *line = Line::of(&self.lines[self.lines.len() - self.back]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str, keys: &[Key]) -> Line {
        let mut line = Line::of(text);
        keys.iter().for_each(|key| line.press(*key));
        line
    }

    #[test]
    fn keys_change_the_line() {
        let check = |text: &str, keys: &[Key], expect: &str| assert_eq!(typed(text, keys).text(), expect);
        check("ab", &[Key::Left, Key::Letter('ä')], "aäb");
        check("ab", &[Key::Backspace, Key::Backspace, Key::Backspace], "");
        check("ab", &[Key::Home, Key::Delete, Key::Left], "b");
        check("ab", &[Key::Delete, Key::Right], "ab");
        check("one two  ", &[Key::CutWord], "one ");
        check("one", &[Key::CutWord, Key::CutWord], "");
        check("one two", &[Key::Left, Key::Left, Key::CutEnd], "one t");
        check("one two", &[Key::Left, Key::CutStart, Key::End, Key::Letter('!')], "o!");
    }

    #[test]
    fn the_part_around_the_cursor_shows() {
        let check = |line: Line, columns: usize, expect: &str| assert_eq!(line.drawn("> ", columns), expect);
        check(typed("ab", &[]), 20, "\r> ab\u{1b}[K\r\u{1b}[4C");
        check(typed("漢字", &[Key::Left]), 20, "\r> 漢字\u{1b}[K\r\u{1b}[4C");
        check(typed("abcdefgh", &[]), 8, "\r> defgh\u{1b}[K\r\u{1b}[7C");
        check(typed("abcdefgh", &[Key::Home]), 8, "\r> abcde\u{1b}[K\r\u{1b}[2C");
        check(typed("abc", &[]), 0, "\r> c\u{1b}[K\r\u{1b}[3C");
    }

    #[test]
    fn the_history_goes_back_and_forth() {
        let mut history = History::default();
        ["one", "two", "two", " "].iter().for_each(|line| history.add(line));
        let mut line = Line::of("dra");
        let mut seen = Vec::new();
        for step in
            [History::back, History::back, History::back, History::forth, History::forth, History::forth]
        {
            step(&mut history, &mut line);
            seen.push(line.text());
        }
        assert_eq!(seen, ["two", "one", "one", "two", "dra", "dra"]);
    }
}
