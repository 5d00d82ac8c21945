//! A command in a container (`exec`), and what a container says for itself (`attach`), over the streams of a connection.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, copy, sink};
use tokio::sync::mpsc;

use super::pipe::CHUNK;
use super::program::{self, Ended, Run};
use super::spdy::Stream;
use super::websocket::Channels;
use crate::kube::http::params::Params;
use crate::kube::net::{Closing, Container, closed};
use crate::kube::status::{ApiError, ApiResult};

/// How long a client may take to open the streams that it has asked for.
const OPENING: Duration = Duration::from_secs(30);

/// The channels of a WebSocket: input, output, errors, the outcome, the size of the terminal.
const CHANNELS: u8 = 5;

/// The streams that a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "as the API has them")]
pub(super) struct Asked {
    stdin: bool,
    stdout: bool,
    stderr: bool,
    tty: bool,
}

/// What is to be done.
pub(super) enum Task {
    /// A command.
    Run { container: Box<Container>, command: Vec<String> },
    /// To wait for the pod's end, for containers say nothing once they have started.
    Watch(Vec<Closing>),
}

/// The streams of a session. Those that are not asked for are not there.
#[derive(Default)]
struct Streams {
    stdin: Option<DuplexStream>,
    stdout: Option<DuplexStream>,
    stderr: Option<DuplexStream>,
    /// The outcome, as a `Status`.
    error: Option<DuplexStream>,
    resize: Option<DuplexStream>,
}

impl Asked {
    /// # Errors
    ///
    /// 400 if no stream is asked for.
    pub(super) fn of(params: &Params) -> ApiResult<Self> {
        let tty = params.flag("tty");
        let asked = Self {
            stdin: params.flag("stdin"),
            stdout: params.flag("stdout"),
            // A terminal has one output.
            stderr: params.flag("stderr") && !tty,
            tty,
        };
        if !asked.stdin && !asked.stdout && !asked.stderr {
            return Err(ApiError::bad_request("you must specify at least 1 of stdin, stdout, stderr"));
        }
        Ok(asked)
    }

    /// The channels by which it goes over a WebSocket. An empty message says that the connection stands.
    pub(super) fn channels(self, closable: bool) -> Channels {
        let first = if self.stdout {
            1
        } else if self.stderr {
            2
        } else {
            3
        };
        Channels { count: CHANNELS, closable, greetings: vec![vec![first]] }
    }

    fn count(self) -> usize {
        [self.stdin, self.stdout, self.stderr, self.tty, true].into_iter().filter(|asked| *asked).count()
    }
}

/// Does the task over channels.
pub(super) async fn over_channels(task: Task, asked: Asked, pipes: Vec<DuplexStream>) {
    let mut pipes = pipes.into_iter();
    let mut next = |wanted: bool| pipes.next().filter(|_| wanted);
    let streams = Streams {
        stdin: next(asked.stdin),
        stdout: next(asked.stdout),
        stderr: next(asked.stderr),
        error: next(true),
        resize: next(asked.tty),
    };
    attend(task, asked, streams).await;
}

/// Does the task over the streams that the client opens.
pub(super) async fn over_streams(task: Task, asked: Asked, mut opened: mpsc::Receiver<Stream>) {
    let gathered = tokio::time::timeout(OPENING, gather(asked, &mut opened)).await;
    // A client that does not open them has gone, or speaks another protocol.
    if let Ok(Some(streams)) = gathered {
        attend(task, asked, streams).await;
    }
}

async fn gather(asked: Asked, opened: &mut mpsc::Receiver<Stream>) -> Option<Streams> {
    let mut streams = Streams::default();
    for _ in 0..asked.count() {
        let Stream { headers, pipe } = opened.recv().await?;
        let place = match headers.get("streamtype").map(String::as_str)? {
            "stdin" => &mut streams.stdin,
            "stdout" => &mut streams.stdout,
            "stderr" => &mut streams.stderr,
            "error" => &mut streams.error,
            "resize" => &mut streams.resize,
            _ => return None,
        };
        *place = Some(pipe);
    }
    Some(streams)
}

async fn attend(task: Task, asked: Asked, mut streams: Streams) {
    let outcome = match task {
        Task::Run { container, command } => match program::run(&container, &command) {
            Some(run) => finish(run, asked, &mut streams).await,
            None => not_found(command.first().map_or("", String::as_str)),
        },
        Task::Watch(closings) => watch(closings, &mut streams).await,
    };
    if let Some(mut error) = streams.error.take() {
        // Whoever has gone by now need not be told.
        let _ = error.write_all(outcome.to_string().as_bytes()).await;
    }
}

async fn watch(closings: Vec<Closing>, streams: &mut Streams) -> Value {
    let ignored = async {
        if let Some(input) = &mut streams.stdin {
            let _ = copy(input, &mut sink()).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = closed(closings) => {}
        () = ignored => {}
    }
    success()
}

async fn finish(run: Run, asked: Asked, streams: &mut Streams) -> Value {
    match run {
        Run::Ended(Ended { out, err, code }) => {
            write(&mut streams.stdout, &out, asked.tty).await;
            // A terminal shows both.
            let errors = if asked.tty { &mut streams.stdout } else { &mut streams.stderr };
            write(errors, err.as_bytes(), asked.tty).await;
            exited(code)
        }
        Run::Copies => {
            copy_through(asked, streams).await;
            success()
        }
        Run::Sleeps(time) => {
            tokio::time::sleep(time).await;
            success()
        }
    }
}

async fn copy_through(asked: Asked, streams: &mut Streams) {
    let Some(input) = &mut streams.stdin else { return };
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = input.read(&mut buffer).await.unwrap_or(0);
        if read == 0 {
            return;
        }
        write(&mut streams.stdout, &buffer[..read], asked.tty).await;
    }
}

/// Writes to a stream, if it is there and read by anyone. A terminal returns to the first column for each line.
async fn write(to: &mut Option<DuplexStream>, bytes: &[u8], tty: bool) {
    let Some(stream) = to else { return };
    let written = if tty {
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        stream.write_all(&lines.join(&b"\r\n"[..])).await
    } else {
        stream.write_all(bytes).await
    };
    if written.is_err() {
        *to = None;
    }
}

fn success() -> Value {
    json!({ "metadata": {}, "status": "Success" })
}

fn exited(code: u8) -> Value {
    if code == 0 {
        return success();
    }
    json!({
        "metadata": {},
        "status": "Failure",
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "reason": "NonZeroExitCode",
        "details": { "causes": [{ "reason": "ExitCode", "message": code.to_string() }] },
    })
}

/// What a container runtime says of a program that the image does not have.
fn not_found(program: &str) -> Value {
    let message = format!(
        "error executing command in container: failed to exec in container: OCI runtime exec failed: exec failed: unable \
         to start container process: exec: {program:?}: executable file not found in $PATH: unknown"
    );
    json!({
        "metadata": {},
        "status": "Failure",
        "message": format!("Internal error occurred: {message}"),
        "reason": "InternalError",
        "details": { "causes": [{ "message": message }] },
        "code": 500,
    })
}
