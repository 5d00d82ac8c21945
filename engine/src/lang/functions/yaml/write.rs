//! Values to YAML, in the form that Terraform gives them: keys and texts in double quotes, block style, two spaces.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::lang::limits::TEXT_MAX;
use crate::lang::number;
use crate::value::{Kind, Value};

/// How deep values may be nested.
const DEPTH_MAX: usize = 100;
/// Longer keys are written with a `?`.
const KEY_MAX: usize = 128;
/// Behind this column a quoted text goes on in the next line, at a space.
const WIDTH: usize = 80;

/// The text of one document.
pub(super) fn document(value: &Value) -> Result<String, String> {
    let mut writer = Writer { text: String::new() };
    writer.node(value, None, Place::Root, DEPTH_MAX)?;
    if !writer.text.ends_with('\n') {
        writer.text.push('\n');
    }
    if let Kind::Null | Kind::Bool(_) | Kind::Number(_) = value.kind() {
        writer.text.push_str("...\n");
    }
    Ok(writer.text)
}

/// What stands before a node.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    /// `- `: the node's first line goes on there.
    Dash,
    /// `key:`.
    Key,
}

struct Writer {
    text: String,
}

impl Writer {
    /// A node inside a block that is indented so far; `None` at the root.
    fn node(
        &mut self,
        value: &Value,
        indent: Option<usize>,
        place: Place,
        depth: usize,
    ) -> Result<(), String> {
        if depth == 0 {
            return Err(format!("the value is nested more than {DEPTH_MAX} deep"));
        }
        self.check_length(0)?;
        let inner = indent.map_or(0, |indent| indent + 2);
        match value.kind() {
            Kind::List(elements) | Kind::Set(elements) if !elements.is_empty() => {
                // A list under a key is not indented further.
                let own = if place == Place::Key { indent.unwrap_or(0) } else { inner };
                self.list(elements, own, place, depth)
            }
            Kind::Map(entries) if !entries.is_empty() => self.entries(entries, inner, place, depth),
            Kind::Object(object) if !object.fields.is_empty() => {
                self.entries(&object.fields, inner, place, depth)
            }
            _ => {
                if place == Place::Key {
                    self.text.push(' ');
                }
                self.scalar(value, indent.map_or(2, |indent| indent + 2))
            }
        }
    }

    fn list(&mut self, elements: &[Value], own: usize, place: Place, depth: usize) -> Result<(), String> {
        for (at, element) in elements.iter().enumerate() {
            if at > 0 || place != Place::Dash {
                self.start_line(own);
            }
            self.text.push_str("- ");
            self.node(element, Some(own), Place::Dash, depth - 1)?;
        }
        Ok(())
    }

    fn entries(
        &mut self,
        entries: &BTreeMap<String, Value>,
        own: usize,
        place: Place,
        depth: usize,
    ) -> Result<(), String> {
        for (at, (key, value)) in entries.iter().enumerate() {
            if at > 0 || place != Place::Dash {
                self.start_line(own);
            }
            if key.len() > KEY_MAX || key.contains('\n') {
                self.text.push_str("? ");
                self.string(key, own + 2)?;
                self.start_line(own);
            } else {
                self.quoted(key, None);
            }
            self.text.push(':');
            self.node(value, Some(own), Place::Key, depth - 1)?;
        }
        Ok(())
    }

    fn scalar(&mut self, value: &Value, indent: usize) -> Result<(), String> {
        match value.kind() {
            Kind::Null => self.text.push_str("null"),
            Kind::Bool(truth) => self.text.push_str(if *truth { "true" } else { "false" }),
            Kind::Number(number) => self.text.push_str(&number::show(number)),
            Kind::String(text) => self.string(text, indent)?,
            Kind::List(_) | Kind::Set(_) => self.text.push_str("[]"),
            Kind::Map(_) | Kind::Object(_) => self.text.push_str("{}"),
            Kind::Unknown(_) | Kind::Fingerprint(_) => return Err("the value is not wholly known".into()),
        }
        Ok(())
    }

