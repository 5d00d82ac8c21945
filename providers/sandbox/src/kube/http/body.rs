//! Bodies: JSON and YAML.

use axum::http::{HeaderMap, header};
use serde_json::Value;

use crate::kube::object;
use crate::kube::status::{ApiError, ApiResult};
use crate::kube::write::DeleteOptions;

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

/// Reads delete options.
///
/// # Errors
///
/// 400 for what cannot be read.
pub(crate) fn delete_options(body: &[u8]) -> ApiResult<DeleteOptions> {
    if body.is_empty() {
        return Ok(DeleteOptions::default());
    }
    let options = yaml(body)?;
    let text =
        |pointer: &str| Some(object::text(&options, pointer).to_owned()).filter(|text| !text.is_empty());
    let orphans = options.get("orphanDependents").and_then(Value::as_bool);
    let propagation = text("/propagationPolicy")
        .or_else(|| orphans.map(|orphans| if orphans { "Orphan" } else { "Background" }.to_owned()));
    Ok(DeleteOptions {
        grace_seconds: object::integer(&options, "/gracePeriodSeconds"),
        propagation,
        uid: text("/preconditions/uid"),
        revision: text("/preconditions/resourceVersion"),
        dry_run: object::list(&options, "/dryRun").iter().any(|value| value == "All"),
    })
}

pub(crate) fn unsupported_media_type() -> ApiError {
    ApiError::status(415, "UnsupportedMediaType", "415: Unsupported Media Type")
}
