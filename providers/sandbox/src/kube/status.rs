//! What a request fails with: Kubernetes `Status` objects, with the server's codes and reasons.

use serde_json::{Map, Value, json};

use super::merge::Conflict;

pub(crate) use meshform_kube_schema::FieldError;

/// A failed request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ApiError {
    /// The generic handler's answer to paths that do not exist: not a `Status`.
    UnknownPath,
    Status(Box<Status>),
}

/// The fields of a `metav1.Status` that differ between failures.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Status {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) details: Map<String, Value>,
}

pub(crate) type ApiResult<T> = Result<T, ApiError>;

/// Which object a failure is about: `details` names the resource for lookups and the kind for validation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'s> {
    pub(crate) group: &'s str,
    pub(crate) resource: &'s str,
    pub(crate) kind: &'s str,
    pub(crate) name: &'s str,
}

impl Subject<'_> {
    fn qualified_resource(&self) -> String {
        qualified(self.resource, self.group)
    }

    fn details(&self, kind: &str) -> Map<String, Value> {
        let mut details = Map::new();
        for (key, value) in [("name", self.name), ("group", self.group), ("kind", kind)] {
            if !value.is_empty() {
                details.insert(key.to_owned(), json!(value));
            }
        }
        details
    }
}

/// `name.group`, or the bare name in the core group.
pub(crate) fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

impl ApiError {
    pub(crate) fn status(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self::Status(Box::new(Status { code, reason, message: message.into(), details: Map::new() }))
    }

    fn about(code: u16, reason: &'static str, message: String, details: Map<String, Value>) -> Self {
        Self::Status(Box::new(Status { code, reason, message, details }))
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::status(400, "BadRequest", message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        let message = message.into();
        let mut details = Map::new();
        details.insert("causes".to_owned(), json!([{ "message": message }]));
        Self::about(500, "InternalError", format!("Internal error occurred: {message}"), details)
    }

    pub(crate) fn not_found(subject: Subject<'_>) -> Self {
        let message = format!("{} {:?} not found", subject.qualified_resource(), subject.name);
        Self::about(404, "NotFound", message, subject.details(subject.resource))
    }

    /// The API exists, but not this part of it.
    pub(crate) fn no_such_resource() -> Self {
        Self::about(
            404,
            "NotFound",
            "the server could not find the requested resource".to_owned(),
            Map::new(),
        )
    }

    pub(crate) fn already_exists(subject: Subject<'_>) -> Self {
        let message = format!("{} {:?} already exists", subject.qualified_resource(), subject.name);
        Self::about(409, "AlreadyExists", message, subject.details(subject.resource))
    }

    pub(crate) fn conflict(subject: Subject<'_>, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} {:?}: {why}",
            subject.qualified_resource(),
            subject.name
        );
        Self::about(409, "Conflict", message, subject.details(subject.resource))
    }

    /// The write was made from an older version of the object.
    pub(crate) fn stale(subject: Subject<'_>) -> Self {
        Self::conflict(
            subject,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    pub(crate) fn forbidden(subject: Subject<'_>, why: &str) -> Self {
        let resource = subject.qualified_resource();
        let message = match subject.name {
            "" => format!("{resource} is forbidden: {why}"),
            name => format!("{resource} {name:?} is forbidden: {why}"),
        };
        Self::about(403, "Forbidden", message, subject.details(subject.resource))
    }

    /// A path that is no resource, and not for this user.
    pub(crate) fn forbidden_path(why: &str) -> Self {
        Self::status(403, "Forbidden", format!("forbidden: {why}"))
    }

    pub(crate) fn invalid(subject: Subject<'_>, errors: &[FieldError]) -> Self {
        let mut texts: Vec<String> = Vec::new();
        for error in errors {
            let text = match error.field.as_str() {
                "" => error.message.clone(),
                field => format!("{field}: {}", error.message),
            };
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let listed = match texts.as_slice() {
            [only] => only.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message =
            format!("{} {:?} is invalid: {listed}", qualified(subject.kind, subject.group), subject.name);
        let mut details = subject.details(subject.kind);
        details.insert("causes".to_owned(), errors.iter().map(FieldError::cause).collect());
        Self::about(422, "Invalid", message, details)
    }

    /// Refused for now; in how many seconds to try again, if that is known.
    pub(crate) fn too_many_requests(message: &str, causes: &Value, retry_seconds: u64) -> Self {
        let mut details = Map::new();
        details.insert("causes".to_owned(), causes.clone());
        if retry_seconds > 0 {
            details.insert("retryAfterSeconds".to_owned(), json!(retry_seconds));
        }
        Self::about(429, "TooManyRequests", message.to_owned(), details)
    }

    /// A watch or list from a revision that is no longer kept.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::status(410, "Expired", message)
    }

    /// Fields of an apply that others own.
    pub(crate) fn field_conflicts(conflicts: &[Conflict]) -> Self {
        let causes: Vec<Value> = conflicts
            .iter()
            .map(|conflict| {
                json!({
                    "reason": "FieldManagerConflict",
                    "message": format!("conflict with {}", conflict.manager.describe()),
                    "field": conflict.path.to_string(),
                })
            })
            .collect();
        let mut details = Map::new();
        details.insert("causes".to_owned(), Value::Array(causes));
        Self::about(409, "Conflict", conflict_message(conflicts), details)
    }

    /// The HTTP status code.
    pub(crate) fn code(&self) -> u16 {
        match self {
            Self::UnknownPath => 404,
            Self::Status(status) => status.code,
        }
    }

    /// What is told of it.
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::UnknownPath => "404 page not found",
            Self::Status(status) => &status.message,
        }
    }

    /// Whether the object was not there.
    pub(crate) fn is_not_found(&self) -> bool {
        self.code() == 404
    }
}

impl Status {
    /// The object that the server answers with.
    pub(crate) fn to_json(&self) -> Value {
        // These come from the generic layer of the server, which has details to give but nothing to say in them.
        const WITH_DETAILS: [&str; 6] =
            ["NotFound", "MethodNotAllowed", "UnsupportedMediaType", "NotAcceptable", "Invalid", "Forbidden"];
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if !self.details.is_empty() || WITH_DETAILS.contains(&self.reason) {
            status["details"] = Value::Object(self.details.clone());
        }
        status
    }
}

fn conflict_message(conflicts: &[Conflict]) -> String {
    if let [only] = conflicts {
        return format!(
            "Apply failed with 1 conflict: conflict with {}: {}",
            only.manager.describe(),
            only.path
        );
    }
    let mut lines = Vec::new();
    let mut previous = None;
    for conflict in conflicts {
        if previous != Some(&conflict.manager) {
            lines.push(format!("conflicts with {}:", conflict.manager.describe()));
            previous = Some(&conflict.manager);
        }
        lines.push(format!("- {}", conflict.path));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}
