//! The words of a command line: flags, options with values, and the rest.

use std::collections::BTreeMap;

/// A command line, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    flags: Vec<String>,
    values: BTreeMap<String, Vec<String>>,
    /// What is no option.
    pub(super) rest: Vec<String>,
}

/// What a program's options are.
pub(super) struct Grammar {
    /// Those that a value follows, by all of their names; the first one is how it's asked for.
    pub(super) valued: &'static [&'static [&'static str]],
    /// The same of those without a value.
    pub(super) flags: &'static [&'static [&'static str]],
    /// Whether the first word that is no option ends the options.
    pub(super) ends_early: bool,
}

impl Grammar {
    /// Takes a command line apart; an option that isn't there is the error.
    pub(super) fn read(&self, words: &[String]) -> Result<Words, String> {
        let mut read = Words::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--" {
                read.rest.extend(words.cloned());
                break;
            } else if let Some(long) = word.strip_prefix("--") {
                self.long(&mut read, long, &mut words)?;
            } else if word.len() > 1 && word.starts_with('-') {
                self.short(&mut read, word, &mut words)?;
            } else {
                read.rest.push(word.clone());
                if self.ends_early {
                    read.rest.extend(words.cloned());
                    break;
                }
            }
        }
        Ok(read)
    }

    fn long<'w>(
        &self,
        read: &mut Words,
        long: &str,
        more: &mut impl Iterator<Item = &'w String>,
    ) -> Result<(), String> {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        let option = format!("--{name}");
        if let Some(key) = find(self.valued, &option) {
            let value = value.or_else(|| more.next().map(String::as_str)).ok_or_else(|| option.clone())?;
            read.values.entry(key.to_owned()).or_default().push(value.to_owned());
            return Ok(());
        }
        let key = find(self.flags, &option).ok_or(option)?;
        // `--sig-proxy=false`, `--no-legend=true`.
        if value != Some("false") {
            read.flags.push(key.to_owned());
        }
        Ok(())
    }

    /// Short options may be written together, the last one with its value.
    fn short<'w>(
        &self,
        read: &mut Words,
        word: &str,
        more: &mut impl Iterator<Item = &'w String>,
    ) -> Result<(), String> {
        for (at, letter) in word.char_indices().skip(1) {
            let option = format!("-{letter}");
            if let Some(key) = find(self.valued, &option) {
                let tail = word.get(at + letter.len_utf8()..).unwrap_or_default();
                let tail = tail.strip_prefix('=').unwrap_or(tail);
                let next = if tail.is_empty() { more.next().cloned() } else { Some(tail.to_owned()) };
                let value = next.ok_or(option)?;
                read.values.entry(key.to_owned()).or_default().push(value);
                return Ok(());
            }
            let key = find(self.flags, &option).ok_or(option)?;
            read.flags.push(key.to_owned());
        }
        Ok(())
    }
}

impl Words {
    pub(super) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|given| given == flag)
    }

    pub(super) fn set(&mut self, flag: &str) {
        self.flags.push(flag.to_owned());
    }

    /// The last value of an option.
    pub(super) fn value(&self, option: &str) -> Option<&str> {
        self.all(option).last().map(String::as_str)
    }

    /// All values of an option.
    pub(super) fn all(&self, option: &str) -> &[String] {
        self.values.get(option).map(Vec::as_slice).unwrap_or_default()
    }

    /// The first word that is no option, such as a verb, and what follows it.
    pub(super) fn verb(&self) -> (&str, &[String]) {
        match self.rest.split_first() {
            Some((verb, rest)) => (verb, rest),
            None => ("", &[]),
        }
    }
}

fn find(options: &'static [&'static [&'static str]], option: &str) -> Option<&'static str> {
    options.iter().find(|names| names.contains(&option))?.first().copied()
}

/// Whether a shell's pattern of `*`, `?` and `[…]` matches all of a text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    matches_from(&pattern, &text)
}

fn matches_from(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => {
            (0..=text.len()).any(|skip| matches_from(rest, text.get(skip..).unwrap_or_default()))
        }
        (Some(('[', rest)), Some((letter, more))) => match rest.iter().skip(1).position(|end| *end == ']') {
            Some(length) => {
                let (class, after) = rest.split_at(length + 1);
                is_in(class, *letter) && matches_from(after.get(1..).unwrap_or_default(), more)
            }
            None => *letter == '[' && matches_from(rest, more),
        },
        (Some((wanted, rest)), Some((letter, more))) => {
            (*wanted == '?' || wanted == letter) && matches_from(rest, more)
        }
        _ => false,
    }
}

fn is_in(class: &[char], letter: char) -> bool {
    let (inverted, class) = match class.split_first() {
        Some(('!' | '^', rest)) => (true, rest),
        _ => (false, class),
    };
    let mut found = class.contains(&letter);
    found |=
        class.windows(3).any(|range| matches!(range, [from, '-', to] if (*from..=*to).contains(&letter)));
    found != inverted
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAMMAR: Grammar = Grammar {
        valued: &[&["--option", "-o"], &["--property", "-p"]],
        flags: &[&["--yes", "-y"], &["--quiet", "-q"]],
        ends_early: false,
    };

    #[test]
    fn command_lines_are_taken_apart() {
        let check = |line: &str, expect: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let shown = match GRAMMAR.read(&words) {
                Ok(read) => format!("{} | {:?} | {}", read.flags.join(" "), read.values, read.rest.join(" ")),
                Err(option) => option,
            };
            assert_eq!(shown, expect, "{line}");
        };
        check("-yq install a", "--yes --quiet | {} | install a");
        check("-o A=1 -oB --option=C x", " | {\"--option\": [\"A=1\", \"B\", \"C\"]} | x");
        check("--yes=false x -- -y", " | {} | x -y");
        check("-qp Id,Names x", "--quiet | {\"--property\": [\"Id,Names\"]} | x");
        check("--nothing", "--nothing");
        check("-z", "-z");
        check("x -o", "-o");
    }

    #[test]
    fn patterns() {
        for (pattern, text, expect) in [
            ("1.*", "1.22.1-9", true),
            ("1.*", "2.1", false),
            ("lib?-[a-c]*", "libx-b1", true),
            ("lib?-[!a-c]*", "libx-b1", false),
            ("*", "", true),
            ("a[", "a[", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, text), expect, "{pattern} {text}");
        }
    }
}
