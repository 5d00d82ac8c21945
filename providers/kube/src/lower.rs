//! `kube_manifests` and `kube_chart` into their parts: every document of files, and of what other programs render, becomes a `kube_object`.

mod chart;
mod hooks;
#[cfg(test)]
mod tests;
mod texts;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use meshform_engine::diagnostic::Severity;
use meshform_engine::ports::{LowerRequest, Part, Problem};
use meshform_engine::value::{Kind, Path, Value, from_json, to_json};
use serde_json::json;

use self::hooks::Stage;
use crate::check::check;
use crate::identity::{ObjectName, TypeName};
use crate::manifest::normalise;
use crate::order::{self, Item};
use crate::schema::CHART;
use crate::wait_for;

/// Objects of a chart with this annotation, set to `keep`, outlive it.
pub(crate) const RESOURCE_POLICY: &str = "helm.sh/resource-policy";

/// What the cluster has to be asked first, if anything.
pub(crate) fn asks(request: &LowerRequest<'_>) -> Result<Option<Value>, Vec<Problem>> {
    if request.kind == CHART {
        return chart::asks(request);
    }
    let Some(folder) = request.desired.get("kustomize").filter(|folder| !folder.is_null()) else {
        return Ok(None);
    };
    let path = folder.as_str().map(|folder| in_folder(request.folder, folder));
    let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    let is_there = |path: &String| names.iter().any(|name| request.files.exists(&format!("{path}/{name}")));
    if path.is_some_and(|path| !is_there(&path)) {
        let detail = format!("There is no kustomization.yaml in {folder:?}. Name the folder that has it.");
        return Err(vec![error("No such folder", detail, Path::attribute("kustomize"))]);
    }
    let arguments = [("kustomize", folder.clone()), ("folder", request.folder.into())];
    Ok(Some(Value::object(arguments.map(|(name, value)| (name.to_owned(), value)))))
}

/// What to warn about.
pub(crate) fn cautions(request: &LowerRequest<'_>) -> Vec<Problem> {
    match request.found {
        Some(found) if request.kind == CHART => chart::cautions(found),
        _ => Vec::new(),
    }
}

/// The parts, or `None` while too much is unknown.
pub(crate) fn lower(request: &LowerRequest<'_>) -> Result<Option<Vec<Part>>, Vec<Problem>> {
    let mut problems = Vec::new();
    let Some(mut found) = manifests(request, &mut problems)? else { return Ok(None) };
    let namespace = request.desired.get_str("namespace");
    if request.desired.get("create_namespace").and_then(Value::as_bool) == Some(true) {
        found.extend(own_namespace(namespace, &found));
    }
    let scopes = defined_scopes(&found, request.found);
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
    problems.extend(check_waits(request.desired, &parts));
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Some(parts_of(request.desired, parts)))
}

/// What is wrong with how the parts are to be waited for.
fn check_waits(desired: &Value, parts: &Found) -> Vec<Problem> {
    let blocks = desired.get(wait_for::NAME).and_then(Value::as_list).unwrap_or_default();
    let objects: Vec<_> =
        parts.values().filter_map(|(name, it, _)| Some((TypeName::of(it)?, name))).collect();
    let unused = wait_for::check_used(blocks, objects.iter().map(|(of_type, name)| (of_type, *name)));
    wait_for::check(desired).into_iter().chain(unused).collect()
}

type Found = BTreeMap<String, (ObjectName, Value, Manifest)>;

fn manifests(
    request: &LowerRequest<'_>,
    problems: &mut Vec<Problem>,
) -> Result<Option<Vec<Manifest>>, Vec<Problem>> {
    if request.kind == CHART {
        let Some(found) = request.found else { return Ok(None) };
        return Ok(Some(rendered(found, "chart").filter_map(staged).collect()));
    }
    let Some(texts) = texts::texts(request)? else { return Ok(None) };
    let written = texts.iter().flat_map(|text| texts::manifests(text, problems)).collect::<Vec<_>>();
    let built = request.found.into_iter().flat_map(|found| rendered(found, "kustomize"));
    Ok(Some(written.into_iter().chain(built).collect()))
}

