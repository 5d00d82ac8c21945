//! Schemas → types.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::{Combined, Field, Limits, ListKind, MapShape, Node, Scalar, Shape, TypeId, Types};
use crate::rule::{self, Validation};

const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
const MICRO_TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Compiles schemas into one table; a `$ref` is the bare name of one of `named`.
pub struct Compiler<'s> {
    named: &'s Map<String, Value>,
    done: HashMap<String, TypeId>,
    types: Types,
    has_rules: bool,
}

impl Compiler<'static> {
    /// For schemas of custom kinds, which refer to nothing. What all objects have in their metadata is not looked into.
    pub fn custom() -> Self {
        static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        Self::new(&NONE)
    }
}

impl<'s> Compiler<'s> {
    /// For schemas that refer to these by name.
    pub fn new(named: &'s Map<String, Value>) -> Self {
        Self { named, done: HashMap::new(), types: Types::default(), has_rules: false }
    }

    /// The table, with the rules of custom kinds ready to be asked.
    pub fn finish(mut self) -> Types {
        if self.has_rules {
            rule::compile(&mut self.types);
        }
        self.types
    }

    /// The type of a named schema; of no known type where there is none.
    pub fn named(&mut self, name: &str) -> TypeId {
        if let Some(id) = self.done.get(name) {
            return *id;
        }
        let id = self.reserve();
        self.done.insert(name.to_owned(), id);
        let node = match (scalar_by_name(name), self.named.get(name)) {
            (Some(scalar), _) => node(Shape::Scalar(scalar)),
            (None, Some(schema)) => self.node(schema),
            (None, None) => node(Shape::Any),
        };
        self.put(id, node);
        id
    }

    /// The type of a custom kind's schema. Its objects get the built-in metadata.
    pub fn root(&mut self, schema: &Value) -> TypeId {
        self.has_rules = true;
        let id = self.schema(schema);
        let mut root = self.types.nodes.get(id.0).cloned().unwrap_or_else(|| node(Shape::Any));
        if let Shape::Map(map) = &mut root.shape {
            self.put_object_fields(map);
        }
        root.is_resource = true;
        self.put(id, root);
        id
    }

    fn schema(&mut self, schema: &Value) -> TypeId {
        let Some(name) = schema.get("$ref").and_then(Value::as_str) else {
            let compiled = self.node(schema);
            return self.push(compiled);
        };
        let id = self.named(name);
        let atomic = text(schema, "x-kubernetes-map-type") == Some("atomic");
        let Some(Node { shape: Shape::Map(_), .. }) = self.types.nodes.get(id.0).filter(|_| atomic) else {
            return id;
        };
        let mut copy = self.types.nodes.get(id.0).cloned().unwrap_or_else(|| node(Shape::Any));
        if let Shape::Map(map) = &mut copy.shape {
            map.atomic = true;
        }
        self.push(copy)
    }

    fn node(&mut self, schema: &Value) -> Node {
        let embedded = flag(schema, "x-kubernetes-embedded-resource");
        let mut shape = self.shape(schema);
        let mut required = strings(schema, "required");
        if let Shape::Map(map) = &mut shape
            && embedded
        {
            self.put_object_fields(map);
            required.extend(["apiVersion", "kind"].map(str::to_owned));
        }
        let merges =
            text(schema, "x-kubernetes-patch-strategy").is_some_and(|strategy| strategy.contains("merge"));
        Node {
            shape,
            required,
            nullable: flag(schema, "nullable"),
            patch_key: merges
                .then(|| text(schema, "x-kubernetes-patch-merge-key").unwrap_or_default().to_owned()),
            limits: Limits::of(schema),
            combined: self.combined(schema),
            validations: if self.has_rules { Validation::all(schema) } else { Vec::new() },
            is_resource: embedded,
        }
    }

    /// What every object has.
    fn put_object_fields(&mut self, map: &mut MapShape) {
        let metadata = self.named(OBJECT_META);
        let text = self.push(node(Shape::Scalar(Scalar::String)));
        for (name, ty) in [("apiVersion", text), ("kind", text), ("metadata", metadata)] {
            map.fields.insert(name.to_owned(), Field { ty, default: None });
        }
    }

