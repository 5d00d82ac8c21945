//! What stands below the first line of a change.

use std::collections::BTreeSet;

use meshform_engine::plan::{Action, Change};
use meshform_engine::value::{Path, PathStep, Value};

use super::{Detail, header, kube_style};
use crate::render::fields::{self, Notation, Owner};
use crate::render::style::{ADDED, FAINT, WARNING, paint};
use crate::render::text::{harmless, wrap};
use crate::render::{hcl_text, yaml_text};
use crate::veil;

/// Created things longer than this are cut, unless everything is asked for.
const LINES_MAX: usize = 60;

/// Reason, changed fields or new content, what else comes of it, notes.
pub(super) fn lines(change: &Change, detail: Detail) -> Vec<String> {
    let reason = change.reason.iter().filter(|_| !header::tells_reason(change.action));
    let mut lines: Vec<_> =
        reason.flat_map(|reason| wrap(&format!("because {}", harmless(reason)), detail.columns)).collect();
    let mut content = match change.action {
        Action::Create | Action::Read => created(change),
        // What has drifted is told above.
        Action::NoOp | Action::Delete | Action::Forget | Action::Refresh => Vec::new(),
        _ => changed(change),
    };
    cut(&mut content, detail);
    lines.append(&mut content);
    let impact =
        change.impact.iter().flat_map(|line| wrap(&format!("impact: {}", harmless(line)), detail.columns));
    lines.extend(impact.map(|line| paint(WARNING, line)));
    let notes =
        change.notes.iter().flat_map(|note| wrap(&format!("note: {}", harmless(note)), detail.columns));
    lines.extend(notes.map(|note| paint(FAINT, note)));
    lines
}

/// The path that the fields of this instance share, and how its compound values are written.
pub(super) fn notation(change: &Change) -> (Path, Notation) {
    let is_object =
        |value: &Value| value.get("manifest").is_some_and(|manifest| manifest.get("kind").is_some());
    if is_object(&change.planned) || change.desired.as_ref().is_some_and(is_object) {
        return kube_style();
    }
    (Path::default(), Notation::Hcl)
}

fn changed(change: &Change) -> Vec<String> {
    let (prefix, notation) = notation(change);
    fields::lines(&veil::fields(change), &prefix, notation, Owner::Holds)
}

/// A manifest as YAML; anything else as the attributes that one would write.
fn created(change: &Change) -> Vec<String> {
    let wanted = change.desired.as_ref().unwrap_or(&change.planned);
    if wanted.is_sensitive() {
        return vec![paint(ADDED, hcl_text::SENSITIVE)];
    }
    let is_object = notation(change).1 == Notation::Yaml;
    let named = named(change);
    let all = wanted.as_map().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let (manifests, attributes): (Vec<_>, Vec<_>) =
        all.partition(|(name, _)| is_object && *name == "manifest");
    // The provider names what is worth telling; of an object that is the manifest, whatever it names besides.
    let told = |name: &str| named.contains(name) || (named.is_empty() && !is_object);
    let attributes = attributes.into_iter().filter(|(name, _)| told(name));
    let mut lines = hcl_text::attributes(attributes.map(|(name, value)| (name.as_str(), value)));
    lines.extend(manifests.into_iter().flat_map(|(_, manifest)| yaml_text::lines(manifest)));
    lines.into_iter().map(|line| paint(ADDED, harmless(&line))).collect()
}

/// The attributes that the provider finds worth telling about a new instance.
fn named(change: &Change) -> BTreeSet<&str> {
    let names = change.fields.iter().filter_map(|field| match field.path.0.first() {
        Some(PathStep::Attribute(name)) => Some(name.as_str()),
        _ => None,
    });
    names.collect()
}

fn cut(lines: &mut Vec<String>, detail: Detail) {
    if detail.full || lines.len() <= LINES_MAX {
        return;
    }
    let more = lines.len() - LINES_MAX;
    lines.truncate(LINES_MAX);
    lines.push(paint(FAINT, format!("… {more} lines more (-full shows them)")));
}
