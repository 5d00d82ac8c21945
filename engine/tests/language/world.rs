//! What the tables' expressions may use: files, names, and a way to write down what comes out.

use std::collections::BTreeMap;

use meshform_engine::diagnostic::{Diagnostics, Sources};
use meshform_engine::files::{FileError, Files};
use meshform_engine::lang::{Expression, FunctionContext, Scope, evaluate};
use meshform_engine::syntax;
use meshform_engine::types::{Field, Type};
use meshform_engine::value::{Kind, Value};

/// 2018-01-03T17:20:00.123Z.
const NOW_MS: i64 = 1_515_000_000_123;

/// The files of the stack's folder.
pub(crate) const FILES: &[(&str, &[u8])] = &[
    ("binary", b"\xff"),
    ("empty", b""),
    ("failing.tpl", b"a\nb ${name.x}\n"),
    ("hello.txt", b"hello\n"),
    ("key.pem", include_bytes!("files/key.pem")),
    ("key-pkcs8.pem", include_bytes!("files/key-pkcs8.pem")),
    ("loop.tpl", b"${templatefile(\"loop.tpl\", {})}"),
    ("names.tpl", b"%{ for name in names ~}\nhello ${name}\n%{ endfor ~}\n"),
    ("sub/a.txt", b"a"),
    ("sub/deep/b.txt", b"b"),
    ("umlaut.txt", "größe\n".as_bytes()),
    ("wrong.tpl", b"a\n${1 +}\n"),
];

/// Files by path. Patterns know `*` at the start and `**/`.
#[derive(Default)]
pub(crate) struct Shelf(BTreeMap<String, Vec<u8>>);

impl Shelf {
    pub(crate) fn new() -> Self {
        let stack = FILES.iter().map(|(path, bytes)| (format!("stack/{path}"), bytes.to_vec()));
        Self(stack.chain([("/home/me/key".to_owned(), b"k".to_vec())]).collect())
    }

    pub(crate) fn with(path: &str, bytes: Vec<u8>) -> Self {
        Self(BTreeMap::from([(path.to_owned(), bytes)]))
    }
}

impl Files for Shelf {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        self.0.get(path).cloned().ok_or(FileError::NotFound)
    }

    fn glob(&self, base: &str, pattern: &str) -> Result<Vec<String>, FileError> {
        let (deep, pattern) = pattern.strip_prefix("**/").map_or((false, pattern), |rest| (true, rest));
        let (folder, name) = pattern.rsplit_once('/').map_or(("", pattern), |(folder, name)| (folder, name));
        let matches = |path: &str| {
            let (path_folder, path_name) = path.rsplit_once('/').unwrap_or(("", path));
            let named =
                name.strip_prefix('*').map_or(path_name == name, |suffix| path_name.ends_with(suffix));
            named && (deep || path_folder == folder)
        };
        let inside = self.0.keys().filter_map(|path| path.strip_prefix(base)?.strip_prefix('/'));
        Ok(inside.filter(|path| matches(path)).map(str::to_owned).collect())
    }

    fn exists(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    fn home(&self) -> Option<String> {
        Some("/home/me".into())
    }

    fn current(&self) -> Option<String> {
        Some("/home/me/work".into())
    }
}

/// The names that the expressions may use.
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
    scope.set_in("var", "template", Value::from("a=${a}, b=${b}"));
    scope.set_in("var", "region", Value::from("eu"));
    scope.set_in("var", "secret", Value::from("hunter2").sensitive());
    scope.set_in("var", "stored", Value::new(Kind::Fingerprint("f1".into())).sensitive());
    scope.set_in("kube_object", "web", Value::open_object([("kind".into(), "Service".into())]));
    scope.set("each", Value::object([("key".into(), "a".into()), ("value".into(), Value::number(1))]));
    scope.declare_root("local");
    scope
}

/// The value of an expression in a stack of some files, and what is wrong with it in words: `summary @ underlined: detail`.
pub(crate) fn evaluated(text: &str, files: &Shelf) -> (Value, Vec<String>) {
    let functions = FunctionContext { files, base: "stack", workspace: "default", now: NOW_MS, impure: None };
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
    (value, said.collect())
}

/// The lines of a table that say what comes out of an expression.
pub(crate) fn outcome(text: &str) -> Vec<String> {
    let (value, said) = evaluated(text, &Shelf::new());
    match said.is_empty() {
        true => vec![format!("= {}", shown(&value))],
        false => said.join("\n").lines().map(|line| format!("! {line}").trim_end().to_owned()).collect(),
    }
}

/// A value in full, with its marks.
pub(crate) fn shown(value: &Value) -> String {
    if value.is_sensitive() && !matches!(value.kind(), Kind::Fingerprint(_)) {
        let plain = Value::new(value.kind().clone());
        let plain = value.stated().cloned().map_or(plain.clone(), |ty| plain.stating(ty));
        return format!("sensitive({})", shown(&plain));
    }
    let list = |elements: &[Value]| elements.iter().map(shown).collect::<Vec<_>>().join(", ");
    let entries = |entries: &BTreeMap<String, Value>| {
        let entries = entries.iter().map(|(key, value)| format!("{key:?}: {}", shown(value)));
        format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
    };
    match value.kind() {
        Kind::List(elements) if value.is_list() => format!("tolist([{}])", list(elements)),
        Kind::List(elements) => format!("[{}]", list(elements)),
        Kind::Set(elements) => format!("toset([{}])", list(elements)),
        Kind::Map(map) => format!("tomap({})", entries(map)),
        Kind::Object(object) => entries(&object.fields) + if object.open { " (open)" } else { "" },
        _ => format!("{value:?}"),
    }
}
