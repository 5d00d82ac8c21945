//! The types of the tables' results, and what Terraform's console says that they are.
//!
//! A plan does not tell a list from a tuple, nor a map from an object; the console's `type` does. It is asked for the type of a tuple of
//! very many expressions; when that fails, for that of each half. Where we differ is in `type_differences.txt`, with the reason.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use meshform_engine::lang::type_of_value;
use meshform_engine::types::Type;

use crate::cases::{Table, all};
use crate::terraform::{NOT_ASKED, is_comparable, judge, stack, terraform};
use crate::world::{Shelf, evaluated};

#[test]
fn types_are_those_of_terraform() {
    let Some(binary) = terraform() else {
        eprintln!("NOT RUN: there is no terraform on the PATH, so the types are not compared with it");
        return;
    };
    let tables = all();
    let cases = tables.iter().filter(|table| table.name() != NOT_ASKED).flat_map(Table::cases);
    let asked: Vec<(&str, Ours)> = cases
        .map(|case| case.expression.as_str())
        .filter(|text| is_comparable(text))
        .filter_map(|text| Some((text, ours(text)?)))
        .collect();
    let expressions: Vec<&str> = asked.iter().map(|(text, _)| *text).collect();
    let theirs = told(&binary, &stack("types"), &expressions);
    let compared =
        asked.iter().zip(&theirs).filter_map(|((text, ours), theirs)| Some((*text, ours, theirs.as_ref()?)));
    let differences: BTreeMap<&str, [String; 2]> = compared
        .clone()
        .filter(|(_, ours, theirs)| !ours.agrees(theirs))
        .map(|(text, ours, theirs)| (text, [ours.ty.clone(), theirs.clone()]))
        .collect();
    println!("{} types compared with terraform, {} differ", compared.count(), differences.len());
    judge(&differences, "type_differences.txt");
}

/// The type of what comes out here.
struct Ours {
    ty: String,
    is_wholly_known: bool,
}

impl Ours {
    /// What one of both does not know is no difference; but of what is known, everything must be.
    fn agrees(&self, theirs: &str) -> bool {
        match self.is_wholly_known {
            true => agree(theirs, &self.ty, false),
            false => agree(theirs, &self.ty, true),
        }
    }
}

/// Whether two types are the same but for parts that the first one leaves open, and, if that is allowed, the second one.
fn agree(first: &str, second: &str, either: bool) -> bool {
    const OPEN: &str = "dynamic";
    match (first.strip_prefix(OPEN), second.strip_prefix(OPEN)) {
        (Some(first), Some(second)) => return agree(first, second, either),
        (Some(first), None) => return agree(first, &second[end(second)..], either),
        (None, Some(second)) if either => return agree(&first[end(first)..], second, either),
        _ => {}
    }
    let (mut first, mut second) = (first.chars(), second.chars());
    match (first.next(), second.next()) {
        (None, None) => true,
        (a, b) => a == b && agree(first.as_str(), second.as_str(), either),
    }
}

/// Where the type that a text starts with ends.
fn end(text: &str) -> usize {
    let mut depth = 0usize;
    let ends = |letter| match letter {
        '(' | '[' | '{' => {
            depth += 1;
            false
        }
        ')' | ']' | '}' if depth > 0 => {
            depth -= 1;
            false
        }
        letter => depth == 0 && matches!(letter, ')' | ']' | '}' | ','),
    };
    text.find(ends).unwrap_or(text.len())
}

fn ours(text: &str) -> Option<Ours> {
    let (value, said) = evaluated(text, &Shelf::new());
    let ty: String = written(&type_of_value(&value)).split_whitespace().collect();
    said.is_empty().then(|| Ours { ty, is_wholly_known: value.is_wholly_known() })
}

/// A type as Terraform writes it, without spaces and line breaks.
fn written(ty: &Type) -> String {
    match ty {
        Type::Any => "dynamic".to_owned(),
        Type::Bool | Type::Number | Type::String => ty.name().to_owned(),
        Type::List(element) | Type::Set(element) | Type::Map(element) => {
            format!("{}({})", ty.name(), written(element))
        }
        Type::Tuple(elements) => {
            format!("tuple([{}])", elements.iter().map(written).collect::<Vec<_>>().join(","))
        }
        Type::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| format!("{name}:{}", written(&field.ty)));
            format!("object({{{}}})", fields.collect::<Vec<_>>().join(","))
        }
    }
}

/// What the console says of each expression, as far as it can evaluate it.
fn told(binary: &Path, stack: &Path, expressions: &[&str]) -> Vec<Option<String>> {
    match (console(binary, stack, expressions), expressions) {
        (Some(types), _) if types.len() == expressions.len() => types.into_iter().map(Some).collect(),
        (_, [] | [_]) => vec![None; expressions.len()],
        _ => {
            let (first, second) = expressions.split_at(expressions.len() / 2);
            [first, second].into_iter().flat_map(|half| told(binary, stack, half)).collect()
        }
    }
}

/// The types of some expressions, if all of them have one.
fn console(binary: &Path, stack: &Path, expressions: &[&str]) -> Option<Vec<String>> {
    let elements: String =
        expressions.iter().map(|text| format!("    {},\n", text.replace("var.", "local."))).collect();
    fs::write(stack.join("asked.tf"), format!("locals {{\n  asked = [\n{elements}  ]\n}}\n")).unwrap();
    let question = stack.join("question");
    fs::write(&question, "type(local.asked)\n").unwrap();
    let output = Command::new(binary)
        .arg("console")
        .current_dir(stack)
        .env("HOME", "/home/me")
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .stdin(fs::File::open(question).unwrap())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let answer: String = String::from_utf8_lossy(&output.stdout).split_whitespace().collect();
    Some(parts(answer.strip_prefix("tuple([")?.strip_suffix("])")?))
}

/// The types between commas. What Terraform puts behind a last part is taken away.
fn parts(text: &str) -> Vec<String> {
    let text = text.replace(",]", "]").replace(",}", "}").replace(",)", ")");
    let mut rest = text.as_str();
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (part, after) = rest.split_at(end(rest));
        parts.push(part.to_owned());
        rest = after.strip_prefix(',').unwrap_or_default();
    }
    parts
}
