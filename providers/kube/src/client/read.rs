//! Look-ups: one object by a GET, all of a selection by a LIST.

use futures::future::join_all;
use meshform_engine::ports::{Found, ProviderError, ReadItem};
use serde_json::Value as Json;

use super::Cluster;
use crate::catalog::{Catalog, Resource};
use crate::lookup::{LookUp, NotServed, Wanted, found, missing};
use crate::request::Place;
use crate::schema::{CHART, MANIFESTS};

impl Cluster {
    /// Looks up all of the items, and renders what composites ask for.
    pub(super) async fn read_all(&self, items: &[ReadItem]) -> Vec<Found> {
        let is_rendered = |item: &&ReadItem| matches!(item.kind.as_str(), CHART | MANIFESTS);
        let rendered = items.iter().filter(is_rendered).map(|item| self.render(item));
        let others: Vec<_> = items.iter().filter(|item| !is_rendered(item)).cloned().collect();
        let (rendered, others) = tokio::join!(join_all(rendered), self.look_up_all(&others));
        let (mut rendered, mut others) = (rendered.into_iter(), others.into_iter());
        let answer = |item: &ReadItem| if is_rendered(&item) { rendered.next() } else { others.next() };
        items.iter().filter_map(answer).collect()
    }

    async fn look_up_all(&self, items: &[ReadItem]) -> Vec<Found> {
        if items.is_empty() {
            return Vec::new();
        }
        let look_ups: Vec<_> = items.iter().map(LookUp::of).collect();
        let known = |catalog: &Catalog| look_ups.iter().all(|it| it.resource(catalog).is_ok());
        let catalog = match self.kinds.with(&self.api, known).await {
            Ok(catalog) => catalog,
            Err(failure) => {
                let error = failure.unanswered(&self.api.place, "look up the kinds that are served");
                return items.iter().map(|_| Err(error.clone())).collect();
            }
        };
        let each = items.iter().zip(&look_ups).map(|(item, look_up)| {
            let resource = look_up.resource(&catalog);
            async move { Ok(found(item, look_up, &self.look_up(look_up, resource).await?)) }
        });
        join_all(each).await
    }

    /// The objects that are there.
    pub(super) async fn look_up(
        &self,
        look_up: &LookUp<'_>,
        resource: Result<&Resource, NotServed>,
    ) -> Result<Vec<Json>, ProviderError> {
        match (&look_up.wanted, resource) {
            // Of a kind that is not served there is nothing, which is allowed.
            (Wanted::One { optional: true, .. }, Err(NotServed::Kind(_))) => Ok(Vec::new()),
            (_, Err(NotServed::Kind(error) | NotServed::Version(error))) => Err(error),
            (Wanted::One { name, optional }, Ok(resource)) => {
                let name = look_up.object_name(resource, name)?;
                let object = self.get(resource, &name).await;
                let object = object.map_err(|failure| failure.explain(&self.api, "read", &name, false))?;
                match object {
                    None if !optional => Err(missing(&name)),
                    object => Ok(object.into_iter().collect()),
                }
            }
            (Wanted::All(selection), Ok(resource)) => {
                let place = Place { resource, namespace: look_up.list_namespace(resource)? };
                let objects = self.list(&place, selection, |_| true).await;
                objects.map_err(|failure| failure.explain(&self.api, "list", &look_up.of_type, false))
            }
        }
    }
}
