//! A `kube_chart`: what its cluster is asked to render it, and what it warns about.

use meshform_engine::diagnostic::Severity;
use meshform_engine::ports::{LowerRequest, Problem};
use meshform_engine::value::{Path, PathStep, Value};

use super::{error, hooks, in_folder};
use crate::render;

/// The longest name of a release that Helm takes.
const RELEASE_LENGTH_MAX: usize = 53;
/// What a chart's block says of how it is rendered.
const ARGUMENTS: [&str; 9] = [
    "api_versions",
    "chart",
    "include_crds",
    "kube_version",
    "namespace",
    "repository",
    "values",
    "values_files",
    "version",
];

/// What the cluster is asked.
pub(super) fn asks(request: &LowerRequest<'_>) -> Result<Option<Value>, Vec<Problem>> {
    let given = |name: &str| request.desired.get(name).cloned().unwrap_or_else(Value::null);
    let release = match request.desired.get("release").filter(|release| !release.is_null()) {
        Some(release) => release.clone(),
        None => request.address.name.as_str().into(),
    };
    let mut problems: Vec<_> = check_release(&release).into_iter().chain(check_source(request)).collect();
    problems.extend(check_values(request));
    if !problems.is_empty() {
        return Err(problems);
    }
    let own = ARGUMENTS.iter().map(|name| ((*name).to_owned(), given(name)));
    let namespace = request.desired.get_str("namespace").unwrap_or("default");
    let namespace = match request.desired.get("namespace").filter(|given| !given.is_known()) {
        Some(unknown) => unknown.clone(),
        None => namespace.into(),
    };
    let rest = [("release", release), ("folder", request.folder.into()), ("namespace", namespace)];
    let rest = rest.map(|(name, value)| (name.to_owned(), value));
    Ok(Some(Value::object(own.chain(rest))))
}

/// What to tell of a chart that has been rendered.
pub(super) fn cautions(found: &Value) -> Vec<Problem> {
    let mut cautions = Vec::new();
    let unstable = render::texts(found, "unstable");
    if !unstable.is_empty() {
        let detail = format!(
            "Rendered twice, this came out otherwise the second time:\n  {}\nA chart that makes up values (by randAlphaNum, genCA, now, …) shows \
             a change in every plan. Set what it makes up in `values`, or name the fields in `ignore_changes`.",
            unstable.join("\n  ")
        );
        cautions.push(warning("The chart is not deterministic", detail));
    }
    let said = found.get("warnings").and_then(Value::as_list).unwrap_or_default();
    let said: Vec<_> = said.iter().filter(|text| !text.is_sensitive()).filter_map(Value::as_str).collect();
    if !said.is_empty() {
        cautions.push(warning("Helm warns", said.join("\n")));
    }
    let left_out = hooks::left_out(found);
    if !left_out.is_empty() {
        let detail = format!(
            "These hooks run on events that an apply does not have, and are left out: {}. Only hooks of install run, and those of install \
             and upgrade, again whenever the chart changes.",
            left_out.join(", ")
        );
        cautions.push(warning("Hooks are left out", detail));
    }
    cautions
}

fn check_release(release: &Value) -> Option<Problem> {
    let name = release.as_str().filter(|_| release.is_known())?;
    let is_fine =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-.".contains(letter);
    let ends = name.starts_with(['-', '.']) || name.ends_with(['-', '.']);
    let is_wrong = name.is_empty() || name.len() > RELEASE_LENGTH_MAX || !name.chars().all(is_fine) || ends;
    is_wrong.then(|| {
        let detail = format!(
            "{name:?} is no name of a release: it has lower case letters, digits and dashes, {RELEASE_LENGTH_MAX} at most. Set `release`."
        );
        error("Wrong release name", detail, Path::attribute("release"))
    })
}

/// A chart is a folder, an archive, one of a repository, or of a registry. What is fetched must say its version: it would change by itself.
fn check_source(request: &LowerRequest<'_>) -> Option<Problem> {
    let chart = request.desired.get_str("chart")?;
    let is_given = |name: &str| request.desired.get(name).is_some_and(|value| !value.is_null());
    if chart.is_empty() || chart.starts_with('-') {
        let detail = format!("{chart:?} is neither a folder, an archive, nor the name of a chart.");
        return Some(error("Wrong chart", detail, Path::attribute("chart")));
    }
    let is_fetched = is_given("repository") || chart.contains("://");
    if is_fetched && !is_given("version") {
        let detail = "Without `version` the newest one is fetched, which is another one some day.";
        return Some(error("The chart has no version", detail, Path::attribute("chart")));
    }
    let path = in_folder(request.folder, chart);
    let is_there = || request.files.exists(&path) || request.files.exists(&format!("{path}/Chart.yaml"));
    (!is_fetched && !is_there()).then(|| {
        let detail = format!(
            "There is neither a chart's folder nor an archive at {chart:?} in {}. For one of a repository, set `repository` and `version`.",
            request.folder
        );
        error("No such chart", detail, Path::attribute("chart"))
    })
}

fn check_values(request: &LowerRequest<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let values = request.desired.get("values").filter(|values| values.is_known() && !values.is_null());
    if values.is_some_and(|values| values.as_map().is_none()) {
        let detail = "`values` is an object, such as { replicaCount = 2 }. For a file of values there is `values_files`.";
        problems.push(error("Wrong values", detail, Path::attribute("values")));
    }
    let files = request.desired.get("values_files").and_then(Value::as_list).unwrap_or_default();
    for (index, file) in files.iter().enumerate() {
        let Some(path) = file.as_str() else { continue };
        if !request.files.exists(&in_folder(request.folder, path)) {
            let at = Path::attribute("values_files").join(PathStep::Index(index));
            let detail = format!("There is no file {path:?} in {}.", request.folder);
            problems.push(error("No such values file", detail, at));
        }
    }
    problems
}

fn warning(summary: &str, detail: String) -> Problem {
    Problem { severity: Severity::Warning, ..error(summary, detail, Path::attribute("chart")) }
}
