//! What resource types, data types and targets may contain, as providers declare it.

use crate::address::TargetKind;
use crate::types::Type;
use crate::value::Value;

/// One resource type.
#[derive(Clone, Debug)]
pub struct ResourceType {
    /// Its name in HCL, such as `host_file`.
    pub name: &'static str,
    /// Where its instances live; `None` for those that live nowhere, like `value`.
    pub target: Option<TargetKind>,
    /// For a composite: the resource type of the parts that it lowers into.
    pub part_kind: Option<&'static str>,
    /// Its attributes, meta-arguments apart.
    pub attributes: Vec<Attribute>,
}

/// Something that can be looked up.
#[derive(Clone, Debug)]
pub struct DataType {
    /// Its name in HCL, such as `host_facts`.
    pub name: &'static str,
    /// Where it is looked up; `None` for what is on no target.
    pub target: Option<TargetKind>,
    /// Its attributes, meta-arguments apart: the arguments of a look-up, and, computed, what it finds.
    pub attributes: Vec<Attribute>,
}

/// One attribute of a resource type, a data type or a target.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// What it may hold.
    pub ty: Type,
    /// Who gives it its value.
    pub presence: Presence,
    /// Whether its value is always sensitive.
    pub sensitive: bool,
    /// What it means, in a sentence, for messages and documentation.
    pub description: &'static str,
}

/// Who gives an attribute its value.
#[derive(Clone, Debug)]
pub enum Presence {
    /// The user must.
    Required,
    /// The user may; null otherwise.
    Optional,
    /// The user may; otherwise it is this.
    Default(Value),
    /// The target does, at the latest on apply; the user must not.
    Computed,
}

impl ResourceType {
    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}

impl Attribute {
    /// An attribute that the user must give.
    pub fn required(name: &'static str, ty: Type, description: &'static str) -> Self {
        Self { name, ty, presence: Presence::Required, sensitive: false, description }
    }

    /// An attribute that the user may leave out; it is null then.
    pub fn optional(name: &'static str, ty: Type, description: &'static str) -> Self {
        Self { presence: Presence::Optional, ..Self::required(name, ty, description) }
    }

    /// An attribute that has a value even when the user leaves it out.
    pub fn default(name: &'static str, ty: Type, value: impl Into<Value>, description: &'static str) -> Self {
        Self { presence: Presence::Default(value.into()), ..Self::required(name, ty, description) }
    }

    /// An attribute that only the target sets.
    pub fn computed(name: &'static str, ty: Type, description: &'static str) -> Self {
        Self { presence: Presence::Computed, ..Self::required(name, ty, description) }
    }

    /// The same attribute, always sensitive.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }
}
