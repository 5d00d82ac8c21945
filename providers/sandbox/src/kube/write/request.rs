//! What a write is asked to do, and what it answers.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::kube::access::User;
use crate::kube::clock::rfc3339;
use crate::kube::merge::{FieldSet, ManagerKey, Operation};
use crate::kube::registry::{Resource, Version};
use crate::kube::status::{ApiError, ApiResult, Subject};
use crate::kube::store::Key;

/// What happens with fields that a type does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Validation {
    Ignore,
    #[default]
    Warn,
    Strict,
}

/// One write: where it goes, who writes, and how.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) resource: Arc<Resource>,
    pub(crate) version: String,
    pub(crate) namespace: String,
    /// Empty for creates.
    pub(crate) name: String,
    /// Empty for the object itself.
    pub(crate) subresource: String,
    pub(crate) manager: String,
    /// Who writes.
    pub(crate) author: Arc<User>,
    pub(crate) dry_run: bool,
    pub(crate) validation: Validation,
    pub(crate) force: bool,
    pub(crate) now: Timestamp,
}

/// A write's answer.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) object: Arc<Value>,
    pub(crate) created: bool,
    /// What the client is told besides, in `Warning` headers.
    pub(crate) warnings: Vec<String>,
}

impl Request {
    pub(crate) fn subject(&self) -> Subject<'_> {
        self.resource.subject(&self.name)
    }

    pub(crate) fn key(&self) -> Key {
        Key::new(&self.namespace, &self.name)
    }

    pub(crate) fn api_version(&self) -> String {
        self.resource.api_version(&self.version)
    }

    /// `apps/v1, Kind=Deployment`; the core group is written `/v1`.
    pub(crate) fn group_version_kind(&self) -> String {
        format!("{}/{}, Kind={}", self.resource.group, self.version, self.resource.kind)
    }

    /// The version of the resource that is written in.
    ///
    /// # Errors
    ///
    /// 404 when it is not served.
    pub(crate) fn served(&self) -> ApiResult<&Version> {
        self.resource.version(&self.version).ok_or_else(ApiError::no_such_resource)
    }

    pub(crate) fn time(&self) -> String {
        rfc3339(self.now)
    }

    pub(crate) fn manager_key(&self, operation: Operation) -> ManagerKey {
        let api_version = match operation {
            Operation::Apply => String::new(),
            Operation::Update => self.api_version(),
        };
        ManagerKey {
            manager: self.manager.clone(),
            operation,
            api_version,
            subresource: self.subresource.clone(),
        }
    }

    /// What this endpoint does not write, and what nobody can own.
    pub(crate) fn ignored(&self, version: &Version) -> FieldSet {
        const NEVER_OWNED: [&str; 11] = [
            "apiVersion",
            "kind",
            "metadata.name",
            "metadata.namespace",
            "metadata.creationTimestamp",
            "metadata.selfLink",
            "metadata.uid",
            "metadata.clusterName",
            "metadata.generation",
            "metadata.managedFields",
            "metadata.resourceVersion",
        ];
        let never = FieldSet::of_fields(&NEVER_OWNED);
        match self.subresource.as_str() {
            "status" if self.resource.builtin => never.union(&FieldSet::of_fields(&["spec"])),
            "status" => never.union(&FieldSet::of_fields(&["spec", "metadata"])),
            "" | "finalize" if version.has_status() => never.union(&FieldSet::of_fields(&["status"])),
            _ => never,
        }
    }
}
