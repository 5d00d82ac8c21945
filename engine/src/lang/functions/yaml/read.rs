//! YAML text to values, from the parser's events: so numbers stay exact, and what a scalar means is decided here.

use std::collections::BTreeMap;
use std::collections::HashMap;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, Tag};

use super::scalar::{Dialect, plain};
use crate::lang::limits::TEXT_MAX;
use crate::lang::number;
use crate::value::Value;

/// How deep values may be nested.
const DEPTH_MAX: usize = 100;
/// How many values a text may hold, with those repeated by aliases counted each time: a few lines of aliases can stand for
/// billions.
const VALUES_MAX: usize = 1_000_000;

/// A value and how many values it holds.
#[derive(Clone)]
struct Node {
    value: Value,
    size: usize,
}

/// A list or mapping that has not ended yet.
enum Open {
    List {
        elements: Vec<Value>,
        anchor: usize,
        size: usize,
    },
    Mapping {
        entries: BTreeMap<String, Value>,
        merged: Vec<Value>,
        key: Option<Key>,
        anchor: usize,
        size: usize,
    },
}

enum Key {
    Name(String),
    Merge,
}

struct Reader {
    dialect: Dialect,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    documents: Vec<Value>,
    line: usize,
    /// How many bytes the keys have that merges have repeated.
    merged_bytes: usize,
}

/// All documents of a text; an empty one is null. The error is a fragment that names the line.
pub(super) fn documents(text: &str, dialect: Dialect) -> Result<Vec<Value>, String> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let mut reader = Reader {
        dialect,
        open: Vec::new(),
        anchors: HashMap::new(),
        documents: Vec::new(),
        line: 1,
        merged_bytes: 0,
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) =
            event.map_err(|error| format!("line {}: {}", error.marker().line(), error.info()))?;
        reader.line = span.start.line();
        reader.event(event).map_err(|problem| format!("line {}: {problem}", reader.line))?;
    }
    Ok(reader.documents)
}

