//! The tree of an expression: nodes that know where they are. It has no macros, only what they stand for.

use super::value::Value;

/// A node, and the character that it is told by.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) kind: Kind,
    /// How many nodes there are on the longest way down.
    height: usize,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Literal(Value),
    Name(String),
    /// `of.field`, or whether it is there.
    Select {
        of: Box<Node>,
        field: String,
        is_test: bool,
    },
    Call(Call),
    /// Elements, each with whether it may be absent.
    List(Vec<(Node, bool)>),
    Map(Vec<Entry>),
    Comprehension(Box<Comprehension>),
    /// `of.optMap(name, then)`; `is_flat` when `then` is optional itself.
    OptionalMap {
        of: Box<Node>,
        name: String,
        then: Box<Node>,
        is_flat: bool,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) name: String,
    /// Whether the first argument stands before the name: `a.f(b)`.
    pub(super) is_member: bool,
    pub(super) arguments: Vec<Node>,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Node,
    pub(super) value: Node,
    pub(super) is_optional: bool,
}

/// A fold over a list or the keys of a map.
#[derive(Clone, Debug)]
pub(super) struct Comprehension {
    pub(super) range: Node,
    pub(super) name: String,
    /// The name of the element where `name` is the index or the key.
    pub(super) second: Option<String>,
    pub(super) result: String,
    pub(super) start: Node,
    pub(super) condition: Node,
    pub(super) step: Node,
    pub(super) end: Node,
}

impl Node {
    /// Whether it asks for a name that no fold in it gives.
    pub(super) fn uses(&self, name: &str) -> bool {
        match &self.kind {
            Kind::Literal(_) => false,
            Kind::Name(own) => own == name,
            Kind::Select { of, .. } => of.uses(name),
            Kind::Call(call) => call.arguments.iter().any(|argument| argument.uses(name)),
            Kind::List(elements) => elements.iter().any(|(element, _)| element.uses(name)),
            Kind::Map(entries) => entries.iter().any(|entry| entry.key.uses(name) || entry.value.uses(name)),
            Kind::Comprehension(fold) => {
                let hides = fold.name == name || fold.second.as_deref() == Some(name);
                fold.range.uses(name) || fold.start.uses(name) || !hides && fold.step.uses(name)
            }
            Kind::OptionalMap { of, name: own, then, .. } => of.uses(name) || own != name && then.uses(name),
        }
    }

    /// A node over these parts.
    pub(super) fn new(at: usize, kind: Kind) -> Self {
        let height = 1 + kind.parts().iter().map(|part| part.height).max().unwrap_or(0);
        Self { at, kind, height }
    }

    pub(super) fn height(&self) -> usize {
        self.height
    }
}

impl Kind {
    fn parts(&self) -> Vec<&Node> {
        match self {
            Self::Literal(_) | Self::Name(_) => Vec::new(),
            Self::Select { of, .. } => vec![of],
            Self::Call(call) => call.arguments.iter().collect(),
            Self::List(elements) => elements.iter().map(|(element, _)| element).collect(),
            Self::Map(entries) => entries.iter().flat_map(|entry| [&entry.key, &entry.value]).collect(),
            Self::Comprehension(fold) => {
                vec![&fold.range, &fold.start, &fold.condition, &fold.step, &fold.end]
            }
            Self::OptionalMap { of, then, .. } => vec![of, then],
        }
    }
}

/// A mistake with the line that it is in and its place in that line, as the API server shows it.
pub(super) fn located(text: &str, at: usize, message: &str) -> String {
    let mut begin = 0;
    let mut number = 1;
    let mut line = text;
    for (index, each) in text.split('\n').enumerate() {
        (number, line) = (index + 1, each);
        if at <= begin + each.len() {
            break;
        }
        begin += each.len() + 1;
    }
    let column = at.saturating_sub(begin) + 1;
    format!("ERROR: <input>:{number}:{column}: {message}\n | {line}\n | {}^", ".".repeat(column - 1))
}
