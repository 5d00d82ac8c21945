//! What objects may be called.

use meshform_kube_schema::name::{is_dns_label, is_dns_subdomain};
use serde_json::json;

use crate::kube::registry::Resource;
use crate::kube::status::FieldError;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
                         and must start and end with an alphanumeric character (e.g. 'example.com', regex used for \
                         validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
                     start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for \
                     validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
                          alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or \
                          'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/// Whether a resource's objects may have this name.
pub(super) fn check_name(resource: &Resource, name: &str, errors: &mut Vec<FieldError>) {
    let value = json!(name);
    let mut refuse = |why: &str| errors.push(FieldError::invalid("metadata.name", &value, why));
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Namespace") if !is_dns_label(name) => refuse(LABEL),
        ("", "Service") if !is_dns_label(name) || name.starts_with(|c: char| c.is_ascii_digit()) => {
            refuse(LABEL_1035);
        }
        ("", "Namespace" | "Service") => {}
        ("rbac.authorization.k8s.io", _) if name.contains(['/', '%']) || matches!(name, "." | "..") => {
            refuse("may not contain '/' or '%'");
        }
        ("rbac.authorization.k8s.io", _) => {}
        _ if !is_dns_subdomain(name) => refuse(SUBDOMAIN),
        _ => {}
    }
}

/// Whether a container or volume may have this name.
pub(super) fn check_label(field: String, name: &str, errors: &mut Vec<FieldError>) {
    if name.is_empty() {
        errors.push(FieldError::required(field, ""));
    } else if !is_dns_label(name) {
        errors.push(FieldError::invalid(field, &json!(name), LABEL));
    }
}
