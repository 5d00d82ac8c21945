//! A connected host: looks at everything in one round trip, and makes one change at a time.

use meshform_engine::address::Address;
use meshform_engine::ports::{
    BoxFuture, ErrorCode, Found, Look, Looked, ObserveItem, Observed, PerformRequest, Performed, Preview,
    PreviewItem, Progress, ProviderError, ReadItem, StepFailure, Target,
};

use crate::answer::Answer;
use crate::client::{Client, RunError, nonce};
use crate::error::error;
use crate::script::{self, Looks};
use crate::{command, facts, file, schema};

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

    /// Looks at all of this in one round trip. What changed meanwhile gets another look, each thing on its own.
    async fn look_at(&self, look: Look<'_>) -> Looked {
        let items = || look.observe.iter().enumerate();
        let reads = || (look.observe.len()..).zip(look.read);
        let first = self.answer(look, |_| true, false).await;
        let seen: Vec<_> =
            items().map(|(index, item)| told(&first, |it| observed(index, item, it))).collect();
        let found: Vec<_> = reads().map(|(index, item)| told(&first, |it| read(index, item, it))).collect();
        let open = seen.iter().map(Option::is_none).chain(found.iter().map(Option::is_none));
        let open: Vec<usize> =
            open.enumerate().filter(|(_, is_open)| *is_open).map(|(index, _)| index).collect();
        let again = match open.is_empty() {
            true => Ok(Answer::default()),
            false => self.answer(look, |index| open.binary_search(&index).is_ok(), true).await,
        };
        let seen = items().zip(seen).map(|((index, item), seen)| {
            let seen = seen.or_else(|| told(&again, |it| observed(index, item, it)));
            seen.unwrap_or_else(|| Err(unstable()))
        });
        let found = reads().zip(found).map(|((index, item), found)| {
            let found = found.or_else(|| told(&again, |it| read(index, item, it)));
            found.unwrap_or_else(|| Err(unstable()))
        });
        Looked { observed: seen.collect(), found: found.collect() }
    }

    /// The host's answer about those of the items whose numbers are wanted: look-ups are numbered on after the instances.
    async fn answer(
        &self,
        look: Look<'_>,
        wanted: impl Fn(usize) -> bool,
        singly: bool,
    ) -> Result<Answer, ProviderError> {
        let mut looks = Looks::default();
        for (index, item) in look.observe.iter().enumerate().filter(|(index, _)| wanted(*index)) {
            match item.kind.as_str() {
                schema::FILE => looks.files.push(file::look(index, item)),
                schema::COMMAND => looks.guards.extend(command::look(index, item)),
                _ => {}
            }
        }
        for (index, item) in (look.observe.len()..).zip(look.read).filter(|(index, _)| wanted(*index)) {
            match item.kind.as_str() {
                schema::FILE => looks.files.push(file::question(index, item)),
                schema::FACTS => looks.facts.push(index),
                _ => {}
            }
        }
        if looks.is_empty() {
            return Ok(Answer::default());
        }
        let program = script::look(&nonce(), &looks, self.client.has_timeout(), singly);
        let seconds = LOOK_SECONDS + GUARDS_SECONDS * looks.guards.len() as u64;
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
        Box::pin(async move { self.look(Look { observe: items, read: &[] }).await.observed })
    }

    fn read<'a>(&'a self, items: &'a [ReadItem]) -> BoxFuture<'a, Vec<Found>> {
        Box::pin(async move { self.look(Look { observe: &[], read: items }).await.found })
    }

    fn look<'a>(&'a self, look: Look<'a>) -> BoxFuture<'a, Looked> {
        Box::pin(self.look_at(look))
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

/// What an answer, or its failure, says about one thing; `None` when that changed while it was looked at.
fn told<T>(
    answer: &Result<Answer, ProviderError>,
    read: impl FnOnce(&Answer) -> Option<Result<T, ProviderError>>,
) -> Option<Result<T, ProviderError>> {
    match answer {
        Ok(answer) => read(answer),
        Err(failure) => Some(Err(failure.clone())),
    }
}

fn observed(index: usize, item: &ObserveItem, answer: &Answer) -> Option<Result<Observed, ProviderError>> {
    match item.kind.as_str() {
        schema::FILE => file::observed(index, item, answer),
        schema::COMMAND => Some(command::observed(index, item, answer)),
        other => Some(Err(stranger(&item.address, other))),
    }
}

fn read(index: usize, item: &ReadItem, answer: &Answer) -> Option<Found> {
    match item.kind.as_str() {
        schema::FILE => file::found(index, item, answer),
        schema::FACTS => Some(facts::found(index, item, answer)),
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
    error(ErrorCode::Other, "Unknown type", format!("{address} is a {kind}, which hosts do not have."))
}
