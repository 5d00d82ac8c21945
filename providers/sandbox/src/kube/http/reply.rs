//! Answers.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;

use super::params::Params;
use crate::kube::status::{ApiError, ApiResult};

const JSON: &str = "application/json";

/// The form in which objects are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    #[default]
    Object,
    Table,
    Metadata,
}

/// What a client accepts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accepts {
    pub(crate) form: Form,
    pub(crate) yaml: bool,
    /// JSON for readers.
    pub(crate) pretty: bool,
    pub(crate) aggregated_discovery: bool,
    pub(crate) discovery_version: String,
    acceptable: bool,
}

impl Accepts {
    /// Reads the `Accept` header: the first choice that is served wins.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
        given.split(',').find_map(Self::choice).unwrap_or_default()
    }

    /// Whether JSON is written for readers: if the request says so, or comes from a program that shows what it gets.
    pub(crate) fn for_readers(self, params: &Params, headers: &HeaderMap) -> Self {
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let shows = ["curl", "Wget", "Mozilla/5.0"].iter().any(|program| agent.starts_with(program));
        let pretty = if params.has("pretty") { params.flag("pretty") } else { shows };
        Self { pretty, ..self }
    }

    fn choice(choice: &str) -> Option<Self> {
        let mut parts = choice.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let parameters: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
        let parameter =
            |name: &str| parameters.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value);
        let yaml = match media {
            "application/json" | "application/*" | "*/*" | "" => false,
            "application/yaml" => true,
            _ => return None,
        };
        let form = match parameter("as") {
            "Table" => Form::Table,
            "PartialObjectMetadata" | "PartialObjectMetadataList" => Form::Metadata,
            _ => Form::Object,
        };
        let aggregated = matches!(parameter("as"), "APIGroupDiscoveryList");
        let version = parameter("v").to_owned();
        if aggregated && !matches!(version.as_str(), "v2" | "v2beta1") {
            return None;
        }
        Some(Self {
            form,
            yaml,
            pretty: false,
            aggregated_discovery: aggregated,
            discovery_version: version,
            acceptable: true,
        })
    }

    /// Refuses clients that accept nothing that is served.
    ///
    /// # Errors
    ///
    /// 406.
    pub(crate) fn check(&self) -> ApiResult<()> {
        if self.acceptable {
            return Ok(());
        }
        let message = "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, \
                       application/vnd.kubernetes.protobuf";
        Err(ApiError::status(406, "NotAcceptable", message))
    }
}

/// An answer with a body in JSON (or YAML).
pub(crate) fn object(status: u16, accepts: &Accepts, value: &impl Serialize) -> Response {
    if accepts.yaml
        && let Ok(text) = serde_saphyr::to_string(value)
    {
        return with_body(status, "application/yaml", text.into());
    }
    let bytes = if accepts.pretty { serde_json::to_vec_pretty(value) } else { serde_json::to_vec(value) };
    match bytes {
        Ok(bytes) => with_body(status, JSON, bytes.into()),
        Err(error) => with_body(500, "text/plain; charset=utf-8", error.to_string().into()),
    }
}

/// An answer with a body of a media type.
pub(crate) fn with_body(status: u16, media_type: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(value) = HeaderValue::from_str(media_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}

/// A plain text.
pub(crate) fn text(text: &str) -> Response {
    with_body(200, "text/plain; charset=utf-8", text.to_owned().into())
}

/// A failure.
pub(crate) fn error(accepts: &Accepts, error: &ApiError) -> Response {
    match error {
        ApiError::UnknownPath => with_body(404, "text/plain; charset=utf-8", "404 page not found\n".into()),
        ApiError::Status(status) => {
            let mut response = object(status.code, accepts, &status.to_json());
            if let Some(seconds) = status.details.get("retryAfterSeconds").and_then(Value::as_u64) {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
    }
}

/// Adds warnings to an answer.
pub(crate) fn warn(response: &mut Response, warnings: &[String]) {
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
}
