//! A connected host: looks at everything in one round trip, and makes one change at a time.

use std::time::{Duration, Instant};

use meshform_engine::address::Address;
use meshform_engine::ports::{
    BoxFuture, ErrorCode, Found, Look, Looked, ObserveItem, Observed, PerformRequest, Performed, Preview,
    PreviewItem, Progress, ProviderError, ReadItem, StepFailure, Target,
};
use tokio::sync::{Mutex, RwLock};

use crate::account::Known;
use crate::answer::Answer;
use crate::client::{Client, RunError, nonce};
use crate::confirm::Confirm;
use crate::error::error;
use crate::promise::Promises;
use crate::resource::{self, Edit, EditDeed, Edited, Job, Work};
use crate::restart::restart;
use crate::script::{self, Guard, Looks, Policy, Remove};
use crate::{command, facts, file, schema};

/// How long looking may take, guards apart, in seconds.
const LOOK_SECONDS: u64 = 60;
/// How much longer it may take for each command, in seconds: of those with guards there are two that run, each with a limit of its own.
const GUARDS_SECONDS: u64 = 50;
/// How often an edit begins again because someone else has written to the file meanwhile.
const EDITS: usize = 5;
/// How long a host may take to go back, in seconds.
const BACK_SECONDS: u64 = 60;
/// How long a host may take to hear that a change is confirmed, in seconds.
const CONFIRM_SECONDS: u64 = 10;
/// How long one step of an edit may take, in seconds.
const EDIT_SECONDS: u64 = 120;

/// A connected host.
#[derive(Debug)]
pub(crate) struct Host {
    client: Client,
    identity: String,
    /// One at a time of those changes that may touch what others touch, such as parts of one file.
    alone: Mutex<()>,
    /// Held by all changes, and by a reboot alone: while the host is away, nothing is done on it.
    awake: RwLock<()>,
    /// What this plan will have made of the host, as far as it has looked.
    promises: Mutex<Promises>,
}

impl Host {
    /// A host behind a connection that stands.
    pub(crate) fn new(client: Client) -> Self {
        Self {
            identity: client.identity(),
            client,
            alone: Mutex::new(()),
            awake: RwLock::new(()),
            promises: Mutex::default(),
        }
    }

