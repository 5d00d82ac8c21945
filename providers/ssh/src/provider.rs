//! The provider: schemas and differences, and the way to a connected host.

use std::sync::Arc;

use meshform_engine::address::{Address, Key, TargetAddress, TargetKind};
use meshform_engine::ports::{
    BoxFuture, Difference, DifferenceRequest, ErrorCode, LowerRequest, Part, Problem, Provider,
    ProviderError, Sandbox, Target, TargetConfig, Verdict,
};
use meshform_engine::schema::{Body, DataType, ResourceType};
use meshform_engine::value::Value;

use crate::attributes::flag;
use crate::client::Client;
use crate::error::{blame, error};
use crate::settings::Settings;
use crate::target::Host;
use crate::{check, resource, schema, service};

/// Hosts reached by SSH, with their files and commands.
pub struct SshProvider {
    sandbox: Arc<dyn Sandbox>,
}

impl SshProvider {
    /// A provider whose `sandbox = true` hosts are those of `sandbox`.
    pub fn new(sandbox: Arc<dyn Sandbox>) -> Self {
        Self { sandbox }
    }

    async fn settings(&self, target: &TargetConfig) -> Result<Settings, ProviderError> {
        if !flag(&target.attributes, "sandbox") {
            return Settings::read(target, std::env::home_dir().as_deref());
        }
        let access = self.sandbox.host(&sandbox_name(&target.address)).await;
        let access = access.map_err(|failure| {
            blame(error(ErrorCode::Unreachable, "Sandbox not available", failure.message), "sandbox")
        })?;
        Settings::sandbox(target, access)
    }
}

impl Provider for SshProvider {
    fn resource_types(&self) -> Vec<ResourceType> {
        schema::resource_types()
    }

    fn data_types(&self) -> Vec<DataType> {
        schema::data_types()
    }

    fn target(&self) -> Option<(TargetKind, Body)> {
        Some((TargetKind::Host, schema::host().into()))
    }

    fn check(&self, kind: &str, desired: &Value) -> Vec<Problem> {
        check::check(kind, desired)
    }

    /// What a unit refers to is recorded and compared by what changes of it.
    fn mark(&self, kind: &str, desired: Value) -> Value {
        if kind == service::NAME { service::reduced(desired) } else { desired }
    }

    fn check_data(&self, kind: &str, arguments: &Value) -> Vec<Problem> {
        check::check_data(kind, arguments)
    }

    /// Nothing of this provider is a composite.
    fn lower(&self, _: &LowerRequest<'_>) -> Result<Option<Vec<Part>>, Vec<Problem>> {
        Ok(Some(Vec::new()))
    }

    fn identify(&self, kind: &str, address: &Address, desired: &Value) -> Option<String> {
        resource::named(kind)?.identity(address, desired)
    }

    fn difference(&self, request: &DifferenceRequest<'_>) -> Difference {
        match resource::named(request.kind) {
            Some(resource) => resource.difference(request),
            None => Difference {
                verdict: Verdict::NoOp,
                fields: Vec::new(),
                drift: Vec::new(),
                planned: request.desired.cloned().unwrap_or_else(Value::null),
                wants_preview: false,
                notes: Vec::new(),
                problems: Vec::new(),
            },
        }
    }

    fn connect<'a>(
        &'a self,
        target: &'a TargetConfig,
    ) -> BoxFuture<'a, Result<Arc<dyn Target>, ProviderError>> {
        Box::pin(async move {
            let client = Client::connect(self.settings(target).await?).await?;
            Ok(Arc::new(Host::new(client)) as Arc<dyn Target>)
        })
    }
}

/// The name of a target's host in the sandbox.
fn sandbox_name(address: &TargetAddress) -> String {
    match &address.key {
        None => address.name.clone(),
        Some(Key::Index(index)) => format!("{}-{index}", address.name),
        Some(Key::Name(key)) => format!("{}-{key}", address.name),
    }
}
