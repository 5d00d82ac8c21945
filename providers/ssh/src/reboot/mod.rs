//! `host_reboot`: another boot, when something asks for one.
//!
//! A reboot is known by the boot's id, never by its time: what was begun is settled by looking whether another boot has come. What it was
//! begun for is remembered on the host, so that a run that was cut off meanwhile is not followed by a second reboot.

mod diff;
mod perform;

use meshform_engine::address::Address;
use meshform_engine::ports::{
    Difference, DifferenceRequest, ErrorCode, Observation, ObserveItem, Observed, PerformRequest, Problem,
    ProviderError,
};
use meshform_engine::schema::Attribute;
use meshform_engine::types::Type;
use meshform_engine::value::{Value, to_json};
use serde_json::json;

use crate::answer::{Answer, Record};
use crate::attributes::{given, with};
use crate::check::wrong;
use crate::error::error;
use crate::promise::Promises;
use crate::resource::{Resource, Work};
use crate::script::{Looks, Sight, sha256};

/// How long a reboot may take, unless `timeouts` says otherwise, in seconds.
const REBOOT_SECONDS: u64 = 600;
/// What can ask for a reboot.
const REASONS: [&str; 2] = ["required", "kernel"];
const LIBRARY: &str = include_str!("reboot.sh");

/// The resource type of reboots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reboot;

impl Resource for Reboot {
    fn name(&self) -> &'static str {
        "host_reboot"
    }

    fn attributes(&self) -> Vec<Attribute> {
        vec![
            Attribute::default(
                "when",
                Type::String.list(),
                Value::list(REASONS.map(Value::from)),
                "What asks for a reboot: required (/run/reboot-required, or needs-restarting), kernel (a newer one is installed than runs), or both.",
            ),
            Attribute::optional(
                "triggers",
                Type::Any,
                "Reboots when this value changes, and for the first time.",
            ),
            Attribute::computed("boot_id", Type::String, "The kernel's id of the boot that the host is in."),
        ]
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        let given = desired.get("when").and_then(Value::as_list).unwrap_or_default();
        let odd = given.iter().filter_map(Value::as_str).filter(|reason| !REASONS.contains(reason));
        odd.map(|reason| wrong("when", format!("{reason:?} is none of \"required\" and \"kernel\".")))
            .collect()
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        &[(
            "triggers",
            "A hash of it lies on the host while that reboots. Let something depend on the secret that is not secret, such as its version.",
        )]
    }

    fn identity(&self, address: &Address, _: &Value) -> Option<String> {
        Some(format!("reboot:{address}"))
    }

    fn look<'a>(&self, index: usize, item: &'a ObserveItem, looks: &mut Looks<'a>) {
        let words = vec!["see_reboot".to_owned(), key(&item.address)];
        looks.sights.push(Sight { index, library: LIBRARY, words });
    }

    fn observed(
        &self,
        index: usize,
        item: &ObserveItem,
        answer: &Answer,
        _: &Promises,
    ) -> Option<Result<Observed, ProviderError>> {
        let Some(boot) = answer.get("boot", index) else { return Some(Err(unanswered())) };
        let field = |kind, position| answer.get(kind, index).map(|record| record.field(position).to_owned());
        let detail = json!({
            "boot": boot.field(0),
            "required": field("required", 0),
            "running": field("kernel", 0), "newest": field("kernel", 1),
            "over": is_over(boot.field(0), item.desired.as_ref(), answer.get("marker", index)),
        });
        let subject = item.record.as_ref().map(|record| &record.attributes).or(item.desired.as_ref());
        let attributes = subject
            .map_or_else(Value::null, |subject| with(subject, [("boot_id", Value::string(boot.field(0)))]));
        Some(Ok(Observed::Present(Observation { attributes, version: version(&detail), detail })))
    }

    fn difference(&self, request: &DifferenceRequest<'_>) -> Difference {
        diff::difference(request)
    }

    fn work<'a>(
        &'a self,
        request: &'a PerformRequest,
        limit: Option<u64>,
    ) -> Result<Work<'a>, ProviderError> {
        Ok(perform::work(request, limit.unwrap_or(REBOOT_SECONDS)))
    }
}

/// Whether the reboot that triggers ask for has happened: an earlier run was cut off before it could record that.
fn is_over(boot: &str, desired: Option<&Value>, marker: Option<&Record>) -> bool {
    let hash = desired.filter(|desired| given(desired, "triggers").is_some()).and_then(hash);
    marker.is_some_and(|marker| marker.field(0) != boot && hash.as_deref() == Some(marker.field(1)))
}

/// What apply has to know of what was reviewed: the boot, what asked for another one by itself, and whether that is over.
fn version(detail: &serde_json::Value) -> String {
    let is = |name: &str| detail.get(name).is_some_and(|value| !value.is_null());
    let boot = detail.get("boot").and_then(serde_json::Value::as_str).unwrap_or_default();
    let newest = detail.get("newest").and_then(serde_json::Value::as_str).unwrap_or("-");
    let over =
        if detail.get("over").and_then(serde_json::Value::as_bool) == Some(true) { "over" } else { "-" };
    format!("{boot} {} {newest} {over}", if is("required") { "required" } else { "-" })
}

/// By what a reboot is told from others on its host.
fn key(address: &Address) -> String {
    sha256(address.to_string().as_bytes()).chars().take(16).collect()
}

/// A hash of its triggers, if they are known.
fn hash(desired: &Value) -> Option<String> {
    match given(desired, "triggers") {
        None => Some("-".to_owned()),
        Some(triggers) => to_json(triggers).ok().map(|json| sha256(json.to_string().as_bytes())),
    }
}

/// Whether this reason is one of those that count.
fn counts(desired: &Value, reason: &str) -> bool {
    let when = desired.get("when").and_then(Value::as_list).unwrap_or_default();
    when.iter().any(|given| given.as_str() == Some(reason))
}

fn unanswered() -> ProviderError {
    error(ErrorCode::Other, "Boot not known", "The host's answer does not tell which boot it is in.")
}

#[cfg(test)]
mod tests;
