//! The part of the display that is redrawn: running steps, longest first, and how far the apply is.

use meshform_engine::address::Address;

use super::board::{Board, Running};
use super::words::doing;
use crate::render::style::{DANGER, FAINT, STRONG, paint};
use crate::render::text::{duration, harmless, width};

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const SPIN_MS: u64 = 100;

/// The lines of the frame, none wider than `columns`, no more than `rows`.
pub(super) fn lines(board: &Board, now_ms: u64, columns: usize, rows: usize) -> Vec<String> {
    let spinner = SPINNER[usize::try_from(now_ms / SPIN_MS).unwrap_or(0) % SPINNER.len()];
    let mut running: Vec<_> = board.running().iter().collect();
    running.sort_by_key(|(_, step)| step.since_ms);
    let (ended, steps) = board.ended();
    let room = rows.saturating_sub(2).max(1);
    let mut lines: Vec<_> = match steps {
        0 => {
            board.looking().map(|(target, what)| format!("{spinner} {}: {what}", harmless(target))).collect()
        }
        _ => running.iter().map(|(address, step)| step_line(spinner, address, step, now_ms)).collect(),
    };
    let hidden = lines.len().saturating_sub(room);
    lines.truncate(room);
    if hidden > 0 {
        lines.push(paint(FAINT, format!("  … and {hidden} more")));
    }
    if steps > 0 {
        lines.push(count_line(board, ended, steps));
    }
    lines.into_iter().map(|line| fitted(&line, columns)).collect()
}

fn step_line(spinner: &str, address: &Address, step: &Running, now_ms: u64) -> String {
    let elapsed = duration(now_ms.saturating_sub(step.since_ms) / 1000 * 1000);
    let name = address.to_string();
    let mut line =
        format!("{spinner} {} {}… {elapsed}", paint(STRONG, harmless(&name)), doing(step.operation));
    if let Some(message) = &step.message {
        line.push_str(&paint(FAINT, format!("  {}", harmless(message).replace('\n', " "))));
    }
    line
}

fn count_line(board: &Board, ended: usize, steps: usize) -> String {
    let failed = board.failed();
    let mut line = paint(FAINT, format!("  {ended} of {steps} steps"));
    if failed > 0 {
        line.push_str(&paint(DANGER, format!(", {failed} failed")));
    }
    line
}

/// The line cut to the columns, so that redrawing knows how many rows it takes.
fn fitted(line: &str, columns: usize) -> String {
    if width(line) < columns {
        return line.to_owned();
    }
    let plain = anstream::adapter::strip_str(line).to_string();
    let mut short = String::new();
    for letter in plain.chars() {
        if width(&short) + 2 >= columns {
            break;
        }
        short.push(letter);
    }
    short + "…"
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::observer::Progress;
    use meshform_engine::plan::StepOperation;
    use meshform_engine::ports::Operation;

    fn check(steps: usize, columns: usize, rows: usize, expect: &[&str]) {
        let mut board = Board::new(true);
        board.take(&Progress::ApplyStarted { steps }, 0);
        for at in 0..steps as u64 {
            let address = Address::new("value", format!("v{at}"));
            board.take(
                &Progress::StepStarted {
                    address: address.clone(),
                    operation: StepOperation::Perform(Operation::Update),
                },
                at * 1000,
            );
            board.take(&Progress::StepReport { address, message: "1 of 2 replicas are ready".into() }, at);
        }
        let lines = lines(&board, 12_000, columns, rows);
        let lines: Vec<_> = lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect();
        assert_eq!(lines, expect);
    }

    #[test]
    fn the_frame_fits_the_terminal() {
        let whole = [
            "⠋ value.v0 updating… 12.0s  1 of 2 replicas are ready",
            "⠋ value.v1 updating… 11.0s  1 of 2 replicas are ready",
            "  0 of 2 steps",
        ];
        check(2, 80, 24, &whole);
        check(3, 20, 3, &["⠋ value.v0 updatin…", "  … and 2 more", "  0 of 3 steps"]);
    }
}
