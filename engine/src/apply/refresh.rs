//! Steps that only write down what is there: it is looked at once more, so that nothing is recorded that was not reviewed.

use std::sync::Arc;

use super::step::Prepared;
use crate::config::Registry;
use crate::plan::{Change, asked};
use crate::ports::{
    ErrorCode, ObserveItem, Observed, Performed, Precondition, ProviderError, StepFailure, Target,
};
use crate::secrets::marked_like;
use crate::state::Record;
use crate::value::Value;

/// What is to be recorded, once the thing is found to be as reviewed; `None` if there is nobody to ask.
///
/// # Errors
/// When it cannot be looked at, or is not what was reviewed.
pub(super) async fn refresh(
    change: Option<&Change>,
    prepared: &Prepared,
    target: Option<&dyn Target>,
    registry: &Registry,
) -> Option<Result<Performed, StepFailure>> {
    let (change, record, target) = (change?, prepared.looks_first.as_ref()?, target?);
    let item = ObserveItem {
        address: change.address.clone(),
        kind: change.kind.clone(),
        identity: record.identity.clone(),
        desired: asked(record),
        record: Some(Arc::new(record.clone())),
    };
    let answer = target.observe(&[item]).await.into_iter().next()?;
    Some(
        answer
            .map_err(StepFailure::from)
            .and_then(|observed| as_reviewed(change, record, &observed, registry)),
    )
}

fn as_reviewed(
    change: &Change,
    record: &Record,
    observed: &Observed,
    registry: &Registry,
) -> Result<Performed, StepFailure> {
    match (observed, &change.precondition, registry.provider(&change.kind)) {
        (Observed::Absent, Precondition::Absent, _) => {
            Ok(Performed { attributes: Value::null(), private: serde_json::Value::Null })
        }
        (Observed::Present(there), Precondition::Version(reviewed), Some(provider))
            if there.version == *reviewed =>
        {
            let found = provider.recorded_as_found(&change.kind, record, there);
            Ok(Performed { attributes: marked_like(found.attributes, &record.attributes), ..found })
        }
        _ => Err(moved().into()),
    }
}

fn moved() -> ProviderError {
    ProviderError {
        code: ErrorCode::Changed,
        summary: "Not as reviewed".to_owned(),
        detail: "It is not what it was when the plan was made. What is recorded stays as it is: plan again and review."
            .to_owned(),
        path: None,
    }
}
