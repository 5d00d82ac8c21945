//! The query parameters that the API knows.

use axum::extract::Query;
use axum::http::Uri;
use serde_json::{Value, json};

use crate::kube::selector::Selector;
use crate::kube::status::{ApiError, ApiResult, FieldError, Subject};
use crate::kube::write::Validation;

/// A request's query parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
}

impl Params {
    /// Reads the query of a URI.
    ///
    /// # Errors
    ///
    /// 400 when it is not a query.
    pub(crate) fn of(uri: &Uri) -> ApiResult<Self> {
        let query = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let Query(pairs) =
            query.map_err(|_| ApiError::bad_request("the query of the request cannot be read"))?;
        Ok(Self { pairs })
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The values of a parameter that may be given more than once.
    pub(crate) fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(key, _)| key == name)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.text(name), "true" | "1" | "True" | "TRUE" | "t" | "T")
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.text(name).parse().ok()
    }

    /// The objects of a kind that are wanted.
    ///
    /// # Errors
    ///
    /// 400 for selectors that cannot be read.
    pub(crate) fn selector(&self, kind: &str) -> ApiResult<Selector> {
        Selector::parse(self.text("labelSelector"), self.text("fieldSelector"), kind)
    }

    /// Whether the write is only tried.
    ///
    /// # Errors
    ///
    /// 422 for anything but `All`.
    pub(crate) fn dry_run(&self, options: &str) -> ApiResult<bool> {
        let given: Vec<&str> =
            self.pairs.iter().filter(|(key, _)| key == "dryRun").map(|(_, value)| value.as_str()).collect();
        if given.iter().all(|value| *value == "All" || value.is_empty()) {
            return Ok(given.contains(&"All"));
        }
        let error = FieldError::unsupported("dryRun", &json!(given), &[json!("All")]);
        Err(invalid_options(options, &error))
    }

    /// What happens with unknown fields; `default` if it is not said.
    ///
    /// # Errors
    ///
    /// 422 for what is none of the choices.
    pub(crate) fn validation(&self, options: &str, default: Validation) -> ApiResult<Validation> {
        match self.text("fieldValidation") {
            "" => Ok(default),
            "Ignore" => Ok(Validation::Ignore),
            "Warn" => Ok(Validation::Warn),
            "Strict" => Ok(Validation::Strict),
            other => {
                let choices = ["", "Ignore", "Strict", "Warn"].map(Value::from);
                let error = FieldError::unsupported("fieldValidation", &json!(other), &choices);
                Err(invalid_options(options, &error))
            }
        }
    }
}

/// Refuses the options of a request.
pub(crate) fn invalid_options(options: &str, error: &FieldError) -> ApiError {
    let subject = Subject { group: "meta.k8s.io", resource: "", kind: options, name: "" };
    ApiError::invalid(subject, std::slice::from_ref(error))
}
