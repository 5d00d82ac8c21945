//! Draft → plan: the changes in order, with the steps that make them.

use super::{Draft, DraftInputs, Partial, Plan, Refresh, order};
use crate::diagnostic::{Diagnostic, Severity, Sources};

/// The plan of a draft that wants to see nothing more.
///
/// # Errors
/// When the changes cannot be put in order.
pub(crate) fn settle(draft: Draft, inputs: &DraftInputs<'_>, sources: Sources) -> Result<Plan, Diagnostic> {
    let changes: Vec<_> = draft.changes.into_values().collect();
    let steps = order::steps(&changes, inputs.snapshot)?;
    Ok(Plan {
        created_ms: inputs.now_ms,
        destroy: inputs.destroy,
        partial: (inputs.restriction.is_some() || !draft.unreachable.is_empty()).then(|| Partial {
            restriction: inputs.restriction.cloned(),
            unreachable: draft.unreachable,
            left_out: draft.left_out.into_iter().collect(),
        }),
        refresh_only: inputs.refresh == Refresh::Only,
        unseen: draft.unseen.into_iter().collect(),
        folder: inputs.folder.to_owned(),
        workspace: inputs.functions.workspace.to_owned(),
        sources,
        variables: inputs.variables.clone(),
        lineage: inputs.snapshot.lineage.clone(),
        serial: inputs.snapshot.serial,
        targets: draft.targets,
        changes,
        data: draft.data,
        steps,
        outputs: draft.outputs,
        policies: draft.policies,
        warnings: draft.diagnostics.into_iter().filter(|it| it.severity == Severity::Warning).collect(),
    })
}
