//! What the API server refuses of a CustomResourceDefinition.
//!
//! The server looks at a definition in a form of its own, in which what all versions have alike is told once: a mistake in the schema of the
//! only version is one at `spec.validation`. The paths here are the server's.

mod defaults;
mod dump;
mod expressions;
mod keywords;
mod structure;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::field_error::FieldError;
use crate::name::{is_dns_1035_label, is_dns_subdomain};
use crate::types::Compiler;

const IMMUTABLE: &str = "field is immutable";
const LABEL: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
                     character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
                     validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const APPROVAL: &str = "api-approved.kubernetes.io";
const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 9] =
    ["binary", "bit64", "byte", "date", "date-time", "double", "float", "int32", "int64"];

/// Everything that is wrong with a definition, or with a change of `live`.
pub fn check_definition(definition: &Value, live: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (group, plural) = (text(definition, "/spec/group"), text(definition, "/spec/names/plural"));
    let name = text(definition, "/metadata/name");
    // It stays what it was when it was made.
    if live.is_none() && name != format!("{plural}.{group}") {
        let detail = "must be spec.names.plural+\".\"+spec.group";
        errors.push(FieldError::invalid("metadata.name", &json!(name), detail));
    }
    check_group(group, &mut errors);
    check_scope(text(definition, "/spec/scope"), &mut errors);
    check_names(&definition["spec"]["names"], &mut errors);
    Versions::of(definition).check(&mut errors);
    check_conversion(&definition["spec"]["conversion"], &mut errors);
    check_stored(definition, &mut errors);
    check_approval(definition, live, &mut errors);
    if definition.pointer("/spec/preserveUnknownFields") == Some(&json!(true)) {
        let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        errors.push(FieldError::invalid("spec.preserveUnknownFields", &json!(true), detail));
    }
    check_change(definition, live, &mut errors);
    errors
}

fn check_group(group: &str, errors: &mut Vec<FieldError>) {
    let detail = match group {
        "" => return errors.push(FieldError::required("spec.group", "")),
        group if !is_dns_subdomain(group) => {
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
             start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
             '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        }
        group if !group.contains('.') => "should be a domain with at least one dot",
        _ => return,
    };
    errors.push(FieldError::invalid("spec.group", &json!(group), detail));
}

fn check_scope(scope: &str, errors: &mut Vec<FieldError>) {
    match scope {
        "Cluster" | "Namespaced" => {}
        "" => errors.push(FieldError::required("spec.scope", "")),
        _ => {
            let allowed = [json!("Cluster"), json!("Namespaced")];
            errors.push(FieldError::unsupported("spec.scope", &json!(scope), &allowed));
        }
    }
}

fn check_names(names: &Value, errors: &mut Vec<FieldError>) {
    const MIXED: [&str; 2] = ["kind", "listKind"];
    for name in ["plural", "singular", "kind", "listKind"] {
        let given = text(names, &format!("/{name}"));
        let at = format!("spec.names.{name}");
        let is_mixed = MIXED.contains(&name);
        let label = if is_mixed { given.to_lowercase() } else { given.to_owned() };
        if given.is_empty() {
            errors.push(FieldError::required(at, ""));
        } else if !is_dns_1035_label(&label) {
            let before = if is_mixed { "may have mixed case, but should otherwise match: " } else { "" };
            errors.push(FieldError::invalid(at, &json!(given), &format!("{before}{LABEL}")));
        }
    }
    let (kind, list) = (text(names, "/kind"), text(names, "/listKind"));
    if !kind.is_empty() && kind == list {
        let detail = "kind and listKind may not be the same";
        errors.push(FieldError::invalid("spec.names.listKind", &json!(list), detail));
    }
    for part in ["shortNames", "categories"] {
        for (index, given) in list_of(names, part).iter().enumerate() {
            if !given.as_str().is_some_and(is_dns_1035_label) {
                errors.push(FieldError::invalid(format!("spec.names.{part}[{index}]"), given, LABEL));
            }
        }
    }
}

/// The versions, and where the server has what they have alike.
struct Versions<'d> {
    all: &'d [Value],
}

impl<'d> Versions<'d> {
    fn of(definition: &'d Value) -> Self {
        Self { all: list_of(&definition["spec"], "versions") }
    }

    /// Whether all versions have the same there.
    fn are_alike(&self, part: &str) -> bool {
        self.all.windows(2).all(|pair| matches!(pair, [a, b] if a.get(part) == b.get(part)))
    }

    /// Each different value of a part, and its path.
    fn parts(&self, part: &str, hoisted: &str, own: &str) -> Vec<(String, &'d Value)> {
        let found =
            self.all.iter().enumerate().filter_map(|(index, version)| Some((index, version.get(part)?)));
        let is_alike = self.are_alike(part);
        let at = |index: usize| {
            if is_alike { format!("spec.{hoisted}") } else { format!("spec.versions[{index}].{own}") }
        };
        let parts = found.map(|(index, value)| (at(index), value));
        if is_alike { parts.take(1).collect() } else { parts.collect() }
    }

