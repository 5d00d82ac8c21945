//! A connected cluster: the only part of this provider with IO.
//!
//! ```text
//! connect    a `cluster` block becomes a client that knows which cluster it talks to
//! send       one request: deadline, concurrency, retries
//! discovery  the kinds that the server serves, looked up once
//! observe    all objects of a plan, one LIST per kind
//! read       look-ups
//! render     other programs that make manifests
//! preview    dry-runs
//! impact     what lies around planned changes
//! apply      precondition → server-side apply → ready
//! absent     all that must not be there: look, delete
//! delete     precondition → delete → gone
//! watch      changes as they come
//! wait       watching until an object is ready, or why it is not
//! cause      warnings about it, and its containers' last words
//! ```

mod absent;
mod apply;
mod cause;
mod connect;
mod delete;
mod discovery;
mod impact;
mod observe;
mod preview;
mod read;
mod render;
mod rights;
mod send;
#[cfg(test)]
mod tests;
mod throttle;
mod wait;
mod watch;

use meshform_engine::ports::{
    BoxFuture, Found, Impact, ImpactItem, ObserveItem, Observed, Operation, PerformRequest, Performed,
    Preview, PreviewItem, Progress, ProviderError, ReadItem, StepFailure, Target,
};

use meshform_engine::value::Value;

pub(crate) use self::connect::connect;
use self::discovery::Kinds;
use self::send::Api;
use crate::schema::ABSENT;

/// A connected cluster.
pub(crate) struct Cluster {
    /// The UID of its `kube-system` namespace.
    identity: String,
    api: Api,
    kinds: Kinds,
}

impl Target for Cluster {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn observe<'a>(
        &'a self,
        items: &'a [ObserveItem],
    ) -> BoxFuture<'a, Vec<Result<Observed, ProviderError>>> {
        Box::pin(self.observe_both(items))
    }

    fn read<'a>(&'a self, items: &'a [ReadItem]) -> BoxFuture<'a, Vec<Found>> {
        Box::pin(self.read_all(items))
    }

    fn preview<'a>(&'a self, items: &'a [PreviewItem]) -> BoxFuture<'a, Vec<Preview>> {
        Box::pin(self.preview_all(items))
    }

    fn impact<'a>(&'a self, items: &'a [ImpactItem]) -> BoxFuture<'a, Vec<Impact>> {
        Box::pin(self.weigh(items))
    }

    fn rights<'a>(
        &'a self,
        items: &'a [ObserveItem],
        read: &'a [ReadItem],
    ) -> BoxFuture<'a, Result<Vec<Value>, ProviderError>> {
        Box::pin(self.roles(items, read))
    }

    fn perform<'a>(
        &'a self,
        request: &'a PerformRequest,
        progress: &'a dyn Progress,
    ) -> BoxFuture<'a, Result<Performed, StepFailure>> {
        Box::pin(async move {
            match request.operation {
                Operation::Create | Operation::Update if request.kind == ABSENT => {
                    self.clear(request, progress).await
                }
                Operation::Create | Operation::Update => self.apply(request, progress).await,
                Operation::Delete => self.delete(request, progress).await,
            }
        })
    }
}
