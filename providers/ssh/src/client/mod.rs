//! One host: a multiplexed `ssh` connection, opened again when it was lost, and the programs that run over it.

mod channel;
mod launch;
mod terminal;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use meshform_engine::ports::{ErrorCode, ProviderError};
use openssh::{Child, Session, Stdio};
use thiserror::Error;
use tokio::sync::{Mutex, Semaphore};

use crate::answer::Answer;
use crate::error::{error, tail};
use crate::script::{self, Program};
use crate::settings::{Escalation, Secret, Settings};

/// sshd allows ten channels at once by default, and closing ones still count.
const CHANNELS: usize = 4;
/// How much longer we wait than the host is told to take, in seconds.
const GRACE_SECONDS: u64 = 10;
/// How long the first look may take, in seconds.
const HELLO_SECONDS: u64 = 30;
/// How long we wait before a channel is tried again, in milliseconds.
const PAUSES_MS: [u64; 6] = [0, 50, 100, 200, 400, 800];

/// A connection to one host.
#[derive(Debug)]
pub(crate) struct Client {
    settings: Settings,
    live: Mutex<Option<Arc<Session>>>,
    channels: Semaphore,
    host: Host,
}

/// What the first look at a host tells.
#[derive(Clone, Debug, Default)]
struct Host {
    /// The fingerprint of its key, if ssh told it.
    fingerprint: Option<String>,
    /// Its machine id; empty if it has none.
    machine: String,
    /// Whether it has a `timeout` that kills what does not stop.
    timeout: bool,
}

/// What a program made of the host.
#[derive(Debug)]
pub(crate) struct Reply {
    /// Its answer.
    pub(crate) answer: Answer,
    /// What the host's tools wrote for people.
    pub(crate) words: String,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub(crate) enum RunError {
    /// The program did not start.
    #[error("start a program on the host: {0}")]
    NotStarted(ProviderError),
    /// The connection broke while the program ran.
    #[error("hear the end of a program on the host: the connection broke")]
    Lost,
    /// The program took too long.
    #[error("run a program on the host within {seconds} seconds")]
    TimedOut {
        /// How long it was allowed to take.
        seconds: u64,
    },
    /// The program ended without a whole answer.
    #[error("understand the host's answer")]
    Unintelligible {
        /// What was said instead.
        words: String,
    },
}

impl Client {
    /// Connects, and looks who answers.
    ///
    /// # Errors
    /// When the host is out of reach, is not the one that we know, does not let us in, or lacks a tool.
    pub(crate) async fn connect(settings: Settings) -> Result<Self, ProviderError> {
        let launched = launch::launch(&settings).await?;
        let client = Self {
            live: Mutex::new(Some(Arc::new(launched.session))),
            channels: Semaphore::new(CHANNELS),
            host: Host { fingerprint: launched.fingerprint, ..Host::default() },
            settings,
        };
        client.prove_password().await?;
        let reply = client.run(&script::hello(&nonce()), HELLO_SECONDS).await;
        let reply = reply.map_err(|error| client.no_welcome(error))?;
        client.welcomed(&reply.answer)
    }

    fn welcomed(mut self, answer: &Answer) -> Result<Self, ProviderError> {
        let records = answer.about(0);
        let missing: Vec<_> =
            records.iter().filter(|record| record.kind == "missing").map(|record| record.field(0)).collect();
        if !missing.is_empty() {
            let detail = format!(
                "{} lacks {}. Install coreutils or busybox there: nothing else is needed.",
                self.settings.place(),
                missing.join(", ")
            );
            return Err(error(ErrorCode::Other, "Host lacks a tool", detail));
        }
        self.host.machine =
            answer.get("machine", 0).map(|record| record.field(0).to_owned()).unwrap_or_default();
        self.host.timeout = answer.get("timeout", 0).is_some();
        Ok(self)
    }

    /// What makes this host itself: the fingerprint of its key and its machine id, or the one that it has.
    ///
    /// Of several keys, it is the one that ssh negotiates, which is the same as long as known_hosts and ssh's preferences are.
    pub(crate) fn identity(&self) -> String {
        let fingerprint = self.host.fingerprint.as_deref().unwrap_or_default();
        [fingerprint, &self.host.machine].join(" ").trim().to_owned()
    }

