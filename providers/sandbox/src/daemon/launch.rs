//! The client's side of the daemon's life: finds it, starts it, stops it.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::io::BufReader;
use tokio::net::UnixStream;

use super::record::{BUILD_VARIABLE, Record, build_of};
use super::wire::{self, Answer, Request};
use crate::layout::Layout;
use crate::private_file;

/// How long a fresh process may take until it takes requests: it reads its worlds first.
const START_MAX: Duration = Duration::from_secs(30);
/// How long a process may take to stop before it's killed.
const STOP_MAX: Duration = Duration::from_secs(8);
const ANSWER_MAX: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(4);
/// The log is started afresh when it's longer than this.
const LOG_BYTES_MAX: u64 = 1 << 20;

/// Closes what the caller left open (a lock, the other end of a pipe), which a process that outlives it would hold.
const CLOSE_AND_RUN: &str = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; exec \"$@\"";

/// Why the daemon cannot be reached, started or stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    #[error("use {path}")]
    File { path: PathBuf, source: io::Error },
    #[error("find meshform's own program file")]
    Program { source: io::Error },
    #[error("start {program}")]
    Spawn { program: PathBuf, source: io::Error },
    #[error("start the sandbox: it ended at once ({last_words}); see {log}")]
    Ended { last_words: String, log: PathBuf },
    #[error("start the sandbox: it gave no sign of life within {} seconds; see {log}", START_MAX.as_secs())]
    Silent { log: PathBuf },
    #[error("talk to the sandbox's process {pid}")]
    Talk { pid: u32, source: io::Error },
    #[error("get an answer from the sandbox's process {pid} within {} seconds", ANSWER_MAX.as_secs())]
    Slow { pid: u32 },
    #[error("stop the sandbox's process {pid}")]
    Unstoppable { pid: u32 },
    #[error("wait for another command that starts or stops the sandbox")]
    Interrupted,
}

/// The program that serves a sandbox. The stack's `.meshform` folder is added as the last argument.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) file: PathBuf,
    pub(crate) arguments: Vec<OsString>,
}

/// The daemon of one stack, running or not.
#[derive(Clone, Debug)]
pub(crate) struct Daemon {
    pub(crate) layout: Layout,
    pub(crate) state: PathBuf,
    /// `None`: this program, by its hidden command.
    pub(crate) program: Option<Program>,
}

impl Daemon {
    /// Asks, after starting the daemon if it's down.
    pub(crate) async fn ask(&self, request: &Request) -> Result<Answer, LaunchError> {
        let program = self.program()?;
        let build = build_of(&program.file);
        if let Some(record) = self.record().filter(|record| record.build == build)
            && let Some(answer) = converse(&record, request).await?
        {
            return Ok(answer);
        }
        let record = self.start(&program, &build).await?;
        match converse(&record, request).await? {
            Some(answer) => Ok(answer),
            None => Err(LaunchError::Talk { pid: record.pid, source: io::ErrorKind::ConnectionReset.into() }),
        }
    }

    /// Asks the daemon if it's up.
    pub(crate) async fn ask_if_up(&self, request: &Request) -> Result<Option<Answer>, LaunchError> {
        match self.record() {
            Some(record) => converse(&record, request).await,
            None => Ok(None),
        }
    }

    /// Stops the daemon; false if it was down.
    pub(crate) async fn stop(&self) -> Result<bool, LaunchError> {
        if !self.layout.folder().exists() {
            return Ok(false);
        }
        let _launching = self.lock_launching().await?;
        self.stop_locked().await
    }

    fn record(&self) -> Option<Record> {
        Record::read(&self.layout.record())
    }

    fn program(&self) -> Result<Program, LaunchError> {
        if let Some(program) = &self.program {
            return Ok(program.clone());
        }
        let file = std::env::current_exe().map_err(|source| LaunchError::Program { source })?;
        Ok(Program { file, arguments: ["sandbox", "serve", "--dir"].map(OsString::from).to_vec() })
    }

    /// Starts the daemon unless a command that was quicker has done so; replaces one of another build.
    async fn start(&self, program: &Program, build: &str) -> Result<Record, LaunchError> {
        let folder = self.layout.folder();
        private_file::create_directory(folder).map_err(|source| file_error(folder, source))?;
        let _launching = self.lock_launching().await?;
        if let Some(record) = self.record().filter(|record| record.build == build)
            && is_reachable(&record).await
        {
            return Ok(record);
        }
        self.stop_locked().await?;
        let child = self.spawn(program)?;
        self.wait_until_ready(child).await
    }

