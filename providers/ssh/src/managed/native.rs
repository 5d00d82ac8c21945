//! Resources that a shell looks at and changes.

use meshform_engine::address::Address;
use meshform_engine::ports::{
    Difference, DifferenceRequest, ErrorCode, Observation, ObserveItem, Observed, PerformRequest, Performed,
    Precondition, Problem, ProviderError, StepFailure,
};
use meshform_engine::schema::Attribute;
use meshform_engine::value::Value;
use serde_json::json;

use super::{Managed, difference, marked_as};
use crate::account::Accounts;
use crate::answer::{Answer, Record};
use crate::attributes::with;
use crate::confirm::Confirm;
use crate::error::{blame, error, tail};
use crate::promise::Promises;
use crate::resource::{Job, Resource, Work};
use crate::script::{self, Deed, Looks, Program, Sight, sha256};

/// How long such a change may take, unless `timeouts` or the type says otherwise, in seconds.
const CHANGE_SECONDS: u64 = 120;
/// Under what number a program tells what was there before it, and after it.
const BEFORE: usize = 1;
const AFTER: usize = 0;

/// A resource type that a shell looks at and changes.
pub(crate) trait Native: Managed {
    /// The shell functions that looking and changing take.
    fn library(&self) -> &'static str;

    /// The words of the command that looks, after which the number of its records comes. It prints at least one record by `say`; of what is
    /// not there, one of the kind `absent`. What it prints is what apply proves again before it changes something, records of a kind that
    /// begins with `also` apart.
    ///
    /// `subject` is what is wanted, or else recorded; parts of it may be unknown.
    fn sight(&self, subject: &Value) -> Vec<String>;

    /// What these records say is there; `None` if nothing is.
    ///
    /// # Errors
    /// When something is there that is never touched, or that may not be looked at.
    fn there(
        &self,
        subject: &Value,
        records: &[Record],
        promises: &Promises,
    ) -> Result<Option<There>, ProviderError>;

    /// Shell commands that make it as wanted, whatever there is. They may set `problem` and return another code than 0.
    ///
    /// # Errors
    /// When the request does not tell all that it takes.
    fn make(&self, request: &PerformRequest, desired: &Value) -> Result<String, ProviderError>;

    /// Shell commands that take it away; nothing if it stays.
    fn unmake(&self, request: &PerformRequest, recorded: &Value) -> String;

    /// What is remembered besides the attributes, by what was there before the change.
    fn remember(&self, request: &PerformRequest, before: Option<&There>) -> serde_json::Value;

    /// The same, by all that was told of what was there.
    fn remember_seen(
        &self,
        request: &PerformRequest,
        _: &[Record],
        before: Option<&There>,
    ) -> serde_json::Value {
        self.remember(request, before)
    }

    /// What a `problem` of its shell commands means. `what` is its second word.
    fn problem(&self, request: &PerformRequest, problem: &str, what: &str) -> ProviderError;

    /// Whether the host takes a change back by itself unless it is confirmed.
    fn confirm(&self, _: &PerformRequest) -> Option<Confirm> {
        None
    }

    /// How long a change may take, in seconds.
    fn seconds(&self, _: &PerformRequest) -> u64 {
        CHANGE_SECONDS
    }
}

/// What is there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct There {
    /// Its attributes.
    pub(crate) attributes: Value,
    /// What else is known of it.
    pub(crate) detail: serde_json::Value,
}

/// The resource type that `T` describes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnHost<T>(pub(crate) T);

