//! What other programs make manifests of: a chart, by `helm`; a kustomize folder, by `kubectl` or `kustomize`. Commands as values, and what
//! their output means.
//!
//! Values may be secret: they go in by standard input, never as arguments.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use meshform_engine::ports::{ErrorCode, ProviderError};
use meshform_engine::value::{Path, PathStep, Value, to_json};

use crate::catalog::Catalog;
use crate::diff;
use crate::document::{self, Document};
use crate::identity::{ObjectName, TypeName};
use crate::manifest::with_secrets_marked;
use crate::owned::FieldSet;

/// How many API versions one argument names: a single one may have 128 KiB.
const VERSIONS_PER_ARGUMENT: usize = 500;
/// How many fields of one object are named that come out otherwise each time.
const UNSTABLE_FIELDS_MAX: usize = 5;

/// A program to be run, with all that it is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Command {
    /// The ways to do it, the first of which that is installed is taken: a program and its arguments.
    pub(crate) ways: Vec<(&'static str, Vec<String>)>,
    /// The folder that it runs in.
    pub(crate) folder: String,
    /// What it reads.
    pub(crate) input: String,
}

/// What a chart may ask about its cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The version of Kubernetes.
    pub(crate) version: String,
    /// What is served: `apps/v1` and `apps/v1/Deployment`.
    pub(crate) api_versions: Vec<String>,
}

impl Facts {
    /// Of what a server says of itself.
    pub(crate) fn new(version: &str, catalog: &Catalog) -> Self {
        let kinds = catalog.all().flat_map(|resource| {
            let of_type = &resource.of_type;
            [of_type.api_version(), format!("{}/{}", of_type.api_version(), of_type.kind)]
        });
        let mut api_versions: Vec<_> = kinds.collect();
        api_versions.sort();
        api_versions.dedup();
        Self { version: version.to_owned(), api_versions }
    }

    /// The same, as far as the arguments do not say otherwise.
    fn overruled(self, arguments: &Value) -> Self {
        let given = texts(arguments, "api_versions");
        Self {
            version: arguments.get_str("kube_version").map_or(self.version, str::to_owned),
            api_versions: if given.is_empty() { self.api_versions } else { given },
        }
    }
}

/// How a chart is rendered.
///
/// # Errors
/// When its values have no JSON form.
pub(crate) fn chart(arguments: &Value, facts: Facts) -> Result<Command, ProviderError> {
    let text = |name: &str| arguments.get_str(name).unwrap_or_default().to_owned();
    let facts = facts.overruled(arguments);
    let mut line = ["template", &text("release"), &text("chart"), "--namespace", &text("namespace")]
        .map(str::to_owned)
        .to_vec();
    line.push("--skip-tests".to_owned());
    if arguments.get("include_crds").and_then(Value::as_bool) != Some(false) {
        line.push("--include-crds".to_owned());
    }
    let mut option = |name: &str, value: String| {
        if !value.is_empty() {
            line.extend([format!("--{name}"), value]);
        }
    };
    option("repo", text("repository"));
    option("version", text("version"));
    option("kube-version", facts.version);
    for versions in facts.api_versions.chunks(VERSIONS_PER_ARGUMENT) {
        option("api-versions", versions.join(","));
    }
    texts(arguments, "values_files").into_iter().for_each(|file| option("values", file));
    option("values", "-".to_owned());
    let values = arguments.get("values").filter(|values| !values.is_null());
    let input = match values.map(to_json) {
        None => "{}".to_owned(),
        Some(Ok(values)) => values.to_string(),
        Some(Err(problem)) => return Err(invalid("Wrong values", problem.to_string(), "values")),
    };
    Ok(Command { ways: vec![("helm", line)], folder: text("folder"), input })
}

/// How a kustomize folder is rendered.
pub(crate) fn kustomize(arguments: &Value) -> Command {
    let folder = arguments.get_str("kustomize").unwrap_or_default();
    let ways = [("kubectl", "kustomize"), ("kustomize", "build")];
    Command {
        ways: ways.map(|(program, verb)| (program, vec![verb.to_owned(), folder.to_owned()])).to_vec(),
        folder: arguments.get_str("folder").unwrap_or_default().to_owned(),
        input: String::new(),
    }
}

/// What a program has written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    /// The manifests.
    pub(crate) text: String,
    /// What it said besides.
    pub(crate) said: String,
}

