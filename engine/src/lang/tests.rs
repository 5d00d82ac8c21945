//! Expressions in, values or diagnostics out. The results are those of `terraform console` (1.11), except where the module's
//! documentation says otherwise.

mod collections;
mod conversions;
mod diagnostics;
mod encodings;
mod expressions;
mod files;
mod heredocs;
mod nasty;
mod numbers;
mod references;
mod sensitive;
mod strings;
mod templates;
mod times;
mod unknowns;
mod yaml;

use std::collections::BTreeMap;

use super::*;
use crate::diagnostic::{Diagnostics, Sources};
use crate::files::{FileError, Files};
use crate::syntax;
use crate::types::{Field, Type};
use crate::value::{Kind, Value};

/// Files by path.
#[derive(Default)]
struct Shelf(BTreeMap<&'static str, &'static [u8]>);

impl Files for Shelf {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        self.0.get(path).map(|bytes| bytes.to_vec()).ok_or(FileError::NotFound)
    }

    fn glob(&self, base: &str, pattern: &str) -> Result<Vec<String>, FileError> {
        let suffix = pattern.trim_start_matches('*');
        let inside = self.0.keys().filter_map(|path| path.strip_prefix(base)?.strip_prefix('/'));
        Ok(inside.filter(|path| path.ends_with(suffix)).map(str::to_owned).collect())
    }

    fn exists(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    fn home(&self) -> Option<String> {
        Some("/home/me".into())
    }
}

fn shelf() -> Shelf {
    let template = b"%{ for name in names ~}\nhello ${name}\n%{ endfor ~}\n";
    Shelf(BTreeMap::from([
        ("stack/hello.txt", &b"hello\n"[..]),
        ("stack/names.tpl", template),
        ("stack/wrong.tpl", b"a\n${1 +}\n"),
        ("stack/failing.tpl", b"a\nb ${name.x}\n"),
        ("stack/loop.tpl", b"${templatefile(\"loop.tpl\", {})}"),
        ("stack/binary", b"\xff"),
        ("/home/me/key", b"k"),
    ]))
}

/// The names that the tests' expressions may use.
fn names<'a>(functions: &'a FunctionContext<'a>) -> Scope<'a> {
    let field = |ty| Field { ty, optional: false };
    let pod = Type::Object(BTreeMap::from([
        ("name".into(), field(Type::String)),
        ("port".into(), field(Type::Number)),
    ]));
    let mut scope = Scope::new(functions);
    scope.set_in("var", "any", Value::unknown(Type::Any));
    scope.set_in("var", "text", Value::unknown(Type::String));
    scope.set_in("var", "number", Value::unknown(Type::Number));
    scope.set_in("var", "bool", Value::unknown(Type::Bool));
    scope.set_in("var", "pods", Value::unknown(pod.clone().list()));
    scope.set_in("var", "pod", Value::unknown(pod));
    scope.set_in("var", "map", Value::unknown(Type::Number.map()));
    scope.set_in("var", "region", Value::from("eu"));
    scope.set_in("var", "secret", Value::from("hunter2").sensitive());
    scope.set_in("var", "stored", Value::new(Kind::Fingerprint("f1".into())).sensitive());
    scope.set_in("kube_object", "web", Value::open_object([("kind".into(), "Service".into())]));
    scope.set("each", Value::object([("key".into(), "a".into()), ("value".into(), Value::number(1))]));
    scope.declare_root("local");
    scope
}

/// A value's debug form, or every diagnostic as `summary @ underlined: detail`, one a line.
fn outcome(text: &str) -> String {
    let files = shelf();
    let functions = FunctionContext { files: &files, base: "stack", now: 1_515_000_000_123 };
    let mut sources = Sources::default();
    let source = sources.add("console", text);
    let text = sources.get(source).unwrap().text.as_str();
    let mut diagnostics = Diagnostics::new();
    let value = match syntax::parse_expression(source, text) {
        Ok(ast) => evaluate(&Expression::new(source, text.into(), ast), &names(&functions), &mut diagnostics),
        Err(diagnostic) => {
            diagnostics.push(diagnostic);
            Value::null()
        }
    };
    let said = diagnostics.iter().map(|diagnostic| {
        let place = diagnostic.span.as_ref().and_then(|span| sources.text(span)).unwrap_or("(no place)");
        format!("{} @ {place}: {}", diagnostic.summary, diagnostic.detail)
    });
    match diagnostics.is_empty() {
        true => format!("{value:?}"),
        false => said.collect::<Vec<_>>().join("\n"),
    }
}

/// Expressions and what comes out of them. All that differ are told at once.
fn check(table: &[(&str, &str)]) {
    let wrong = table.iter().filter_map(|(text, expect)| {
        let found = outcome(text);
        (found != *expect).then(|| format!("{text}\n  expected {expect}\n  found    {found}\n"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join(""));
}
