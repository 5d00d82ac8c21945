//! How a host is rebooted, and how it is known that it is back.

use meshform_engine::ports::{
    ErrorCode, Operation, PerformRequest, Performed, Precondition, ProviderError, StepFailure,
};
use meshform_engine::value::Value;
use serde_json::json;

use super::{LIBRARY, counts, hash, key};
use crate::answer::Answer;
use crate::attributes::{given, with};
use crate::error::{error, tail};
use crate::resource::{Begun, Restart, Work};
use crate::script::{Program, quote, with_library};

/// A reboot.
struct Run<'a> {
    request: &'a PerformRequest,
    desired: &'a Value,
    seconds: u64,
}

/// What a step does, which may take so many seconds.
pub(super) fn work(request: &PerformRequest, seconds: u64) -> Work<'_> {
    match (request.operation, &request.desired) {
        (Operation::Create | Operation::Update, Some(desired)) if is_needed(request, desired) => {
            Work::Restart(Box::new(Run { request, desired, seconds }))
        }
        (Operation::Create | Operation::Update, Some(desired)) => Work::Record(Performed {
            attributes: with(desired, [("boot_id", boot(request).map_or_else(Value::null, Value::string))]),
            private: request.record.as_ref().map_or_else(|| json!({}), |record| record.private.clone()),
        }),
        _ => Work::Record(Performed { attributes: Value::null(), private: serde_json::Value::Null }),
    }
}

/// The boot that was reviewed.
fn boot(request: &PerformRequest) -> Option<&str> {
    match &request.precondition {
        Precondition::Version(version) => version.split(' ').next(),
        _ => None,
    }
}

/// Whether it was seen that the reboot has happened, and only has to be recorded.
fn is_over(request: &PerformRequest) -> bool {
    matches!(&request.precondition, Precondition::Version(version) if version.ends_with(" over"))
}

/// Whether what was reviewed asks for a reboot. What is not known to have been seen does.
fn is_needed(request: &PerformRequest, desired: &Value) -> bool {
    let is_triggered = given(desired, "triggers").is_some_and(|triggers| {
        let was = request.record.as_ref().and_then(|record| record.attributes.get("triggers"));
        !was.is_some_and(|was| was.same(triggers))
    });
    is_triggered || is_asked_for(request, desired)
}

/// Whether the host itself asked for it.
fn is_asked_for(request: &PerformRequest, desired: &Value) -> bool {
    let Precondition::Version(version) = &request.precondition else { return true };
    let mut words = version.split(' ').skip(1);
    let required = words.next() == Some("required") && counts(desired, "required");
    let newest = words.next().filter(|newest| *newest != "-" && counts(desired, "kernel"));
    let record = request.record.as_deref();
    let tried = record.and_then(|record| record.private.get("kernel_tried")).and_then(|tried| tried.as_str());
    required || newest.is_some_and(|newest| tried != Some(newest))
}

impl Restart for Run<'_> {
    fn seconds(&self) -> u64 {
        self.seconds
    }

    fn begin(&self, nonce: &str) -> Program {
        let key = key(&self.request.address);
        let hash = hash(self.desired).unwrap_or_default();
        let is_over = is_over(self.request) && !is_asked_for(self.request, self.desired);
        let reviewed = quote(if is_over { "over" } else { boot(self.request).unwrap_or_default() });
        with_library(nonce, LIBRARY, &format!("begin_reboot {key} {reviewed} {}\n", quote(&hash)))
    }

    fn begun(&self, answer: &Answer, words: &str) -> Result<Begun, StepFailure> {
        if let Some(record) = answer.get("begun", 0) {
            return Ok(Begun::Leaving(record.field(0).to_owned()));
        }
        match answer.get("over", 0) {
            Some(_) => Ok(Begun::Over),
            None => Err(self.refused(words).into()),
        }
    }

    fn reviewed(&self) -> Option<&str> {
        boot(self.request)
    }

    fn ask(&self, nonce: &str) -> Program {
        with_library(nonce, LIBRARY, "see_boot\n")
    }

    fn is_back(&self, answer: &Answer, left: Option<&str>) -> bool {
        let Some(record) = answer.get("boot", 0) else { return false };
        Some(record.field(0)) != left && !matches!(record.field(1), "initializing" | "starting" | "stopping")
    }

    fn end(&self, nonce: &str) -> Program {
        let key = key(&self.request.address);
        with_library(nonce, LIBRARY, &format!("end_reboot {key}\nsay boot 0 \"$(boot_id)\"\n"))
    }

    fn performed(&self, answer: &Answer) -> Performed {
        let field =
            |kind, position| answer.get(kind, 0).map(|record| record.field(position)).unwrap_or_default();
        let (running, newest) = (field("done", 0), field("done", 1));
        let tried = Some(newest).filter(|newest| !newest.is_empty() && *newest != running);
        Performed {
            attributes: with(self.desired, [("boot_id", Value::string(field("boot", 0)))]),
            private: json!({ "kernel_tried": tried }),
        }
    }

    fn missing(&self, why: &str) -> ProviderError {
        let detail = format!(
            "{} was told to reboot, and did not come back with another boot within {} seconds. The next plan looks whether it has. {why}",
            self.request.address, self.seconds
        );
        error(ErrorCode::TimedOut, "Host not back", detail.trim_end())
    }
}

impl Run<'_> {
    fn refused(&self, words: &str) -> ProviderError {
        let said = match tail(words) {
            words if words.is_empty() => String::new(),
            words => format!(" It says: {words}"),
        };
        let detail = format!(
            "{} cannot be made: the host does not reboot for the login user. It takes root: set become on the host.{said}",
            self.request.address
        );
        error(ErrorCode::Denied, "Reboot refused", detail)
    }
}