/// The documents of two renderings of the same, as what `lower` is told: their manifests, those fields that came out otherwise the second
/// time, and what the program warned about.
///
/// # Errors
/// When a document is not valid YAML.
pub(crate) fn found(
    first: &Output,
    second: &Output,
    blamed: &str,
    catalog: &Catalog,
) -> Result<Value, ProviderError> {
    let documents = documents(&first.text, blamed)?;
    let unstable = match first.text == second.text {
        true => Vec::new(),
        false => unstable(&documents, &self::documents(&second.text, blamed)?),
    };
    let scopes = scopes(&documents, catalog);
    let list = |texts: Vec<String>| Value::list(texts.into_iter().map(Value::string));
    let said = first.said.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
    Ok(Value::object([
        ("documents".to_owned(), Value::list(documents.iter().map(entry))),
        ("scopes".to_owned(), Value::object(scopes)),
        ("unstable".to_owned(), list(unstable)),
        ("warnings".to_owned(), list(said.collect())),
    ]))
}

/// What a program that failed said, as an error of the attribute that it was given.
pub(crate) fn failed(program: &str, status: &str, said: &str, blamed: &str) -> ProviderError {
    const SHOWN_MAX: usize = 4000;
    let said: String = said.trim().chars().take(SHOWN_MAX).collect();
    let said = if said.is_empty() { "It said nothing.".to_owned() } else { format!("It said:\n{said}") };
    invalid("The manifests cannot be rendered", format!("{program} failed ({status}). {said}"), blamed)
}

/// None of the programs is installed.
pub(crate) fn not_installed(command: &Command, blamed: &str) -> ProviderError {
    let programs: Vec<_> = command.ways.iter().map(|(program, _)| *program).collect();
    let programs = programs.join(" or ");
    let detail = format!("This needs the program {programs}, which is not found. Install it.");
    invalid("A program is missing", detail, blamed)
}

fn documents(text: &str, blamed: &str) -> Result<Vec<Document>, ProviderError> {
    let (documents, errors) = document::parse(text);
    match errors.first() {
        None => Ok(documents),
        Some(error) => {
            let place = error.file.as_ref().map(|source| format!("{source}: ")).unwrap_or_default();
            let detail = format!(
                "{place}document {}, line {} of what was rendered: {}.",
                error.number, error.line, error.problem
            );
            Err(invalid("What was rendered is not valid YAML", detail, blamed))
        }
    }
}

fn entry(document: &Document) -> Value {
    let place = match &document.file {
        Some(source) => format!("{source} (line {} of what was rendered)", document.line),
        None => format!("document {} (line {} of what was rendered)", document.number, document.line),
    };
    Value::object([
        ("place".to_owned(), place.into()),
        ("manifest".to_owned(), with_secrets_marked(&document.content)),
    ])
}

/// Whether the custom kinds of the documents are namespaced, as the cluster serves them.
fn scopes(documents: &[Document], catalog: &Catalog) -> BTreeMap<String, Value> {
    let scope = |document: &Document| {
        let of_type = TypeName::of(&document.content)?;
        let served = catalog.versions(&of_type.group, &of_type.kind).first()?;
        Some((format!("{}/{}", of_type.group, of_type.kind), served.is_namespaced.into()))
    };
    documents.iter().filter_map(scope).collect()
}

/// Fields that differ between two renderings, object by object, without their values.
fn unstable(first: &[Document], second: &[Document]) -> Vec<String> {
    let named = |document: &Document| {
        let name = ObjectName::of(&document.content);
        name.map_or_else(|| format!("document {}", document.number), |name| name.to_string())
    };
    let others: BTreeMap<_, _> = second.iter().map(|document| (named(document), &document.content)).collect();
    let fields = |document: &Document| {
        let name = named(document);
        let Some(other) = others.get(&name) else { return Some(name) };
        let changes = diff::changes(Some(&document.content), Some(other), &FieldSet::default());
        let mut paths: Vec<_> = changes.iter().map(|change| change.path.to_string()).collect();
        let rest = paths.len().saturating_sub(UNSTABLE_FIELDS_MAX);
        paths.truncate(UNSTABLE_FIELDS_MAX);
        paths.extend((rest > 0).then(|| format!("{rest} more")));
        (!paths.is_empty()).then(|| format!("{name}: {}", paths.join(", ")))
    };
    first.iter().filter_map(fields).collect()
}

/// The texts of a list.
pub(crate) fn texts(of: &Value, name: &str) -> Vec<String> {
    let list = of.get(name).and_then(Value::as_list).unwrap_or_default();
    list.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn invalid(summary: &str, detail: String, attribute: &str) -> ProviderError {
    let path = Some(Path(vec![PathStep::Attribute(attribute.to_owned())]));
    ProviderError { code: ErrorCode::Invalid, summary: summary.to_owned(), detail, path }
}
