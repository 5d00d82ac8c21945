//! The states that are kept, what is different between two of them, and who holds the lock.

use meshform_engine::address::Address;
use meshform_engine::ports::{Holder, Kept};
use meshform_engine::state::Difference;

use super::style::{ADDED, CHANGED, DANGER, FAINT, REMOVED, STRONG, paint};
use super::text::{counted, duration, harmless};

/// One line for each state: its serial, when and by whom and by what it came about, and what it changed.
pub(crate) fn text(entries: &[(Kept, Option<Difference>)]) -> String {
    let serials = entries.iter().map(|(kept, _)| kept.serial.to_string().len()).max().unwrap_or(0);
    let made = |kept: &Kept| match &kept.made {
        Some(made) => [made.at.clone(), made.operation.clone(), made.by.clone()],
        None => ["", "", ""].map(str::to_owned),
    };
    let columns: Vec<_> = entries.iter().map(|(kept, _)| made(kept)).collect();
    let widths = [0, 1, 2].map(|at| columns.iter().map(|column| column[at].len()).max().unwrap_or(0));
    let mut lines = String::new();
    for ((kept, difference), [at, operation, by]) in entries.iter().zip(&columns) {
        let line = format!(
            "{:>serials$}  {at:at_width$}  {operation:operation_width$}  {by:by_width$}  ",
            kept.serial,
            at_width = widths[0],
            operation_width = widths[1],
            by_width = widths[2],
        );
        lines.push_str(&harmless(&line));
        lines.push_str(&match difference {
            Some(difference) => counts(difference),
            None => counted(kept.records, "instance"),
        });
        if let Some(note) = kept.made.as_ref().and_then(|made| made.note.as_deref()) {
            lines.push_str(&paint(FAINT, format!("  ({})", harmless(note))));
        }
        lines.push('\n');
    }
    lines
}

/// How much is different: `+1 ~2 -0`.
fn counts(difference: &Difference) -> String {
    let Difference { added, changed, removed, outputs } = difference;
    let part = |style, sign, count: usize| match count {
        0 => format!("{sign}0"),
        count => paint(style, format!("{sign}{count}")),
    };
    let outputs = match outputs.len() {
        0 => String::new(),
        count => format!(", {}", counted(count, "output")),
    };
    let parts =
        [part(ADDED, '+', added.len()), part(CHANGED, '~', changed.len()), part(REMOVED, '-', removed.len())];
    format!("{}{outputs}", parts.join(" "))
}

/// Each address with a sign before it, and the outputs.
pub(crate) fn difference(difference: &Difference) -> String {
    let line = |style, sign: char, address: &Address| {
        format!("  {} {}\n", paint(style, sign), harmless(&address.to_string()))
    };
    let added = difference.added.iter().map(|address| line(ADDED, '+', address));
    let changed = difference.changed.iter().map(|address| line(CHANGED, '~', address));
    let removed = difference.removed.iter().map(|address| line(REMOVED, '-', address));
    let outputs = difference
        .outputs
        .iter()
        .map(|name| format!("  {} output {}\n", paint(CHANGED, '~'), harmless(name)));
    added.chain(changed).chain(removed).chain(outputs).collect()
}

/// Who holds the lock, in a few lines.
pub(crate) fn holder(holder: &Holder) -> String {
    let Holder { holder: name, process, operation, since, heartbeat_age_ms, token, is_dead } = holder;
    let alive = match is_dead {
        true => paint(DANGER, "it counts as dead: the next who asks for the lock gets it without this"),
        false => "it counts as alive".to_owned(),
    };
    let name = harmless(name);
    let operation = harmless(operation);
    format!(
        "{} {name} (process {process}), for {operation:?}\n  since     {since}\n  heartbeat {} ago; {alive}\n  token     {token}\n",
        paint(STRONG, "The lock is held by"),
        duration(*heartbeat_age_ms),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::ports::Made;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn each_state_has_a_line() {
        let kept = |serial, operation: &str, note: Option<&str>| Kept {
            serial,
            records: 3,
            made: Some(Made {
                at: "2026-11-24T12:00:00Z".to_owned(),
                by: "root@edge".to_owned(),
                operation: operation.to_owned(),
                note: note.map(str::to_owned),
            }),
        };
        let changed = Difference {
            added: vec![Address::new("value", "a")],
            removed: vec![Address::new("value", "b"), Address::new("value", "c")],
            outputs: vec!["x".to_owned()],
            ..Difference::default()
        };
        let entries = [
            (kept(10, "state mv", Some("the run was cut off")), Some(changed.clone())),
            (kept(9, "apply", None), None),
            (Kept { serial: 8, made: None, records: 1 }, None),
        ];
        let expect = "\
10  2026-11-24T12:00:00Z  state mv  root@edge  +1 ~0 -2, 1 output  (the run was cut off)
 9  2026-11-24T12:00:00Z  apply     root@edge  3 instances
 8                                             1 instance
";
        assert_eq!(plain(&text(&entries)), expect);
        let expect = "  + value.a\n  - value.b\n  - value.c\n  ~ output x\n";
        assert_eq!(plain(&difference(&changed)), expect);
    }

    #[test]
    fn a_holder_cannot_steer_the_terminal() {
        let held = Holder {
            holder: "root@e\u{1b}[2Jdge".to_owned(),
            process: 7,
            operation: "apply".to_owned(),
            since: "2026-11-24T12:00:00Z".to_owned(),
            heartbeat_age_ms: 2_140,
            token: 99,
            is_dead: false,
        };
        let expect = "\
The lock is held by root@e\\u001b[2Jdge (process 7), for \"apply\"
  since     2026-11-24T12:00:00Z
  heartbeat 2.1s ago; it counts as alive
  token     99
";
        assert_eq!(plain(&holder(&held)), expect);
    }
}
