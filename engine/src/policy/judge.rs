//! A policy and a plan → a judgement.

use super::{Judgement, Level, Verdict};
use crate::condition;
use crate::config::Policy;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, Span};
use crate::lang::{Scope, convert, evaluate};
use crate::lower::elements;
use crate::types::Type;
use crate::value::Value;

/// What a policy of this name says of the plan that `scope` knows as `plan`.
pub(crate) fn judge(name: &str, policy: &Policy, scope: &Scope<'_>) -> Judgement {
    let mut judging = Judging::new(name, policy);
    judging.all(scope);
    // What cannot be evaluated does not hold.
    if judging.problems.has_errors() {
        judging.verdict = Verdict::Fails;
    }
    let severity = match policy.level {
        Level::Mandatory => Severity::Error,
        Level::Advisory => Severity::Warning,
    };
    Judgement {
        policy: name.to_owned(),
        description: policy.description.clone(),
        level: policy.level,
        verdict: judging.verdict,
        findings: judging
            .problems
            .into_iter()
            .chain(judging.findings)
            .map(|it| Diagnostic { severity, ..it })
            .collect(),
    }
}

/// What is wrong with a policy itself, whatever the plan that `scope` knows as `plan`.
pub(crate) fn check(policy: &Policy, scope: &Scope<'_>) -> Diagnostics {
    let mut judging = Judging::new("", policy);
    judging.all(scope);
    judging.problems
}

struct Judging<'a> {
    name: &'a str,
    policy: &'a Policy,
    verdict: Verdict,
    /// What is wrong with the plan.
    findings: Diagnostics,
    /// What is wrong with the policy.
    problems: Diagnostics,
}

impl<'a> Judging<'a> {
    fn new(name: &'a str, policy: &'a Policy) -> Self {
        let (findings, problems) = (Diagnostics::new(), Diagnostics::new());
        Self { name, policy, verdict: Verdict::Holds, findings, problems }
    }

    fn all(&mut self, scope: &Scope<'_>) {
        let Some(for_each) = &self.policy.for_each else { return self.one(None, scope) };
        let found = elements(for_each, "a `policy` block", scope, &mut self.problems);
        let (all, is_certain) = match found.all {
            Ok(all) => (all, true),
            Err((key, value)) => (vec![(Value::unknown(key), Value::unknown(value))], false),
        };
        for (key, value) in all {
            let about = about(&key, &value).filter(|_| !found.sensitive);
            let mut inner = scope.child();
            let each = [("key", key), ("value", value)];
            inner.set(
                "each",
                Value::object(each.map(|(name, part)| (name.to_owned(), part.marked(found.sensitive)))),
            );
            self.one(about.filter(|_| is_certain), &inner);
        }
        if !is_certain {
            self.cannot_tell("What its `for_each` goes over", None, for_each.span());
        }
    }

    /// Judges what is in scope, which is about some instance or key.
    fn one(&mut self, about: Option<String>, scope: &Scope<'_>) {
        let condition = &self.policy.condition;
        let found = self.problems.len();
        let value = evaluate(&condition.condition, scope, &mut self.problems);
        if self.problems.len() > found {
            return;
        }
        let span = condition.condition.span();
        match convert(&value, &Type::Bool).ok().filter(|holds| !holds.is_null()).map(|holds| holds.as_bool())
        {
            Some(Some(true)) => {}
            Some(Some(false)) => {
                let message = condition::message(condition, scope, &mut self.problems);
                self.find(Verdict::Fails, "Policy does not hold", &message, about, span);
            }
            Some(None) => {
                // For what is wrong with it.
                condition::message(condition, scope, &mut self.problems);
                self.cannot_tell("Whether it holds", about, span);
            }
            None => {
                let detail = format!("The condition of {} must be true or false.", self.name);
                self.problems.push(Diagnostic::error("Invalid condition", detail).at(span));
            }
        }
    }

    fn cannot_tell(&mut self, what: &str, about: Option<String>, span: Option<Span>) {
        let message = match self.policy.level {
            Level::Mandatory => format!(
                "{what} is known only after apply, and a mandatory policy must be known to hold before. Let it look at what is known by then, or make it advisory."
            ),
            Level::Advisory => format!("{what} is known only after apply."),
        };
        self.find(Verdict::Unknown, "Policy cannot be told", &message, about, span);
    }

    fn find(
        &mut self,
        verdict: Verdict,
        summary: &str,
        message: &str,
        about: Option<String>,
        span: Option<Span>,
    ) {
        let about = about.map(|about| format!(", {about}")).unwrap_or_default();
        let detail = format!("{message} ({}{about})", self.name);
        self.verdict = self.verdict.max(verdict);
        self.findings.push(Diagnostic::error(summary, detail).at(span));
    }
}

/// What an element is called: a change by its address, all else by its key.
fn about(key: &Value, value: &Value) -> Option<String> {
    let shown = |value: &Value| match convert(value, &Type::String) {
        Ok(text) if !value.has_sensitive() => text.as_str().map(str::to_owned),
        _ => None,
    };
    value.get("address").and_then(shown).or_else(|| shown(key))
}
