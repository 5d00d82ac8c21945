//! The words for operations.

use meshform_engine::plan::StepOperation;
use meshform_engine::ports::Operation;

/// While it is under way: "creating".
pub(super) fn doing(operation: StepOperation) -> &'static str {
    match operation {
        StepOperation::Perform(Operation::Create) => "creating",
        StepOperation::Perform(Operation::Update) => "updating",
        StepOperation::Perform(Operation::Delete) => "deleting",
        StepOperation::Record => "recording",
        StepOperation::Forget => "forgetting",
        StepOperation::Read => "looking up",
    }
}

/// Once it is done: "created".
pub(super) fn done(operation: StepOperation) -> &'static str {
    match operation {
        StepOperation::Perform(Operation::Create) => "created",
        StepOperation::Perform(Operation::Update) => "updated",
        StepOperation::Perform(Operation::Delete) => "deleted",
        StepOperation::Record => "recorded",
        StepOperation::Forget => "forgotten",
        StepOperation::Read => "looked up",
    }
}
