//! The state: what is recorded, all of it or one instance.

use meshform_engine::address::Address;
use meshform_engine::state::{Record, RecordStatus, Snapshot};
use meshform_engine::value::Value;

use super::outputs;
use super::style::{DANGER, FAINT, STRONG, paint};
use super::text::{counted, harmless, indented};
use super::{hcl_text, yaml_text};

/// Every record and the outputs.
pub(crate) fn text(snapshot: &Snapshot) -> String {
    let mut lines = Vec::new();
    for (address, record) in &snapshot.records {
        lines.extend(record_lines(address, record));
        lines.push(String::new());
    }
    if !snapshot.outputs.is_empty() {
        lines.push(paint(STRONG, "Outputs:"));
        lines.extend(indented(outputs::values(&snapshot.outputs), 2));
        lines.push(String::new());
    }
    lines.push(paint(
        FAINT,
        format!("{}, serial {}", counted(snapshot.records.len(), "instance"), snapshot.serial),
    ));
    lines.into_iter().map(|line| line + "\n").collect()
}

/// One record, each line ended.
pub(crate) fn record(address: &Address, record: &Record) -> String {
    record_lines(address, record).into_iter().map(|line| line + "\n").collect()
}

fn record_lines(address: &Address, record: &Record) -> Vec<String> {
    let mut lines = vec![paint(STRONG, harmless(&address.to_string()))];
    let place = match &record.target {
        Some(target) => format!("  # {} on {target}", record.identity),
        None => format!("  # {}", record.identity),
    };
    if record.identity != address.to_string() {
        lines.push(paint(FAINT, harmless(&place)));
    }
    if record.status == RecordStatus::Incomplete {
        let warning =
            "  # incomplete: its last step did not come to an end; the next apply looks and settles it";
        lines.push(paint(DANGER, warning));
    }
    lines.extend(indented(attribute_lines(record), 2));
    lines
}

/// The attributes that have a value; a manifest as YAML.
fn attribute_lines(record: &Record) -> Vec<String> {
    let Some(attributes) = record.attributes.as_map().filter(|_| !record.attributes.is_sensitive()) else {
        return hcl_text::lines(&record.attributes);
    };
    let is_manifest = |value: &Value| {
        !value.is_sensitive() && value.get("kind").is_some() && value.get("apiVersion").is_some()
    };
    let shown = attributes.iter().filter(|(_, value)| !value.is_null());
    let (manifests, others): (Vec<_>, Vec<_>) = shown.partition(|(_, value)| is_manifest(value));
    let mut lines = hcl_text::attributes(others.into_iter().map(|(name, value)| (name.as_str(), value)));
    for (name, manifest) in manifests {
        lines.push(format!("{name}:"));
        lines.extend(indented(yaml_text::lines(manifest), 2));
    }
    lines.into_iter().map(|line| harmless(&line).into_owned()).collect()
}
