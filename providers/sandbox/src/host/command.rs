//! One request's process: its streams, signals and exit status, between an SSH channel and a private root.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use russh::server::{Handle, Msg};
use russh::{ChannelWriteHalf, Sig};
use rustix::process::Signal;
use rustix::termios::Winsize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::confine::{ConfineError, Confinement, Entrance, PATH};
use super::input::InputReceiver;
use super::signal;
use super::terminal::{Terminal, TerminalRequest};

/// What ssh(1) itself exits with when it fails, so that it isn't taken for the command's own status.
const FAILURE_STATUS: u32 = 255;
/// The channel data type of standard error (RFC 4254, 5.2).
const STDERR: u32 = 1;
const CHUNK_BYTES: usize = 32 << 10;
/// How long a process whose client has gone may tidy up before it's killed.
const HANGUP_GRACE: Duration = Duration::from_millis(300);
/// How long the last output of a terminal may take after its process's end.
const TERMINAL_DRAIN: Duration = Duration::from_millis(100);

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// The login shell, reading commands.
    LoginShell,
    /// A command line for the shell.
    CommandLine(Vec<u8>),
}

/// A request for a process.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) program: Program,
    /// Variables that the client sent, already sifted.
    pub(super) environment: Vec<(String, String)>,
    pub(super) terminal: Option<TerminalRequest>,
}

/// What a client does to a running process, besides sending it input.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Signal(Sig),
    Resize(Winsize),
}

/// The SSH side of a process.
pub(super) struct Remote {
    pub(super) channel: ChannelWriteHalf<Msg>,
    pub(super) handle: Handle,
    pub(super) input: InputReceiver,
    /// Ends when the client closes the channel or goes away.
    pub(super) events: mpsc::UnboundedReceiver<Event>,
}

