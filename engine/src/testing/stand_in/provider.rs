//! A provider with things that are made up in front of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cast::{Cast, Made};
use super::made_up::completed;
use super::stage::Stage;
use crate::address::{Address, TargetKind};
use crate::plan::FieldChange;
use crate::ports::{
    BoxFuture, Difference, DifferenceRequest, ErrorCode, Found, LowerRequest, Observation, Observed, Part,
    Problem, Provider, ProviderError, ReadItem, Target, TargetConfig, Verdict,
};
use crate::schema::{Body, DataType, ResourceType};
use crate::testing::file::{Moment, Targets};
use crate::value::{Fingerprinter, Path, Value};

/// The attribute by which a target's block asks for an embedded one.
const EMBEDDED: &str = "sandbox";

/// Stands in for a provider.
pub(in crate::testing) struct StandIn(Arc<Backstage>);

/// What a provider and its targets share.
pub(super) struct Backstage {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) cast: Arc<Cast>,
    /// By resource type; of data types, `data.` comes before.
    bodies: BTreeMap<String, Body>,
}

impl StandIn {
    pub(in crate::testing) fn new(provider: Arc<dyn Provider>, cast: Arc<Cast>) -> Self {
        let resources = provider.resource_types().into_iter().map(|ty| (ty.name.to_owned(), ty.body));
        let data = provider.data_types().into_iter().map(|ty| (format!("data.{}", ty.name), ty.body));
        let bodies = resources.chain(data).collect();
        Self(Arc::new(Backstage { provider, cast, bodies }))
    }
}

impl Backstage {
    /// The attributes of an instance that is made up, once it is there.
    pub(super) fn made(&self, address: &Address, kind: &str, desired: &Value, made: &Made) -> Value {
        self.all(kind, &self.anew(address, kind, desired).planned, &made.values, address)
    }

    /// What is found of a look-up that is made up.
    pub(super) fn found(&self, item: &ReadItem, made: &Made) -> Value {
        self.all(&format!("data.{}", item.kind), &item.arguments, &made.values, &item.address)
    }

    fn all(&self, kind: &str, known: &Value, given: &Value, address: &Address) -> Value {
        match self.bodies.get(kind) {
            Some(body) => completed(body, known, given, &address.to_string()),
            None => known.clone(),
        }
    }

    /// What the provider plans for what is not there yet: that much is known of it without any target.
    fn anew(&self, address: &Address, kind: &str, desired: &Value) -> Difference {
        let difference = self.provider.difference(&DifferenceRequest {
            address,
            kind,
            record: None,
            observed: &Observed::Absent,
            desired: Some(desired),
            preview: None,
            fingerprinter: &Nothing,
        });
        Difference { wants_preview: false, ..difference }
    }

    fn difference(&self, request: &DifferenceRequest<'_>, made: &Made) -> Difference {
        let there = match request.observed {
            Observed::Present(there) => Some(there),
            Observed::Absent => None,
        };
        let Some(desired) = request.desired else {
            let verdict = if there.is_some() { Verdict::Delete } else { Verdict::NoOp };
            return Difference::bare(verdict, Vec::new(), Value::null());
        };
        let Some(there) = there else {
            let mut difference = self.anew(request.address, request.kind, desired);
            if made.moment == Moment::Plan && desired.is_wholly_known() {
                difference.planned = self.made(request.address, request.kind, desired, made);
            }
            return difference;
        };
        match self.changed(request.kind, desired, there) {
            fields if fields.is_empty() => Difference::bare(Verdict::NoOp, fields, there.attributes.clone()),
            fields => {
                let planned = self.anew(request.address, request.kind, desired).planned;
                Difference::bare(Verdict::Update, fields, planned)
            }
        }
    }

    /// The attributes that are wanted otherwise than they are.
    fn changed(&self, kind: &str, desired: &Value, there: &Observation) -> Vec<FieldChange> {
        let null = Value::null();
        let body = self.bodies.get(kind);
        let names = desired.as_map().into_iter().flat_map(|fields| fields.keys());
        let own = names.filter(|name| body.is_none_or(|body| body.computed().all(|it| it.name != **name)));
        let sides = own.map(|name| {
            let before = there.attributes.get(name).unwrap_or(&null);
            (name, before, desired.get(name).unwrap_or(&null))
        });
        let shown = |value: &Value| (!value.is_null()).then(|| value.clone());
        let changes =
            sides.filter(|(_, before, after)| !before.same(after)).map(|(name, before, after)| FieldChange {
                path: Path::attribute(name.as_str()),
                before: shown(before),
                after: shown(after),
                forces_replace: false,
                owner: None,
            });
        changes.collect()
    }
}

