//! The program that runs a user's command, guards first.

use super::{Program, assign, confirming, program, quote};
use crate::confirm::Confirm;

/// A guard may take so many seconds.
const GUARD_SECONDS: u64 = 20;

/// In what a user's commands run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setting<'a> {
    /// Environment variables.
    pub(crate) environment: Vec<(&'a str, &'a str)>,
    /// The folder.
    pub(crate) folder: Option<&'a str>,
}

/// What tells that there is nothing to do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guards<'a> {
    /// There is something at this path.
    pub(crate) creates: Option<&'a str>,
    /// This command succeeds.
    pub(crate) unless: Option<&'a str>,
    /// This command fails.
    pub(crate) onlyif: Option<&'a str>,
}

/// One command that tells something, and changes nothing.
#[derive(Clone, Debug)]
pub(crate) struct Question<'a> {
    /// The number of its record.
    pub(crate) index: usize,
    /// The command, in POSIX sh.
    pub(crate) command: &'a str,
    /// In what it runs.
    pub(crate) setting: Setting<'a>,
}

/// One command to run.
#[derive(Clone, Debug)]
pub(crate) struct Task<'a> {
    /// The command, in POSIX sh.
    pub(crate) command: &'a str,
    /// In what it runs.
    pub(crate) setting: Setting<'a>,
    /// What is asked first.
    pub(crate) guards: Guards<'a>,
    /// How long it may take.
    pub(crate) seconds: u64,
    /// What the host does by itself unless the change is confirmed.
    pub(crate) revert: Option<Revert<'a>>,
}

/// How a command is undone.
#[derive(Clone, Debug)]
pub(crate) struct Revert<'a> {
    /// The command that does it, in POSIX sh.
    pub(crate) command: &'a str,
    /// Under what it is armed, and for how long.
    pub(crate) confirm: Confirm,
}

impl Question<'_> {
    /// Lines that run it, and tell how it ended and what it wrote.
    pub(super) fn ask(&self, nonce: &str) -> String {
        let Self { index, command, setting } = self;
        format!(
            "question() {{\n{}}}\n{}answer {index}\n",
            run(nonce, setting, command, GUARD_SECONDS, ""),
            include_str!("answer.sh"),
        )
    }
}

impl Revert<'_> {
    /// Lines that arm it.
    fn arm(&self, nonce: &str, setting: &Setting<'_>, seconds: u64) -> String {
        let command = framed(setting, self.command);
        format!(
            "{}hold_command() {{\ncat >\"$way/then\" <<'THEN-{nonce}'\n{command}THEN-{nonce}\n}}\n\
             arm {} hold_command || fail unarmed\nsay armed 0\n",
            confirming(&self.confirm.key, Some(self.confirm.seconds)),
            seconds + self.confirm.seconds,
        )
    }
}

/// The program that asks a task's guards, runs it, and tells its output and how it ended.
pub(crate) fn task(nonce: &str, task: &Task<'_>, timeout: bool) -> Program {
    let (arm, extend) = match &task.revert {
        Some(revert) => (revert.arm(nonce, &task.setting, task.seconds), "extend \"$confirm_seconds\"\n"),
        None => (String::new(), ""),
    };
    let body = format!(
        "{}{}{}if [ \"$settled\" = yes ]; then\n  say skipped 0\n  finish\nfi\n{arm}\
         task() {{\n{}}}\n\
         exec 3>&1\n\
         printf 'output\\t0\\t'\n\
         code=$({{ {{ task 3>&- 4>&-; printf '%s' \"$?\" >&4; }} | base64 | tr -d '\\n' >&3; }} 4>&1)\n\
         printf '\\n'\n\
         count=$((count + 1))\n\
         {extend}say exit 0 \"$code\"\n",
        assign("timeout", if timeout { "1" } else { "0" }),
        include_str!("run.sh"),
        task.guards.ask(nonce, &task.setting),
        run(nonce, &task.setting, task.command, task.seconds, ""),
    );
    program(nonce, &body)
}

impl Guards<'_> {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.creates.is_none() && self.unless.is_none() && self.onlyif.is_none()
    }

    /// Lines that set `settled` to `yes` or `no`.
    pub(super) fn ask(&self, nonce: &str, setting: &Setting<'_>) -> String {
        let mut lines = "settled=no\n".to_owned();
        if let Some(path) = self.creates {
            lines.push_str(&format!("if [ -e {} ]; then settled=yes; fi\n", quote(path)));
        }
        for (command, test) in [(self.unless, "[ $? -ne 0 ]"), (self.onlyif, "[ $? -eq 0 ]")] {
            let Some(command) = command else { continue };
            let run = run(nonce, setting, command, GUARD_SECONDS, ">/dev/null 2>&1 ");
            lines.push_str(&format!("if [ \"$settled\" = no ]; then\n{run}{test} || settled=yes\nfi\n"));
        }
        lines
    }
}

/// Lines that run a user's command in a shell of its own. It goes in by standard input, as arguments can be seen by everyone; it is
/// evaluated there once it is whole, and has no standard input itself.
fn run(nonce: &str, setting: &Setting<'_>, command: &str, seconds: u64, redirection: &str) -> String {
    format!("run {seconds} {redirection}<<'RUN-{nonce}'\n{}RUN-{nonce}\n", framed(setting, command))
}

/// The same as a program of its own.
fn framed(setting: &Setting<'_>, command: &str) -> String {
    let folder =
        setting.folder.map(|folder| format!("cd -- {} || exit 126\n", quote(folder))).unwrap_or_default();
    let variables: String = setting
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={}\nexport {name}\n", quote(value)))
        .collect();
    format!("main() {{\n{folder}{variables}eval {}\n}}\nmain </dev/null\n", quote(command))
}
