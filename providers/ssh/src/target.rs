//! A connected host: looks at everything in one round trip, and makes one change at a time.

use meshform_engine::address::Address;
use meshform_engine::ports::{
    BoxFuture, ErrorCode, ObserveItem, Observed, PerformRequest, Performed, Preview, PreviewItem, Progress,
    ProviderError, StepFailure, Target,
};

use crate::answer::Answer;
use crate::client::{Client, RunError, nonce};
use crate::error::error;
use crate::script::{self, FileLook, GuardLook};
use crate::{command, file, schema};

/// How long looking may take, guards apart, in seconds.
const LOOK_SECONDS: u64 = 60;
/// How much longer it may take for each command with guards, in seconds: there are two that run, each with a limit of its own.
const GUARDS_SECONDS: u64 = 50;
/// How long writing a file may take, unless `timeouts` says otherwise, in seconds.
const WRITE_SECONDS: u64 = 120;
/// How long a command may take, unless `timeouts` says otherwise, in seconds.
const COMMAND_SECONDS: u64 = 600;
/// How much longer the program around a command may take than the command, in seconds: its guards, and what is left when it is killed.
const AROUND_SECONDS: u64 = 60;

/// A connected host.
#[derive(Debug)]
pub(crate) struct Host {
    client: Client,
    identity: String,
}

impl Host {
    /// A host behind a connection that stands.
    pub(crate) fn new(client: Client) -> Self {
        Self { identity: client.identity(), client }
    }

    async fn look(&self, items: &[ObserveItem]) -> Vec<Result<Observed, ProviderError>> {
        let all: Vec<_> = items.iter().enumerate().collect();
        let mut observed = self.ask(&all, false).await;
        // What changed under the first look gets another one, each thing on its own.
        let moved: Vec<_> =
            all.into_iter().filter(|(index, _)| observed.get(*index).is_some_and(Option::is_none)).collect();
        if !moved.is_empty() {
            let again = self.ask(&moved, true).await;
            for ((index, _), answer) in moved.into_iter().zip(again) {
                if let Some(slot) = observed.get_mut(index) {
                    *slot = answer;
                }
            }
        }
        observed.into_iter().map(|item| item.unwrap_or_else(|| Err(unstable()))).collect()
    }

    /// Asks the host about some items, in one round trip. `None` for what changed while it was looked at.
    async fn ask(
        &self,
        items: &[(usize, &ObserveItem)],
        singly: bool,
    ) -> Vec<Option<Result<Observed, ProviderError>>> {
        match self.answer(items, singly).await {
            Ok(answer) => items.iter().map(|(index, item)| read(*index, item, &answer)).collect(),
            Err(failure) => items.iter().map(|_| Some(Err(failure.clone()))).collect(),
        }
    }

    async fn answer(&self, items: &[(usize, &ObserveItem)], singly: bool) -> Result<Answer, ProviderError> {
        let files = items.iter().filter(|(_, item)| item.kind == schema::FILE);
        let files: Vec<FileLook<'_>> = files.map(|(index, item)| file::look(*index, item)).collect();
        let commands = items.iter().filter(|(_, item)| item.kind == schema::COMMAND);
        let guards: Vec<GuardLook<'_>> =
            commands.filter_map(|(index, item)| command::look(*index, item)).collect();
        if files.is_empty() && guards.is_empty() {
            return Ok(Answer::default());
        }
        let program = script::look(&nonce(), &files, &guards, self.client.has_timeout(), singly);
        let seconds = LOOK_SECONDS + GUARDS_SECONDS * guards.len() as u64;
        let reply = self.client.run(&program, seconds).await;
        reply.map(|reply| reply.answer).map_err(|failure| self.client.explain(failure))
    }

    async fn change_file(&self, request: &PerformRequest) -> Result<Performed, StepFailure> {
        let seconds = seconds(request, WRITE_SECONDS);
        let change = file::change(request)?;
        let first = self.client.run(&change.program(&nonce(), false)?, seconds).await;
        let reply = match first {
            // Whether the file was written is found out by the second attempt itself: it does nothing if all is as wanted.
            Err(RunError::Lost) => self.client.run(&change.program(&nonce(), true)?, seconds).await,
            reply => reply,
        };
        match reply {
            Ok(reply) => file::performed(&change, &reply.answer, &reply.words),
            Err(failure) => Err(self.client.explain(failure).into()),
        }
    }

    async fn run_command(
        &self,
        request: &PerformRequest,
        progress: &dyn Progress,
    ) -> Result<Performed, StepFailure> {
        let seconds = seconds(request, COMMAND_SECONDS);
        let task = match command::deed(request, seconds)? {
            command::Deed::Record(performed) => return Ok(performed),
            command::Deed::Run(task) => task,
        };
        progress.report(&request.address, "the command is running");
        let program = script::task(&nonce(), &task, self.client.has_timeout());
        match self.client.run(&program, seconds + AROUND_SECONDS).await {
            Ok(reply) => command::performed(request, &reply.answer, &reply.words),
            Err(failure @ RunError::NotStarted(_)) => Err(self.client.explain(failure).into()),
            Err(failure) => {
                Err(StepFailure { error: self.client.explain(failure), partial: command::cut_off(request) })
            }
        }
    }
}

impl Target for Host {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn observe<'a>(
        &'a self,
        items: &'a [ObserveItem],
    ) -> BoxFuture<'a, Vec<Result<Observed, ProviderError>>> {
        Box::pin(self.look(items))
    }

    /// A host has no opinion: what was looked at is all there is to know, and no difference ever asks.
    fn preview<'a>(&'a self, items: &'a [PreviewItem]) -> BoxFuture<'a, Vec<Preview>> {
        let unverified = || Preview::Unverified("A host does not preview changes.".to_owned());
        Box::pin(async move { items.iter().map(|_| unverified()).collect() })
    }

    fn perform<'a>(
        &'a self,
        request: &'a PerformRequest,
        progress: &'a dyn Progress,
    ) -> BoxFuture<'a, Result<Performed, StepFailure>> {
        Box::pin(async move {
            match request.kind.as_str() {
                schema::FILE => self.change_file(request).await,
                schema::COMMAND => self.run_command(request, progress).await,
                other => Err(stranger(&request.address, other).into()),
            }
        })
    }
}

fn read(index: usize, item: &ObserveItem, answer: &Answer) -> Option<Result<Observed, ProviderError>> {
    match item.kind.as_str() {
        schema::FILE => file::observed(index, item, answer),
        schema::COMMAND => Some(command::observed(index, item, answer)),
        other => Some(Err(stranger(&item.address, other))),
    }
}

fn seconds(request: &PerformRequest, default: u64) -> u64 {
    request.timeout_ms.map_or(default, |limit| limit.div_ceil(1000).max(1))
}

fn unstable() -> ProviderError {
    let detail = "The file changes faster than it can be looked at. Stop what writes to it, and plan again.";
    error(ErrorCode::Changed, "File not at rest", detail)
}

fn stranger(address: &Address, kind: &str) -> ProviderError {
    error(
        ErrorCode::Other,
        "Unknown resource type",
        format!("{address} is a {kind}, which hosts do not have."),
    )
}