impl Provider for StandIn {
    fn resource_types(&self) -> Vec<ResourceType> {
        self.0.provider.resource_types()
    }

    fn data_types(&self) -> Vec<DataType> {
        self.0.provider.data_types()
    }

    fn target(&self) -> Option<(TargetKind, Body)> {
        self.0.provider.target()
    }

    fn check(&self, kind: &str, desired: &Value) -> Vec<Problem> {
        self.0.provider.check(kind, desired)
    }

    fn check_data(&self, kind: &str, arguments: &Value) -> Vec<Problem> {
        self.0.provider.check_data(kind, arguments)
    }

    fn asks(&self, request: &LowerRequest<'_>) -> Result<Option<Value>, Vec<Problem>> {
        self.0.provider.asks(request)
    }

    fn cautions(&self, request: &LowerRequest<'_>) -> Vec<Problem> {
        self.0.provider.cautions(request)
    }

    fn lower(&self, request: &LowerRequest<'_>) -> Result<Option<Vec<Part>>, Vec<Problem>> {
        self.0.provider.lower(request)
    }

    fn identify(&self, kind: &str, address: &Address, desired: &Value) -> Option<String> {
        self.0.provider.identify(kind, address, desired)
    }

    fn keep(&self, desired: &Value, path: &Path, there: &Observation) -> Value {
        self.0.provider.keep(desired, path, there)
    }

    fn difference(&self, request: &DifferenceRequest<'_>) -> Difference {
        match self.0.cast.role(request.address, request.kind) {
            Some(made) => self.0.difference(request, &made),
            None => self.0.provider.difference(request),
        }
    }

    fn read<'a>(&'a self, items: &'a [ReadItem]) -> BoxFuture<'a, Vec<Found>> {
        Box::pin(async move {
            let roles: Vec<_> =
                items.iter().map(|item| self.0.cast.role(&item.address, &item.kind)).collect();
            let real =
                items.iter().zip(&roles).filter(|(_, role)| role.is_none()).map(|(item, _)| item.clone());
            let real: Vec<_> = real.collect();
            let mut answers = self.0.provider.read(&real).await.into_iter();
            let all = items.iter().zip(roles).map(|(item, role)| match role {
                Some(made) => Some(Ok(self.0.found(item, &made))),
                None => answers.next(),
            });
            all.map_while(|answer| answer).collect()
        })
    }

    fn connect<'a>(
        &'a self,
        target: &'a TargetConfig,
    ) -> BoxFuture<'a, Result<Arc<dyn Target>, ProviderError>> {
        Box::pin(async move {
            let inner = match self.0.cast.targets {
                Targets::Mock => None,
                Targets::Real => Some(self.0.provider.connect(target).await?),
                Targets::Sandbox => Some(self.0.provider.connect(&self.embedded(target)?).await?),
            };
            Ok(Arc::new(Stage::new(Arc::clone(&self.0), target.address.to_string(), inner))
                as Arc<dyn Target>)
        })
    }
}

impl StandIn {
    /// The embedded target in the place of the one that is configured.
    fn embedded(&self, target: &TargetConfig) -> Result<TargetConfig, ProviderError> {
        let body = self.target().map(|(_, body)| body).unwrap_or_default();
        if body.attribute(EMBEDDED).is_none() {
            return Err(ProviderError {
                code: ErrorCode::Other,
                summary: "Nothing stands in for a target".to_owned(),
                detail: format!(
                    "There is no embedded {} that could stand in for {}. Write `test {{ targets = \"mock\" }}`.",
                    target.address.kind.as_str(),
                    target.address
                ),
                path: None,
            });
        }
        let given = target.attributes.as_map().into_iter().flatten();
        let attributes = given.map(|(name, _)| match name.as_str() {
            EMBEDDED => (name.clone(), Value::bool(true)),
            _ => (name.clone(), Value::null()),
        });
        Ok(TargetConfig { attributes: Value::object(attributes), ..target.clone() })
    }
}

/// Nothing is recorded of what is asked about: there is nothing to compare with.
struct Nothing;

impl Fingerprinter for Nothing {
    fn fingerprint(&self, _: &Value) -> String {
        String::new()
    }
}