/// What was rendered.
fn rendered<'f>(found: &'f Value, attribute: &'static str) -> impl Iterator<Item = Manifest> + 'f {
    let documents = found.get("documents").and_then(Value::as_list).unwrap_or_default();
    documents.iter().flat_map(move |document| {
        let place = document.get_str("place").unwrap_or_default();
        let null = Value::null();
        let manifest = document.get("manifest").unwrap_or(&null);
        items(manifest, place, &Path::attribute(attribute), false)
    })
}

/// A chart's manifest with when it is applied; `None` for one that is left out.
fn staged(one: Manifest) -> Option<Manifest> {
    let (stage, is_repeated) = hooks::stage(&one.manifest)?;
    let manifest = match is_of_crds_folder(&one) {
        // As Helm does: whoever removes a definition loses all objects of its kind.
        true => with_annotation(&one.manifest, RESOURCE_POLICY, "keep"),
        false => one.manifest,
    };
    Some(Manifest { manifest, stage, is_repeated, ..one })
}

fn is_of_crds_folder(one: &Manifest) -> bool {
    one.place.split(' ').next().is_some_and(|source| source.contains("/crds/"))
        && TypeName::of(&one.manifest)
            .is_some_and(|of_type| of_type.is("apiextensions.k8s.io", "CustomResourceDefinition"))
}

fn with_annotation(manifest: &Value, name: &str, text: &str) -> Value {
    let fields = |value: Option<&Value>| value.and_then(Value::as_map).cloned().unwrap_or_default();
    let mut metadata = fields(manifest.get("metadata"));
    let mut annotations = fields(metadata.get("annotations"));
    annotations.insert(name.to_owned(), text.into());
    metadata.insert("annotations".to_owned(), Value::object(annotations));
    let mut all = fields(Some(manifest));
    all.insert("metadata".to_owned(), Value::object(metadata));
    Value::object(all)
}

/// The namespace of a chart that does not make it itself.
fn own_namespace(namespace: Option<&str>, found: &[Manifest]) -> Option<Manifest> {
    let name = namespace?;
    let is_it = |one: &Manifest| {
        ObjectName::of(&one.manifest).is_some_and(|object| object.kind == "Namespace" && object.name == name)
    };
    let manifest = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    (!found.iter().any(is_it)).then(|| Manifest {
        manifest: from_json(&manifest),
        place: "`create_namespace`".to_owned(),
        path: Path::attribute("create_namespace"),
        hidden: false,
        stage: Stage::Ground,
        is_repeated: false,
    })
}

fn parts_of(desired: &Value, found: Found) -> Vec<Part> {
    let items: Vec<_> = found
        .iter()
        .map(|(key, (name, manifest, one))| (Item::new(key.clone(), name.clone(), manifest), one.stage))
        .collect();
    let given = |name: &str| desired.get(name).cloned().unwrap_or_else(Value::null);
    let waits = |name: &ObjectName, manifest: &Value| match given(wait_for::NAME) {
        blocks if !blocks.is_known() => blocks,
        blocks => TypeName::of(manifest).map_or_else(Value::null, |of_type| {
            wait_for::of_part(blocks.as_list().unwrap_or_default(), &of_type, name)
        }),
    };
    let content = found.values().any(|(_, _, one)| one.is_repeated).then(|| content(&found));
    found
        .into_iter()
        .zip(after(&items))
        .map(|((key, (name, manifest, one)), after)| Part {
            key,
            desired: Value::object([
                (wait_for::NAME.to_owned(), waits(&name, &manifest)),
                ("manifest".to_owned(), if one.hidden { with_leaves_marked(&manifest) } else { manifest }),
                ("wait".to_owned(), given("wait")),
                ("force_conflicts".to_owned(), given("force_conflicts")),
                ("field_policy".to_owned(), given("field_policy")),
                (
                    "triggers_replace".to_owned(),
                    content.clone().filter(|_| one.is_repeated).unwrap_or_else(Value::null),
                ),
            ]),
            after,
        })
        .collect()
}

