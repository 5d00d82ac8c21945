//! The canary annotations, which ingress-nginx and ALB share: header, then cookie, then weight.

use serde_json::Value;

use super::Asked;
use super::ingress::annotation;
use super::matching::matches_part;

/// The least sum of weights; a smaller one is not taken for one.
const TOTAL_MIN: u32 = 100;

/// What a canary takes of a request's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Canary {
    Everything,
    Nothing,
    Weight { weight: u32, total: u32 },
}

/// What the canary Ingress takes of requests like this one.
pub(super) fn of(asked: Asked<'_>, ingress: &Value, prefix: &str) -> Canary {
    let of_header = by_header(asked, ingress, prefix);
    of_header.or_else(|| by_cookie(asked, ingress, prefix)).unwrap_or_else(|| by_weight(ingress, prefix))
}

fn by_header(asked: Asked<'_>, ingress: &Value, prefix: &str) -> Option<Canary> {
    let found = asked.header(annotation(ingress, prefix, "canary-by-header"))?;
    let value = annotation(ingress, prefix, "canary-by-header-value");
    let pattern = annotation(ingress, prefix, "canary-by-header-pattern");
    match (value, pattern) {
        ("", "") => by_word(found),
        ("", pattern) => matches_part(pattern, found).then_some(Canary::Everything),
        (value, _) => (found == value).then_some(Canary::Everything),
    }
}

fn by_cookie(asked: Asked<'_>, ingress: &Value, prefix: &str) -> Option<Canary> {
    by_word(asked.cookie(annotation(ingress, prefix, "canary-by-cookie"))?)
}

fn by_word(word: &str) -> Option<Canary> {
    match word {
        "always" => Some(Canary::Everything),
        "never" => Some(Canary::Nothing),
        _ => None,
    }
}

fn by_weight(ingress: &Value, prefix: &str) -> Canary {
    let number = |name: &str| annotation(ingress, prefix, name).parse::<u32>().ok();
    let total = number("canary-weight-total").unwrap_or(TOTAL_MIN).max(TOTAL_MIN);
    Canary::Weight { weight: number("canary-weight").unwrap_or(0).min(total), total }
}