impl<T: Native> Resource for OnHost<T> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn attributes(&self) -> Vec<Attribute> {
        self.0.attributes()
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        self.0.check(desired)
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        self.0.exposed()
    }

    fn identity(&self, address: &Address, desired: &Value) -> Option<String> {
        self.0.identity(address, desired)
    }

    fn accounts(&self, desired: &Value) -> Accounts {
        self.0.accounts(desired)
    }

    fn look<'a>(&self, index: usize, item: &'a ObserveItem, looks: &mut Looks<'a>) {
        if let Some(subject) = subject(item) {
            looks.sights.push(Sight { index, library: self.0.library(), words: self.0.sight(subject) });
        }
    }

    fn observed(
        &self,
        index: usize,
        item: &ObserveItem,
        answer: &Answer,
        promises: &Promises,
    ) -> Option<Result<Observed, ProviderError>> {
        let Some(subject) = subject(item) else { return Some(Ok(Observed::Absent)) };
        let records = answer.about(index);
        if records.is_empty() {
            return Some(Err(unanswered(self.0.name())));
        }
        let recorded = item.record.as_ref().map(|record| &record.attributes);
        let observation = |there: There| Observation {
            attributes: marked_as(there.attributes, item.desired.as_ref(), recorded),
            version: version(records),
            detail: there.detail,
        };
        let there = self.0.there(subject, records, promises);
        Some(there.map(|there| there.map_or(Observed::Absent, |there| Observed::Present(observation(there)))))
    }

    fn difference(&self, request: &DifferenceRequest<'_>) -> Difference {
        difference::difference(&self.0, request)
    }

    fn work<'a>(
        &'a self,
        request: &'a PerformRequest,
        limit: Option<u64>,
    ) -> Result<Work<'a>, ProviderError> {
        let seconds = limit.unwrap_or_else(|| self.0.seconds(request));
        Ok(Work::Job(Box::new(Change { native: &self.0, request, seconds })))
    }
}

/// What is wanted, or else recorded.
fn subject(item: &ObserveItem) -> Option<&Value> {
    item.desired.as_ref().or_else(|| item.record.as_ref().map(|record| &record.attributes))
}

/// A hash of all that was seen, just as the host's own `see` prints it.
fn version(records: &[Record]) -> String {
    let line = |record: &Record| {
        let fields: String = record.fields.iter().map(|field| format!("\t{field}")).collect();
        format!("{}\t{BEFORE}{fields}\n", record.kind)
    };
    let proven = records.iter().filter(|record| !record.kind.starts_with("also"));
    sha256(proven.map(line).collect::<String>().as_bytes())
}

/// One change, ready to be sent.
struct Change<'a> {
    native: &'a dyn Native,
    request: &'a PerformRequest,
    seconds: u64,
}

impl Change<'_> {
    fn subject(&self) -> Option<&Value> {
        let recorded = self.request.record.as_ref().map(|record| &record.attributes);
        self.request.desired.as_ref().or(recorded)
    }

    fn there(&self, answer: &Answer, index: usize) -> Result<Option<There>, ProviderError> {
        match (self.subject(), answer.about(index)) {
            (_, []) => Err(unanswered(self.native.name())),
            (None, _) => Ok(None),
            (Some(subject), records) => self.native.there(subject, records, &Promises::default()),
        }
    }

    /// Proves that all is as wanted by now.
    fn proven(&self, desired: &Value, answer: &Answer) -> Result<Value, ProviderError> {
        let Some(there) = self.there(answer, AFTER)? else {
            return Err(not_as_wanted(self.request, "it is not there"));
        };
        let observation = Observation {
            attributes: marked_as(there.attributes, Some(desired), None),
            version: String::new(),
            detail: there.detail,
        };
        let open = self.native.changes(desired, &observation, &Unkeyed);
        if open.is_empty() {
            return Ok(with(desired, self.native.computed(Some(&observation))));
        }
        let names: Vec<_> = open.iter().map(|field| field.path.to_string()).collect();
        Err(not_as_wanted(self.request, &format!("{} differs", names.join(", "))))
    }

    fn partial(&self, seen: &[Record], before: Option<&There>) -> Option<Box<Performed>> {
        let attributes = self.request.desired.as_ref()?;
        let computed = self.native.computed(None);
        let attributes = with(attributes, computed.into_iter().map(|(name, _)| (name, Value::null())));
        Some(Box::new(Performed {
            attributes,
            private: self.native.remember_seen(self.request, seen, before),
        }))
    }
}