    fn check(&self, errors: &mut Vec<FieldError>) {
        self.check_names(errors);
        for (index, version) in self.all.iter().enumerate() {
            if version.pointer("/schema/openAPIV3Schema").is_none() {
                let at = format!("spec.versions[{index}].schema.openAPIV3Schema");
                errors.push(FieldError::required(at, ""));
            }
            if version.get("deprecationWarning").is_some() && version["deprecated"] != json!(true) {
                let at = format!("spec.versions[{index}].deprecationWarning");
                let detail = "can only be set for deprecated versions";
                errors.push(FieldError::invalid(at, &version["deprecationWarning"], detail));
            }
        }
        for (at, schema) in self.parts("schema", "validation", "schema") {
            if let Some(schema) = schema.get("openAPIV3Schema") {
                check_schema(schema, &format!("{at}.openAPIV3Schema"), errors);
            }
        }
        for (at, subresources) in self.parts("subresources", "subresources", "subresources") {
            check_scale(subresources, &at, errors);
        }
        for (at, columns) in
            self.parts("additionalPrinterColumns", "additionalPrinterColumns", "additionalPrinterColumns")
        {
            for (index, column) in columns.as_array().into_iter().flatten().enumerate() {
                check_column(column, &format!("{at}[{index}]"), errors);
            }
        }
    }

    fn check_names(&self, errors: &mut Vec<FieldError>) {
        let name = |version| text(version, "/name");
        for (index, version) in self.all.iter().enumerate() {
            if !is_dns_1035_label(name(version)) {
                let mut refuse =
                    |at: String| errors.push(FieldError::invalid(at, &json!(name(version)), LABEL));
                refuse(format!("spec.versions[{index}].name"));
                // The server has the first version's name there, too.
                if index == 0 && !name(version).is_empty() {
                    refuse("spec.version".to_owned());
                }
            }
        }
        let mut details = Vec::new();
        let names: BTreeSet<_> = self.all.iter().map(name).collect();
        if names.len() < self.all.len() {
            details.push("must contain unique version names");
        }
        if self.all.iter().filter(|version| version["storage"] == json!(true)).count() != 1 {
            details.push("must have exactly one version marked as storage version");
        }
        for detail in details {
            let shown = dump::versions(self.all, |part| self.are_alike(part));
            errors.push(invalid_raw("spec.versions", &shown, detail));
        }
    }
}

/// A refused value that is shown as Go writes it.
fn invalid_raw(field: impl Into<String>, shown: &str, detail: &str) -> FieldError {
    let message = format!("Invalid value: {shown}: {detail}");
    FieldError { field: field.into(), reason: "FieldValueInvalid", message }
}

/// Everything that is wrong with a schema, in the server's order: what is not structural hides wrong defaults, and these hide wrong rules.
fn check_schema(schema: &Value, at: &str, errors: &mut Vec<FieldError>) {
    let before = errors.len();
    if schema["nullable"] == json!(true) {
        errors.push(FieldError::forbidden(format!("{at}.nullable"), "nullable cannot be true at the root"));
    }
    let mut compiler = Compiler::custom();
    let root = compiler.root(schema);
    let types = compiler.finish();
    let root = types.at(root);
    structure::check(schema, at, errors);
    if errors.len() == before {
        defaults::check(schema, root, at, errors);
    }
    let rules_can_be_told = errors.len() == before;
    errors.extend(keywords::check(schema, root, at, rules_can_be_told));
}

fn check_scale(subresources: &Value, at: &str, errors: &mut Vec<FieldError>) {
    let Some(scale) = subresources.get("scale").filter(|scale| scale.is_object()) else { return };
    for (name, below) in [("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")] {
        let given = text(scale, &format!("/{name}"));
        let at = format!("{at}.scale.{name}");
        if given.is_empty() {
            errors.push(FieldError::required(at, ""));
        } else if check_simple_path(given, &at, errors) && !given.starts_with(&format!("{below}.")) {
            errors.push(FieldError::invalid(
                at,
                &json!(given),
                &format!("should be a json path under {below}"),
            ));
        }
    }
    let given = text(scale, "/labelSelectorPath");
    let at = format!("{at}.scale.labelSelectorPath");
    if !given.is_empty()
        && check_simple_path(given, &at, errors)
        && !(given.starts_with(".spec.") || given.starts_with(".status."))
    {
        let detail = "should be a json path under either .spec or .status";
        errors.push(FieldError::invalid(at, &json!(given), detail));
    }
}

fn check_simple_path(path: &str, at: &str, errors: &mut Vec<FieldError>) -> bool {
    let is_simple = path.starts_with('.');
    if !is_simple {
        errors.push(FieldError::invalid(at, &json!(path), "must be a simple json path starting with ."));
    }
    is_simple
}

