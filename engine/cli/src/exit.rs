//! How a command ends, and the exit codes that say so.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or nothing to do.
    Done,
    /// An error, or an apply that failed.
    Failed,
    /// A plan that holds changes, where that was asked for.
    Changes,
    /// An apply after which another one is due.
    Paused,
    /// A plan, or its apply, that leaves out what could not be reached: another one is due when it can.
    Incomplete,
    /// Files that are not formatted, where that was asked for.
    Unformatted,
}

impl Exit {
    /// The process's exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Changes => 2,
            Self::Paused | Self::Incomplete | Self::Unformatted => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
