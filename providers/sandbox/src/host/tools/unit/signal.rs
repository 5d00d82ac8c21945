//! Signals by their names.

use rustix::process::Signal;

const NAMES: [(&str, Signal); 14] = [
    ("HUP", Signal::HUP),
    ("INT", Signal::INT),
    ("QUIT", Signal::QUIT),
    ("ABRT", Signal::ABORT),
    ("KILL", Signal::KILL),
    ("USR1", Signal::USR1),
    ("SEGV", Signal::SEGV),
    ("USR2", Signal::USR2),
    ("PIPE", Signal::PIPE),
    ("ALRM", Signal::ALARM),
    ("TERM", Signal::TERM),
    ("CONT", Signal::CONT),
    ("STOP", Signal::STOP),
    ("WINCH", Signal::WINCH),
];

/// `TERM`, `SIGTERM` or `15`.
pub(in crate::host::tools) fn read(name: &str) -> Option<Signal> {
    let plain = name.strip_prefix("SIG").unwrap_or(name);
    let by_name = NAMES.iter().find(|(own, _)| *own == plain).map(|(_, signal)| *signal);
    by_name.or_else(|| {
        NAMES.iter().map(|(_, signal)| *signal).find(|signal| signal.as_raw().to_string() == plain)
    })
}

pub(super) fn number(name: &str) -> Option<i32> {
    read(name).map(Signal::as_raw)
}
