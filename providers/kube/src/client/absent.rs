//! What must not be there: looked for, and deleted object by object.

use futures::future::join_all;
use meshform_engine::address::Address;
use meshform_engine::ports::{
    ErrorCode, Observation, ObserveItem, Observed, Operation, PerformRequest, Performed, Precondition,
    Progress, ProviderError, StepFailure,
};
use meshform_engine::value::Value;
use serde_json::{Value as Json, json};

use super::Cluster;
use crate::absent::{self, attributes, budget, detail, names};
use crate::catalog::Catalog;
use crate::identity::{ObjectName, TypeName};
use crate::lookup::{LookUp, NotServed};
use crate::schema::{ABSENT, OBJECT};
use crate::version::version;

impl Cluster {
    /// Looks at all of the items: at objects, and for what must not be there.
    pub(super) async fn observe_both(&self, items: &[ObserveItem]) -> Vec<Result<Observed, ProviderError>> {
        let is_absent = |item: &&ObserveItem| item.kind == ABSENT;
        if !items.iter().any(|item| is_absent(&item)) {
            return self.observe_all(items).await;
        }
        let objects: Vec<_> = items.iter().filter(|item| !is_absent(item)).cloned().collect();
        let sought = items.iter().filter(is_absent).map(|item| self.seek(item));
        let (objects, sought) = tokio::join!(self.observe_all(&objects), join_all(sought));
        let (mut objects, mut sought) = (objects.into_iter(), sought.into_iter());
        let answer = |item: &ObserveItem| if is_absent(&item) { sought.next() } else { objects.next() };
        items.iter().filter_map(answer).collect()
    }

    async fn seek(&self, item: &ObserveItem) -> Result<Observed, ProviderError> {
        // What nobody forbids any more may be there or not.
        let Some(desired) = &item.desired else { return Ok(Observed::Absent) };
        let found = self.forbidden(&item.address, desired).await?;
        if found.is_empty() {
            return Ok(Observed::Absent);
        }
        Ok(Observed::Present(Observation {
            attributes: attributes(desired, names(&found)),
            version: absent::version(&found),
            detail: detail(&found),
        }))
    }

    /// The objects that must not be there and are. Of a kind that is not served there are none.
    async fn forbidden(&self, address: &Address, desired: &Value) -> Result<Vec<Json>, ProviderError> {
        let item = absent::look_up(address, desired);
        let look_up = LookUp::of(&item);
        let known = |catalog: &Catalog| look_up.resource(catalog).is_ok();
        let catalog = self.kinds.with(&self.api, known).await;
        let catalog = catalog
            .map_err(|failure| failure.unanswered(&self.api.place, "look up the kinds that are served"))?;
        match look_up.resource(&catalog) {
            Err(NotServed::Kind(_)) => Ok(Vec::new()),
            resource => self.look_up(&look_up, resource).await,
        }
    }

    /// Deletes what must not be there, if that is still just what was reviewed.
    pub(super) async fn clear(
        &self,
        request: &PerformRequest,
        progress: &dyn Progress,
    ) -> Result<Performed, StepFailure> {
        let desired = request.desired.clone().unwrap_or_else(Value::null);
        let found = self.forbidden(&request.address, &desired).await?;
        let is_reviewed = match &request.precondition {
            Precondition::Absent => found.is_empty(),
            Precondition::Version(reviewed) => absent::version(&found) == *reviewed,
            Precondition::Unproven => found.len() <= budget(&desired),
        };
        if !is_reviewed {
            return Err(changed(&found).into());
        }
        let of_type = TypeName::new(
            desired.get_str("api_version").unwrap_or_default(),
            desired.get_str("kind").unwrap_or_default(),
        );
        let removals: Vec<_> = found.iter().map(|object| removal(request, &of_type, object)).collect();
        for ended in join_all(removals.iter().map(|removal| self.delete(removal, progress))).await {
            ended?;
        }
        Ok(Performed { attributes: attributes(&desired, Vec::new()), private: Json::Null })
    }
}

/// The removal of one of them.
fn removal(request: &PerformRequest, of_type: &TypeName, object: &Json) -> PerformRequest {
    let text = |name: &str| {
        object
            .pointer("/metadata")
            .and_then(|metadata| metadata.get(name)?.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let name = ObjectName {
        group: of_type.group.clone(),
        kind: of_type.kind.clone(),
        namespace: text("namespace"),
        name: text("name"),
    };
    PerformRequest {
        kind: OBJECT.to_owned(),
        identity: name.identity(),
        operation: Operation::Delete,
        desired: None,
        record: None,
        precondition: Precondition::Version(version(object, &[])),
        ..request.clone()
    }
}

fn changed(found: &[Json]) -> ProviderError {
    let shown = names(found).join(", ");
    ProviderError {
        code: ErrorCode::Changed,
        summary: "Other objects are there than were reviewed".into(),
        detail: format!("Now there are: {}. Nothing was deleted. Plan again.", json!(shown)),
        path: None,
    }
}
