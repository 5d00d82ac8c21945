//! Creates.

use serde_json::{Value, json};

use super::admit::{blank, check_namespace, decode_body, owners_after_update, refuse, set_managers};
use super::request::{Outcome, Request};
use crate::kube::access;
use crate::kube::merge::Managers;
use crate::kube::object;
use crate::kube::state::State;
use crate::kube::status::{ApiError, ApiResult, FieldError, Subject};
use crate::kube::strategy;

impl State {
    /// Creates an object from a body.
    ///
    /// # Errors
    ///
    /// What the real server refuses a POST with.
    pub(crate) fn create(&mut self, request: &Request, body: &Value) -> ApiResult<Outcome> {
        let (api_version, kind) = (object::text(body, "/apiVersion"), object::text(body, "/kind"));
        let expected = request.api_version();
        let is_custom = !request.resource.builtin;
        if is_custom && kind.is_empty() {
            return Err(ApiError::bad_request(no_kind(request, body)));
        }
        if (is_custom || !api_version.is_empty()) && api_version != expected {
            return Err(ApiError::bad_request(format!(
                "the API version in the data ({api_version}) does not match the expected API version ({expected})"
            )));
        }
        if is_custom && kind != request.resource.kind {
            let detail = format!("must be {}", request.resource.kind);
            let error = FieldError::invalid("kind", &json!(kind), &detail);
            let subject = Subject { kind, ..request.resource.subject(object::name(body)) };
            return Err(ApiError::invalid(subject, &[error]));
        }
        if !kind.is_empty() && kind != request.resource.kind {
            let (expected, kind) = (&request.resource.kind, kind);
            return Err(ApiError::bad_request(format!("{kind} cannot be handled as a {expected}")));
        }
        check_namespace(request, object::namespace(body))?;
        let (mut new, warnings) = decode_body(request, body)?;
        self.name(request, &mut new)?;
        strategy_default_after_naming(request, &mut new);
        let empty = blank(request)?;
        for field in ["managedFields", "deletionTimestamp", "deletionGracePeriodSeconds"] {
            object::remove(&mut new, &["metadata", field]);
        }
        let managers = owners_after_update(request, &empty, &new)?;
        self.insert(request, new, &managers, warnings)
    }

    fn name(&mut self, request: &Request, new: &mut Value) -> ApiResult<()> {
        if request.resource.namespaced {
            object::metadata(new)["namespace"] = json!(request.namespace);
        } else {
            object::remove(new, &["metadata", "namespace"]);
        }
        if !object::name(new).is_empty() {
            return Ok(());
        }
        let prefix = object::text(new, "/metadata/generateName").to_owned();
        if prefix.is_empty() {
            let error = FieldError::required("metadata.name", "name or generateName is required");
            return refuse(request, new, &[error]);
        }
        object::metadata(new)["name"] = json!(format!("{prefix}{}", self.name_suffix()));
        Ok(())
    }

    /// Stores a decoded and defaulted new object, with its ownership settled.
    pub(super) fn insert(
        &mut self,
        request: &Request,
        mut new: Value,
        managers: &Managers,
        warnings: Vec<String>,
    ) -> ApiResult<Outcome> {
        let name = object::name(&new).to_owned();
        let resource = std::sync::Arc::clone(&request.resource);
        self.check_container(request, &name)?;
        let uid = self.uuid();
        let generation = strategy::has_generation(&resource);
        let metadata = object::metadata(&mut new);
        for field in
            ["resourceVersion", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"]
        {
            object::remove(metadata, &[field]);
        }
        metadata["uid"] = json!(uid);
        metadata["creationTimestamp"] = json!(request.time());
        if generation {
            metadata["generation"] = json!(1);
        }
        reset_status(request, &mut new);
        let suffix = self.name_suffix();
        strategy::prepare_create(&resource, &mut new, &suffix);
        self.allocate(request, &mut new, None)?;
        set_managers(&mut new, managers);
        self.validate(request, &new, None)?;
        if !request.name.is_empty() {
            access::may_create(self, request)?;
        }
        if self.get(&resource.id(), &request.namespace, &name).is_some() {
            return Err(ApiError::already_exists(resource.subject(&name)));
        }
        Ok(self.commit(request, new, true, warnings))
    }

    /// New objects need a namespace that is there and stays.
    fn check_container(&self, request: &Request, name: &str) -> ApiResult<()> {
        if !request.resource.namespaced {
            return Ok(());
        }
        let namespace = &request.namespace;
        let Some(container) = self.get("namespaces", "", namespace) else {
            let namespaces =
                Subject { group: "", resource: "namespaces", kind: "Namespace", name: namespace };
            return Err(ApiError::not_found(namespaces));
        };
        if !object::is_terminating(container) {
            return Ok(());
        }
        let why =
            format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut error = ApiError::forbidden(request.resource.subject(name), &why);
        if let ApiError::Status(status) = &mut error {
            let cause = json!([{
                "reason": "NamespaceTerminating",
                "message": format!("namespace {namespace} is being terminated"),
                "field": "metadata.namespace",
            }]);
            status.details.insert("causes".to_owned(), cause);
        }
        Err(error)
    }
}

/// What is said of a body that does not say what it is.
fn no_kind(request: &Request, body: &Value) -> String {
    let (kind, text) = (&request.resource.kind, body.to_string());
    let start: String = text.chars().take(30).collect();
    format!(
        "the object provided is unrecognized (must be of type {kind}): Object 'Kind' is missing in '{text}' ({start} ...)"
    )
}

/// Some defaults follow from the name, which may have been generated.
fn strategy_default_after_naming(request: &Request, new: &mut Value) {
    if request.resource.is("", "Namespace") {
        strategy::default("", "Namespace", new);
    }
}

/// A new object's status is the server's, where status is a subresource.
fn reset_status(request: &Request, new: &mut Value) {
    let has_status = request.served().is_ok_and(crate::kube::registry::Version::has_status);
    if !has_status {
        return;
    }
    // That of a node is what its kubelet says of it.
    let status = request.resource.builtin.then(|| strategy::initial_status(&request.resource, new));
    match status.flatten() {
        Some(status) => new["status"] = status,
        None => drop(object::remove(new, &["status"])),
    }
}
