//! Outputs: as they are, and as they change.

use std::collections::BTreeMap;

use meshform_engine::plan::{FieldChange, OutputChange};
use meshform_engine::value::{Path, Value};

use super::fields::{self, Notation, Owner};
use super::hcl_text;
use crate::veil;

/// `name = value` for each output.
pub(crate) fn values(outputs: &BTreeMap<String, Value>) -> Vec<String> {
    hcl_text::attributes(outputs.iter().map(|(name, value)| (name.as_str(), value)))
}

/// What changes about the outputs.
pub(crate) fn changes(outputs: &BTreeMap<String, OutputChange>) -> Vec<String> {
    let changed = outputs.iter().filter(|(_, output)| output.changed());
    let fields: Vec<_> = changed
        .map(|(name, output)| {
            let OutputChange { before, after } = veil::output(output);
            FieldChange {
                path: Path::attribute(name.as_str()),
                before,
                after,
                forces_replace: false,
                owner: None,
            }
        })
        .collect();
    fields::lines(&fields, &Path::default(), Notation::Hcl, Owner::Holds)
}
