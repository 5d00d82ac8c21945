//! The provider as the engine sees it.

use std::sync::Arc;

use meshform_engine::address::{Address, TargetKind};
use meshform_engine::ports::{
    BoxFuture, Difference, DifferenceRequest, LowerRequest, Observation, Part, Performed, Problem, Provider,
    ProviderError, Sandbox, Target, TargetConfig, overlaid,
};
use meshform_engine::schema::{Body, DataType, ResourceType};
use meshform_engine::state::Record;
use meshform_engine::value::{Path, Value};

use crate::identity::ObjectName;
use crate::manifest::with_secrets_marked;
use crate::schema::{ABSENT, CHART, MANIFESTS, OBJECT, PATCH};
use crate::{absent, check, client, difference, lookup, lower, patch, policy, schema, wait_for};

/// Kubernetes clusters and the objects in them.
pub struct KubeProvider {
    sandbox: Arc<dyn Sandbox>,
}

impl KubeProvider {
    /// A provider whose `sandbox = true` clusters are those of a sandbox.
    pub fn new(sandbox: Arc<dyn Sandbox>) -> Self {
        Self { sandbox }
    }
}

impl Provider for KubeProvider {
    fn resource_types(&self) -> Vec<ResourceType> {
        schema::resource_types()
    }

    fn data_types(&self) -> Vec<DataType> {
        schema::data_types()
    }

    fn target(&self) -> Option<(TargetKind, Body)> {
        Some((TargetKind::Cluster, schema::cluster().into()))
    }

    fn check(&self, kind: &str, desired: &Value) -> Vec<Problem> {
        match (kind, desired.get("manifest")) {
            (OBJECT, Some(manifest)) => {
                let found = check::check(manifest, &Path::attribute("manifest"));
                found.into_iter().chain(policy::check(desired)).chain(wait_for::check(desired)).collect()
            }
            (PATCH, Some(manifest)) => {
                let found = check::check(manifest, &Path::attribute("manifest"));
                found.into_iter().chain(patch::check(desired)).collect()
            }
            (ABSENT, _) => absent::check(desired),
            _ => Vec::new(),
        }
    }

    fn mark(&self, kind: &str, desired: Value) -> Value {
        let fields = match (kind, desired.as_map()) {
            (OBJECT | PATCH, Some(fields)) => fields.clone(),
            _ => return desired,
        };
        let marked = fields.into_iter().map(|(name, value)| match name.as_str() {
            "manifest" => (name, with_secrets_marked(&value)),
            _ => (name, value),
        });
        Value::object(marked).marked(desired.is_sensitive())
    }

    fn check_data(&self, _kind: &str, arguments: &Value) -> Vec<Problem> {
        lookup::check(arguments)
    }

    fn asks(&self, request: &LowerRequest<'_>) -> Result<Option<Value>, Vec<Problem>> {
        match request.kind {
            MANIFESTS | CHART => lower::asks(request),
            _ => Ok(None),
        }
    }

    fn cautions(&self, request: &LowerRequest<'_>) -> Vec<Problem> {
        lower::cautions(request)
    }

    fn lower(&self, request: &LowerRequest<'_>) -> Result<Option<Vec<Part>>, Vec<Problem>> {
        match request.kind {
            MANIFESTS | CHART => lower::lower(request),
            _ => Ok(None),
        }
    }

    fn identify(&self, kind: &str, address: &Address, desired: &Value) -> Option<String> {
        match kind {
            PATCH => patch::identity(address, desired),
            ABSENT => absent::identity(desired),
            _ => ObjectName::of(desired.get("manifest")?).map(|name| name.identity()),
        }
    }

    fn keep(&self, desired: &Value, path: &Path, there: &Observation) -> Value {
        difference::keep(desired, path, there)
    }

    /// The object is no longer what the recorded manifest led to, and must not be taken for it.
    fn recorded_as_found(&self, _: &str, record: &Record, there: &Observation) -> Performed {
        Performed {
            attributes: overlaid(&record.attributes, &there.attributes),
            private: difference::without_trust(&record.private),
        }
    }

    fn is_as_applied(&self, _: &str, record: &Record) -> bool {
        difference::is_trusted(&record.private)
    }

    fn difference(&self, request: &DifferenceRequest<'_>) -> Difference {
        difference::difference(request)
    }

    fn connect<'a>(
        &'a self,
        target: &'a TargetConfig,
    ) -> BoxFuture<'a, Result<Arc<dyn Target>, ProviderError>> {
        Box::pin(async move {
            let cluster = client::connect(self.sandbox.as_ref(), target).await?;
            Ok(Arc::new(cluster) as Arc<dyn Target>)
        })
    }
}
