//! The two units of a timer: as they are written, and what is read back of them.

use std::fmt::Write as _;

/// The first line, for who looks at it on the host.
const HEAD: &str = "# Written by meshform: what is changed here by hand is undone by the next apply.";

/// What the units say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Units {
    /// Its name.
    pub(super) name: String,
    /// When.
    pub(super) calendar: String,
    /// Whether what was missed is caught up with.
    pub(super) catch_up: bool,
    /// By how much it may be late, so that not all hosts begin at once; empty for not at all.
    pub(super) random_delay: String,
    /// As whom.
    pub(super) user: String,
    /// What.
    pub(super) command: String,
    /// Whether there are variables, in a file that only root can read: units are shown to everyone.
    pub(super) variables: bool,
}

impl Units {
    /// The timer.
    pub(super) fn timer(&self) -> String {
        let mut text = format!(
            "{HEAD}\n[Unit]\nDescription={name}\n\n[Timer]\nOnCalendar={calendar}\n",
            name = self.name,
            calendar = self.calendar
        );
        if self.catch_up {
            text.push_str("Persistent=true\n");
        }
        if !self.random_delay.is_empty() {
            let _ = writeln!(text, "RandomizedDelaySec={}", self.random_delay);
        }
        text.push_str("\n[Install]\nWantedBy=timers.target\n");
        text
    }

    /// What it starts.
    pub(super) fn service(&self) -> String {
        let mut text = format!(
            "{HEAD}\n[Unit]\nDescription={name}\n\n[Service]\nType=oneshot\nUser={user}\n",
            name = self.name,
            user = self.user
        );
        if self.variables {
            let _ = writeln!(text, "EnvironmentFile=/etc/systemd/system/{}.env", self.name);
        }
        let _ = writeln!(text, "ExecStart=/bin/sh -c \"{}\"", escape(&self.command));
        text
    }

    /// What two texts say, as far as it can be told.
    pub(super) fn read(name: &str, timer: &str, service: &str) -> Self {
        let own = |text: &str, key: &str| setting(text, key).unwrap_or_default().to_owned();
        let start = own(service, "ExecStart");
        let inner = start.strip_prefix("/bin/sh -c \"").and_then(|rest| rest.strip_suffix('"'));
        let command = inner.and_then(unescape).unwrap_or(start);
        Self {
            name: name.to_owned(),
            calendar: own(timer, "OnCalendar"),
            catch_up: setting(timer, "Persistent") == Some("true"),
            random_delay: own(timer, "RandomizedDelaySec"),
            user: own(service, "User"),
            command,
            variables: setting(service, "EnvironmentFile").is_some(),
        }
    }
}

/// The last value of a key.
fn setting<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).next_back()
}

/// A text between double quotes in ExecStart (systemd.service(5), systemd.syntax(7)).
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, letter| {
        match letter {
            '\\' | '"' => escaped.extend(['\\', letter]),
            '%' | '$' => escaped.extend([letter, letter]),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            letter if letter.is_ascii_control() => {
                let _ = write!(escaped, "\\x{:02x}", u32::from(letter));
            }
            letter => escaped.push(letter),
        }
        escaped
    })
}

/// What such a text stands for, if it is one that we write.
fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' | '$' => plain.push(letters.next().filter(|next| *next == letter)?),
            '\\' => match letters.next()? {
                'n' => plain.push('\n'),
                't' => plain.push('\t'),
                'x' => {
                    let digits: String = letters.by_ref().take(2).collect();
                    plain.push(char::from(u8::from_str_radix(&digits, 16).ok()?));
                }
                quoted @ ('\\' | '"') => plain.push(quoted),
                _ => return None,
            },
            '"' => return None,
            letter => plain.push(letter),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let commands =
            ["true", "echo \"$HOME\" '%d' \\ `x` > /tmp/a\n\tif true; then :; fi", "a\u{1}b", "ü 100%%"];
        for (command, more) in commands.into_iter().zip([false, true].into_iter().cycle()) {
            let units = Units {
                name: "x".into(),
                calendar: "Mon *-*-* 03:00:00".into(),
                catch_up: more,
                random_delay: if more { "5min".into() } else { String::new() },
                user: "root".into(),
                command: command.into(),
                variables: more,
            };
            assert_eq!(Units::read("x", &units.timer(), &units.service()), units, "{}", units.service());
        }
    }

    #[test]
    fn units_of_others_are_read() {
        let units = Units::read(
            "x",
            "[Timer]\nOnCalendar=daily\nOnCalendar=weekly\n",
            "[Service]\nExecStart=/bin/true a\n",
        );
        assert_eq!((units.calendar.as_str(), units.command.as_str()), ("weekly", "/bin/true a"));
        assert_eq!(escape("$HOME 5% \"\\"), "$$HOME 5%% \\\"\\\\");
    }
}
