//! A file of /etc/cron.d: variables, then one job.

use std::collections::BTreeMap;

/// The first line, for who looks at it on the host.
const HEAD: &str = "# Written by meshform: what is changed here by hand is undone by the next apply.";

/// What such a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// The variables.
    pub(super) environment: BTreeMap<String, String>,
    /// When.
    pub(super) schedule: String,
    /// As whom.
    pub(super) user: String,
    /// What, and in a file that is not ours all lines that do not fit.
    pub(super) command: String,
}

impl Table {
    /// As a file. cron takes `%` for the end of the command's line, so each is written as `\%`.
    pub(super) fn write(&self) -> String {
        let mut text = format!("{HEAD}\n");
        for (name, value) in &self.environment {
            text.push_str(&format!("{name}={}\n", quoted(value).unwrap_or_default()));
        }
        let command = self.command.replace('%', "\\%");
        text.push_str(&format!("{} {} {command}\n", self.schedule, self.user));
        text
    }

    /// What a file says.
    pub(super) fn read(text: &str) -> Self {
        let mut table = Self::default();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines {
            if let Some((name, value)) = variable(line) {
                table.environment.insert(name.to_owned(), value.to_owned());
            } else if let Some((schedule, user, command)) = job(line).filter(|_| table.schedule.is_empty()) {
                (table.schedule, table.user) = (schedule, user.to_owned());
                table.command.insert_str(0, &command.replace("\\%", "%"));
            } else {
                table.command.push('\n');
                table.command.push_str(line);
            }
        }
        table
    }
}

/// A value as cron takes it, if it can be written.
pub(super) fn quoted(value: &str) -> Option<String> {
    let is_plain = !value.is_empty() && !value.contains(['\'', '"']) && value.trim() == value;
    match value {
        value if value.contains(['\n', '\r', '\0']) => None,
        value if is_plain => Some(value.to_owned()),
        value if !value.contains('"') => Some(format!("\"{value}\"")),
        value if !value.contains('\'') => Some(format!("'{value}'")),
        _ => None,
    }
}

fn variable(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    if !crate::check::is_variable(name) {
        return None;
    }
    let unquoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    Some((name, unquoted.unwrap_or(value)))
}

fn job(line: &str) -> Option<(String, &str, &str)> {
    let count = if line.starts_with('@') { 1 } else { 5 };
    let mut rest = line;
    let mut words = Vec::new();
    for _ in 0..=count {
        let (word, after) = rest.split_once([' ', '\t'])?;
        words.push(word);
        rest = after.trim_start();
    }
    let user = words.pop()?;
    Some((words.join(" "), user, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(environment: &[(&str, &str)], schedule: &str, command: &str) -> Table {
        Table {
            environment: environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            schedule: schedule.into(),
            user: "root".into(),
            command: command.into(),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let check = |table: Table| assert_eq!(Table::read(&table.write()), table, "{}", table.write());
        check(table(&[], "* * * * *", "true"));
        check(table(
            &[("A", ""), ("B", " x "), ("C", "it's"), ("D", "a=b \"c\"")],
            "@daily",
            "date +%F > '/tmp/a  b'",
        ));
        assert!(table(&[], "@daily", "date +%F").write().ends_with("@daily root date +\\%F\n"));
        assert_eq!(quoted("both ' and \""), None);
        assert_eq!(quoted("two\nlines"), None);
    }

    #[test]
    fn files_of_others_are_read() {
        let text =
            "# theirs\nSHELL = /bin/bash\n\n*/5\t*  * * *  app\ttouch /x\n@daily root true\nnonsense\n";
        let expect = Table {
            user: "app".into(),
            ..table(&[("SHELL", "/bin/bash")], "*/5 * * * *", "touch /x\n@daily root true\nnonsense")
        };
        assert_eq!(Table::read(text), expect);
    }
}
