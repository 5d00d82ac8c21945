//! One channel: a program goes in, an answer comes out.

use std::sync::Arc;
use std::time::Duration;

use openssh::{Child, Session};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

use super::{Reply, RunError};
use crate::answer::Answer;
use crate::script::{Program, quote};

/// The most that is read from one program, in bytes: far more than any answer of ours.
const OUTPUT_LIMIT: u64 = 256 * 1024 * 1024;
/// How long sudo may take over a password.
const PASSWORD_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends a program and reads its answer.
pub(super) async fn converse(
    mut child: Child<Arc<Session>>,
    program: &Program,
    seconds: u64,
) -> Result<Reply, RunError> {
    let (stdin, stdout, stderr) = (child.stdin().take(), child.stdout().take(), child.stderr().take());
    let send = async move {
        if let Some(mut stdin) = stdin {
            // A program that ends early closes its input; its answer tells why.
            let _ = stdin.write_all(program.text.as_bytes()).await;
            let _ = stdin.write_all(&program.payload).await;
        }
    };
    let ((), output, words) = tokio::join!(send, read(stdout), read(stderr));
    let ended = child.wait().await;
    let words = String::from_utf8_lossy(&words).into_owned();
    if let Some(answer) = Answer::read(&output, &program.nonce) {
        return Ok(Reply { answer, words });
    }
    match ended {
        // What `timeout` says when it had to stop something, and when it had to kill it.
        Ok(status) if matches!(status.code(), Some(124 | 137)) => Err(RunError::TimedOut { seconds }),
        Ok(_) | Err(openssh::Error::Remote(_)) => Err(RunError::Unintelligible { words }),
        Err(_) => Err(RunError::Lost),
    }
}

/// The command that lets sudo run a shell only once our word comes after the password. sudo may read ahead, or ask again after a wrong
/// password: nothing of the program must be on its way by then.
pub(super) fn gate(shell: &str, nonce: &str) -> String {
    let wait = format!(
        "echo READY-{nonce}; while IFS= read -r line; do [ \"$line\" = GO-{nonce} ] && exec {shell}; done; exit 97"
    );
    format!("/bin/sh -c {}", quote(&wait))
}

/// Passes the password, waits for the gate and opens it.
///
/// # Errors
/// With what sudo said, if the gate was never reached.
pub(super) async fn escalate(
    child: &mut Child<Arc<Session>>,
    password: &str,
    nonce: &str,
) -> Result<(), String> {
    let passed = tokio::time::timeout(PASSWORD_TIMEOUT, pass_gate(child, password, nonce)).await;
    if passed == Ok(true) {
        return Ok(());
    }
    // Ends sudo's waiting, if it still waits, and with it its words.
    child.stdin().take();
    let words = tokio::time::timeout(PASSWORD_TIMEOUT, read(child.stderr().take())).await.unwrap_or_default();
    Err(String::from_utf8_lossy(&words).into_owned())
}

async fn pass_gate(child: &mut Child<Arc<Session>>, password: &str, nonce: &str) -> bool {
    if !write_line(child, password).await {
        return false;
    }
    let ready = format!("READY-{nonce}\n");
    let mut heard = Vec::new();
    while !heard.ends_with(ready.as_bytes()) {
        let Some(stdout) = child.stdout() else { return false };
        match stdout.read_buf(&mut heard).await {
            Ok(1..) => {}
            _ => return false,
        }
    }
    write_line(child, &format!("GO-{nonce}")).await
}

async fn write_line(child: &mut Child<Arc<Session>>, line: &str) -> bool {
    match child.stdin() {
        Some(stdin) => stdin.write_all(format!("{line}\n").as_bytes()).await.is_ok(),
        None => false,
    }
}

/// Sends one line, and nothing after it.
///
/// # Errors
/// With what was said, if the command failed.
pub(super) async fn send_line(mut child: Child<Arc<Session>>, line: &str) -> Result<(), String> {
    let (stdin, stderr) = (child.stdin().take(), child.stderr().take());
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(format!("{line}\n").as_bytes()).await;
    }
    let words = tokio::time::timeout(PASSWORD_TIMEOUT, read(stderr)).await.unwrap_or_default();
    match child.wait().await {
        Ok(status) if status.success() => Ok(()),
        _ => Err(String::from_utf8_lossy(&words).into_owned()),
    }
}

/// Everything up to the end, as far as it came.
async fn read(source: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(source) = source {
        let _ = source.take(OUTPUT_LIMIT).read_to_end(&mut bytes).await;
    }
    bytes
}
