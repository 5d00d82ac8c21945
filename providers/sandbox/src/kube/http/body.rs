//! Bodies: JSON and YAML.

use axum::http::{HeaderMap, header};
use serde_json::{Value, json};

use super::params::invalid_options;
use super::protobuf;
use crate::kube::object;
use crate::kube::status::{ApiError, ApiResult, FieldError};
use crate::kube::write::{DeleteOptions, json_type};

/// The media type of a body, without its parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim()
}

/// Reads an object to be created or replaced.
///
/// # Errors
///
/// 415 for other media types, 400 for what cannot be read.
pub(crate) fn object(headers: &HeaderMap, body: &[u8], kind: &str) -> ApiResult<Value> {
    match media_type(headers) {
        "" | "application/json" => serde_json::from_slice(body).map_err(|error| {
            let text = String::from_utf8_lossy(body);
            ApiError::bad_request(format!(
                "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse \
                 error: {error} ({text})"
            ))
        }),
        "application/yaml" => yaml(body),
        protobuf::MEDIA_TYPE => protobuf::object(body).ok_or_else(|| {
            ApiError::bad_request(format!("the object provided is unrecognized (must be of type {kind})"))
        }),
        _ => Err(unsupported_media_type()),
    }
}

/// Reads a JSON or YAML document.
///
/// # Errors
///
/// 400 for what cannot be read.
pub(crate) fn yaml(body: &[u8]) -> ApiResult<Value> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let text =
        std::str::from_utf8(body).map_err(|_| ApiError::bad_request("error decoding YAML: not UTF-8"))?;
    serde_saphyr::from_str(text).map_err(|error| {
        ApiError::bad_request(format!("error decoding YAML: error converting YAML to JSON: {error}"))
    })
}

/// Reads a JSON patch body.
///
/// # Errors
///
/// 400 for what cannot be read.
pub(crate) fn json(body: &[u8]) -> ApiResult<Value> {
    serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}")))
}

/// What Go's decoder says of a patch that is no patch.
pub(crate) fn of_another_type(body: &Value, wanted: &str) -> ApiError {
    let got = json_type(body);
    ApiError::bad_request(format!(
        "error decoding patch: json: cannot unmarshal {got} into Go value of type {wanted}"
    ))
}

/// Reads delete options.
///
/// # Errors
///
/// 400 for what cannot be read.
pub(crate) fn delete_options(body: &[u8]) -> ApiResult<DeleteOptions> {
    if body.is_empty() {
        return Ok(DeleteOptions::default());
    }
    let options = read_options(body)?;
    let text =
        |pointer: &str| Some(object::text(&options, pointer).to_owned()).filter(|text| !text.is_empty());
    let orphans = options.get("orphanDependents").and_then(Value::as_bool);
    let propagation = text("/propagationPolicy")
        .or_else(|| orphans.map(|orphans| if orphans { "Orphan" } else { "Background" }.to_owned()));
    check_options(&options)?;
    Ok(DeleteOptions {
        grace_seconds: object::integer(&options, "/gracePeriodSeconds"),
        propagation,
        uid: text("/preconditions/uid"),
        revision: text("/preconditions/resourceVersion"),
        dry_run: object::list(&options, "/dryRun").iter().any(|value| value == "All"),
    })
}

fn read_options(body: &[u8]) -> ApiResult<Value> {
    let options = protobuf::object(body).map_or_else(|| yaml(body), Ok).map_err(|_| {
        ApiError::bad_request("couldn't get version/kind; json parse error: unexpected end of JSON input")
    })?;
    let (api_version, kind) = (object::text(&options, "/apiVersion"), object::text(&options, "/kind"));
    if !matches!(kind, "" | "DeleteOptions") {
        let message = format!("no kind {kind:?} is registered for version {api_version:?}");
        return Err(ApiError::bad_request(message));
    }
    Ok(options)
}

fn check_options(options: &Value) -> ApiResult<()> {
    let refused = |error: FieldError| Err(invalid_options("DeleteOptions", &error));
    let propagation = object::text(options, "/propagationPolicy");
    if !propagation.is_empty() && options.get("orphanDependents").is_some_and(Value::is_boolean) {
        let detail = "orphanDependents and deletionPropagation cannot be both set";
        return refused(FieldError::invalid("propagationPolicy", &json!(propagation), detail));
    }
    if !matches!(propagation, "" | "Foreground" | "Background" | "Orphan") {
        let choices = ["Foreground", "Background", "Orphan", "nil"].map(Value::from);
        return refused(FieldError::unsupported("propagationPolicy", &json!(propagation), &choices));
    }
    let tried = object::list(options, "/dryRun");
    if tried.iter().any(|value| value != "All") {
        return refused(FieldError::unsupported("dryRun", &json!(tried), &[json!("All")]));
    }
    Ok(())
}

pub(crate) fn unsupported_media_type() -> ApiError {
    ApiError::status(415, "UnsupportedMediaType", "415: Unsupported Media Type")
}