    fn start_line(&mut self, indent: usize) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.text.push_str(&" ".repeat(indent));
    }

    fn check_length(&self, more: usize) -> Result<(), String> {
        match self.text.len().saturating_add(more) > TEXT_MAX {
            true => Err(format!("the text would have more than {TEXT_MAX} bytes")),
            false => Ok(()),
        }
    }

    fn string(&mut self, text: &str, indent: usize) -> Result<(), String> {
        let lines = text.matches('\n').count() + text.len() / WIDTH;
        self.check_length(lines.saturating_mul(indent).saturating_add(text.len()))?;
        match text.contains('\n') && fits_block(text) {
            true => self.block(text, indent),
            false => self.quoted(text, Some(indent)),
        }
        Ok(())
    }

    fn block(&mut self, text: &str, indent: usize) {
        self.text.push('|');
        if text.starts_with([' ', '\n']) {
            self.text.push('2');
        }
        match text.strip_suffix('\n') {
            None => self.text.push('-'),
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => self.text.push('+'),
            Some(_) => {}
        }
        self.text.push('\n');
        for line in text.split_inclusive('\n') {
            if line != "\n" {
                self.text.push_str(&" ".repeat(indent));
            }
            self.text.push_str(line);
        }
    }

    /// A text in double quotes; with an indentation, long ones are broken at spaces.
    fn quoted(&mut self, text: &str, indent: Option<usize>) {
        let line_start = self.text.rfind('\n').map_or(0, |at| at + 1);
        let mut column = self.text[line_start..].chars().count() + 1;
        self.text.push('"');
        let mut after_space = false;
        let mut letters = text.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            let inside = at > 0 && letters.peek().is_some();
            match indent {
                Some(indent) if letter == ' ' && !after_space && column > WIDTH && inside => {
                    self.start_line(indent);
                    column = indent;
                    if letters.peek().is_some_and(|(_, next)| *next == ' ') {
                        self.text.push('\\');
                        column += 1;
                    }
                }
                _ => column += self.escaped(letter),
            }
            after_space = letter == ' ';
        }
        self.text.push('"');
    }

    /// Writes a character as it stands in double quotes; gives its width.
    fn escaped(&mut self, letter: char) -> usize {
        let before = self.text.len();
        // Writing to a string cannot fail.
        let _ = match letter {
            '"' => self.text.write_str("\\\""),
            '\\' => self.text.write_str("\\\\"),
            '\0' => self.text.write_str("\\0"),
            '\u{7}' => self.text.write_str("\\a"),
            '\u{8}' => self.text.write_str("\\b"),
            '\t' => self.text.write_str("\\t"),
            '\n' => self.text.write_str("\\n"),
            '\u{b}' => self.text.write_str("\\v"),
            '\u{c}' => self.text.write_str("\\f"),
            '\r' => self.text.write_str("\\r"),
            '\u{1b}' => self.text.write_str("\\e"),
            '\u{85}' => self.text.write_str("\\N"),
            '\u{2028}' => self.text.write_str("\\L"),
            '\u{2029}' => self.text.write_str("\\P"),
            letter if is_printable(letter) => {
                self.text.push(letter);
                return 1;
            }
            letter => match u32::from(letter) {
                code @ 0..=0xff => write!(self.text, "\\x{code:02X}"),
                code @ 0x100..=0xffff => write!(self.text, "\\u{code:04X}"),
                code => write!(self.text, "\\U{code:08X}"),
            },
        };
        self.text.len() - before
    }
}

/// Whether a text of several lines can be written as a literal block.
fn fits_block(text: &str) -> bool {
    text.chars().all(|letter| letter == '\n' || is_printable(letter))
        && !text.contains(" \n")
        && !text.ends_with(' ')
}

fn is_printable(letter: char) -> bool {
    matches!(letter, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}
