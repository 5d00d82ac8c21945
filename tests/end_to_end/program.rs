//! Runs the program, or another one, and looks at what it said.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program under test, not yet told what to do, in this folder.
pub(crate) fn meshform(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshform"));
    command.current_dir(folder).stdin(Stdio::null());
    // What a user may have set must not decide about a test.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MESHFORM_") {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1").env("CI", "1").env_remove("KUBECONFIG");
    command
}

/// Runs the program to its end.
pub(crate) fn run<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> Ended {
    finish(meshform(folder).args(arguments))
}

/// Runs any command to its end.
pub(crate) fn finish(command: &mut Command) -> Ended {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    Ended::new(format!("{command:?}"), &output)
}

/// Runs any command to its end with a text on its standard input.
pub(crate) fn piped(command: &mut Command, input: &str) -> Ended {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    // One that ends without having read it all closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Ended::new(format!("{command:?}"), &child.wait_with_output().unwrap())
}

/// Runs the program at a terminal, which `script` gives it, while a shell script types. What it wrote is on standard output, its errors too.
pub(crate) fn typed(folder: &Path, arguments: &str, keys: &str) -> Ended {
    let program = env!("CARGO_BIN_EXE_meshform");
    let line = format!("({keys}) | script -qec '{program} {arguments}' /dev/null");
    let mut command = Command::new("sh");
    command
        .args(["-c", &line])
        .current_dir(folder)
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .env_remove("CI");
    finish(&mut command)
}

/// How a command ended.
pub(crate) struct Ended {
    command: String,
    /// The exit code; -1 if a signal ended it.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Ended {
    /// What the output says about the command.
    pub(crate) fn new(command: String, output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let ended = Self {
            command,
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        };
        assert!(!ended.all().contains("panicked"), "{ended}");
        ended
    }

    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn code(self, expect: i32) -> Self {
        assert_eq!(self.code, expect, "{self}");
        self
    }

    /// Checks that it did what it was asked for.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        self.code(0)
    }

    /// Checks that standard output has all of these.
    #[track_caller]
    pub(crate) fn says(self, fragments: &[&str]) -> Self {
        for fragment in fragments {
            assert!(self.out.contains(fragment), "no {fragment:?} in the output of {self}");
        }
        self
    }

    /// Checks that standard error has all of these, whatever its line breaks.
    #[track_caller]
    pub(crate) fn complains(self, fragments: &[&str]) -> Self {
        let words = words(&self.err);
        for fragment in fragments {
            assert!(words.contains(&self::words(fragment)), "no {fragment:?} in the complaint of {self}");
        }
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in the output of {self}"))
    }

    /// Everything that it wrote.
    pub(crate) fn all(&self) -> String {
        format!("{}\n{}", self.out, self.err)
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, code, out, err } = self;
        write!(f, "{command}\nwhich ended with {code}\n--- standard output\n{out}\n--- standard error\n{err}")
    }
}

/// The text with one blank for every space and line break.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