    fn combined(&mut self, schema: &Value) -> Option<Box<Combined>> {
        let mut those = |key: &str| -> Vec<TypeId> {
            let schemas = schema.get(key).and_then(Value::as_array).into_iter().flatten();
            schemas.filter(|schema| schema.get("$ref").is_none()).map(|schema| self.schema(schema)).collect()
        };
        let (all, any, one) = (those("allOf"), those("anyOf"), those("oneOf"));
        let none = schema.get("not").map(|schema| self.schema(schema));
        let combined = Combined { all, any, one, none };
        let is_empty = combined.all.is_empty()
            && combined.any.is_empty()
            && combined.one.is_empty()
            && combined.none.is_none();
        (!is_empty).then(|| Box::new(combined))
    }

    fn shape(&mut self, schema: &Value) -> Shape {
        let format = text(schema, "format");
        if format == Some("int-or-string") || flag(schema, "x-kubernetes-int-or-string") {
            return Shape::Scalar(Scalar::IntOrString);
        }
        match text(schema, "type") {
            Some("string") => Shape::Scalar(match format {
                Some("byte") => Scalar::Bytes,
                _ => Scalar::String,
            }),
            Some("integer") => Shape::Scalar(Scalar::Integer),
            Some("number") => Shape::Scalar(Scalar::Number),
            Some("boolean") => Shape::Scalar(Scalar::Boolean),
            Some("array") => self.list(schema),
            Some("object") => self.map(schema),
            _ if schema.get("properties").is_some() => self.map(schema),
            _ if schema.get("allOf").is_some() => self.all_of(schema),
            _ => Shape::Any,
        }
    }

    fn all_of(&mut self, schema: &Value) -> Shape {
        let only = schema.get("allOf").and_then(Value::as_array).and_then(|all| all.first());
        let Some(name) = only.and_then(|first| text(first, "$ref")) else { return Shape::Any };
        let id = self.named(name);
        self.types.nodes.get(id.0).map_or(Shape::Any, |node| node.shape.clone())
    }

    fn list(&mut self, schema: &Value) -> Shape {
        let item = match schema.get("items") {
            Some(items) => self.schema(items),
            None => self.push(node(Shape::Any)),
        };
        let kind = match text(schema, "x-kubernetes-list-type") {
            Some("set") => ListKind::Set,
            Some("map") => ListKind::Map(strings(schema, "x-kubernetes-list-map-keys")),
            _ => ListKind::Atomic,
        };
        Shape::List { item, kind }
    }

    fn map(&mut self, schema: &Value) -> Shape {
        let mut fields = BTreeMap::new();
        for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let ty = self.schema(field);
            fields.insert(name.clone(), Field { ty, default: field.get("default").cloned() });
        }
        let preserve = flag(schema, "x-kubernetes-preserve-unknown-fields");
        let extra = match schema.get("additionalProperties") {
            Some(values @ Value::Object(_)) => Some(self.schema(values)),
            Some(Value::Bool(true)) => Some(self.push(node(Shape::Any))),
            _ if schema.get("properties").is_none() => Some(self.push(node(Shape::Any))),
            _ => None,
        };
        let atomic = text(schema, "x-kubernetes-map-type") == Some("atomic");
        let declares_values = schema.get("additionalProperties").is_some();
        Shape::Map(MapShape { fields, extra, declares_values, atomic, preserve })
    }

    fn reserve(&mut self) -> TypeId {
        self.push(node(Shape::Any))
    }

    fn push(&mut self, node: Node) -> TypeId {
        self.types.nodes.push(node);
        TypeId(self.types.nodes.len() - 1)
    }

    fn put(&mut self, id: TypeId, node: Node) {
        if let Some(slot) = self.types.nodes.get_mut(id.0) {
            *slot = node;
        }
    }
}

fn scalar_by_name(name: &str) -> Option<Scalar> {
    match name {
        QUANTITY => Some(Scalar::Quantity),
        TIME => Some(Scalar::Time),
        MICRO_TIME => Some(Scalar::MicroTime),
        _ => None,
    }
}

fn node(shape: Shape) -> Node {
    Node {
        shape,
        required: Vec::new(),
        nullable: false,
        patch_key: None,
        limits: None,
        combined: None,
        validations: Vec::new(),
        is_resource: false,
    }
}

fn text<'v>(schema: &'v Value, name: &str) -> Option<&'v str> {
    schema.get(name).and_then(Value::as_str)
}

fn flag(schema: &Value, name: &str) -> bool {
    schema.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn strings(schema: &Value, name: &str) -> Vec<String> {
    let items = schema.get(name).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}