impl Job for Change<'_> {
    fn seconds(&self) -> u64 {
        self.seconds
    }

    fn program(&self, nonce: &str, _: bool, _: bool) -> Result<Program, ProviderError> {
        let subject = self.subject().ok_or_else(|| incomplete(self.request))?;
        let commands = match (&self.request.desired, &self.request.record) {
            (Some(desired), _) => self.native.make(self.request, desired)?,
            (None, Some(record)) => self.native.unmake(self.request, &record.attributes),
            (None, None) => String::new(),
        };
        let deed = Deed {
            library: self.native.library(),
            sight: self.native.sight(subject),
            version: match &self.request.precondition {
                Precondition::Unproven => None,
                Precondition::Absent => Some("absent"),
                Precondition::Version(version) => Some(version),
            },
            commands: &commands,
        };
        Ok(script::deed(nonce, &deed))
    }

    /// It is sent once: what it did is seen by the next plan.
    fn settles_itself(&self) -> bool {
        false
    }
    /// Package managers and the files of accounts take one at a time.
    fn is_alone(&self) -> bool {
        true
    }

    fn confirm(&self) -> Option<Confirm> {
        self.native.confirm(self.request)
    }

    fn cut_off(&self) -> Option<Box<Performed>> {
        // What was there before was not heard, so nothing can be said of it: as if it had been there.
        let there = There { attributes: Value::object([]), detail: json!({}) };
        self.partial(&[], Some(&there))
    }

    fn performed(&self, answer: &Answer, words: &str) -> Result<Performed, StepFailure> {
        let seen = answer.about(BEFORE);
        let before = self.there(answer, BEFORE);
        let removed = Performed { attributes: Value::null(), private: serde_json::Value::Null };
        if let Some(record) = answer.get("fail", 0) {
            // What is to go may have gone along with something else: with its user goes a group of the same name.
            let is_gone = record.field(0) == "changed" && matches!(before, Ok(None));
            if is_gone && self.request.desired.is_none() {
                return Ok(removed);
            }
            let failure = match record.field(0) {
                "changed" => changed(self.request),
                problem => said(self.native.problem(self.request, problem, record.field(1)), words),
            };
            // Nothing was tried before it was proven what is there.
            let tried = record.field(0) != "changed";
            let partial =
                before.ok().filter(|_| tried).and_then(|before| self.partial(seen, before.as_ref()));
            return Err(StepFailure { error: failure, partial });
        }
        let before = before?;
        let Some(desired) = &self.request.desired else {
            return Ok(removed);
        };
        match self.proven(desired, answer) {
            Ok(attributes) => Ok(Performed {
                attributes,
                private: self.native.remember_seen(self.request, seen, before.as_ref()),
            }),
            Err(failure) => {
                Err(StepFailure { error: said(failure, words), partial: self.partial(seen, before.as_ref()) })
            }
        }
    }
}

/// For comparing values that are both in the clear.
struct Unkeyed;

impl meshform_engine::value::Fingerprinter for Unkeyed {
    fn fingerprint(&self, value: &Value) -> String {
        sha256(format!("{:?}", value.unmarked()).as_bytes())
    }
}

fn said(failure: ProviderError, words: &str) -> ProviderError {
    match tail(words) {
        words if words.is_empty() => failure,
        words => ProviderError { detail: format!("{} The host says: {words}", failure.detail), ..failure },
    }
}

fn changed(request: &PerformRequest) -> ProviderError {
    let what = match &request.precondition {
        Precondition::Absent => "it is there by now",
        _ => "something of it is no longer as it was",
    };
    let detail = format!(
        "{} is not what was reviewed: {what}. Nothing was changed. Plan again to see it as it is now.",
        request.address
    );
    error(ErrorCode::Changed, "Changed since the plan", detail)
}

fn not_as_wanted(request: &PerformRequest, what: &str) -> ProviderError {
    let detail = format!(
        "{} was changed, but is not as wanted right after: {what}. Something else on the host may manage it.",
        request.address
    );
    error(ErrorCode::Failed, "Not as wanted", detail)
}

fn unanswered(kind: &str) -> ProviderError {
    error(ErrorCode::Other, "Not answered", format!("The host's answer does not tell about a {kind}."))
}

fn incomplete(request: &PerformRequest) -> ProviderError {
    let detail = format!("What {} is to be is missing.", request.address);
    error(ErrorCode::Invalid, "Incomplete request", detail)
}

/// An attribute that a request has to tell is missing.
pub(crate) fn missing(name: &str) -> ProviderError {
    blame(error(ErrorCode::Invalid, "Incomplete request", format!("The value of {name} is missing.")), name)
}