/// What tells whether anything has changed: as secret as what it is made from.
fn content(found: &Found) -> Value {
    let mut hash = blake3::Hasher::new();
    for (key, (_, manifest, _)) in found {
        hash.update(key.as_bytes());
        hash.update(to_json(manifest).map(|json| json.to_string()).unwrap_or_default().as_bytes());
    }
    let is_secret = found.values().any(|(_, manifest, _)| manifest.has_sensitive());
    Value::string(hash.finalize().to_hex().to_string()).marked(is_secret)
}

/// What each comes after: by the rules within its stage, and after all of the stage before.
fn after(items: &[(Item, Stage)]) -> Vec<Vec<String>> {
    let stages: BTreeSet<_> = items.iter().map(|(_, stage)| *stage).collect();
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut before: Vec<String> = Vec::new();
    for stage in stages {
        let here = items.iter().filter(|(_, other)| *other == stage || *other == Stage::Ground);
        let here: Vec<_> = here.map(|(item, other)| (item, *other)).collect();
        let plain: Vec<_> = here.iter().map(|(item, _)| (*item).clone()).collect();
        let own = here.iter().zip(order::after(&plain)).filter(|((_, other), _)| *other == stage);
        let own: Vec<_> = own.map(|((item, _), after)| (item.key.as_str(), after)).collect();
        let keys = own.iter().map(|(key, _)| (*key).to_owned()).collect();
        found.extend(
            own.into_iter().map(|(key, after)| (key, after.into_iter().chain(before.clone()).collect())),
        );
        // The rules tell what needs the ground.
        before = if stage == Stage::Ground { Vec::new() } else { keys };
    }
    items.iter().map(|(item, _)| found.remove(item.key.as_str()).unwrap_or_default()).collect()
}

/// `apps/v1/Deployment/web/page`: the version is part of the key, as people know it from `apiVersion`.
fn key(of_type: &TypeName, name: &ObjectName) -> String {
    let namespace = if name.namespace.is_empty() { String::new() } else { format!("{}/", name.namespace) };
    format!("{}/{}/{namespace}{}", of_type.api_version(), of_type.kind, name.name)
}

/// One manifest and where it stands.
struct Manifest {
    manifest: Value,
    place: String,
    path: Path,
    hidden: bool,
    /// When it is applied.
    stage: Stage,
    /// Whether it is made anew whenever anything of its set changes.
    is_repeated: bool,
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

/// The document itself, or the items of a list.
fn items(document: &Value, place: &str, path: &Path, hidden: bool) -> Vec<Manifest> {
    let manifest = |manifest: &Value, place: String| Manifest {
        manifest: manifest.clone(),
        place,
        path: path.clone(),
        hidden,
        stage: Stage::Main,
        is_repeated: false,
    };
    let is_list = document.get_str("kind").is_some_and(|kind| kind.ends_with("List"));
    match document.get("items").and_then(Value::as_list) {
        Some(items) if is_list => items
            .iter()
            .enumerate()
            .map(|(index, item)| manifest(item, format!("{place}, item {}", index + 1)))
            .collect(),
        _ => vec![manifest(document, place.to_owned())],
    }
}

/// A path from the stack's folder.
fn in_folder(folder: &str, path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") }
}

/// Whether kinds are namespaced, by group and kind: those that this very set defines, and those of which the cluster was asked.
type Scopes = BTreeMap<(String, String), bool>;

fn defined_scopes(found: &[Manifest], answer: Option<&Value>) -> Scopes {
    let scope = |one: &Manifest| {
        let is_namespaced = one.manifest.get("spec")?.get_str("scope")? == "Namespaced";
        Some((order::defined_kind(&one.manifest)?, is_namespaced))
    };
    let served = answer.and_then(|answer| answer.get("scopes")?.as_map()).into_iter().flatten();
    let served = served.filter_map(|(name, is_namespaced)| {
        let (group, kind) = name.split_once('/')?;
        Some(((group.to_owned(), kind.to_owned()), is_namespaced.as_bool()?))
    });
    served.chain(found.iter().filter_map(scope)).collect()
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
