//! What resource types, data types and targets may contain, as providers declare it.

use crate::address::TargetKind;
use crate::types::{Field, Type};
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
    /// What its block may contain, meta-arguments apart.
    pub body: Body,
}

/// Something that can be looked up.
#[derive(Clone, Debug)]
pub struct DataType {
    /// Its name in HCL, such as `host_facts`.
    pub name: &'static str,
    /// Where it is looked up; `None` for what is on no target.
    pub target: Option<TargetKind>,
    /// What its block may contain, meta-arguments apart: the arguments of a look-up, and, computed, what it finds.
    pub body: Body,
}

/// What a block may contain.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// Its attributes.
    pub attributes: Vec<Attribute>,
    /// The types of the blocks in it.
    pub blocks: Vec<BlockType>,
}

/// One type of block inside another one. Its value is an attribute of the outer block's value, under its name.
#[derive(Clone, Debug)]
pub struct BlockType {
    /// Its name, such as `gate` in `gate "http" "works" { }`.
    pub name: &'static str,
    /// Under which attributes of the block's value its labels stand, in order.
    pub labels: Vec<&'static str>,
    /// What blocks of this type come to.
    pub nesting: Nesting,
    /// The fewest of them.
    pub count_min: usize,
    /// The most of them, if that is limited.
    pub count_max: Option<usize>,
    /// What they may contain.
    pub body: Body,
    /// What it means, in a sentence, for messages and documentation.
    pub description: &'static str,
}

/// What the blocks of one type come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// An object, or null when there is none.
    Single,
    /// A list of objects, in the order in which they are written.
    List,
    /// A list as well, of blocks that their labels tell apart: no two have the same.
    Distinct,
}

/// One attribute of a resource type, a data type, a target or a nested block.
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

impl From<Vec<Attribute>> for Body {
    fn from(attributes: Vec<Attribute>) -> Self {
        Self { attributes, blocks: Vec::new() }
    }
}

impl Body {
    /// The same body, with blocks of one more type in it.
    #[must_use]
    pub fn with(mut self, block: BlockType) -> Self {
        self.blocks.push(block);
        self
    }

    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The attributes that the user may give.
    pub fn settable(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().filter(|attribute| !matches!(attribute.presence, Presence::Computed))
    }

    /// The attributes that only the target sets.
    pub fn computed(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().filter(|attribute| matches!(attribute.presence, Presence::Computed))
    }

    /// The type of the values of such a block.
    pub fn ty(&self) -> Type {
        Type::Object(self.fields().collect())
    }

    fn fields(&self) -> impl Iterator<Item = (String, Field)> {
        let attributes = self.attributes.iter().map(|attribute| (attribute.name, attribute.ty.clone()));
        let blocks = self.blocks.iter().map(|block| (block.name, block.ty()));
        attributes.chain(blocks).map(|(name, ty)| (name.to_owned(), Field { ty, optional: false }))
    }
}

impl BlockType {
    /// A block that may be there once.
    pub fn single(name: &'static str, body: impl Into<Body>, description: &'static str) -> Self {
        let nesting = Nesting::Single;
        Self { count_max: Some(1), nesting, ..Self::list(name, body, description) }
    }

    /// A block that may be there any number of times.
    pub fn list(name: &'static str, body: impl Into<Body>, description: &'static str) -> Self {
        Self {
            name,
            labels: Vec::new(),
            nesting: Nesting::List,
            count_min: 0,
            count_max: None,
            body: body.into(),
            description,
        }
    }

    /// The same block, with labels that stand under these attributes of its value.
    #[must_use]
    pub fn labelled(mut self, labels: impl IntoIterator<Item = &'static str>) -> Self {
        self.labels.extend(labels);
        self
    }

    /// The same block, with labels as [`BlockType::labelled`] says, which tell it from all others of its type.
    #[must_use]
    pub fn distinct(self, labels: impl IntoIterator<Item = &'static str>) -> Self {
        Self { nesting: Nesting::Distinct, ..self.labelled(labels) }
    }

    /// The same block, which must be there at least so many times.
    #[must_use]
    pub fn at_least(self, count_min: usize) -> Self {
        Self { count_min, ..self }
    }

    /// The same block, which may be there at most so many times.
    #[must_use]
    pub fn at_most(self, count_max: usize) -> Self {
        Self { count_max: Some(count_max), ..self }
    }

    /// The type of one block's value.
    pub fn element_type(&self) -> Type {
        let label = |name: &&str| ((*name).to_owned(), Field { ty: Type::String, optional: false });
        Type::Object(self.labels.iter().map(label).chain(self.body.fields()).collect())
    }

    /// The type of the value of all blocks of this type.
    pub fn ty(&self) -> Type {
        match self.nesting {
            Nesting::Single => self.element_type(),
            Nesting::List | Nesting::Distinct => self.element_type().list(),
        }
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
