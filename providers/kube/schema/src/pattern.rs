//! Regular expressions, compiled once.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use regex::Regex;

/// How many expressions are kept.
const KEPT_MAX: usize = 1_000;

static COMPILED: LazyLock<RwLock<HashMap<String, Option<Regex>>>> = LazyLock::new(RwLock::default);

/// The compiled expression; `None` if it is none.
pub(crate) fn compiled(expression: &str) -> Option<Regex> {
    if let Some(known) = COMPILED.read().unwrap_or_else(PoisonError::into_inner).get(expression) {
        return known.clone();
    }
    let regex = Regex::new(expression).ok();
    let mut kept = COMPILED.write().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= KEPT_MAX {
        kept.clear();
    }
    kept.insert(expression.to_owned(), regex.clone());
    regex
}

/// Whether a text matches; an expression that cannot be compiled matches everything, as it restricts nothing.
pub fn matches(expression: &str, text: &str) -> bool {
    compiled(expression).is_none_or(|regex| regex.is_match(text))
}