fn check_column(column: &Value, at: &str, errors: &mut Vec<FieldError>) {
    if text(column, "/name").is_empty() {
        errors.push(FieldError::required(format!("{at}.name"), ""));
    }
    let kind = text(column, "/type");
    let detail = format!("must be one of {}", COLUMN_TYPES.join(","));
    if kind.is_empty() {
        errors.push(FieldError::required(format!("{at}.type"), &detail));
    } else if !COLUMN_TYPES.contains(&kind) {
        errors.push(FieldError::invalid(format!("{at}.type"), &json!(kind), &detail));
    }
    let format = text(column, "/format");
    if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
        let detail = format!("must be one of {}", COLUMN_FORMATS.join(","));
        errors.push(FieldError::invalid(format!("{at}.format"), &json!(format), &detail));
    }
    match text(column, "/jsonPath") {
        "" => errors.push(FieldError::required(format!("{at}.JSONPath"), "")),
        path => drop(check_simple_path(path, &format!("{at}.JSONPath"), errors)),
    }
}

fn check_conversion(conversion: &Value, errors: &mut Vec<FieldError>) {
    let strategy = text(conversion, "/strategy");
    if !matches!(strategy, "None" | "Webhook" | "") {
        let allowed = [json!("None"), json!("Webhook")];
        errors.push(FieldError::unsupported("spec.conversion.strategy", &json!(strategy), &allowed));
    }
    if strategy == "Webhook" && conversion.pointer("/webhook/clientConfig").is_none() {
        let detail = "required when strategy is set to Webhook";
        errors.push(FieldError::required("spec.conversion.webhookClientConfig", detail));
    }
}

/// Versions that objects may be stored in do not go.
fn check_stored(definition: &Value, errors: &mut Vec<FieldError>) {
    const AT: &str = "status.storedVersions";
    let stored = list_of(&definition["status"], "storedVersions");
    if stored.is_empty() {
        return errors.push(FieldError::invalid(AT, &Value::Null, "must have at least one stored version"));
    }
    let versions = list_of(&definition["spec"], "versions");
    for version in versions.iter().filter(|version| version["storage"] == json!(true)) {
        if !stored.contains(&version["name"]) {
            let detail = format!("must have the storage version {}", text(version, "/name"));
            errors.push(FieldError::invalid(AT, &json!(stored), &detail));
        }
    }
    for (index, name) in stored.iter().enumerate() {
        if !versions.iter().any(|version| version["name"] == *name) {
            let gone = name.as_str().unwrap_or_default();
            let detail = format!(
                "missing from spec.versions; {gone} was previously a storage version, and must remain in spec.versions \
                 until a storage migration ensures no data remains persisted in {gone} and removes {gone} from \
                 status.storedVersions"
            );
            errors.push(FieldError::invalid(format!("{AT}[{index}]"), name, &detail));
        }
    }
}

/// The community's own groups have their definitions approved.
fn check_approval(definition: &Value, live: Option<&Value>, errors: &mut Vec<FieldError>) {
    let group = text(definition, "/spec/group");
    let is_protected = ["k8s.io", "kubernetes.io"]
        .iter()
        .any(|domain| group == *domain || group.ends_with(&format!(".{domain}")));
    let approval = |of: &Value| {
        let annotations = of.pointer("/metadata/annotations");
        annotations.and_then(|all| all.get(APPROVAL)).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let given = approval(definition);
    let at = format!("metadata.annotations[{APPROVAL}]");
    let see = "see https://github.com/kubernetes/enhancements/pull/1111";
    let is_approved = given.starts_with("unapproved") || given.contains("://");
    if !is_protected || is_approved || live.is_some_and(|live| approval(live) == given) {
        return;
    }
    let detail = format!("protected groups must have approval annotation {APPROVAL:?}");
    if given.is_empty() {
        errors.push(FieldError::required(at, &format!("{detail}, {see}")));
    } else {
        let detail = format!("{detail} with either a URL or a reason starting with \"unapproved\", {see}");
        errors.push(FieldError::invalid(at, &json!(given), &detail));
    }
}

fn check_change(definition: &Value, live: Option<&Value>, errors: &mut Vec<FieldError>) {
    let Some(live) = live else { return };
    let is_established = list_of(&live["status"], "conditions")
        .iter()
        .any(|condition| condition["type"] == "Established" && condition["status"] == "True");
    let while_established: &[&str] = if is_established { &["/spec/scope", "/spec/names/kind"] } else { &[] };
    for pointer in while_established.iter().chain(&["/spec/group", "/spec/names/plural"]) {
        if live.pointer(pointer) != definition.pointer(pointer) {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            let value = definition.pointer(pointer).unwrap_or(&Value::Null);
            errors.push(FieldError::invalid(field, value, IMMUTABLE));
        }
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list_of<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