    /// Whether the host has a `timeout` that kills what does not stop.
    pub(crate) fn has_timeout(&self) -> bool {
        self.host.timeout
    }

    /// Runs a program, at most so many at once. Only the opening of the channel is ever tried again: nothing of the program has run by then.
    ///
    /// # Errors
    /// When there is no whole answer in time.
    pub(crate) async fn run(&self, program: &Program, seconds: u64) -> Result<Reply, RunError> {
        // The semaphore is never closed.
        let _permit = self.channels.acquire().await;
        let limit = Duration::from_secs(seconds + GRACE_SECONDS);
        let exchange = self.exchange(program, seconds);
        tokio::time::timeout(limit, exchange).await.unwrap_or(Err(RunError::TimedOut { seconds }))
    }

    /// The same host over a new connection, which shares nothing with this one.
    ///
    /// # Errors
    /// When the host cannot be reached, or does not let us in.
    pub(crate) async fn anew(&self) -> Result<Self, ProviderError> {
        let launched = launch::launch(&self.settings).await?;
        Ok(Self {
            live: Mutex::new(Some(Arc::new(launched.session))),
            channels: Semaphore::new(CHANNELS),
            host: self.host.clone(),
            settings: self.settings.clone(),
        })
    }

    /// Where it is, for people.
    pub(crate) fn place(&self) -> String {
        self.settings.place()
    }

    /// What went wrong with a program, for people.
    pub(crate) fn explain(&self, failure: RunError) -> ProviderError {
        let place = self.settings.place();
        match failure {
            RunError::NotStarted(error) => error,
            RunError::Lost => error(
                ErrorCode::Unreachable,
                "Connection lost",
                format!(
                    "The connection to {place} broke while it was at work, so it is not known what was done. The next plan looks."
                ),
            ),
            RunError::TimedOut { seconds } => error(
                ErrorCode::TimedOut,
                "Host too slow",
                format!("{place} was not done within {seconds} seconds, and what it was doing was stopped."),
            ),
            RunError::Unintelligible { words } => error(
                ErrorCode::Other,
                "Answer not understood",
                format!("{place} did not answer as /bin/sh does. It says: {}", tail(&words)),
            ),
        }
    }

    async fn exchange(&self, program: &Program, seconds: u64) -> Result<Reply, RunError> {
        let shell = self.shell(program, seconds);
        if let Escalation::Doas(Some(password)) = &self.settings.escalation {
            return self.at_terminal(program, &shell, password, seconds).await;
        }
        let mut child = self.open(&self.remote_command(&shell, &program.nonce)).await?;
        if let Some(password) = self.password() {
            let welcome = channel::escalate(&mut child, &password.0, &program.nonce).await;
            welcome.map_err(|words| RunError::NotStarted(self.refused(&words)))?;
        }
        channel::converse(child, program, seconds).await
    }

    /// The same with a terminal of the host's own, at which doas asks for the password.
    async fn at_terminal(
        &self,
        program: &Program,
        shell: &str,
        password: &Secret,
        seconds: u64,
    ) -> Result<Reply, RunError> {
        let session = self.session().await.map_err(RunError::NotStarted)?;
        let ssh = terminal::command(&self.settings, session.control_socket(), program, shell);
        match terminal::converse(ssh, program, &password.0, seconds).await {
            Ok(reply) => Ok(reply),
            Err(terminal::Failure::Refused(words)) => Err(RunError::NotStarted(self.refused(&words))),
            Err(terminal::Failure::Run(failure)) => Err(failure),
        }
    }

