//! How controllers write: as any client does, under their own name.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::kube::access::User;
use crate::kube::clock::rfc3339;
use crate::kube::object::{self, integer, text};
use crate::kube::state::State;
use crate::kube::status::{ApiError, ApiResult};
use crate::kube::write::{DeleteOptions, Request, Validation};

/// The name under which most controllers write.
pub(super) const CONTROLLER_MANAGER: &str = "kube-controller-manager";
/// The name under which the server itself writes.
pub(super) const API_SERVER: &str = "kube-apiserver";
/// The name under which pods' states are written.
pub(super) const KUBELET: &str = "kubelet";

/// A client of the state.
pub(super) struct Api<'s> {
    pub(super) state: &'s mut State,
    pub(super) now: Timestamp,
    pub(super) manager: &'static str,
}

impl<'s> Api<'s> {
    pub(super) fn new(state: &'s mut State, now: Timestamp, manager: &'static str) -> Self {
        Self { state, now, manager }
    }

    pub(super) fn time(&self) -> String {
        rfc3339(self.now)
    }

    /// Creates an object.
    pub(super) fn create(&mut self, object: &Value) -> ApiResult<Arc<Value>> {
        let mut request = self.request(object, "")?;
        request.name.clear();
        if request.resource.is("", "Pod") {
            let mut pod = object.clone();
            super::mesh::inject(self.state, &mut pod);
            return Ok(self.state.create(&request, &pod)?.object);
        }
        Ok(self.state.create(&request, object)?.object)
    }

    /// Replaces an object.
    pub(super) fn update(&mut self, object: &Value) -> ApiResult<Arc<Value>> {
        let request = self.request(object, "")?;
        Ok(self.state.replace(&request, object)?.object)
    }

    /// Replaces an object's status.
    pub(super) fn update_status(&mut self, object: &Value) -> ApiResult<Arc<Value>> {
        let request = self.request(object, "status")?;
        Ok(self.state.replace(&request, object)?.object)
    }

    /// Applies a configuration, and takes over what others own.
    pub(super) fn apply(&mut self, config: &Value) -> ApiResult<Arc<Value>> {
        let request = Request { force: true, ..self.request(config, "")? };
        Ok(self.state.apply(&request, config)?.object)
    }

    /// Deletes an object, with its dependents in the background.
    pub(super) fn delete(&mut self, object: &Value) -> ApiResult<()> {
        self.delete_with(object, None)
    }

    /// Deletes an object that does not get time to end.
    pub(super) fn delete_now(&mut self, object: &Value) -> ApiResult<()> {
        self.delete_with(object, Some(0))
    }

    fn delete_with(&mut self, object: &Value, grace_seconds: Option<i64>) -> ApiResult<()> {
        let request = self.request(object, "")?;
        let options = DeleteOptions {
            uid: Some(object::uid(object).to_owned()),
            propagation: Some("Background".to_owned()),
            grace_seconds,
            ..DeleteOptions::default()
        };
        self.state.delete(&request, &options).map(drop)
    }

    fn request(&self, object: &Value, subresource: &str) -> ApiResult<Request> {
        let (api_version, kind) = (text(object, "/apiVersion"), text(object, "/kind"));
        let resource =
            self.state.registry.by_kind(api_version, kind).ok_or_else(ApiError::no_such_resource)?;
        let version = api_version.rsplit('/').next().unwrap_or_default();
        Ok(Request {
            resource: Arc::clone(resource),
            version: version.to_owned(),
            namespace: object::namespace(object).to_owned(),
            name: object::name(object).to_owned(),
            subresource: subresource.to_owned(),
            manager: self.manager.to_owned(),
            author: Arc::new(User::of_the_cluster(self.manager)),
            dry_run: false,
            validation: Validation::Ignore,
            force: false,
            now: self.now,
        })
    }

    /// Records an event about an object; the same event again is counted.
    pub(super) fn event(&mut self, about: &Value, component: &str, kind: &str, reason: &str, message: &str) {
        let identity = format!("{}\0{reason}\0{message}", object::uid(about));
        let hash: String =
            Sha256::digest(identity).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let namespace = match object::namespace(about) {
            "" => "default",
            namespace => namespace,
        };
        let name = format!("{}.{hash}", object::name(about));
        let known = self.state.get("events", namespace, &name).map(|event| Value::clone(event));
        // An event that cannot be recorded (its namespace ends) is not worth failing what it tells of.
        let _ = match known {
            Some(mut event) => {
                event["count"] = json!(integer(&event, "/count").unwrap_or(1) + 1);
                event["lastTimestamp"] = json!(self.time());
                self.update(&event)
            }
            None => self.create(&json!({
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": { "name": name, "namespace": namespace },
                "involvedObject": {
                    "apiVersion": about["apiVersion"],
                    "kind": about["kind"],
                    "namespace": about["metadata"]["namespace"],
                    "name": about["metadata"]["name"],
                    "uid": about["metadata"]["uid"],
                    "resourceVersion": about["metadata"]["resourceVersion"],
                },
                "type": kind,
                "reason": reason,
                "message": message,
                "source": { "component": component },
                "reportingComponent": component,
                "reportingInstance": "",
                "eventTime": null,
                "firstTimestamp": self.time(),
                "lastTimestamp": self.time(),
                "count": 1,
            })),
        };
    }
}
