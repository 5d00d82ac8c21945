//! JSON with exact numbers, both ways.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Call, Failure, Function, Outcome, Parameter, Shape};
use crate::lang::limits::{PARTS_MAX, TEXT_MAX};
use crate::lang::number;
use crate::value::{Kind, Value};

/// How deep values may be nested.
const DEPTH_MAX: usize = 128;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("jsondecode", &[Parameter::text("text")], Shape::Any, |call: &Call<'_>| -> Outcome {
        read(call.text(0)?).map_err(|problem| Failure::at(0, problem))
    }),
    Function::new("jsonencode", &[Parameter::any("value").nullable()], Shape::Text, |call| {
        write(call.value(0)?).map(Value::from).map_err(|problem| Failure::at(0, problem))
    }),
];

/// The JSON text of a wholly known value, without spaces.
pub(super) fn write(value: &Value) -> Result<String, String> {
    let mut text = String::new();
    write_into(&mut text, value, DEPTH_MAX)?;
    Ok(text)
}

fn write_into(text: &mut String, value: &Value, depth: usize) -> Result<(), String> {
    if depth == 0 {
        return Err(format!("the value is nested more than {DEPTH_MAX} deep"));
    }
    if text.len() > TEXT_MAX {
        return Err(format!("the text would have more than {TEXT_MAX} bytes"));
    }
    match value.kind() {
        Kind::Null => text.push_str("null"),
        Kind::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Kind::Number(number) => text.push_str(&number::show(number)),
        Kind::String(own) => text.push_str(&quoted(own, true)),
        Kind::List(elements) | Kind::Set(elements) => {
            text.push('[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write_into(text, element, depth - 1)?;
            }
            text.push(']');
        }
        Kind::Map(entries) => write_entries(text, entries, depth)?,
        Kind::Object(object) => write_entries(text, &object.fields, depth)?,
        Kind::Unknown(_) | Kind::Fingerprint(_) => return Err("the value is not wholly known".into()),
    }
    Ok(())
}

fn write_entries(text: &mut String, entries: &BTreeMap<String, Value>, depth: usize) -> Result<(), String> {
    text.push('{');
    for (at, (name, value)) in entries.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(&quoted(name, true));
        text.push(':');
        write_into(text, value, depth - 1)?;
    }
    text.push('}');
    Ok(())
}

/// A JSON string. `html` also escapes what could end a script or a tag, as Terraform's `jsonencode` does.
pub(super) fn quoted(text: &str, html: bool) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\u{2028}' | '\u{2029}' => push_code(&mut quoted, letter),
            '<' | '>' | '&' if html => push_code(&mut quoted, letter),
            control if control.is_ascii_control() && control != '\u{7f}' => push_code(&mut quoted, control),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

fn push_code(text: &mut String, letter: char) {
    // Writing to a string cannot fail.
    let _ = write!(text, "\\u{:04x}", u32::from(letter));
}

/// The value of a JSON text. The error is a fragment that names the line.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader { text, at: 0, parts: 0 };
    let value = reader.value(DEPTH_MAX)?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.wrong("there is something after the value")),
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// How many values there were so far.
    parts: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, String> {
        self.skip_space();
        if depth == 0 {
            return Err(self.wrong(&format!("it is nested more than {DEPTH_MAX} deep")));
        }
        self.parts += 1;
        if self.parts > PARTS_MAX {
            return Err(self.wrong(&format!("it holds more than {PARTS_MAX} values")));
        }
        match self.peek() {
            Some(b'{') => self.object(depth - 1),
            Some(b'[') => self.array(depth - 1),
            Some(b'"') => self.string().map(Value::from),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => self.word(),
            None => Err(self.wrong("a value is missing")),
        }
    }

    fn word(&mut self) -> Result<Value, String> {
        for (word, value) in [("null", Value::null()), ("true", true.into()), ("false", false.into())] {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.wrong("expected a value"))
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        let mut fields = BTreeMap::new();
        self.at += 1;
        self.skip_space();
        if self.take(b'}') {
            return Ok(Value::object(fields));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.wrong("expected a name in double quotes"));
            }
            let name = self.string()?;
            self.skip_space();
            if !self.take(b':') {
                return Err(self.wrong("expected a colon"));
            }
            let value = self.value(depth)?;
            fields.insert(name, value);
            self.skip_space();
            if self.take(b'}') {
                return Ok(Value::object(fields));
            }
            if !self.take(b',') {
                return Err(self.wrong("expected a comma or }"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, String> {
        let mut elements = Vec::new();
        self.at += 1;
        self.skip_space();
        if self.take(b']') {
            return Ok(Value::list(elements));
        }
        loop {
            elements.push(self.value(depth)?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Value::list(elements));
            }
            if !self.take(b',') {
                return Err(self.wrong("expected a comma or ]"));
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        let mut text = String::new();
        self.at += 1;
        loop {
            let rest = self.rest();
            let plain =
                rest.find(|letter: char| matches!(letter, '"' | '\\') || letter < ' ').unwrap_or(rest.len());
            text.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(self.wrong("a string holds a control character")),
                None => return Err(self.wrong("a string has no end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let letter = self.text.as_bytes().get(self.at + 1).copied();
        self.at += 2;
        Ok(match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.code(),
            _ => {
                self.at = self.at.min(self.text.len());
                return Err(self.wrong("a string has an invalid escape"));
            }
        })
    }

    /// Four hexadecimal digits, or two times four for what lies beyond. A half of a pair stands for the replacement character.
    fn code(&mut self) -> Result<char, String> {
        let first = self.hexadecimal()?;
        if !(0xd800..0xdc00).contains(&first) || !self.rest().starts_with("\\u") {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let back = self.at;
        self.at += 2;
        let second = self.hexadecimal()?;
        if !(0xdc00..0xe000).contains(&second) {
            self.at = back;
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let both = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        Ok(char::from_u32(both).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hexadecimal(&mut self) -> Result<u32, String> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.wrong("\\u needs four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
    }

    fn number(&mut self) -> Result<Value, String> {
        let rest = self.rest();
        let length = rest.bytes().take_while(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte)).count();
        let literal = &rest[..length];
        if !is_json_number(literal) {
            return Err(self.wrong("this is not a number"));
        }
        let parsed = number::parse(literal).ok_or_else(|| self.wrong("the number is out of range"))?;
        self.at += length;
        Ok(Value::number(parsed))
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn wrong(&self, problem: &str) -> String {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        format!("the text is not JSON: line {}: {problem}", before.matches('\n').count() + 1)
    }
}

/// JSON knows no leading zeros, no plus sign, and no point without digits on both sides.
fn is_json_number(literal: &str) -> bool {
    let unsigned = literal.strip_prefix('-').unwrap_or(literal);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}
