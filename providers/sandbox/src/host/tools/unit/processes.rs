//! The processes of a run: all that have its number in their environment, which children inherit.

use std::fs;

use rustix::process::{Pid, Signal};

/// A process of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host::tools) struct Process {
    /// Its number on the machine.
    outside: Pid,
    /// Its number on the host.
    pub(in crate::host::tools) inside: u32,
}

/// All processes whose environment has this variable with this value, except for what only enters the host.
pub(in crate::host::tools) fn with(variable: &str, value: &str) -> Vec<Process> {
    let mark = format!("{variable}={value}");
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let marked = |number: &i32| {
        let environment = fs::read(format!("/proc/{number}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
    };
    numbers.filter(marked).filter_map(|number| process(Pid::from_raw(number)?)).collect()
}

fn process(outside: Pid) -> Option<Process> {
    let inside = inside(outside.as_raw_nonzero().get().cast_unsigned())?;
    Some(Process { outside, inside })
}

/// The number that a process has on its host, if that is another one; what is on the machine only, has none.
pub(super) fn inside(outside: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{outside}/status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    if field("State:")?.trim_start().starts_with('Z') {
        return None;
    }
    let numbers: Vec<&str> = field("NSpid:")?.split_ascii_whitespace().collect();
    numbers.get(1..)?.last()?.parse().ok()
}

/// The one process that a tool which enters the host waits for.
pub(in crate::host::tools) fn child_of(tool: u32) -> Option<Process> {
    let children = fs::read_to_string(format!("/proc/{tool}/task/{tool}/children")).ok()?;
    process(Pid::from_raw(children.split_ascii_whitespace().next()?.parse().ok()?)?)
}

/// Signals all of these. Some may have ended.
pub(in crate::host::tools) fn signal(processes: &[Process], signal: Signal) {
    for process in processes {
        let _ = rustix::process::kill_process(process.outside, signal);
    }
}