impl Reader {
    fn event(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::DocumentStart(..) => self.anchors.clear(),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                self.add(node.ok_or("an alias stands inside of what it repeats")?, 0)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                if self.is_key() {
                    return self.key(&text, style, tag.as_deref(), anchor);
                }
                let value = self.scalar(&text, style, tag.as_deref())?;
                self.add(Node { value, size: 1 }, anchor)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_container(tag.as_deref(), "seq")?;
                self.open.push(Open::List { elements: Vec::new(), anchor, size: 1 });
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_container(tag.as_deref(), "map")?;
                let (entries, merged) = (BTreeMap::new(), Vec::new());
                self.open.push(Open::Mapping { entries, merged, key: None, anchor, size: 1 });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close()?,
            _ => {}
        }
        Ok(())
    }

    fn check_container(&self, tag: Option<&Tag>, expected: &str) -> Result<(), String> {
        if self.is_key() {
            return Err("a key must be a scalar".into());
        }
        match tag {
            Some(tag) if tag.core_suffix() != Some(expected) && tag.suffix() != "" => {
                Err(format!("the tag {} is not supported", tag.original()))
            }
            _ => Ok(()),
        }
    }

    /// Whether the next value is the key of a mapping.
    fn is_key(&self) -> bool {
        matches!(self.open.last(), Some(Open::Mapping { key: None, .. }))
    }

    fn key(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        anchor: usize,
    ) -> Result<(), String> {
        let value = self.scalar(text, style, tag)?;
        if anchor != 0 {
            self.anchors.insert(anchor, Node { value: value.clone(), size: 1 });
        }
        let merge = style == ScalarStyle::Plain && tag.is_none() && text == "<<";
        let name = match (merge, value.is_null()) {
            (true, _) => Key::Merge,
            (false, true) => return Err("a key must not be null".into()),
            (false, false) => Key::Name(key_text(&value)),
        };
        self.set_key(name)
    }

    fn set_key(&mut self, name: Key) -> Result<(), String> {
        let strict = self.dialect == Dialect::Kubernetes;
        let Some(Open::Mapping { entries, key, .. }) = self.open.last_mut() else { return Ok(()) };
        if let Key::Name(name) = &name
            && strict
            && entries.contains_key(name)
        {
            return Err(format!("the key {name:?} is there twice"));
        }
        *key = Some(name);
        Ok(())
    }

    /// Adds a finished value to what is open, or as a document.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Node { value, size } = node;
        if self.is_key() {
            // An alias as a key: only scalars were let through as anchored keys or values of this kind.
            let scalar = value.as_list().is_none() && value.as_map().is_none() && !value.is_null();
            let name = scalar.then(|| Key::Name(key_text(&value))).ok_or("a key must be a scalar")?;
            return self.set_key(name);
        }
        let total = match self.open.last_mut() {
            None => {
                self.documents.push(value);
                size
            }
            Some(Open::List { elements, size: total, .. }) => {
                elements.push(value);
                *total = total.saturating_add(size);
                *total
            }
            Some(Open::Mapping { entries, merged, key, size: total, .. }) => {
                match key.take() {
                    Some(Key::Name(name)) => drop(entries.insert(name, value)),
                    Some(Key::Merge) => merged.push(value),
                    None => {}
                }
                *total = total.saturating_add(size);
                *total
            }
        };
        match total > VALUES_MAX {
            true => Err(format!("the text stands for more than {VALUES_MAX} values")),
            false => Ok(()),
        }
    }

    fn close(&mut self) -> Result<(), String> {
        let (value, anchor, size) = match self.open.pop() {
            Some(Open::List { elements, anchor, size }) => (Value::list(elements), anchor, size),
            Some(Open::Mapping { entries, merged, anchor, size, .. }) => {
                (Value::object(self.with_merged(entries, &merged)?), anchor, size)
            }
            None => return Ok(()),
        };
        self.add(Node { value, size }, anchor)
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
        let Some(tag) = tag else {
            return match style {
                ScalarStyle::Plain => plain(text, self.dialect),
                _ => Ok(text.into()),
            };
        };
        let fits = |value: Value, fits: bool| match fits {
            true => Ok(value),
            false => Err(format!("this is not of the tagged type {}", tag.original())),
        };
        match tag.core_suffix() {
            Some("str") => Ok(text.into()),
            Some("null") => plain(text, self.dialect).and_then(|value| fits(value.clone(), value.is_null())),
            Some("bool") => {
                plain(text, self.dialect).and_then(|value| fits(value.clone(), value.as_bool().is_some()))
            }
            Some("int" | "float") => {
                plain(text, self.dialect).and_then(|value| fits(value.clone(), value.as_number().is_some()))
            }
            _ if tag.suffix() == "binary" => Ok(text.into()),
            // A lone `!` means that a scalar is what it looks like: a text.
            _ if tag.suffix().is_empty() => Ok(text.into()),
            _ => Err(format!("the tag {} is not supported", tag.original())),
        }
    }

    /// Own entries win over merged ones, and earlier merged ones over later ones.
    fn with_merged(
        &mut self,
        mut entries: BTreeMap<String, Value>,
        merged: &[Value],
    ) -> Result<BTreeMap<String, Value>, String> {
        for source in
            merged.iter().flat_map(|source| source.as_list().unwrap_or(std::slice::from_ref(source)))
        {
            for (name, value) in source.as_map().ok_or("<< merges mappings only")? {
                self.merged_bytes = self.merged_bytes.saturating_add(name.len());
                if self.merged_bytes > TEXT_MAX {
                    return Err(format!("the merged keys have more than {TEXT_MAX} bytes"));
                }
                entries.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        Ok(entries)
    }
}

fn key_text(value: &Value) -> String {
    match (value.as_str(), value.as_number(), value.as_bool()) {
        (Some(text), ..) => text.to_owned(),
        (_, Some(number), _) => number::show(number),
        (_, _, Some(truth)) => truth.to_string(),
        _ => String::new(),
    }
}
