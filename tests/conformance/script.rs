//! Scripts: requests in order, with what is expected of each.
//!
//! ```text
//! ### replaced from an old version           the step's name, of its script alone
//! # why this is asked                        any number of lines
//! ~ until /status/phase "Active"             the request is repeated until the answer has these values there
//! PUT /api/v1/namespaces/x/configmaps/a      ${created/metadata/uid} is a value of the answer to the step `created`
//! Content-Type: application/json             any number of headers
//!
//! {"kind": "ConfigMap", …}                   the body, if any
//!
//! >>> 409                                    the answer: status, warnings and body
//! {"kind": "Status", …}
//! ```

use std::fmt::Write as _;

use serde_json::Value;

const STEP: &str = "### ";
const ANSWER: &str = ">>> ";
const UNTIL: &str = "~ until ";
/// Values that are at most this wide stand on one line.
const WIDTH: usize = 118;

/// A script, as its file has it.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) name: String,
    /// What comes before the first step.
    preamble: String,
    pub(crate) steps: Vec<Step>,
}

/// A request and its expected answer.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) name: String,
    notes: Vec<String>,
    /// Values at places of the answer.
    pub(crate) until: Vec<(String, Value)>,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) answer: Option<Answer>,
}

/// What a server says, without what differs from run to run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) warnings: Vec<String>,
    /// JSON; a list of the lines of a stream; or a text.
    pub(crate) body: Value,
}

impl Script {
    /// Reads a script.
    pub(crate) fn parse(name: &str, text: &str) -> Self {
        let mut parts = text.split("\n### ");
        let first = parts.next().unwrap_or_default();
        let (preamble, first) = match first.strip_prefix(STEP) {
            Some(step) => ("", Some(step)),
            None => (first, None),
        };
        let steps: Vec<Step> = first.into_iter().chain(parts).map(|text| Step::parse(name, text)).collect();
        for (at, step) in steps.iter().enumerate() {
            let again = steps.iter().take(at).any(|other| other.name == step.name);
            assert!(!again, "{name} has two steps `{}`", step.name);
        }
        Self { name: name.to_owned(), preamble: preamble.trim_end().to_owned(), steps }
    }

    /// Writes the script as it is read.
    pub(crate) fn print(&self) -> String {
        let mut text = String::new();
        if !self.preamble.is_empty() {
            text.push_str(&format!("{}\n\n", self.preamble));
        }
        let steps: Vec<String> = self.steps.iter().map(Step::print).collect();
        text.push_str(&steps.join("\n"));
        text
    }
}

impl Step {
    fn parse(script: &str, text: &str) -> Self {
        let (request, answer) = match text.split_once(&format!("\n{ANSWER}")) {
            Some((request, answer)) => (request, Some(answer)),
            None => (text, None),
        };
        let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
        let mut lines = head.lines();
        let mut step = Self {
            name: lines.next().unwrap_or_default().trim().to_owned(),
            body: body.trim().to_owned(),
            answer: answer.map(Answer::parse),
            ..Self::default()
        };
        for line in lines {
            step.read(script, line);
        }
        assert!(!step.method.is_empty(), "{script}: the step `{}` asks nothing", step.name);
        step
    }

    fn read(&mut self, script: &str, line: &str) {
        if let Some(until) = line.strip_prefix(UNTIL) {
            let (pointer, value) = until.split_once(' ').unwrap_or((until, "null"));
            let value = serde_json::from_str(value)
                .unwrap_or_else(|error| panic!("{script}, `{}`: {line}: {error}", self.name));
            self.until.push((pointer.to_owned(), value));
        } else if line.starts_with('#') {
            self.notes.push(line.to_owned());
        } else if self.method.is_empty() {
            let (method, path) =
                line.split_once(' ').unwrap_or_else(|| panic!("{script}: no request: {line}"));
            (self.method, self.path) = (method.to_owned(), path.trim().to_owned());
        } else {
            let (name, value) =
                line.split_once(": ").unwrap_or_else(|| panic!("{script}: no header: {line}"));
            self.headers.push((name.to_owned(), value.to_owned()));
        }
    }

    fn print(&self) -> String {
        let mut text = format!("{STEP}{}\n", self.name);
        for note in &self.notes {
            let _ = writeln!(text, "{note}");
        }
        for (pointer, value) in &self.until {
            let _ = writeln!(text, "{UNTIL}{pointer} {value}");
        }
        let _ = writeln!(text, "{} {}", self.method, self.path);
        for (name, value) in &self.headers {
            let _ = writeln!(text, "{name}: {value}");
        }
        if !self.body.is_empty() {
            let _ = writeln!(text, "\n{}", self.body);
        }
        if let Some(answer) = &self.answer {
            let _ = writeln!(text, "\n{}", answer.print());
        }
        text
    }
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (status, mut rest) = text.split_once('\n').unwrap_or((text, ""));
        let mut warnings = Vec::new();
        while let Some(after) = rest.strip_prefix("Warning: ") {
            let (warning, next) = after.split_once('\n').unwrap_or((after, ""));
            warnings.push(warning.to_owned());
            rest = next;
        }
        let status = status.trim().parse().unwrap_or_else(|_| panic!("no status: {status}"));
        Self { status, warnings, body: body_of(rest.trim()) }
    }

    fn print(&self) -> String {
        let mut text = format!("{ANSWER}{}\n", self.status);
        for warning in &self.warnings {
            let _ = writeln!(text, "Warning: {warning}");
        }
        match &self.body {
            Value::String(body) => text.push_str(body),
            body => print_value(body, 0, &mut text),
        }
        text
    }
}

/// The body of an answer: JSON, a stream of it, or a text.
pub(crate) fn body_of(text: &str) -> Value {
    if let Ok(value) = serde_json::from_str(text) {
        return value;
    }
    let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
    match lines {
        Ok(events) if !events.is_empty() => Value::Array(events),
        _ => Value::String(text.trim_end().to_owned()),
    }
}

/// Writes JSON so that it can be read, and compared line by line.
fn print_value(value: &Value, indent: usize, text: &mut String) {
    let flat = value.to_string();
    let is_flat = flat.len() + indent <= WIDTH;
    match value {
        Value::Object(fields) if !is_flat => {
            let entries =
                fields.iter().map(|(key, value)| (format!("{}: ", Value::from(key.as_str())), value));
            print_entries(('{', '}'), entries, indent, text);
        }
        Value::Array(items) if !is_flat => {
            let entries = items.iter().map(|item| (String::new(), item));
            print_entries(('[', ']'), entries, indent, text);
        }
        _ => text.push_str(&flat),
    }
}

fn print_entries<'v>(
    (open, close): (char, char),
    entries: impl Iterator<Item = (String, &'v Value)>,
    indent: usize,
    text: &mut String,
) {
    text.push(open);
    for (at, (label, value)) in entries.enumerate() {
        let _ = write!(text, "{}\n{:2$}{label}", if at == 0 { "" } else { "," }, "", indent + 2);
        print_value(value, indent + 2, text);
    }
    let _ = write!(text, "\n{:1$}{close}", "", indent);
}
