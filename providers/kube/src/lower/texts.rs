//! The texts that a `kube_manifests` names: files, patterns of them, and its own content.

use std::collections::BTreeSet;

use meshform_engine::files::FileError;
use meshform_engine::ports::{LowerRequest, Problem};
use meshform_engine::value::{Path, PathStep, Value};

use super::{Manifest, error, items};
use crate::document;

/// One text with documents.
pub(super) struct Text {
    /// How it is called in messages.
    name: String,
    /// The attribute that it comes from.
    path: Path,
    content: String,
    hidden: bool,
}

/// All texts, or `None` while one is unknown.
pub(super) fn texts(request: &LowerRequest<'_>) -> Result<Option<Vec<Text>>, Vec<Problem>> {
    let mut texts = Vec::new();
    let mut problems = Vec::new();
    for name in ["paths", "content", "namespace"] {
        if request.desired.get(name).is_some_and(|value| !value.is_known()) {
            return Ok(None);
        }
    }
    let paths = request.desired.get("paths").and_then(Value::as_list).unwrap_or_default();
    let mut seen = BTreeSet::new();
    for (index, path) in paths.iter().enumerate() {
        let Some(text) = path.as_str() else { return Ok(None) };
        let at = Path::attribute("paths").join(PathStep::Index(index));
        match files(request, text, &at) {
            Ok(found) => texts.extend(found.into_iter().filter(|text| seen.insert(text.name.clone()))),
            Err(problem) => problems.push(problem),
        }
    }
    let content = request.desired.get("content").filter(|content| !content.is_null());
    texts.extend(content.and_then(|content| {
        Some(Text {
            name: "`content`".into(),
            path: Path::attribute("content"),
            content: content.as_str()?.to_owned(),
            hidden: content.is_sensitive(),
        })
    }));
    if texts.is_empty() && problems.is_empty() && request.found.is_none() {
        let detail =
            "Give `paths`, a list of files or glob patterns, `content`, or `kustomize`, or several of them.";
        problems.push(error("There are no manifests", detail, Path::default()));
    }
    if problems.is_empty() { Ok(Some(texts)) } else { Err(problems) }
}

fn files(request: &LowerRequest<'_>, path: &str, at: &Path) -> Result<Vec<Text>, Problem> {
    let is_pattern = path.contains(['*', '?', '[']);
    let paths = match is_pattern {
        true => request.files.glob(request.folder, path).map_err(|problem| unreadable(path, &problem, at))?,
        false => vec![path.to_owned()],
    };
    if paths.is_empty() {
        let detail = format!("No file matches {path:?} in {}.", request.folder);
        return Err(error("No such files", detail, at.clone()));
    }
    paths.into_iter().map(|path| file(request, path, at)).collect()
}

fn file(request: &LowerRequest<'_>, path: String, at: &Path) -> Result<Text, Problem> {
    let full = super::in_folder(request.folder, &path);
    let bytes = request.files.read(&full).map_err(|problem| unreadable(&path, &problem, at))?;
    let content = String::from_utf8(bytes)
        .map_err(|_| error("The file is not text", format!("{path} is not UTF-8."), at.clone()))?;
    Ok(Text { name: path, path: at.clone(), content, hidden: false })
}

fn unreadable(path: &str, problem: &FileError, at: &Path) -> Problem {
    error("The file cannot be read", format!("Could not read {path:?}: {problem}."), at.clone())
}

/// The manifests of a text; what cannot be read is a problem.
pub(super) fn manifests(text: &Text, problems: &mut Vec<Problem>) -> Vec<Manifest> {
    let (documents, errors) = document::parse(&text.content);
    problems.extend(errors.into_iter().map(|wrong| {
        let detail =
            format!("In {}, document {}, line {}: {}.", text.name, wrong.number, wrong.line, wrong.problem);
        error("The document is not valid YAML", detail, text.path.clone())
    }));
    let each = documents.iter().flat_map(|document| {
        let place = format!("{}, document {} (line {})", text.name, document.number, document.line);
        items(&document.content, &place, &text.path, text.hidden)
    });
    each.collect()
}
