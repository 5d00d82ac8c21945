//! The kinds that are served: the built-in ones from the compiled-in data, custom ones from their definitions.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, LazyLock};

use flate2::read::GzDecoder;
use serde_json::{Map, Value};

use super::error::Error;
use super::object::{flag, list, text};
use super::status::{Subject, qualified};
use super::types::{Compiler, TypeId, TypeRef, Types};

static DATA: &[u8] = include_bytes!("../../data/openapi-v3.json.gz");

/// The built-in kinds, read once per process.
static BUILTIN: LazyLock<Result<Builtin, std::io::ErrorKind>> = LazyLock::new(read_builtin);

/// What the compiled-in data says.
#[derive(Debug)]
pub(crate) struct Builtin {
    pub(crate) kubernetes_version: String,
    /// Schemas by name; a `$ref` in them is a bare name.
    pub(crate) schemas: Map<String, Value>,
    resources: Vec<Arc<Resource>>,
}

/// One served resource, in all its versions.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) builtin: bool,
    /// The preferred version first.
    pub(crate) versions: Vec<Version>,
}

/// One version of a resource.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) name: String,
    pub(crate) types: Arc<Types>,
    pub(crate) root: TypeId,
    pub(crate) verbs: Vec<String>,
    pub(crate) subresources: Vec<Subresource>,
    pub(crate) schema: SchemaSource,
    pub(crate) columns: Vec<Value>,
    /// Whether objects of a custom kind are stored in it.
    pub(crate) is_stored: bool,
    /// What clients of a version are told that is to go.
    pub(crate) deprecation: Option<String>,
}

/// Where a version's schema is for OpenAPI.
#[derive(Debug)]
pub(crate) enum SchemaSource {
    Named(String),
    Inline(Value),
}

/// A subresource, as discovery shows it.
#[derive(Debug)]
pub(crate) struct Subresource {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) verbs: Vec<String>,
    pub(crate) scale: Option<ScalePaths>,
}

/// Where a `Scale` reads and writes, as JSON pointers.
#[derive(Clone, Debug)]
pub(crate) struct ScalePaths {
    pub(crate) spec_replicas: String,
    pub(crate) status_replicas: String,
    pub(crate) selector: Option<String>,
}

impl Resource {
    /// The key of the resource in the store: `plural.group`, or the plural in the core group.
    pub(crate) fn id(&self) -> String {
        qualified(&self.plural, &self.group)
    }

    pub(crate) fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.name == name)
    }

    /// What of an object a version shows; nothing where all versions are alike.
    pub(crate) fn seen_in(&self, version: &str) -> Option<TypeRef<'_>> {
        let differs = !self.builtin && self.versions.len() > 1;
        self.version(version).filter(|_| differs).map(Version::root)
    }

    /// What of an object is kept that is written in a version; nothing where it is all.
    pub(crate) fn kept_from(&self, version: &str) -> Option<TypeRef<'_>> {
        let stored = self.versions.iter().find(|version| version.is_stored)?;
        (stored.name != version).then(|| stored.root())
    }

    /// Its `apiVersion` in a version.
    pub(crate) fn api_version(&self, version: &str) -> String {
        if self.group.is_empty() { version.to_owned() } else { format!("{}/{version}", self.group) }
    }

    pub(crate) fn subject<'s>(&'s self, name: &'s str) -> Subject<'s> {
        Subject { group: &self.group, resource: &self.plural, kind: &self.kind, name }
    }

    /// Whether this is the built-in kind of that group.
    pub(crate) fn is(&self, group: &str, kind: &str) -> bool {
        self.builtin && self.group == group && self.kind == kind
    }
}

impl Version {
    pub(crate) fn root(&self) -> TypeRef<'_> {
        TypeRef { types: &self.types, id: self.root }
    }

    pub(crate) fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|subresource| subresource.name == name)
    }

    pub(crate) fn has_status(&self) -> bool {
        self.subresource("status").is_some()
    }
}

/// Every served resource, by its id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registry {
    resources: BTreeMap<String, Arc<Resource>>,
}

impl Registry {
    /// The built-in kinds.
    ///
    /// # Errors
    ///
    /// When the compiled-in data cannot be read.
    pub(crate) fn builtin() -> Result<Self, Error> {
        let resources = builtin()?.resources.iter().map(|resource| (resource.id(), Arc::clone(resource)));
        Ok(Self { resources: resources.collect() })
    }

    pub(crate) fn put(&mut self, resource: Resource) {
        self.resources.insert(resource.id(), Arc::new(resource));
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.resources.remove(id);
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&Arc<Resource>> {
        self.resources.get(id)
    }

    pub(crate) fn by_plural(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.by_id(&qualified(plural, group)).filter(|resource| resource.version(version).is_some())
    }

    /// The resource of an `apiVersion` and kind.
    pub(crate) fn by_kind(&self, api_version: &str, kind: &str) -> Option<&Arc<Resource>> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.resources.values().find(|resource| {
            resource.group == group && resource.kind == kind && resource.version(version).is_some()
        })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.values()
    }

