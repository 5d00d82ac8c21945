//! Functions over files and paths.

use super::{Call, Failure, Function, Outcome, Parameter, Shape, encoding};
use crate::files::FileError;
use crate::lang::FunctionContext;
use crate::types::Type;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("abspath", &[Parameter::text("path")], Shape::Text, abspath),
    Function::new("basename", &[Parameter::text("path")], Shape::Text, basename),
    Function::new("dirname", &[Parameter::text("path")], Shape::Text, dirname),
    Function::new("file", &[Parameter::text("path")], Shape::Text, file),
    Function::new("filebase64", &[Parameter::text("path")], Shape::Text, |call| {
        Ok(encoding::encode(&read(call.text(0)?, call.context)?))
    }),
    Function::new("fileexists", &[Parameter::text("path")], Shape::Bool, file_exists),
    Function::new("fileset", &[Parameter::text("folder"), Parameter::text("pattern")], Shape::Set, file_set),
    Function::new("pathexpand", &[Parameter::text("path")], Shape::Text, path_expand),
];

/// The text of a file.
pub(in crate::lang) fn read_text(path: &str, context: &FunctionContext<'_>) -> Result<String, Failure> {
    let bytes = read(path, context)?;
    String::from_utf8(bytes)
        .map_err(|_| Failure::at(0, "the file is not UTF-8 text; filebase64 reads any file").showing(path))
}

/// The bytes of a file.
pub(super) fn read(path: &str, context: &FunctionContext<'_>) -> Result<Vec<u8>, Failure> {
    context.files.read(&resolve(path, context)).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &str, error: &FileError) -> Failure {
    Failure::at(0, format!("the file cannot be read: {error}")).showing(path)
}

/// A path as the outer world understands it: `~` expanded, and relative ones taken from the stack's folder.
fn resolve(path: &str, context: &FunctionContext<'_>) -> String {
    let path = expanded(path, context);
    match context.base {
        _ if path.starts_with('/') => path,
        "" | "." => path,
        base => clean(&format!("{base}/{path}")),
    }
}

fn expanded(path: &str, context: &FunctionContext<'_>) -> String {
    let inside_home = path == "~" || path.starts_with("~/");
    match context.files.home().filter(|_| inside_home) {
        Some(home) => format!("{}{}", home.trim_end_matches('/'), &path[1..]),
        None => path.to_owned(),
    }
}

fn file(call: &Call<'_>) -> Outcome {
    read_text(call.text(0)?, call.context).map(Value::from)
}

fn file_exists(call: &Call<'_>) -> Outcome {
    Ok(Value::bool(call.context.files.exists(&resolve(call.text(0)?, call.context))))
}

fn file_set(call: &Call<'_>) -> Outcome {
    let folder = resolve(call.text(0)?, call.context);
    let found = call.context.files.glob(&folder, call.text(1)?);
    let found = found.map_err(|error| Failure::at(1, format!("the files cannot be listed: {error}")))?;
    Ok(Value::set(found.into_iter().map(Value::from)).stating(Type::String))
}

fn abspath(call: &Call<'_>) -> Outcome {
    let path = resolve(call.text(0)?, call.context);
    match call.context.files.current() {
        _ if path.starts_with('/') => Ok(clean(&path).into()),
        Some(current) => Ok(clean(&format!("{current}/{path}")).into()),
        None => Err(Failure::new("the current folder is not known here")),
    }
}

fn path_expand(call: &Call<'_>) -> Outcome {
    Ok(expanded(call.text(0)?, call.context).into())
}

fn basename(call: &Call<'_>) -> Outcome {
    let path = call.text(0)?;
    let trimmed = path.trim_end_matches('/');
    Ok(match (path, trimmed) {
        ("", _) => ".".into(),
        (_, "") => "/".into(),
        (_, trimmed) => trimmed.rsplit('/').next().unwrap_or_default().into(),
    })
}

fn dirname(call: &Call<'_>) -> Outcome {
    let path = call.text(0)?;
    let folder = path.rfind('/').map_or("", |at| &path[..=at]);
    Ok(clean(folder).into())
}

/// A path without `.`, `..` and repeated slashes, as far as its text tells.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let rooted = path.starts_with('/');
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".into(),
        (false, false) => parts.join("/"),
    }
}
