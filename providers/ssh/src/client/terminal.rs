//! Programs behind a password that is taken from a terminal only, as doas does: the host makes a terminal for each of them.
//!
//! ```text
//! we                          the host
//! ssh -tt ──────────────────▶ no echo, then doas
//!         ◀────────────────── doas asks, at the terminal
//! password ─────────────────▶
//!         ◀────────────────── READY: root's shell, the terminal lets every byte pass
//! GO, program ──────────────▶ read to its last byte, run without a terminal
//!         ◀────────────────── its answer, then what it wrote for people
//! ```
//!
//! The password goes the way that the program goes, and is no argument, variable or file anywhere. Nothing echoes it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::{Reply, RunError};
use crate::answer::Answer;
use crate::script::{Program, quote};
use crate::settings::Settings;

/// How long doas may take over a password.
const PASSWORD_TIMEOUT: Duration = Duration::from_secs(30);

/// Why there is no answer.
pub(super) enum Failure {
    /// doas did not let us pass; what it said.
    Refused(String),
    /// What came after that.
    Run(RunError),
}

/// The `ssh` that runs a program by this shell, over the connection whose socket this is.
pub(super) fn command(settings: &Settings, socket: &Path, program: &Program, shell: &str) -> Command {
    let mut ssh = Command::new("ssh");
    // No byte of ours is an escape.
    ssh.args(["-q", "-tt", "-e", "none", "-o", "ControlMaster=no", "-S"]).arg(socket);
    ssh.args(settings.arguments(socket.parent().unwrap_or(Path::new("/"))));
    ssh.arg(OsStr::new(&remote(program, shell))).kill_on_drop(true);
    ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    ssh
}

/// What the host runs at the terminal. In front of a terminal there is no second output for what is written for people: it follows the answer.
fn remote(program: &Program, shell: &str) -> String {
    let (nonce, length) = (&program.nonce, program.text.len() + program.payload.len());
    let inside = format!(
        "stty raw -echo; echo READY-{nonce}; while IFS= read -r line; do [ \"$line\" = GO-{nonce} ] && break; done; exec 3>&1; \
         words=$({{ head -c {length} | {shell} >&3 3>&-; }} 2>&1); code=$?; \
         printf \"WORDS-{nonce} %s\\n\" \"$(printf %s \"$words\" | base64 | tr -d \"\\n\")\"; exit \"$code\""
    );
    format!("stty -echo; doas -- /bin/sh -c {}", quote(&inside))
}

/// Passes the password, sends the program and reads its answer.
///
/// # Errors
/// When doas does not let us pass, or there is no whole answer.
pub(super) async fn converse(
    mut ssh: Command,
    program: &Program,
    password: &str,
    seconds: u64,
) -> Result<Reply, Failure> {
    let mut child = ssh.spawn().map_err(|problem| Failure::Refused(problem.to_string()))?;
    let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Failure::Run(RunError::Lost));
    };
    let passed =
        tokio::time::timeout(PASSWORD_TIMEOUT, pass(&mut stdin, &mut stdout, password, &program.nonce));
    if let Err(words) = passed.await.unwrap_or_else(|_| Err("It does not answer.".to_owned())) {
        return Err(Failure::Refused(words.replace(password, "(sensitive)")));
    }
    let send = async {
        // A program that ends early takes its terminal along; its answer tells why.
        let _ = stdin.write_all(program.text.as_bytes()).await;
        let _ = stdin.write_all(&program.payload).await;
        let _ = stdin.flush().await;
    };
    let mut output = Vec::new();
    let ((), _) = tokio::join!(send, stdout.read_to_end(&mut output));
    ended(child, &output, program, seconds).await.map_err(Failure::Run)
}

async fn ended(mut child: Child, output: &[u8], program: &Program, seconds: u64) -> Result<Reply, RunError> {
    let status = child.wait().await;
    let words = words(output, &program.nonce);
    if let Some(answer) = Answer::read(output, &program.nonce) {
        return Ok(Reply { answer, words: words.unwrap_or_default() });
    }
    match (status.ok().and_then(|status| status.code()), words) {
        // What `timeout` says when it had to stop something, and when it had to kill it.
        (Some(124 | 137), _) => Err(RunError::TimedOut { seconds }),
        (_, Some(words)) => Err(RunError::Unintelligible { words }),
        (_, None) => Err(RunError::Lost),
    }
}

/// Waits for root's shell, and gives the password to whoever asks for it first.
///
/// # Errors
/// With all that was said, if that shell was never reached.
async fn pass(
    stdin: &mut ChildStdin,
    stdout: &mut ChildStdout,
    password: &str,
    nonce: &str,
) -> Result<(), String> {
    let ready = format!("READY-{nonce}\n");
    let (mut heard, mut answered) = (Vec::new(), false);
    while !heard.ends_with(ready.as_bytes()) {
        let said = |heard: &[u8]| String::from_utf8_lossy(heard).replace('\r', "").trim().to_owned();
        if !matches!(stdout.read_buf(&mut heard).await, Ok(1..)) {
            return Err(said(&heard));
        }
        // A line that is not ended waits for an answer.
        if !answered && !heard.ends_with(b"\n") {
            answered = true;
            write_line(stdin, password).await.map_err(|_| String::new())?;
        }
    }
    write_line(stdin, &format!("GO-{nonce}")).await.map_err(|_| String::new())
}

async fn write_line(stdin: &mut ChildStdin, line: &str) -> std::io::Result<()> {
    stdin.write_all(format!("{line}\n").as_bytes()).await?;
    stdin.flush().await
}

/// What the program wrote for people, if it came to its end.
fn words(output: &[u8], nonce: &str) -> Option<String> {
    let output = String::from_utf8_lossy(output);
    let marker = format!("WORDS-{nonce} ");
    let encoded = output.lines().rev().find_map(|line| line.strip_prefix(&marker))?;
    let bytes = STANDARD.decode(encoded.trim_end()).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
