//! What a command takes: time, CPU time, memory.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The unit in which Linux counts a process's time, on every machine that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// What one command took.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_mb: f64,
}

/// Runs a command to its end, which has to be a good one.
pub(crate) fn run(command: &mut Command, folder: &Path) -> Cost {
    let command = command.current_dir(folder).env("CI", "1").stdin(Stdio::null());
    let begin = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let process = format!("/proc/{}", child.id());
    let mut peak_kb = 0.0;
    // One that has ended keeps its times, but not its memory, until it is waited for.
    while let Some(kb) = peak_memory(&process) {
        peak_kb = kb;
        std::thread::sleep(Duration::from_millis(2));
    }
    let seconds = begin.elapsed().as_secs_f64();
    let cpu_seconds = cpu_ticks(&process) / TICKS_PER_SECOND;
    let status = child.wait().unwrap();
    assert!(status.success(), "{command:?} failed");
    Cost { seconds, cpu_seconds, peak_mb: peak_kb / 1e3 }
}

fn peak_memory(process: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// User and system time: the 14th and 15th fields of `stat`, of which the second may hold spaces and ends with a parenthesis.
fn cpu_ticks(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("{process}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
}
