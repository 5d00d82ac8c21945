//! What lists and watches are asked for, beyond selectors (`metav1.ListOptions`).

use serde_json::{Value, json};

use super::Call;
use super::params::invalid_options;
use crate::kube::status::{ApiError, ApiResult, FieldError};

const OPTIONS: &str = "ListOptions";
const MATCH: &str = "resourceVersionMatch";
const NOT_OLDER_THAN: &str = "NotOlderThan";
const EXACT: &str = "Exact";

/// How a list is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct ListOptions {
    /// How many items at most; 0 for all.
    pub(super) limit: usize,
    /// The version at which the list is wanted, or that it may not be older than.
    pub(super) revision: Option<u64>,
    pub(super) exact: bool,
}

/// Reads the options of a list.
///
/// # Errors
///
/// 400 for what is no number, 422 for what does not go together.
pub(super) fn of_list(call: &Call) -> ApiResult<ListOptions> {
    let limit = match call.params.text("limit") {
        "" => 0,
        text => text.parse::<i64>().map_err(|_| not_a_number("strconv.ParseInt", text))?,
    };
    check_list(call)?;
    let revision = call.params.text("resourceVersion");
    if !call.params.text("continue").is_empty() && !matches!(revision, "" | "0") {
        return Err(ApiError::bad_request("specifying resource version is not allowed when using continue"));
    }
    let number = revision.parse::<u64>();
    if number.is_err() && !revision.is_empty() {
        return Err(ApiError::bad_request(format!("invalid resource version: {}", bad_revision(revision))));
    }
    Ok(ListOptions {
        limit: usize::try_from(limit).unwrap_or(0),
        revision: number.ok(),
        exact: call.params.text(MATCH) == EXACT,
    })
}

fn check_list(call: &Call) -> ApiResult<()> {
    let (revision, wanted) = (call.params.text("resourceVersion"), call.params.text(MATCH));
    let forbidden =
        |field: &str, why: &str| Err(invalid_options(OPTIONS, &FieldError::forbidden(field, why)));
    if !wanted.is_empty() {
        if revision.is_empty() {
            return forbidden(MATCH, "resourceVersionMatch is forbidden unless resourceVersion is provided");
        }
        if !call.params.text("continue").is_empty() {
            return forbidden(MATCH, "resourceVersionMatch is forbidden when continue is provided");
        }
        if !matches!(wanted, EXACT | NOT_OLDER_THAN) {
            let choices = [EXACT, NOT_OLDER_THAN, ""].map(Value::from);
            return Err(invalid_options(OPTIONS, &FieldError::unsupported(MATCH, &json!(wanted), &choices)));
        }
        if wanted == EXACT && revision == "0" {
            let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
            return forbidden(MATCH, why);
        }
    }
    if call.params.has("sendInitialEvents") {
        return forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list");
    }
    Ok(())
}

/// Checks the options of a watch.
///
/// # Errors
///
/// 422 for what does not go together, and for what is no version: that the server does not call a bad request.
pub(super) fn check_watch(call: &Call) -> ApiResult<()> {
    let (initial, wanted) = (call.params.has("sendInitialEvents"), call.params.text(MATCH));
    let forbidden = |why: &str| Err(invalid_options(OPTIONS, &FieldError::forbidden(MATCH, why)));
    if !wanted.is_empty() && !initial {
        return forbidden("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    }
    if initial && wanted != NOT_OLDER_THAN {
        return forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    }
    let revision = call.params.text("resourceVersion");
    if !revision.is_empty() && revision.parse::<u64>().is_err() {
        return Err(ApiError::status(500, "", bad_revision(revision)));
    }
    Ok(())
}

fn bad_revision(text: &str) -> String {
    format!("resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax")
}

fn not_a_number(function: &str, text: &str) -> ApiError {
    ApiError::bad_request(format!("{function}: parsing {text:?}: invalid syntax"))
}
