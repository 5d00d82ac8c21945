//! One resource on one host, planned and applied as the engine does it.

use std::sync::Arc;

use meshform_engine::address::{Address, TargetAddress, TargetKind};
use meshform_engine::ports::{
    BoxFuture, ClusterAccess, Difference, DifferenceRequest, HostAccess, ObserveItem, Observed, Operation,
    PerformRequest, Precondition, Progress, Provider, ProviderError, Sandbox, SandboxError, SandboxStatus,
    StepFailure, Target, TargetConfig, Verdict,
};
use meshform_engine::schema::Presence;
use meshform_engine::state::{Record, RecordStatus};
use meshform_engine::value::{Fingerprinter, Value};
use meshform_provider_ssh::SshProvider;

use crate::server::{Sshd, user};

/// The attributes of a resource, by name.
pub(crate) type Fields<'a> = &'a [(&'a str, Value)];

/// A connected host and what is recorded about one resource on it.
pub(crate) struct Stack {
    provider: SshProvider,
    pub(crate) target: Arc<dyn Target>,
    kind: &'static str,
    pub(crate) record: Option<Arc<Record>>,
}

/// What one plan shows.
pub(crate) struct Planned {
    pub(crate) difference: Difference,
    pub(crate) observed: Observed,
    request: PerformRequest,
}

impl Planned {
    /// The verdict, and the fields that change, in one line.
    pub(crate) fn summary(&self) -> String {
        let fields: Vec<_> = self.difference.fields.iter().map(|field| field.path.to_string()).collect();
        format!("{:?} {}", self.difference.verdict, fields.join(" ")).trim().to_owned()
    }

    /// Limits the time of its step.
    pub(crate) fn limit(&mut self, milliseconds: u64) {
        self.request.timeout_ms = Some(milliseconds);
    }

    /// The notes, in one text.
    pub(crate) fn notes(&self) -> String {
        self.difference.notes.join(" ")
    }

    /// The paths that have drifted, in one line.
    pub(crate) fn drift(&self) -> String {
        let fields: Vec<_> = self.difference.drift.iter().map(|field| field.path.to_string()).collect();
        fields.join(" ")
    }
}

impl Stack {
    /// A stack of one resource of this type on the server.
    pub(crate) async fn new(server: &Sshd, kind: &'static str) -> Self {
        Self::on(connect(server, &[]).await.unwrap(), kind)
    }

    /// A stack of one resource of this type on a host.
    pub(crate) fn on(target: Arc<dyn Target>, kind: &'static str) -> Self {
        Self { provider: provider(None), target, kind, record: None }
    }

    /// Looks and compares, as `plan` does.
    pub(crate) async fn plan(&self, desired: Option<Fields<'_>>) -> Result<Planned, ProviderError> {
        let desired = desired.map(|fields| self.with_defaults(fields));
        let address = Address::new(self.kind, "x");
        let identity = match (&desired, &self.record) {
            (Some(desired), _) => self.provider.identify(self.kind, &address, desired).unwrap(),
            (None, record) => record.as_ref().unwrap().identity.clone(),
        };
        let item = ObserveItem {
            address: address.clone(),
            kind: self.kind.into(),
            identity: identity.clone(),
            desired: desired.clone(),
            record: self.record.clone(),
        };
        let observed = self.target.observe(&[item]).await.remove(0)?;
        let difference = self.provider.difference(&DifferenceRequest {
            address: &address,
            kind: self.kind,
            record: self.record.as_deref(),
            observed: &observed,
            desired: desired.as_ref(),
            preview: None,
            fingerprinter: &Plain,
        });
        let operation = match difference.verdict {
            Verdict::Create => Operation::Create,
            Verdict::Delete => Operation::Delete,
            Verdict::Update | Verdict::NoOp | Verdict::Replace => Operation::Update,
        };
        let precondition = match &observed {
            Observed::Absent => Precondition::Absent,
            Observed::Present(there) => Precondition::Version(there.version.clone()),
        };
        let request = PerformRequest {
            address,
            kind: self.kind.into(),
            identity,
            operation,
            desired,
            record: self.record.clone(),
            precondition,
            timeout_ms: None,
        };
        Ok(Planned { difference, observed, request })
    }

    /// Does what was planned and records it, secrets as fingerprints.
    pub(crate) async fn apply(&mut self, planned: Planned) -> Result<(), StepFailure> {
        self.perform(planned.request).await
    }

    /// The same, with the outcome of an earlier attempt unknown.
    pub(crate) async fn apply_unproven(&mut self, planned: Planned) -> Result<(), StepFailure> {
        self.perform(PerformRequest { precondition: Precondition::Unproven, ..planned.request }).await
    }

    /// Plans and applies.
    pub(crate) async fn converge(&mut self, desired: Option<Fields<'_>>) {
        let planned = self.plan(desired).await.unwrap();
        self.apply(planned).await.unwrap();
    }

    async fn perform(&mut self, request: PerformRequest) -> Result<(), StepFailure> {
        let performed = self.target.perform(&request, &Silent).await?;
        self.record = request.desired.is_some().then(|| {
            Arc::new(Record {
                target: None,
                identity: request.identity.clone(),
                attributes: performed.attributes.redacted(&Plain),
                private: performed.private,
                depends_on: Vec::new(),
                status: RecordStatus::Complete,
            })
        });
        Ok(())
    }

    fn with_defaults(&self, fields: Fields<'_>) -> Value {
        let types = self.provider.resource_types();
        let schema = types.iter().find(|ty| ty.name == self.kind).unwrap();
        let value = |attribute: &meshform_engine::schema::Attribute| {
            let given =
                fields.iter().find(|(name, _)| *name == attribute.name).map(|(_, value)| value.clone());
            let value = given.or(match &attribute.presence {
                Presence::Default(value) => Some(value.clone()),
                Presence::Optional => Some(Value::null()),
                Presence::Required | Presence::Computed => None,
            });
            value.map(|value| (attribute.name.to_owned(), value))
        };
        let desired = Value::object(schema.body.attributes.iter().filter_map(value));
        assert_eq!(self.provider.check(self.kind, &desired), []);
        desired
    }
}

/// Connects to the server with its own keys, and these attributes over them.
pub(crate) async fn connect(server: &Sshd, over: Fields<'_>) -> Result<Arc<dyn Target>, ProviderError> {
    let mut fields = vec![
        ("address", Value::from("127.0.0.1")),
        ("port", Value::from(i64::from(server.port))),
        ("user", user().into()),
        ("identity_file", server.path("user_key").to_string_lossy().into_owned().into()),
        ("host_key", server.host_key().into()),
    ];
    fields.extend(over.iter().cloned());
    connect_to(fields, None).await
}

/// Connects to the host of this sandbox.
pub(crate) async fn connect_sandbox(access: HostAccess) -> Result<Arc<dyn Target>, ProviderError> {
    connect_to(vec![("sandbox", true.into())], Some(access)).await
}

async fn connect_to(
    fields: Vec<(&str, Value)>,
    sandbox: Option<HostAccess>,
) -> Result<Arc<dyn Target>, ProviderError> {
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    let target = TargetConfig {
        address: TargetAddress::new(TargetKind::Host, "web"),
        attributes: Value::object(fields.collect::<std::collections::BTreeMap<_, _>>()),
        folder: "/nonexistent".into(),
    };
    provider(sandbox).connect(&target).await
}

fn provider(sandbox: Option<HostAccess>) -> SshProvider {
    SshProvider::new(Arc::new(World(sandbox)))
}

/// Shows the value, so that tests can tell what was recorded.
struct Plain;

impl Fingerprinter for Plain {
    fn fingerprint(&self, value: &Value) -> String {
        format!("keyed {} bytes", format!("{:?}", value.unmarked()).len())
    }
}

struct Silent;

impl Progress for Silent {
    fn report(&self, _: &Address, _: &str) {}
}

/// A sandbox of one host at most.
struct World(Option<HostAccess>);

fn none<T>() -> BoxFuture<'static, Result<T, SandboxError>> {
    Box::pin(async { Err(SandboxError { message: "no sandbox here".into() }) })
}

impl Sandbox for World {
    fn cluster<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<ClusterAccess, SandboxError>> {
        none()
    }
    fn host<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<HostAccess, SandboxError>> {
        assert_eq!(name, "web");
        match self.0.clone() {
            Some(access) => Box::pin(async { Ok(access) }),
            None => none(),
        }
    }
    fn up(&self) -> BoxFuture<'_, Result<SandboxStatus, SandboxError>> {
        none()
    }
    fn down(&self) -> BoxFuture<'_, Result<bool, SandboxError>> {
        none()
    }
    fn reset(&self) -> BoxFuture<'_, Result<bool, SandboxError>> {
        none()
    }
    fn status(&self) -> BoxFuture<'_, Result<Option<SandboxStatus>, SandboxError>> {
        none()
    }
    fn serve(&self) -> BoxFuture<'_, Result<(), SandboxError>> {
        none()
    }
}
