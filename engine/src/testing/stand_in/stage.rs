//! A connected target with things that are made up in front of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::cast::Made;
use super::provider::Backstage;
use crate::address::Address;
use crate::ports::{
    BoxFuture, ErrorCode, Found, Look, Looked, Observation, ObserveItem, Observed, Operation, PerformRequest,
    Performed, Preview, PreviewItem, Progress, ProviderError, ReadItem, StepFailure, Target,
};
use crate::testing::file::Moment;
use crate::value::Value;

/// Stands in for a target, or before it.
pub(super) struct Stage {
    backstage: Arc<Backstage>,
    identity: String,
    /// The target itself; `None` where all of it is made up.
    inner: Option<Arc<dyn Target>>,
    /// What is made up and there, by its identity.
    there: Mutex<BTreeMap<String, Value>>,
}

impl Stage {
    pub(super) fn new(backstage: Arc<Backstage>, address: String, inner: Option<Arc<dyn Target>>) -> Self {
        let identity =
            inner.as_ref().map_or_else(|| format!("mock of {address}"), |inner| inner.identity().to_owned());
        Self { backstage, identity, inner, there: Mutex::default() }
    }

    /// The target itself, or what is known of what is made up.
    fn role(&self, address: &Address, kind: &str) -> Result<&dyn Target, Made> {
        match (self.backstage.cast.role(address, kind), &self.inner) {
            (None, Some(inner)) => Ok(&**inner),
            (Some(made), _) => Err(made),
            (None, None) => Err(Made { values: Value::object([]), moment: Moment::default() }),
        }
    }

    fn is_real(&self, address: &Address, kind: &str) -> bool {
        self.role(address, kind).is_ok()
    }

    fn there(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn observed(&self, item: &ObserveItem) -> Observed {
        match self.there().get(&item.identity) {
            Some(attributes) => Observed::Present(Observation {
                attributes: attributes.clone(),
                version: String::new(),
                detail: serde_json::Value::Null,
            }),
            None => Observed::Absent,
        }
    }

    fn made_up(&self, request: &PerformRequest, made: &Made) -> Performed {
        let attributes = match (request.operation, &request.desired) {
            (Operation::Create | Operation::Update, Some(desired)) => {
                let attributes = self.backstage.made(&request.address, &request.kind, desired, made);
                self.there().insert(request.identity.clone(), attributes.clone());
                attributes
            }
            _ => {
                self.there().remove(&request.identity);
                Value::null()
            }
        };
        Performed { attributes, private: serde_json::Value::Null }
    }

    /// What the target itself is asked for.
    async fn look_at_real(&self, look: Look<'_>) -> Looked {
        match &self.inner {
            Some(inner) => inner.look(look).await,
            None => Looked::default(),
        }
    }
}

impl Target for Stage {
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
        Box::pin(async move {
            let observe: Vec<_> =
                look.observe.iter().filter(|item| self.is_real(&item.address, &item.kind)).cloned().collect();
            let read: Vec<_> =
                look.read.iter().filter(|item| self.is_real(&item.address, &item.kind)).cloned().collect();
            let real = match observe.is_empty() && read.is_empty() {
                true => Looked::default(),
                false => self.look_at_real(Look { observe: &observe, read: &read }).await,
            };
            let (mut observed, mut found) = (real.observed.into_iter(), real.found.into_iter());
            let observed = look.observe.iter().map(|item| match self.role(&item.address, &item.kind) {
                Ok(_) => observed.next(),
                Err(_) => Some(Ok(self.observed(item))),
            });
            let found = look.read.iter().map(|item| match self.role(&item.address, &item.kind) {
                Ok(_) => found.next(),
                Err(made) => Some(Ok(self.backstage.found(item, &made))),
            });
            Looked {
                observed: observed.map_while(|answer| answer).collect(),
                found: found.map_while(|answer| answer).collect(),
            }
        })
    }

    fn preview<'a>(&'a self, items: &'a [PreviewItem]) -> BoxFuture<'a, Vec<Preview>> {
        Box::pin(async move {
            // Of what is made up no preview is wanted.
            match &self.inner {
                Some(inner) => inner.preview(items).await,
                None => items.iter().map(|_| Preview::Unverified("It is made up.".to_owned())).collect(),
            }
        })
    }

    fn perform<'a>(
        &'a self,
        request: &'a PerformRequest,
        progress: &'a dyn Progress,
    ) -> BoxFuture<'a, Result<Performed, StepFailure>> {
        Box::pin(async move {
            match self.role(&request.address, &request.kind) {
                Ok(target) => target.perform(request, progress).await,
                Err(_) if request.operation != Operation::Delete && request.desired.is_none() => {
                    Err(incomplete().into())
                }
                Err(made) => Ok(self.made_up(request, &made)),
            }
        })
    }
}

fn incomplete() -> ProviderError {
    ProviderError {
        code: ErrorCode::Invalid,
        summary: "Incomplete request".to_owned(),
        detail: "It is not said what is wanted.".to_owned(),
        path: None,
    }
}