    /// The served groups with their versions, the preferred one first; the core group is "".
    pub(crate) fn groups(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for resource in self.resources.values() {
            let versions = groups.entry(&resource.group).or_default();
            for version in &resource.versions {
                if !versions.contains(&version.name.as_str()) {
                    versions.push(&version.name);
                }
            }
        }
        for versions in groups.values_mut() {
            versions.sort_by_key(|version| std::cmp::Reverse(priority(version)));
        }
        groups
    }
}

/// The order of versions: stable before beta before alpha, then by number.
pub(crate) fn priority(version: &str) -> (u8, u64, u64) {
    let number = |text: &str| text.parse::<u64>().unwrap_or(0);
    let rest = version.strip_prefix('v').unwrap_or(version);
    if let Some((major, minor)) = rest.split_once("beta") {
        (1, number(major), number(minor))
    } else if let Some((major, minor)) = rest.split_once("alpha") {
        (0, number(major), number(minor))
    } else {
        (2, number(rest), 0)
    }
}

/// The compiled-in data.
///
/// # Errors
///
/// When it cannot be read.
pub(crate) fn builtin() -> Result<&'static Builtin, Error> {
    BUILTIN.as_ref().map_err(|kind| Error::Types { source: (*kind).into() })
}

fn read_builtin() -> Result<Builtin, std::io::ErrorKind> {
    let mut text = String::new();
    GzDecoder::new(DATA).read_to_string(&mut text).map_err(|error| error.kind())?;
    let mut data: Value = serde_json::from_str(&text).map_err(|_| std::io::ErrorKind::InvalidData)?;
    let Value::Object(schemas) = data["schemas"].take() else { return Err(std::io::ErrorKind::InvalidData) };
    let kubernetes_version = text_of(&data, "kubernetesVersion");
    let resources = compile_resources(&schemas, list(&data, "/kinds"));
    Ok(Builtin { kubernetes_version, schemas, resources })
}

fn compile_resources(schemas: &Map<String, Value>, kinds: &[Value]) -> Vec<Arc<Resource>> {
    let mut compiler = Compiler::new(schemas);
    let roots: Vec<TypeId> = kinds.iter().map(|kind| compiler.named(text(kind, "/schema"))).collect();
    let types = Arc::new(compiler.finish());
    let mut resources: BTreeMap<(String, String), Resource> = BTreeMap::new();
    for (kind, root) in kinds.iter().zip(roots) {
        let key = (text_of(kind, "group"), text_of(kind, "plural"));
        let resource = resources.entry(key).or_insert_with(|| resource(kind));
        resource.versions.push(version(kind, &types, root));
        resource.versions.sort_by_key(|version| std::cmp::Reverse(priority(&version.name)));
    }
    resources.into_values().map(Arc::new).collect()
}

fn resource(kind: &Value) -> Resource {
    Resource {
        group: text_of(kind, "group"),
        plural: text_of(kind, "plural"),
        singular: text_of(kind, "singular"),
        kind: text_of(kind, "kind"),
        list_kind: format!("{}List", text(kind, "/kind")),
        short_names: strings(kind, "/shortNames"),
        categories: strings(kind, "/categories"),
        namespaced: flag(kind, "/namespaced"),
        builtin: true,
        versions: Vec::new(),
    }
}

fn version(kind: &Value, types: &Arc<Types>, root: TypeId) -> Version {
    let subresources = list(kind, "/subresources").iter().map(|entry| Subresource {
        name: text_of(entry, "name"),
        group: text_of(entry, "group"),
        version: text_of(entry, "version"),
        kind: text_of(entry, "kind"),
        verbs: strings(entry, "/verbs"),
        scale: (text(entry, "/name") == "scale").then(|| ScalePaths {
            spec_replicas: "/spec/replicas".to_owned(),
            status_replicas: "/status/replicas".to_owned(),
            selector: None,
        }),
    });
    Version {
        name: text_of(kind, "version"),
        types: Arc::clone(types),
        root,
        verbs: strings(kind, "/verbs"),
        subresources: subresources.collect(),
        schema: SchemaSource::Named(text_of(kind, "schema")),
        columns: Vec::new(),
        is_stored: false,
        deprecation: deprecation(kind),
    }
}

fn deprecation(kind: &Value) -> Option<String> {
    match (text(kind, "/group"), text(kind, "/kind")) {
        ("", "Endpoints") => {
            Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice".to_owned())
        }
        ("", "ComponentStatus") => Some("v1 ComponentStatus is deprecated in v1.19+".to_owned()),
        _ => None,
    }
}

fn text_of(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The texts of a list at a JSON pointer.
pub(crate) fn strings(value: &Value, pointer: &str) -> Vec<String> {
    list(value, pointer).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
