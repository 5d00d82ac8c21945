//! The kinds that the server serves, looked up once per connection, and again when one is missing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::sleep;

use super::send::{Api, Failure, Retry};
use crate::catalog::{Catalog, Resource};
use crate::identity::TypeName;
use crate::request;

/// How long to wait for a kind that has just been defined: other servers of the cluster take a while to learn of it.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1600),
    Duration::from_millis(3200),
];

/// The cached catalog.
#[derive(Default)]
pub(super) struct Kinds {
    cached: Mutex<Cached>,
}

#[derive(Default)]
struct Cached {
    catalog: Option<Arc<Catalog>>,
    /// Counts the look-ups, so that two who miss the same kind look only once.
    lookups: u64,
}

impl Kinds {
    /// The catalog in which every one of these kinds is, or a fresh one in which it is not.
    pub(super) async fn with(
        &self,
        api: &Api,
        holds: impl Fn(&Catalog) -> bool,
    ) -> Result<Arc<Catalog>, Failure> {
        let seen = {
            let cached = self.cached.lock().await;
            match &cached.catalog {
                Some(catalog) if holds(catalog) => return Ok(Arc::clone(catalog)),
                _ => cached.lookups,
            }
        };
        self.looked_up(api, seen).await
    }

    /// A kind at exactly one version, waiting a little for it to appear; `Err(None)` if it does not.
    pub(super) async fn appearing(&self, api: &Api, of_type: &TypeName) -> Result<Resource, Option<Failure>> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let catalog = self.with(api, |catalog| catalog.find(of_type).is_some()).await.map_err(Some)?;
            if let Some(resource) = catalog.find(of_type) {
                return Ok(resource.clone());
            }
            let Some(pause) = pauses.next() else { return Err(None) };
            sleep(pause).await;
        }
    }

    async fn looked_up(&self, api: &Api, seen: u64) -> Result<Arc<Catalog>, Failure> {
        let mut cached = self.cached.lock().await;
        if cached.lookups > seen
            && let Some(catalog) = &cached.catalog
        {
            return Ok(Arc::clone(catalog));
        }
        let catalog = Arc::new(look_up(api).await?);
        cached.catalog = Some(Arc::clone(&catalog));
        cached.lookups += 1;
        Ok(catalog)
    }
}

async fn look_up(api: &Api) -> Result<Catalog, Failure> {
    let (core, named) = tokio::try_join!(
        api.send(request::discover("/api"), Retry::Read),
        api.send(request::discover("/apis"), Retry::Read),
    )?;
    Catalog::parse(&[core.body, named.body]).ok_or_else(|| {
        Failure::Strange("it does not serve aggregated discovery, which Kubernetes has since 1.27".into())
    })
}
