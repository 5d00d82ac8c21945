//! `on_destroy`: what becomes of a thing at the end.

use meshform_engine::ports::Problem;
use meshform_engine::schema::Attribute;
use meshform_engine::types::Type;
use meshform_engine::value::Value;

use crate::check::choice;

/// Its name in HCL.
const NAME: &str = "on_destroy";

/// What there is to choose from where what was there before is kept for the way back.
pub(crate) const WITH_RESTORE: &[&str] = &["remove", "restore", "keep"];
/// What there is to choose from elsewhere.
pub(crate) const WITHOUT_RESTORE: &[&str] = &["remove", "keep"];

/// The attribute, with what each choice means.
pub(crate) fn attribute(description: &'static str) -> Attribute {
    Attribute::default(NAME, Type::String, "remove", description)
}

/// What is wrong with it.
pub(crate) fn check(desired: &Value, choices: &[&str]) -> Option<Problem> {
    choice(desired, NAME, choices)
}