    /// Looks at all of this in one round trip. What changed meanwhile gets another look, each thing on its own.
    async fn look_at(&self, look: Look<'_>) -> Looked {
        let items = || look.observe.iter().enumerate();
        let promises = {
            let mut promises = self.promises.lock().await;
            promises.add(look.observe);
            promises.clone()
        };
        let accounts = look.observe.len() + look.read.len();
        let observed = |index, item, answer: &_| observed(index, item, answer, &promises);
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
        let known = first.as_ref().map(|answer| Known::read(answer, accounts)).unwrap_or_default();
        let seen = items().zip(seen).map(|((index, item), seen)| {
            let seen = seen.or_else(|| told(&again, |it| observed(index, item, it)));
            let seen = seen.unwrap_or_else(|| Err(unstable()))?;
            promises.prove_accounts(item, &known).map(|()| seen)
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
        let accounts_index = look.observe.len() + look.read.len();
        let mut looks = Looks { accounts_index, ..Looks::default() };
        for (index, item) in look.observe.iter().enumerate().filter(|(index, _)| wanted(*index)) {
            if let Some(resource) = resource::named(&item.kind) {
                resource.look(index, item, &mut looks);
                let named = item.desired.iter().flat_map(|desired| resource.accounts(desired));
                looks.accounts.extend(named.map(|(_, account)| account));
            }
        }
        for (index, item) in (look.observe.len()..).zip(look.read).filter(|(index, _)| wanted(*index)) {
            match item.kind.as_str() {
                schema::FILE => looks.files.push(file::question(index, item)),
                schema::FACTS => looks.facts.push(index),
                schema::COMMAND => looks.questions.push(command::question(index, item)),
                _ => {}
            }
        }
        if looks.is_empty() {
            return Ok(Answer::default());
        }
        let program = script::look(&nonce(), &looks, self.client.has_timeout(), singly);
        let seconds = LOOK_SECONDS + GUARDS_SECONDS * (looks.guards.len() + looks.questions.len()) as u64;
        let reply = self.client.run(&program, seconds).await;
        reply.map(|reply| reply.answer).map_err(|failure| self.client.explain(failure))
    }

    /// Makes a change by one program, or by a second one that settles what the first one has done.
    async fn run(
        &self,
        request: &PerformRequest,
        job: &dyn Job,
        progress: &dyn Progress,
    ) -> Result<Performed, StepFailure> {
        let _alone = if job.is_alone() { Some(self.alone.lock().await) } else { None };
        if let Some(notice) = job.notice() {
            progress.report(&request.address, notice);
        }
        let timeout = self.client.has_timeout();
        let first = self.client.run(&job.program(&nonce(), false, timeout)?, job.seconds()).await;
        let reply = match first {
            Err(RunError::Lost) if job.settles_itself() => {
                self.client.run(&job.program(&nonce(), true, timeout)?, job.seconds()).await
            }
            reply => reply,
        };
        match reply {
            Ok(reply) => {
                let performed =
                    job.performed(&reply.answer, &reply.words).map_err(|failure| self.placed(failure));
                let armed = job.confirm().filter(|_| is_armed(&reply.answer));
                self.confirmed(request, armed, performed, progress).await
            }
            Err(failure @ RunError::NotStarted(_)) => Err(self.client.explain(failure).into()),
            Err(failure) => Err(StepFailure { error: self.client.explain(failure), partial: job.cut_off() }),
        }
    }

    /// Confirms a change that the host takes back by itself otherwise.
    async fn confirmed(
        &self,
        request: &PerformRequest,
        armed: Option<Confirm>,
        performed: Result<Performed, StepFailure>,
        progress: &dyn Progress,
    ) -> Result<Performed, StepFailure> {
        let Some(confirm) = armed else { return performed };
        let performed =
            performed.map_err(|failure| StepFailure { error: confirm.pending(failure.error), ..failure })?;
        progress.report(&request.address, "looking whether the host lets us in again");
        match self.confirm(&confirm).await {
            Ok(()) => Ok(performed),
            Err(failure) => Err(StepFailure { error: failure, partial: Some(Box::new(performed)) }),
        }
    }

    /// Tries new connections until one stands, as long as the host waits; then, until it has gone back.
    async fn confirm(&self, confirm: &Confirm) -> Result<(), ProviderError> {
        let start = Instant::now();
        let waits = Duration::from_secs(confirm.seconds);
        let mut reason = unstable();
        while start.elapsed() < waits + Duration::from_secs(BACK_SECONDS) {
            match self.disarmed(confirm).await {
                Ok(Standing::Confirmed) => return Ok(()),
                Ok(Standing::Reverted) => return Err(confirm.refused(true, &reason)),
                Ok(Standing::Reverting) => {}
                Err(failure) if start.elapsed() < waits => reason = failure,
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Err(confirm.refused(false, &reason))
    }

    async fn disarmed(&self, confirm: &Confirm) -> Result<Standing, ProviderError> {
        let client = self.client.anew().await?;
        let reply = client.run(&script::disarm(&nonce(), &confirm.key), CONFIRM_SECONDS).await;
        let answer = reply.map_err(|failure| client.explain(failure))?.answer;
        let is = |kind: &str| answer.get(kind, 0).is_some();
        Ok(match () {
            () if is("reverting") => Standing::Reverting,
            () if is("reverted") => Standing::Reverted,
            // An earlier try, whose answer was lost, may have confirmed it.
            () => Standing::Confirmed,
        })
    }

    /// What has failed on the host is told with where that was.
    fn placed(&self, mut failure: StepFailure) -> StepFailure {
        if matches!(failure.error.code, ErrorCode::Failed | ErrorCode::TimedOut) {
            failure.error.detail = format!("On {}: {}", self.client.place(), failure.error.detail);
        }
        failure
    }

    /// Reads a file and writes it with a part of it changed, from the start again if someone else has written to it meanwhile.
    async fn edit(
        &self,
        request: &PerformRequest,
        edit: &dyn Edit,
        progress: &dyn Progress,
    ) -> Result<Performed, StepFailure> {
        let _alone = self.alone.lock().await;
        let mut refusal = unstable();
        for _ in 0..EDITS {
            let looks = Looks { files: vec![edit.look()], ..Looks::default() };
            let program = script::look(&nonce(), &looks, self.client.has_timeout(), true);
            let looked = self.client.run(&program, EDIT_SECONDS).await;
            let answer = looked.map_err(|failure| self.client.explain(failure))?.answer;
            let Edited { deed, performed } = edit.edited(&answer)?;
            let program = match &deed {
                EditDeed::Nothing => return Ok(performed),
                EditDeed::Write(rewrite) => script::write(&nonce(), &rewrite.as_write()),
                EditDeed::Remove { path, version } => {
                    let seconds = edit.confirm().map(|confirm| confirm.seconds);
                    script::remove(&nonce(), &removal(path, version, seconds))
                }
            };
            match self.client.run(&program, EDIT_SECONDS).await {
                Ok(reply) => match reply.answer.get("fail", 0) {
                    None => {
                        let armed = edit.confirm().filter(|_| is_armed(&reply.answer));
                        return self.confirmed(request, armed, Ok(performed), progress).await;
                    }
                    Some(record) => {
                        refusal = edit.failure(record.field(0), record.field(1), &reply.words);
                        if refusal.code != ErrorCode::Changed {
                            return Err(refusal.into());
                        }
                    }
                },
                // The next look tells what was done.
                Err(RunError::Lost) => refusal = self.client.explain(RunError::Lost),
                Err(failure) => return Err(self.client.explain(failure).into()),
            }
        }
        Err(refusal.into())
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

    /// A host has no opinion: it is looked at again, by what was not known the first time.
    fn preview<'a>(&'a self, items: &'a [PreviewItem]) -> BoxFuture<'a, Vec<Preview>> {
        Box::pin(async move {
            let items: Vec<_> = items.iter().map(|preview| preview.item.clone()).collect();
            self.observe(&items).await.into_iter().map(seen_again).collect()
        })
    }

    fn perform<'a>(
        &'a self,
        request: &'a PerformRequest,
        progress: &'a dyn Progress,
    ) -> BoxFuture<'a, Result<Performed, StepFailure>> {
        Box::pin(async move {
            let Some(resource) = resource::named(&request.kind) else {
                return Err(stranger(&request.address, &request.kind).into());
            };
            let limit = request.timeout_ms.map(|limit| limit.div_ceil(1000).max(1));
            let work = resource.work(request, limit)?;
            if let Work::Restart(reboot) = &work {
                let _asleep = self.awake.write().await;
                return restart(&self.client, request, &**reboot, progress).await;
            }
            let _awake = self.awake.read().await;
            match work {
                Work::Record(performed) => Ok(performed),
                Work::Job(job) => self.run(request, &*job, progress).await,
                Work::Edit(edit) => self.edit(request, &*edit, progress).await,
                Work::Restart(reboot) => restart(&self.client, request, &*reboot, progress).await,
            }
        })
    }
}

/// What has become of a change that had to be confirmed.
enum Standing {
    /// It stays.
    Confirmed,
    /// The host is taking it back.
    Reverting,
    /// The host has taken it back.
    Reverted,
}

fn is_armed(answer: &Answer) -> bool {
    answer.get("armed", 0).is_some()
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

fn observed(
    index: usize,
    item: &ObserveItem,
    answer: &Answer,
    promises: &Promises,
) -> Option<Result<Observed, ProviderError>> {
    match resource::named(&item.kind) {
        Some(resource) => resource.observed(index, item, answer, promises),
        None => Some(Err(stranger(&item.address, &item.kind))),
    }
}

fn read(index: usize, item: &ReadItem, answer: &Answer) -> Option<Found> {
    match item.kind.as_str() {
        schema::FILE => file::found(index, item, answer),
        schema::FACTS => Some(facts::found(index, item, answer)),
        schema::COMMAND => Some(command::found(index, item, answer)),
        other => Some(Err(stranger(&item.address, other))),
    }
}

fn removal<'a>(path: &'a str, version: &'a str, confirm: Option<u64>) -> Remove<'a> {
    Remove { path, policy: Policy::Remove, was: "", guard: Guard::Exact(version), confirm }
}

fn seen_again(observed: Result<Observed, ProviderError>) -> Preview {
    match observed {
        Ok(Observed::Present(there)) => Preview::Would(there),
        Ok(Observed::Absent) => Preview::Unverified("It went away while it was looked at.".to_owned()),
        Err(failure) => Preview::Refused(failure),
    }
}

fn unstable() -> ProviderError {
    let detail = "The file changes faster than it can be looked at. Stop what writes to it, and plan again.";
    error(ErrorCode::Changed, "File not at rest", detail)
}

fn stranger(address: &Address, kind: &str) -> ProviderError {
    error(ErrorCode::Other, "Unknown type", format!("{address} is a {kind}, which hosts do not have."))
}