    /// Opens a channel, on a new connection if the old one is gone.
    async fn open(&self, command: &str) -> Result<Child<Arc<Session>>, RunError> {
        let mut problem = String::new();
        for pause in PAUSES_MS {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let session = self.session().await.map_err(RunError::NotStarted)?;
            let mut remote = Session::to_raw_command(Arc::clone(&session), command);
            remote.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            match remote.spawn().await {
                Ok(child) => return Ok(child),
                Err(failure @ openssh::Error::Disconnected) => {
                    problem = failure.to_string();
                    self.forget(&session).await;
                }
                Err(failure) => problem = failure.to_string(),
            }
        }
        let detail = format!("{} does not open another channel: {problem}.", self.settings.place());
        Err(RunError::NotStarted(error(ErrorCode::Unreachable, "Host unreachable", detail)))
    }

    async fn session(&self) -> Result<Arc<Session>, ProviderError> {
        let mut live = self.live.lock().await;
        if let Some(session) = live.as_ref() {
            return Ok(Arc::clone(session));
        }
        let launched = launch::launch(&self.settings).await?;
        Ok(Arc::clone(live.insert(Arc::new(launched.session))))
    }

    async fn forget(&self, session: &Arc<Session>) {
        let mut live = self.live.lock().await;
        if live.as_ref().is_some_and(|current| Arc::ptr_eq(current, session)) {
            *live = None;
        }
    }

    /// What runs a program for so long at most.
    fn shell(&self, program: &Program, seconds: u64) -> String {
        let shell = match program.reader() {
            Some(reader) => format!("/bin/sh -c {}", script::quote(&reader)),
            None => "/bin/sh".to_owned(),
        };
        match self.host.timeout {
            true => format!("timeout -k 5 {seconds} {shell}"),
            false => shell,
        }
    }

    /// What sshd runs: plain words and single quotes, which every login shell understands. The program comes by standard input.
    fn remote_command(&self, shell: &str, nonce: &str) -> String {
        match &self.settings.escalation {
            Escalation::None => shell.to_owned(),
            Escalation::Doas(_) => format!("doas -n {shell}"),
            Escalation::Sudo(None) => format!("sudo -n -H -- {shell}"),
            Escalation::Sudo(Some(_)) => {
                format!("sudo -S -p '' -H -- {}", channel::gate(shell, nonce))
            }
        }
    }

    /// The password that sudo takes from its standard input.
    fn password(&self) -> Option<&Secret> {
        match &self.settings.escalation {
            Escalation::Sudo(password) => password.as_ref(),
            Escalation::None | Escalation::Doas(_) => None,
        }
    }

    /// Tries the password once, with nothing after it that sudo could take for a second try.
    async fn prove_password(&self) -> Result<(), ProviderError> {
        let Some(password) = self.password() else { return Ok(()) };
        let child = self.open("sudo -S -p '' -H -- true").await.map_err(|failure| self.explain(failure))?;
        match channel::send_line(child, &password.0).await {
            Ok(()) => Ok(()),
            Err(words) => Err(self.refused(&words)),
        }
    }

    fn no_welcome(&self, failure: RunError) -> ProviderError {
        match (failure, &self.settings.escalation) {
            (RunError::Unintelligible { words }, Escalation::Sudo(_) | Escalation::Doas(_)) => {
                self.refused(&words)
            }
            (failure, _) => self.explain(failure),
        }
    }

    fn refused(&self, words: &str) -> ProviderError {
        let remedy = match &self.settings.escalation {
            Escalation::Sudo(Some(_)) => "Check become_password, and that sudo lets the user run /bin/sh",
            Escalation::Sudo(None) => {
                "Give the user a NOPASSWD rule for /bin/sh in sudoers, or set become_password"
            }
            Escalation::Doas(Some(_)) => {
                "Check become_password, and that doas.conf lets the user run /bin/sh"
            }
            Escalation::Doas(None) | Escalation::None => {
                "Give the user a \"nopass\" rule for /bin/sh in doas.conf, or set become_password"
            }
        };
        let detail = format!(
            "The login user of {} may not become root. {remedy}. The host says: {}",
            self.settings.place(),
            tail(words)
        );
        error(ErrorCode::Denied, "Not allowed to become root", detail)
    }
}

/// A text that nobody can foresee, for the frames of programs and answers.
pub(crate) fn nonce() -> String {
    // The standard library seeds its hashers by the system's random numbers.
    let half = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", half(), half())
}
