//! From a body to an object of its kind: the steps that every write shares.

use std::sync::Arc;

use meshform_kube_schema::check_object;
use meshform_kube_schema::object::{fill_defaults, prune};
use serde_json::{Value, json};

use super::decode::{self, Decoded, json_type};
use super::request::{Outcome, Request, Validation};
use crate::kube::access;
use crate::kube::merge::{Managers, same, update};
use crate::kube::net;
use crate::kube::object;
use crate::kube::state::State;
use crate::kube::status::{ApiError, ApiResult, FieldError};
use crate::kube::strategy::{self, Addresses};
use crate::kube::types::{Shape, TypeRef};

/// Checks that a body is for this endpoint.
pub(super) fn check_target(request: &Request, body: &Value) -> ApiResult<()> {
    let (api_version, kind) = (object::text(body, "/apiVersion"), object::text(body, "/kind"));
    if api_version != request.api_version() || kind != request.resource.kind {
        let message = format!("invalid object type: {}", described_type(api_version, kind));
        return Err(ApiError::bad_request(message));
    }
    check_place(request, body)
}

/// Checks a body's name and namespace against the URL's.
pub(super) fn check_place(request: &Request, body: &Value) -> ApiResult<()> {
    let (name, namespace) = (object::name(body), object::namespace(body));
    if name.is_empty() {
        let url = &request.name;
        return Err(ApiError::bad_request(format!(
            "the name of the object ({url} based on URL) was undeterminable: name must be provided"
        )));
    }
    if name != request.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            request.name
        )));
    }
    check_namespace(request, namespace)
}

/// Refuses an object that says to be another one than is there. The server says it twice.
pub(super) fn refuse_other_uid(request: &Request, live: &Value, new: &Value) -> ApiResult<()> {
    let uid = object::uid(new);
    if uid.is_empty() || uid == object::uid(live) {
        return Ok(());
    }
    let error = FieldError::invalid("metadata.uid", &json!(uid), "field is immutable");
    refuse(request, live, &[error.clone(), error])
}

