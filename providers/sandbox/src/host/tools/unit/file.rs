//! Unit files (systemd.syntax(7)): sections of settings, of which many may be given more than once.

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Setting {
    section: String,
    name: String,
    value: String,
}

/// The settings of a unit, from its file and its drop-ins, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UnitFile {
    settings: Vec<Setting>,
}

impl UnitFile {
    /// Adds what a file says. What is no setting says nothing.
    pub(super) fn add(&mut self, text: &str) {
        let mut section = String::new();
        for line in joined(text) {
            let line = line.trim();
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                name.clone_into(&mut section);
            } else if let Some((name, value)) = line.split_once('=') {
                let setting = Setting {
                    section: section.clone(),
                    name: name.trim().to_owned(),
                    value: value.trim().to_owned(),
                };
                self.settings.push(setting);
            }
        }
    }

    /// The last value of a setting; nothing if that is empty.
    pub(super) fn last(&self, section: &str, name: &str) -> Option<&str> {
        self.given(section, name).last().copied().filter(|value| !value.is_empty())
    }

    /// All values of a setting. An empty one takes back those before it.
    pub(super) fn all(&self, section: &str, name: &str) -> Vec<&str> {
        let mut values = Vec::new();
        for value in self.given(section, name) {
            if value.is_empty() { values.clear() } else { values.push(value) }
        }
        values
    }

    /// The words of all values of a setting.
    pub(super) fn words(&self, section: &str, name: &str) -> Vec<String> {
        self.all(section, name).into_iter().flat_map(words).collect()
    }

    pub(super) fn flag(&self, section: &str, name: &str) -> bool {
        matches!(self.last(section, name), Some("1" | "yes" | "y" | "true" | "t" | "on"))
    }

    pub(super) fn has_section(&self, section: &str) -> bool {
        self.settings.iter().any(|setting| setting.section == section)
    }

    fn given(&self, section: &str, name: &str) -> Vec<&str> {
        let own = self.settings.iter().filter(|setting| setting.section == section && setting.name == name);
        own.map(|setting| setting.value.as_str()).collect()
    }
}

/// Lines without comments; one that ends in a backslash goes on in the next one.
fn joined(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let (line, more) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
        match lines.last_mut().filter(|_| goes_on) {
            Some(last) => {
                last.push(' ');
                last.push_str(line.trim());
            }
            None => lines.push(line.to_owned()),
        }
        goes_on = more;
    }
    lines
}

/// The words of a value, by systemd's rules of quoting (systemd.service(5), "command lines").
pub(super) fn words(value: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', _) => {
                let escaped = letters.next().map(unescape).unwrap_or('\\');
                word.get_or_insert_default().push(escaped);
            }
            (letter, Some(open)) if letter == open => quote = None,
            (letter, None) if letter == '"' || letter == '\'' => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (letter, None) if letter.is_whitespace() => words.extend(word.take()),
            (letter, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

fn unescape(letter: char) -> char {
    match letter {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        's' => ' ',
        other => other,
    }
}

/// A span of time (systemd.time(7)) in microseconds; `None`: for ever, or not understood.
pub(super) fn microseconds(span: &str) -> Option<u64> {
    let mut total = 0_f64;
    let mut rest = span.trim();
    if rest.is_empty() || rest == "infinity" {
        return None;
    }
    while !rest.is_empty() {
        let (number, more) = rest.split_at(
            rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len()),
        );
        let more = more.trim_start();
        let (unit, more) =
            more.split_at(more.find(|letter: char| !letter.is_alphabetic()).unwrap_or(more.len()));
        let factor = match unit {
            "us" | "usec" | "µs" => 1.0,
            "ms" | "msec" => 1e3,
            "" | "s" | "sec" | "second" | "seconds" => 1e6,
            "m" | "min" | "minute" | "minutes" => 60e6,
            "h" | "hr" | "hour" | "hours" => 3600e6,
            "d" | "day" | "days" => 86_400e6,
            "w" | "week" | "weeks" => 604_800e6,
            "month" | "months" => 2_629_800e6,
            "y" | "year" | "years" => 31_557_600e6,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * factor;
        rest = more.trim_start();
    }
    // A span of that many microseconds is hundreds of years.
    (total < 1e16).then_some(total as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_collected() {
        let mut file = UnitFile::default();
        file.add("# comment\n[Unit]\nDescription = A thing\nAfter=a b\n[Service]\nExecStart=/bin/a \\\n  --long\nEnvironment=A=1\n");
        file.add("[Service]\nEnvironment=\"B=two words\"\nUser=\nUser=app\n[Unit]\nAfter=c\n");
        assert_eq!(file.last("Unit", "Description"), Some("A thing"));
        assert_eq!(file.all("Service", "ExecStart"), ["/bin/a  --long"]);
        assert_eq!(file.words("Service", "Environment"), ["A=1", "B=two words"]);
        assert_eq!(file.words("Unit", "After"), ["a", "b", "c"]);
        assert_eq!(file.last("Service", "User"), Some("app"));
        file.add("[Service]\nExecStart=\nExecStart=/bin/b\nRemainAfterExit=yes\n");
        assert_eq!(file.all("Service", "ExecStart"), ["/bin/b"]);
        assert!(file.flag("Service", "RemainAfterExit") && !file.flag("Service", "Nothing"));
        assert!(file.has_section("Unit") && !file.has_section("Install"));
    }

    #[test]
    fn words_are_quoted() {
        let check = |value: &str, expect: &[&str]| assert_eq!(words(value), expect, "{value}");
        check("/bin/sh -c 'echo \"a b\"; exit'", &["/bin/sh", "-c", "echo \"a b\"; exit"]);
        check("a\\ b \"c\\td\" ''", &["a b", "c\td", ""]);
        check("  ", &[]);
    }

    #[test]
    fn spans() {
        for (span, expect) in [
            ("5", Some(5_000_000)),
            ("1min 30s", Some(90_000_000)),
            ("100ms", Some(100_000)),
            ("1.5h", Some(5_400_000_000)),
            ("infinity", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(microseconds(span), expect, "{span}");
        }
    }
}