    fn spawn(&self, program: &Program) -> Result<Child, LaunchError> {
        let path = self.layout.log();
        let log = open_log(&path).map_err(|source| file_error(&path, source))?;
        let errors = log.try_clone().map_err(|source| file_error(&path, source))?;
        Command::new("/bin/sh")
            .args(["-c", CLOSE_AND_RUN, "sandbox"])
            .arg(&program.file)
            .args(&program.arguments)
            .arg(&self.state)
            .env(BUILD_VARIABLE, build_of(&program.file))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .current_dir("/")
            // A ^C at the terminal isn't meant for it.
            .process_group(0)
            .spawn()
            .map_err(|source| LaunchError::Spawn { program: program.file.clone(), source })
    }

    async fn wait_until_ready(&self, mut child: Child) -> Result<Record, LaunchError> {
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline {
            if let Some(record) = self.record().filter(|record| record.pid == child.id())
                && is_reachable(&record).await
            {
                return Ok(record);
            }
            if !matches!(child.try_wait(), Ok(None)) {
                let log = self.layout.log();
                return Err(LaunchError::Ended { last_words: last_line(&log), log });
            }
            tokio::time::sleep(POLL).await;
        }
        // It mustn't turn up later, when nobody expects it. If it has ended by now, so much the better.
        let _ = child.kill();
        let _ = child.wait();
        Err(LaunchError::Silent { log: self.layout.log() })
    }

    async fn stop_locked(&self) -> Result<bool, LaunchError> {
        let Some(record) = self.record() else { return Ok(false) };
        // What matters is whether it ends, not what it says. It may be about to, and not listen any more.
        let asked = matches!(converse(&record, &Request::Stop).await, Ok(Some(_)));
        if !asked && !record.is_alive() {
            return Ok(false);
        }
        if !asked {
            record.signal(Signal::TERM);
        }
        if self.is_down_within(STOP_MAX).await {
            return Ok(true);
        }
        record.signal(Signal::KILL);
        if self.is_down_within(STOP_MAX).await {
            Ok(true)
        } else {
            Err(LaunchError::Unstoppable { pid: record.pid })
        }
    }

    /// Waits until nobody holds the daemon's lock.
    async fn is_down_within(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        loop {
            match File::open(self.layout.daemon_lock()).map(|file| file.try_lock_shared()) {
                Ok(Err(TryLockError::WouldBlock)) => {}
                _ => return true,
            }
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits for other commands that are about to start or stop the daemon.
    async fn lock_launching(&self) -> Result<File, LaunchError> {
        let path = self.layout.launch_lock();
        let file = File::options().create(true).append(true).mode(0o600).open(&path);
        let file = file.map_err(|source| file_error(&path, source))?;
        let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
        locked.map_err(|_| LaunchError::Interrupted)?.map_err(|source| file_error(&path, source))
    }
}

/// One request and its answer; nothing if nobody is there, or if it went away before it answered.
async fn converse(record: &Record, request: &Request) -> Result<Option<Answer>, LaunchError> {
    let Ok(stream) = UnixStream::connect(&record.socket).await else { return Ok(None) };
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    if wire::send(&mut writing, request).await.is_err() {
        return Ok(None);
    }
    match tokio::time::timeout(ANSWER_MAX, wire::receive(&mut reading)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => Ok(None),
        Ok(Err(source)) => Err(LaunchError::Talk { pid: record.pid, source }),
        Err(_) => Err(LaunchError::Slow { pid: record.pid }),
    }
}

async fn is_reachable(record: &Record) -> bool {
    UnixStream::connect(&record.socket).await.is_ok()
}

fn open_log(path: &Path) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|found| found.len() > LOG_BYTES_MAX) {
        fs::remove_file(path)?;
    }
    File::options().create(true).append(true).mode(0o600).open(path)
}

fn last_line(path: &Path) -> String {
    let mut tail = Vec::new();
    if let Ok(mut file) = File::open(path) {
        let length = file.metadata().map_or(0, |found| found.len());
        // What can't be read isn't in the message; the message names the file.
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(2048)));
        let _ = file.read_to_end(&mut tail);
    }
    let tail = String::from_utf8_lossy(&tail);
    let line = tail.lines().rev().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or("it said nothing").to_owned()
}

fn file_error(path: &Path, source: io::Error) -> LaunchError {
    LaunchError::File { path: path.to_owned(), source }
}
