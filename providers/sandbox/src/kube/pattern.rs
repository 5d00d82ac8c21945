//! Regular expressions of custom resources' schemas.

use regex::Regex;

/// Whether a text matches; an expression that cannot be compiled matches everything, as it restricts nothing.
pub(crate) fn matches(expression: &str, text: &str) -> bool {
    Regex::new(expression).map_or(true, |regex| regex.is_match(text))
}
