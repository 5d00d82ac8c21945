//! `kube_manifests` into its parts: every document of its files becomes a `kube_object`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use meshform_engine::diagnostic::Severity;
use meshform_engine::files::FileError;
use meshform_engine::ports::{LowerRequest, Part, Problem};
use meshform_engine::value::{Kind, Path, PathStep, Value};

use crate::check::check;
use crate::document::{self, Document};
use crate::identity::{ObjectName, TypeName};
use crate::manifest::normalise;
use crate::order::{self, Item};

/// The parts, or `None` while too much is unknown.
pub(crate) fn lower(request: &LowerRequest<'_>) -> Result<Option<Vec<Part>>, Vec<Problem>> {
    let Some(texts) = texts(request)? else { return Ok(None) };
    let mut problems = Vec::new();
    let found: Vec<_> = texts.iter().flat_map(|text| manifests(text, &mut problems)).collect();
    let scopes = defined_scopes(&found);
    let namespace = request.desired.get_str("namespace");
    let mut parts = Found::new();
    for one in found {
        let manifest = in_namespace(&one.manifest, namespace, &scopes);
        // What an export has besides (status, uid, …) goes without a word; in HCL it would be a mistake.
        let manifest = if manifest.as_map().is_some() { normalise(&manifest) } else { manifest };
        let wrong = check(&manifest, &Path::default());
        problems.extend(wrong.iter().map(|problem| one.at(problem.clone())));
        let (true, Some(of_type), Some(name)) =
            (wrong.is_empty(), TypeName::of(&manifest), ObjectName::of(&manifest))
        else {
            continue;
        };
        match parts.entry(key(&of_type, &name)) {
            Entry::Occupied(first) => problems.push(duplicate(&name, &first.get().2, &one)),
            Entry::Vacant(free) => drop(free.insert((name, manifest, one))),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Some(parts_of(request.desired, parts)))
}

type Found = BTreeMap<String, (ObjectName, Value, Manifest)>;

fn parts_of(desired: &Value, found: Found) -> Vec<Part> {
    let items: Vec<_> = found
        .iter()
        .map(|(key, (name, manifest, _))| Item::new(key.clone(), name.clone(), manifest))
        .collect();
    let given = |name: &str| desired.get(name).cloned().unwrap_or_else(Value::null);
    found
        .into_iter()
        .zip(order::after(&items))
        .map(|((key, (_, manifest, one)), after)| Part {
            key,
            desired: Value::object([
                ("manifest".to_owned(), if one.hidden { with_leaves_marked(&manifest) } else { manifest }),
                ("wait".to_owned(), given("wait")),
                ("force_conflicts".to_owned(), given("force_conflicts")),
            ]),
            after,
        })
        .collect()
}

/// `apps/v1/Deployment/web/page`: the version is part of the key, as people know it from `apiVersion`.
fn key(of_type: &TypeName, name: &ObjectName) -> String {
    let namespace = if name.namespace.is_empty() { String::new() } else { format!("{}/", name.namespace) };
    format!("{}/{}/{namespace}{}", of_type.api_version(), of_type.kind, name.name)
}

/// One text with documents.
struct Text {
    /// How it is called in messages.
    name: String,
    /// The attribute that it comes from.
    path: Path,
    content: String,
    hidden: bool,
}

/// One manifest and where it stands.
struct Manifest {
    manifest: Value,
    place: String,
    path: Path,
    hidden: bool,
}

impl Manifest {
    /// A problem of the manifest as one of the text that it stands in.
    fn at(&self, problem: Problem) -> Problem {
        let field = match problem.path.0.is_empty() {
            true => String::new(),
            false => format!(", field {}", problem.path),
        };
        let detail = format!("In {}{field}: {}", self.place, problem.detail);
        Problem { detail, path: self.path.clone(), severity: Severity::Error, ..problem }
    }
}

fn texts(request: &LowerRequest<'_>) -> Result<Option<Vec<Text>>, Vec<Problem>> {
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
    if texts.is_empty() && problems.is_empty() {
        let detail = "Give `paths`, a list of files or glob patterns, or `content`, or both.";
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
    let full = match path.starts_with('/') {
        true => path.clone(),
        false => format!("{}/{path}", request.folder),
    };
    let bytes = request.files.read(&full).map_err(|problem| unreadable(&path, &problem, at))?;
    let content = String::from_utf8(bytes)
        .map_err(|_| error("The file is not text", format!("{path} is not UTF-8."), at.clone()))?;
    Ok(Text { name: path, path: at.clone(), content, hidden: false })
}

fn unreadable(path: &str, problem: &FileError, at: &Path) -> Problem {
    error("The file cannot be read", format!("Could not read {path:?}: {problem}."), at.clone())
}

fn manifests(text: &Text, problems: &mut Vec<Problem>) -> Vec<Manifest> {
    let (documents, errors) = document::parse(&text.content);
    problems.extend(errors.into_iter().map(|wrong| {
        let detail =
            format!("In {}, document {}, line {}: {}.", text.name, wrong.number, wrong.line, wrong.problem);
        error("The document is not valid YAML", detail, text.path.clone())
    }));
    documents.iter().flat_map(|document| items(document, text)).collect()
}

/// The document itself, or the items of a list.
fn items(document: &Document, text: &Text) -> Vec<Manifest> {
    let place = format!("{}, document {} (line {})", text.name, document.number, document.line);
    let manifest = |manifest: &Value, place: String| Manifest {
        manifest: manifest.clone(),
        place,
        path: text.path.clone(),
        hidden: text.hidden,
    };
    let is_list = document.content.get_str("kind").is_some_and(|kind| kind.ends_with("List"));
    match document.content.get("items").and_then(Value::as_list) {
        Some(items) if is_list => items
            .iter()
            .enumerate()
            .map(|(index, item)| manifest(item, format!("{place}, item {}", index + 1)))
            .collect(),
        _ => vec![manifest(&document.content, place)],
    }
}

/// Whether the kinds that this very set defines are namespaced, by group and kind.
type Scopes = BTreeMap<(String, String), bool>;

fn defined_scopes(found: &[Manifest]) -> Scopes {
    let scope = |one: &Manifest| {
        let is_namespaced = one.manifest.get("spec")?.get_str("scope")? == "Namespaced";
        Some((order::defined_kind(&one.manifest)?, is_namespaced))
    };
    found.iter().filter_map(scope).collect()
}

/// The manifest with its namespace said, where its kind is known to have one.
fn in_namespace(manifest: &Value, namespace: Option<&str>, scopes: &Scopes) -> Value {
    let Some(of_type) = TypeName::of(manifest) else { return manifest.clone() };
    let defined = scopes.get(&(of_type.group.clone(), of_type.kind.clone())).copied();
    let is_namespaced = of_type.is_namespaced().or(defined) == Some(true);
    let metadata = manifest.get("metadata").and_then(Value::as_map);
    let says =
        |metadata: &BTreeMap<String, Value>| metadata.get("namespace").is_some_and(|given| !given.is_null());
    match (metadata, manifest.as_map()) {
        (Some(metadata), Some(fields)) if is_namespaced && !says(metadata) => {
            let mut metadata = metadata.clone();
            metadata.insert("namespace".into(), namespace.unwrap_or("default").into());
            let mut fields = fields.clone();
            fields.insert("metadata".into(), Value::object(metadata));
            Value::object(fields)
        }
        _ => manifest.clone(),
    }
}

/// The manifest of a sensitive text: all is hidden but what says which object it is.
fn with_leaves_marked(manifest: &Value) -> Value {
    fn marked(value: &Value, depth: usize) -> Value {
        let Some(entries) = value.as_map().filter(|entries| !entries.is_empty()) else {
            return value.clone().sensitive();
        };
        let shown = |name: &str| match depth {
            0 => matches!(name, "apiVersion" | "kind"),
            _ => false,
        };
        Value::object(entries.iter().map(|(name, inside)| {
            let inside = match (depth, name.as_str()) {
                (0, "metadata") => metadata_marked(inside),
                _ if shown(name) => inside.clone(),
                _ => marked(inside, depth + 1),
            };
            (name.clone(), inside)
        }))
    }
    fn metadata_marked(metadata: &Value) -> Value {
        let Kind::Object(object) = metadata.kind() else { return metadata.clone() };
        Value::object(object.fields.iter().map(|(name, inside)| {
            let is_name = matches!(name.as_str(), "name" | "namespace");
            (name.clone(), if is_name { inside.clone() } else { marked(inside, 1) })
        }))
    }
    marked(manifest, 0)
}

fn duplicate(name: &ObjectName, first: &Manifest, second: &Manifest) -> Problem {
    let detail =
        format!("{name} stands in {} and again in {}. Remove one of them.", first.place, second.place);
    error("The object is declared twice", detail, second.path.clone())
}

fn error(summary: &str, detail: impl Into<String>, path: Path) -> Problem {
    Problem { severity: Severity::Error, summary: summary.into(), detail: detail.into(), path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::address::Address;
    use meshform_engine::files::Files;
    use meshform_engine::types::Type;

    struct Memory;

    impl Files for Memory {
        fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
            match path {
                "stack/k8s/a.yaml" => {
                    Ok(b"kind: ConfigMap\napiVersion: v1\nmetadata: { name: a }\n".to_vec())
                }
                "stack/k8s/b.yaml" => {
                    Ok(b"kind: Namespace\napiVersion: v1\nmetadata: { name: web }\n".to_vec())
                }
                _ => Err(FileError::NotFound),
            }
        }

        fn glob(&self, base: &str, pattern: &str) -> Result<Vec<String>, FileError> {
            let all = ["k8s/a.yaml", "k8s/b.yaml"].map(str::to_owned);
            Ok(if (base, pattern) == ("stack", "k8s/*.yaml") { all.to_vec() } else { Vec::new() })
        }

        fn exists(&self, path: &str) -> bool {
            self.read(path).is_ok()
        }
    }

    fn check(desired: Value, expect: &[&str]) {
        let address = Address::new("kube_manifests", "x");
        let request = LowerRequest {
            kind: "kube_manifests",
            address: &address,
            desired: &desired,
            files: &Memory,
            folder: "stack",
        };
        let shown: Vec<_> = match lower(&request) {
            Ok(None) => vec!["unknown".to_owned()],
            Ok(Some(parts)) => {
                parts.iter().map(|part| format!("{} after [{}]", part.key, part.after.join(", "))).collect()
            }
            Err(problems) => problems
                .iter()
                .map(|problem| format!("{}: {}: {}", problem.path, problem.summary, problem.detail))
                .collect(),
        };
        assert_eq!(shown, expect);
    }

    fn paths(paths: &[&str], namespace: &str) -> Value {
        Value::object([
            ("paths".into(), Value::list(paths.iter().map(|path| Value::from(*path)))),
            ("namespace".into(), namespace.into()),
        ])
    }

    fn content(text: &str) -> Value {
        Value::object([("content".into(), text.into())])
    }

    #[test]
    fn files_become_parts_in_order() {
        check(
            paths(&["k8s/*.yaml", "k8s/a.yaml"], "web"),
            &["v1/ConfigMap/web/a after [v1/Namespace/web]", "v1/Namespace/web after []"],
        );
        check(
            paths(&["x.yaml", "y/*"], "web"),
            &[
                "paths[0]: The file cannot be read: Could not read \"x.yaml\": there is no such file.",
                "paths[1]: No such files: No file matches \"y/*\" in stack.",
            ],
        );
        check(
            Value::object([]),
            &[
                ": There are no manifests: Give `paths`, a list of files or glob patterns, or `content`, or both.",
            ],
        );
        check(Value::object([("content".into(), Value::unknown(Type::String))]), &["unknown"]);
    }

    #[test]
    fn lists_are_flattened_and_definitions_tell_scopes() {
        let text = "
kind: List
apiVersion: v1
items:
- { kind: Foo, apiVersion: x.io/v1, metadata: { name: a } }
- kind: CustomResourceDefinition
  apiVersion: apiextensions.k8s.io/v1
  metadata: { name: foos.x.io }
  spec: { group: x.io, scope: Namespaced, names: { kind: Foo } }
";
        check(
            content(text),
            &[
                "apiextensions.k8s.io/v1/CustomResourceDefinition/foos.x.io after []",
                "x.io/v1/Foo/default/a after [apiextensions.k8s.io/v1/CustomResourceDefinition/foos.x.io]",
            ],
        );
    }

    #[test]
    fn problems_say_where() {
        check(
            content("a: 1\na: 2\n---\nkind: Foo\napiVersion: v1\n---\n- 1\n"),
            &[
                "content: The document is not valid YAML: In `content`, document 1, line 2: duplicate mapping key `a` is not allowed here.",
                "content: The object has no name: In `content`, document 2 (line 4): An object needs `metadata = { name = \"…\" }`: without a name it cannot be found again.",
                "content: Not an object: In `content`, document 3 (line 7): A manifest is an object with apiVersion, kind and metadata, but this is a list.",
            ],
        );
        let twice = "kind: ConfigMap\napiVersion: v1\nmetadata: { name: a }\n---\nkind: ConfigMap\napiVersion: v1\nmetadata: { name: a, namespace: default }\n";
        check(
            content(twice),
            &[
                "content: The object is declared twice: ConfigMap default/a stands in `content`, document 1 (line 1) and again in `content`, document 2 (line 5). Remove one of them.",
            ],
        );
    }

    #[test]
    fn a_sensitive_text_shows_only_names() {
        let text = "kind: ConfigMap\napiVersion: v1\nmetadata: { name: a, labels: { x: hunter2 } }\ndata: { p: hunter2 }\n";
        let desired = Value::object([("content".into(), Value::string(text).sensitive())]);
        let address = Address::new("kube_manifests", "x");
        let request = LowerRequest {
            kind: "kube_manifests",
            address: &address,
            desired: &desired,
            files: &Memory,
            folder: "stack",
        };
        let parts = lower(&request).unwrap().unwrap();
        let shown = format!("{:?}", parts[0].desired);
        assert!(shown.contains("ConfigMap") && !shown.contains("hunter2"), "{shown}");
    }
}
