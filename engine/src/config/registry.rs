//! All providers' schemas in one place.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::{Address, TargetKind};
use crate::ports::{Keeping, Provider};
use crate::schema::{Body, DataType, ResourceType};
use crate::types::Type;
use crate::value::Value;

/// Which provider implements what.
#[derive(Clone, Default)]
pub struct Registry {
    types: BTreeMap<&'static str, (Arc<dyn Provider>, Arc<ResourceType>)>,
    data_types: BTreeMap<&'static str, (Arc<dyn Provider>, Arc<DataType>)>,
    targets: BTreeMap<TargetKind, TargetType>,
    reserved: BTreeMap<&'static str, &'static str>,
    keeping: Option<Arc<Keeping>>,
    /// Of resource and data types, those of the values that expressions see of them.
    value_types: BTreeMap<&'static str, Arc<Type>>,
    data_value_types: BTreeMap<&'static str, Arc<Type>>,
}

/// A kind of target: who connects to it, and what its block may contain.
type TargetType = (Arc<dyn Provider>, Arc<Body>);

impl Registry {
    /// The registry of these providers; for a resource type that two of them claim, the later one's.
    pub fn new(providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        let mut registry = Self::default();
        for provider in providers {
            for ty in provider.resource_types() {
                registry.value_types.insert(ty.name, Arc::new(ty.body.ty()));
                registry.types.insert(ty.name, (Arc::clone(&provider), Arc::new(ty)));
            }
            for ty in provider.data_types() {
                registry.data_value_types.insert(ty.name, Arc::new(ty.body.ty()));
                registry.data_types.insert(ty.name, (Arc::clone(&provider), Arc::new(ty)));
            }
            if let Some((kind, body)) = provider.target() {
                registry.targets.insert(kind, (Arc::clone(&provider), Arc::new(body)));
            }
        }
        registry
    }

    /// The same registry, with block types that are known but cannot be used yet: each with a sentence that says so.
    #[must_use]
    pub fn reserving(mut self, blocks: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        self.reserved.extend(blocks);
        self
    }

    /// The same registry, with what `backend` and `encryption` blocks may say. Without it nothing is known of them, and whatever they say
    /// is let stand.
    #[must_use]
    pub fn keeping_in(mut self, keeping: Keeping) -> Self {
        self.keeping = Some(Arc::new(keeping));
        self
    }

    /// What `backend` and `encryption` blocks may say, if that is known.
    pub fn keeping(&self) -> Option<&Keeping> {
        self.keeping.as_deref()
    }

    /// The schema of a resource type.
    pub fn resource_type(&self, name: &str) -> Option<&ResourceType> {
        self.types.get(name).map(|(_, ty)| &**ty)
    }

    /// The provider of a resource type.
    pub fn provider(&self, resource_type: &str) -> Option<&Arc<dyn Provider>> {
        self.types.get(resource_type).map(|(provider, _)| provider)
    }

    /// The schema of a data type.
    pub fn data_type(&self, name: &str) -> Option<&DataType> {
        self.data_types.get(name).map(|(_, ty)| &**ty)
    }

    /// The provider of a data type.
    pub fn data_provider(&self, data_type: &str) -> Option<&Arc<dyn Provider>> {
        self.data_types.get(data_type).map(|(provider, _)| provider)
    }

    /// What expressions see of an instance or a look-up: its attributes, with the types that its schema states. Neither targets nor
    /// files tell those.
    pub(crate) fn seen(&self, address: &Address, attributes: Value) -> Value {
        let stated = match address.data_type() {
            Some(ty) => self.data_value_types.get(ty),
            None => self.value_types.get(&*address.kind),
        };
        match stated {
            Some(ty) => attributes.stating_all(ty),
            None => attributes,
        }
    }

    /// The names of all data types.
    pub fn data_type_names(&self) -> impl Iterator<Item = &'static str> {
        self.data_types.keys().copied()
    }

    /// The provider of a kind of target, and what its block may contain.
    pub fn target(&self, kind: TargetKind) -> Option<(&Arc<dyn Provider>, &Body)> {
        self.targets.get(&kind).map(|(provider, body)| (provider, &**body))
    }

    /// Why a block type is known but cannot be used yet.
    pub fn reserved(&self, block: &str) -> Option<&'static str> {
        self.reserved.get(block).copied()
    }

    /// The names of all resource types.
    pub fn type_names(&self) -> impl Iterator<Item = &'static str> {
        self.types.keys().copied()
    }
}