pub(super) fn check_namespace(request: &Request, namespace: &str) -> ApiResult<()> {
    // What is in none does not ask for one.
    if request.resource.namespaced && !namespace.is_empty() && namespace != request.namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

fn described_type(api_version: &str, kind: &str) -> String {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    format!("{group}/{version}, Kind={kind}")
}

/// Decodes a body (of a write that is not an apply) and fills in its defaults; tells the fields that it does not know.
pub(super) fn decode_body(request: &Request, body: &Value) -> ApiResult<(Value, Vec<String>)> {
    decode_or(request, body, |why| {
        let (kind, version) = (&request.resource.kind, &request.version);
        ApiError::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
    })
}

/// Decodes an object and fills in its defaults; `refused` says that it is not of its type.
pub(super) fn decode_or(
    request: &Request,
    body: &Value,
    refused: impl Fn(&str) -> ApiError,
) -> ApiResult<(Value, Vec<String>)> {
    let Decoded { mut object, unknown, mismatch } = decode_as(request, body)?;
    strategy::prepare_body(&request.resource, &mut object);
    if let Some(mismatch) = mismatch {
        return Err(refused(&mismatch));
    }
    let unknown: Vec<String> = unknown.iter().map(|path| format!("unknown field {path:?}")).collect();
    if request.validation == Validation::Strict && !unknown.is_empty() {
        return Err(refused(&format!("strict decoding error: {}", unknown.join(", "))));
    }
    let warnings = if request.validation == Validation::Ignore { Vec::new() } else { unknown };
    Ok((object, warnings))
}

/// Decodes a merged object.
pub(super) fn decode_as(request: &Request, body: &Value) -> ApiResult<Decoded> {
    let version = request.served()?;
    if !body.is_object() {
        let why = format!(
            "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            json_type(body)
        );
        return Ok(Decoded { object: json!({}), unknown: Vec::new(), mismatch: Some(why) });
    }
    let mut decoded = if request.resource.builtin {
        decode::builtin(version.root(), body)
    } else {
        decode::custom(version.root(), body)
    };
    default(request, version.root(), &mut decoded.object);
    Ok(decoded)
}

fn default(request: &Request, root: TypeRef<'_>, object: &mut Value) {
    object["apiVersion"] = json!(request.api_version());
    object["kind"] = json!(request.resource.kind);
    if request.resource.builtin {
        strategy::default(&request.resource.group, &request.resource.kind, object);
    } else {
        fill_defaults(root, object);
    }
}

/// Who owns what after a write that is not an apply. An object that nobody has ever owned stays so.
pub(super) fn owners_after_update(request: &Request, live: &Value, new: &Value) -> ApiResult<Managers> {
    let version = request.served()?;
    let mut managers = base_managers(live, new);
    let untracked = managers.owners.is_empty() && object::revision(live) > 0;
    if untracked {
        return Ok(managers);
    }
    let key = request.manager_key(crate::kube::merge::Operation::Update);
    let before = managers.owners.get(&key).cloned();
    let (owners, wrote) =
        update(version.root(), live, new, &managers.owners, &key, &request.ignored(version));
    managers.owners = owners;
    if wrote || managers.owners.get(&key) != before.as_ref() {
        managers.stamp(&key, &request.api_version(), &request.time());
        managers.cap();
    }
    Ok(managers)
}

/// The ownership that a write starts from: the live object's, unless the body brings (or resets) its own.
fn base_managers(live: &Value, new: &Value) -> Managers {
    match new.pointer("/metadata/managedFields") {
        None | Some(Value::Null) => Managers::of(live),
        Some(_) => {
            let given = Managers::of(new);
            let reset = object::list(new, "/metadata/managedFields").iter().all(|entry| *entry == json!({}));
            if given.owners.is_empty() && !reset { Managers::of(live) } else { given }
        }
    }
}

/// Who owns what of a new object.
///
/// # Errors
///
/// 404 when the version of its kind is not served.
pub(crate) fn owners_of_new(request: &Request, object: &Value) -> ApiResult<Managers> {
    owners_after_update(request, &blank(request)?, object)
}

pub(super) fn set_managers(object: &mut Value, managers: &Managers) {
    if managers.owners.is_empty() {
        object::remove(object, &["metadata", "managedFields"]);
    } else {
        object::metadata(object)["managedFields"] = managers.encode();
    }
}

/// The object before there was one. Go's empty structs are not nothing: their fields are there, as empty structs or `null`.
pub(super) fn blank(request: &Request) -> ApiResult<Value> {
    let mut object = if request.resource.builtin {
        empty_struct(request.served()?.root())
    } else {
        json!({ "metadata": {} })
    };
    object["apiVersion"] = json!(request.api_version());
    object["kind"] = json!(request.resource.kind);
    Ok(object)
}

fn empty_struct(ty: TypeRef<'_>) -> Value {
    let mut object = json!({});
    let Shape::Map(map) = ty.shape() else { return object };
    for (name, field) in &map.fields {
        let below = ty.value_or_any(name);
        let required = ty.node().required.contains(name);
        match (&field.default, below.shape()) {
            (Some(_), Shape::Map(map)) if !map.fields.is_empty() => {
                object[name.as_str()] = empty_struct(below)
            }
            (Some(Value::Object(_)) | None, _) if required => object[name.as_str()] = Value::Null,
            (Some(default), Shape::Scalar(_)) if required => object[name.as_str()] = default.clone(),
            _ => {}
        }
    }
    object
}

/// Whether two states of an object differ in nothing but the times of their managed fields and their version.
pub(super) fn is_unchanged(live: &Value, new: &Value) -> bool {
    let stripped = |object: &Value| {
        let mut object = object.clone();
        object::remove(&mut object, &["metadata", "resourceVersion"]);
        let entries = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
        for entry in entries.into_iter().flatten() {
            object::remove(entry, &["time"]);
        }
        object
    };
    same(&stripped(live), &stripped(new))
}

impl State {
    /// Refuses what the writer may not grant, and what the kind's rules forbid.
    pub(super) fn validate(&self, request: &Request, object: &Value, live: Option<&Value>) -> ApiResult<()> {
        access::check_escalation(self, request, object, live)?;
        let mut errors = strategy::validate(&request.resource, object, live);
        if request.subresource == "status" {
            errors.extend(strategy::validate_status(&request.resource, object));
        }
        if !request.resource.builtin {
            errors.extend(check_object(request.served()?.root(), object, live));
        }
        refuse(request, object, &errors)
    }

    /// Gives Services their addresses.
    pub(super) fn allocate(
        &self,
        request: &Request,
        object: &mut Value,
        live: Option<&Value>,
    ) -> ApiResult<()> {
        if !request.resource.is("", "Service") {
            return Ok(());
        }
        let taken = self.addresses(object);
        strategy::allocate_service(object, live, &taken, request.dry_run)
            .map_err(|error| ApiError::invalid(request.resource.subject(object::name(object)), &[error]))
    }

    /// The addresses and node ports of all Services but this one.
    fn addresses(&self, except: &Value) -> Addresses {
        let mut taken = Addresses {
            world: self.identity(),
            in_use: self.network.then_some(net::is_in_use),
            ..Addresses::default()
        };
        for service in self.store.list("services", None) {
            let own = object::name(service) == object::name(except)
                && object::namespace(service) == object::namespace(except);
            if own {
                continue;
            }
            taken.cluster.extend(object::text(service, "/spec/clusterIP").parse::<std::net::Ipv4Addr>());
            let ports = object::list(service, "/spec/ports").iter();
            let numbers = ports.filter_map(|port| object::integer(port, "/nodePort"));
            taken.node_ports.extend(numbers.filter_map(|port| u16::try_from(port).ok()));
        }
        taken
    }

    /// Stores a new state of an object, or answers with it as it would be.
    pub(super) fn commit(
        &mut self,
        request: &Request,
        object: Value,
        created: bool,
        warnings: Vec<String>,
    ) -> Outcome {
        let object = match request.resource.kept_from(&request.version) {
            Some(stored) => prune(stored, &object).object,
            None => object,
        };
        let object =
            if request.dry_run { Arc::new(object) } else { self.store.put(&request.resource.id(), object) };
        Outcome { object, created, warnings }
    }
}

pub(super) fn refuse(request: &Request, object: &Value, errors: &[FieldError]) -> ApiResult<()> {
    if errors.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(request.resource.subject(object::name(object)), errors))
}
