//! The hooks of a chart (<https://helm.sh/docs/topics/charts_hooks/>) as ordered steps.
//!
//! | hook | what becomes of it |
//! | --- | --- |
//! | `pre-install`, `pre-upgrade` | before everything of the chart but its namespaces and definitions; by weight |
//! | `post-install`, `post-upgrade` | after everything; by weight |
//! | `crd-install` | an object like others |
//! | `test`, `test-success` | left out |
//! | any other alone | left out, with a warning |
//!
//! One that also runs on upgrade is made anew whenever anything of the chart changes: that is its `before-hook-creation`. What a hook has
//! made stays until then, whatever its delete policy says: it is how one sees that it has run, and why it failed.

use meshform_engine::value::Value;

use crate::identity::{ObjectName, TypeName};

const HOOK: &str = "helm.sh/hook";
const WEIGHT: &str = "helm.sh/hook-weight";

/// When something of a chart is applied: the order of the variants is the order of the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// What all else may need: namespaces, definitions.
    Ground,
    /// A hook before, of this weight.
    Before(i64),
    /// No hook.
    Main,
    /// A hook after, of this weight.
    After(i64),
}

/// When a manifest is applied, and whether it is made anew when the chart changes; `None` if it is left out.
pub(super) fn stage(manifest: &Value) -> Option<(Stage, bool)> {
    let events = events(manifest);
    if events.is_empty() || events.contains(&"crd-install") {
        return Some((if is_ground(manifest) { Stage::Ground } else { Stage::Main }, false));
    }
    let weight = annotation(manifest, WEIGHT).and_then(|weight| weight.trim().parse().ok()).unwrap_or(0);
    let again = |upgrade: &str| events.contains(&upgrade);
    match (events.contains(&"pre-install"), events.contains(&"post-install")) {
        (true, _) => Some((Stage::Before(weight), again("pre-upgrade"))),
        (_, true) => Some((Stage::After(weight), again("post-upgrade"))),
        _ => None,
    }
}

/// Hooks that never run here and are no tests, for people.
pub(super) fn left_out(found: &Value) -> Vec<String> {
    let documents = found.get("documents").and_then(Value::as_list).unwrap_or_default();
    let left_out = documents.iter().filter_map(|document| {
        let manifest = document.get("manifest")?;
        let events = events(manifest);
        let is_test = events.iter().all(|event| event.starts_with("test"));
        if is_test || stage(manifest).is_some() {
            return None;
        }
        let name = ObjectName::of(manifest)?;
        Some(format!("{} {} ({})", name.kind, name.name, events.join(", ")))
    });
    left_out.collect()
}

fn events(manifest: &Value) -> Vec<&str> {
    let events = annotation(manifest, HOOK).into_iter().flat_map(|events| events.split(','));
    events.map(str::trim).filter(|event| !event.is_empty()).collect()
}

fn is_ground(manifest: &Value) -> bool {
    TypeName::of(manifest).is_some_and(|of_type| {
        of_type.is("", "Namespace") || of_type.is("apiextensions.k8s.io", "CustomResourceDefinition")
    })
}

fn annotation<'v>(manifest: &'v Value, name: &str) -> Option<&'v str> {
    manifest.get("metadata")?.get("annotations")?.get_str(name)
}