/// Why a process could not be started.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("enter the private root")]
    Confine(#[source] ConfineError),
    #[error("allocate a terminal")]
    Terminal(#[source] io::Error),
    #[error("start the command")]
    Spawn(#[source] io::Error),
}

/// Runs `request` to its end, or until the client goes away, and answers on the channel.
pub(super) async fn run(confinement: &Confinement, host: &str, request: Request, remote: Remote) {
    match start(confinement, &request).await {
        Ok(process) => process.attend(remote).await,
        Err(error) => {
            let message = explain(host, &error);
            let _ = remote.channel.extended_data_bytes(STDERR, message.into_bytes()).await;
            finish(&remote, Some(FAILURE_STATUS), None).await;
        }
    }
}

struct Process {
    child: Child,
    terminal: Option<Terminal>,
}

async fn start(confinement: &Confinement, request: &Request) -> Result<Process, StartError> {
    let entrance = confinement.entrance().await.map_err(StartError::Confine)?;
    let mut command = entrance.shell(request.terminal.is_some());
    command.arg(script(&request.program)).envs(environment(request)).kill_on_drop(true);
    let terminal = connect(&mut command, entrance, request).map_err(StartError::Terminal)?;
    let child = command.spawn().map_err(StartError::Spawn)?;
    Ok(Process { child, terminal })
}

/// Gives the command its standard streams.
fn connect(command: &mut Command, entrance: Entrance, request: &Request) -> io::Result<Option<Terminal>> {
    let Some(wanted) = &request.terminal else {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        return Ok(None);
    };
    let (ours, theirs): (Terminal, OwnedFd) = Terminal::open(entrance.pid, wanted.size)?;
    command.stdin(theirs.try_clone()?).stdout(theirs.try_clone()?).stderr(theirs);
    Ok(Some(ours))
}

/// The argument of `sh -c`. The shell starts in `/` and with whatever mask we were started with; a login, in the home
/// folder and with the usual mask.
fn script(program: &Program) -> OsString {
    let mut script = b"umask 022; cd 2>/dev/null || cd /; ".to_vec();
    match program {
        Program::CommandLine(line) => script.extend_from_slice(line),
        Program::LoginShell => {
            script.extend_from_slice(b"if [ -x /bin/bash ]; then exec bash -l; fi; exec sh -l")
        }
    }
    OsString::from_vec(script)
}

fn environment(request: &Request) -> Vec<(String, String)> {
    let own = [
        ("HOME", "/root"),
        ("LOGNAME", super::USER),
        ("PATH", PATH),
        ("SHELL", "/bin/sh"),
        ("USER", super::USER),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let terminal = request.terminal.iter().map(|terminal| ("TERM".to_owned(), terminal.kind.clone()));
    request.environment.iter().cloned().chain(own).chain(terminal).collect()
}

fn explain(host: &str, error: &StartError) -> String {
    let mut text = format!("meshform: the sandbox host {host:?} failed to {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    if matches!(error, StartError::Confine(ConfineError::Forbidden { .. })) {
        text.push_str(
            "; it runs commands in Linux namespaces only: run meshform as root, or let ordinary users make user \
             namespaces (sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000, on Ubuntu also \
             kernel.apparmor_restrict_unprivileged_userns=0; in a container, allow unshare and mount)",
        );
    }
    text.push('\n');
    text
}

impl Process {
    async fn attend(mut self, mut remote: Remote) {
        let leader = self.child.id();
        let Remote { channel, input, events, .. } = &mut remote;
        let ended = tokio::select! {
            ended = work(&mut self.child, self.terminal.as_ref(), channel, input) => ended,
            () = obey(leader, self.terminal.as_ref(), events) => None,
        };
        match ended {
            Some(status) => finish(&remote, status.code().map(i32::cast_unsigned), status.signal()).await,
            None => {
                hang_up(&mut self.child).await;
                finish(&remote, None, None).await;
            }
        }
    }
}

/// Carries the streams until the process has ended and all that it wrote is sent.
async fn work(
    child: &mut Child,
    terminal: Option<&Terminal>,
    channel: &ChannelWriteHalf<Msg>,
    input: &mut InputReceiver,
) -> Option<ExitStatus> {
    match terminal {
        Some(terminal) => work_terminal(child, terminal, channel, input).await,
        None => work_pipes(child, channel, input).await,
    }
}

async fn work_pipes(
    child: &mut Child,
    channel: &ChannelWriteHalf<Msg>,
    input: &mut InputReceiver,
) -> Option<ExitStatus> {
    let (mut stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take()?, child.stderr.take()?);
    let feed = async {
        while let Some(data) = next(input, channel).await? {
            let Some(pipe) = stdin.as_mut() else { continue };
            if pipe.write_all(&data).await.is_err() {
                // It closed its input. What else arrives is thrown away.
                stdin = None;
            }
        }
        stdin = None;
        std::future::pending().await
    };
    let rest = async {
        let sent =
            async { tokio::join!(send_all(stdout, channel, None), send_all(stderr, channel, Some(STDERR))) };
        let (_, status) = tokio::join!(sent, child.wait());
        status.ok()
    };
    tokio::select! {
        broken = feed => broken,
        status = rest => status,
    }
}

/// The next input, if any; nothing at all if it's lost, which the client is told.
async fn next(input: &mut InputReceiver, channel: &ChannelWriteHalf<Msg>) -> Option<Option<Vec<u8>>> {
    match input.receive().await {
        Ok(data) => Some(data),
        Err(error) => {
            let message = format!("meshform: the sandbox host failed to keep the command's input: {error}\n");
            // The command is ended next, whether this arrives or not.
            let _ = channel.extended_data_bytes(STDERR, message.into_bytes()).await;
            None
        }
    }
}

/// Sends what `from` yields. The channel's window is the flow control: while it's closed, nothing is read.
async fn send_all(mut from: impl AsyncRead + Unpin, channel: &ChannelWriteHalf<Msg>, kind: Option<u32>) {
    let mut buffer = vec![0; CHUNK_BYTES];
    while let Ok(length) = from.read(&mut buffer).await {
        let data = buffer.get(..length).unwrap_or_default().to_vec();
        let sent = match kind {
            _ if data.is_empty() => return,
            None => channel.data_bytes(data).await,
            Some(kind) => channel.extended_data_bytes(kind, data).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn work_terminal(
    child: &mut Child,
    terminal: &Terminal,
    channel: &ChannelWriteHalf<Msg>,
    input: &mut InputReceiver,
) -> Option<ExitStatus> {
    let feed = async {
        while let Some(data) = next(input, channel).await? {
            if terminal.write_all(&data).await.is_err() {
                break;
            }
        }
        std::future::pending().await
    };
    let show = show(terminal, channel);
    tokio::pin!(feed, show);
    let mut shown = false;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.ok(),
            () = &mut show, if !shown => shown = true,
            broken = &mut feed => return broken,
        }
    };
    if !shown {
        // A process left in the background may hold the terminal open: its output isn't waited for.
        let _ = tokio::time::timeout(TERMINAL_DRAIN, show).await;
    }
    status
}

async fn show(terminal: &Terminal, channel: &ChannelWriteHalf<Msg>) {
    let mut buffer = vec![0; CHUNK_BYTES];
    while let Ok(length) = terminal.read(&mut buffer).await {
        let data = buffer.get(..length).unwrap_or_default().to_vec();
        if data.is_empty() || channel.data_bytes(data).await.is_err() {
            return;
        }
    }
}

/// Does what the client asks until it's gone.
async fn obey(leader: Option<u32>, terminal: Option<&Terminal>, events: &mut mpsc::UnboundedReceiver<Event>) {
    while let Some(event) = events.recv().await {
        match (event, terminal) {
            (Event::Resize(size), Some(terminal)) => terminal.resize(size),
            (Event::Resize(_), None) => {}
            (Event::Signal(name), _) => {
                if let (Some(group), Some(signal)) = (signal::group_inside(leader), signal::number(&name)) {
                    // It may have ended meanwhile.
                    let _ = rustix::process::kill_process_group(group, signal);
                }
            }
        }
    }
}

/// Ends a process whose client has gone, with its process group.
async fn hang_up(child: &mut Child) {
    if let Some(group) = signal::group_inside(child.id()) {
        // Either may find that the group has ended.
        let _ = rustix::process::kill_process_group(group, Signal::HUP);
        if tokio::time::timeout(HANGUP_GRACE, child.wait()).await.is_err() {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        // The leader may have ended on the hangup while others of its group ignored it.
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill().await;
}

/// Ends the channel. A client that has gone doesn't hear it, so errors don't matter here.
async fn finish(remote: &Remote, status: Option<u32>, signal: Option<i32>) {
    let channel = &remote.channel;
    // Before the end of output: a client that has sent all and received all closes the channel, and would miss it.
    if let Some(status) = status {
        let _ = channel.exit_status(status).await;
    } else if let Some(number) = signal {
        let name = signal::name(number);
        let _ =
            remote.handle.exit_signal_request(channel.id(), name, false, String::new(), String::new()).await;
    }
    let _ = channel.eof().await;
    let _ = channel.close().await;
}
