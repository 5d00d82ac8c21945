//! What a run came to: what failed and was to, what failed and was not, what did not fail and was to, and what does not hold.

use super::file::{Command, Run};
use super::parts::parts;
use crate::apply::Applied;
use crate::condition;
use crate::config::{BlockId, BlockName, Condition, Config, Module};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::lang::{Scope, convert, evaluate};
use crate::plan::Plan;
use crate::policy::Verdict;
use crate::ports::ErrorCode;
use crate::types::Type;
use crate::value::Value;

/// How a run ended. Ordered from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// All is as expected.
    Pass,
    /// It was not run.
    Skip,
    /// Something is not as expected.
    Fail,
    /// It could not be told whether all is as expected: no later run of the file makes sense.
    Error,
}

impl Status {
    /// A word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Skip => "skip",
            Self::Fail => "fail",
            Self::Error => "error",
        }
    }
}

/// Something that is not as expected.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What.
    pub diagnostic: Diagnostic,
    /// What explains it: parts of the condition as they are written, with their values. Sensitive ones are marked.
    pub values: Vec<(String, Value)>,
}

/// What came of a run.
#[derive(Debug)]
pub struct RunReport {
    /// How it ended.
    pub status: Status,
    /// What is not as expected.
    pub findings: Vec<Finding>,
    /// Warnings that nobody expected, and that matter to no expectation.
    pub warnings: Diagnostics,
    /// What was planned, if there was a plan.
    pub plan: Option<Plan>,
}

impl RunReport {
    /// Of a run that was not run.
    pub fn skipped() -> Self {
        Self { status: Status::Skip, findings: Vec::new(), warnings: Diagnostics::new(), plan: None }
    }

    /// What could not be begun.
    pub(super) fn failed(problems: Diagnostics) -> Self {
        let mut report = Self { status: Status::Error, ..Self::skipped() };
        for problem in problems {
            match problem.severity {
                Severity::Error => report.find(Status::Error, problem, Vec::new()),
                Severity::Warning => report.warnings.push(problem),
            }
        }
        report
    }

    fn find(&mut self, status: Status, diagnostic: Diagnostic, values: Vec<(String, Value)>) {
        self.status = self.status.max(status);
        self.findings.push(Finding { diagnostic, values });
    }
}

/// Said where what is planned cannot be evaluated in the end.
const MADE_UP: &str = "\nOf what is made up, only that is known which the stack says or the test gives: more of it is given by `override_resource { target = …, values = { … } }`.";

/// What went wrong in a run.
pub(super) struct Troubles<'c> {
    config: &'c Config,
    all: Vec<Trouble>,
    warnings: Diagnostics,
}

struct Trouble {
    diagnostic: Diagnostic,
    /// Whose condition does not hold, if that is what it says.
    about: Option<BlockId>,
    /// Whether only an expectation takes notice of it.
    is_mild: bool,
    /// What it makes of the run if it is not expected.
    status: Status,
}

impl<'c> Troubles<'c> {
    pub(super) fn new(config: &'c Config) -> Self {
        Self { config, all: Vec::new(), warnings: Diagnostics::new() }
    }

    /// Takes what was found while planning or when all was applied.
    pub(super) fn take(&mut self, found: impl IntoIterator<Item = Diagnostic>) {
        for diagnostic in found {
            let about = about(&diagnostic, self.config);
            let status = match (diagnostic.severity, &about) {
                (Severity::Error, _) => Status::Error,
                // What a check finds is a failure where all is to be as expected.
                (Severity::Warning, Some(_)) => Status::Fail,
                (Severity::Warning, None) => {
                    self.warnings.push(diagnostic);
                    continue;
                }
            };
            let diagnostic = Diagnostic { severity: Severity::Error, ..diagnostic };
            self.all.push(Trouble { diagnostic, about, is_mild: false, status });
        }
    }

    /// Takes what a plan warns of. What its checks find is left out where they are asked again after apply.
    pub(super) fn take_plan(&mut self, plan: &Plan, command: Command) {
        let warnings =
            plan.warnings.iter().filter(|it| command == Command::Plan || !condition::is_failure(it));
        self.take(warnings.cloned());
        for judgement in plan.policies.iter().filter(|it| it.verdict != Verdict::Holds) {
            let own = self.config.modules().flat_map(|(path, module)| {
                module.policies.keys().map(|name| BlockName::Policy(name.clone()).within(path.clone()))
            });
            let about = own.into_iter().find(|id| id.to_string() == judgement.policy);
            self.all.extend(judgement.findings.iter().map(|finding| Trouble {
                diagnostic: Diagnostic { severity: Severity::Error, ..finding.clone() },
                about: about.clone(),
                is_mild: !judgement.forbids(),
                status: Status::Fail,
            }));
        }
    }

    /// Takes what failed in an apply, in which some things may have been made up.
    pub(super) fn take_applied(&mut self, applied: &Applied, has_made_up: bool) {
        for failed in &applied.failed {
            let id = BlockId::of(&failed.address);
            let resource = self.config.resource(&id).and_then(|block| block.span.clone());
            let span = resource.or_else(|| self.config.data(&id)?.span.clone());
            let mut detail = format!("{} (in {})", failed.error.detail, failed.address);
            if has_made_up && failed.error.code == ErrorCode::Changed {
                detail.push_str(MADE_UP);
            }
            self.all.push(Trouble {
                diagnostic: Diagnostic::error(failed.error.summary.clone(), detail).at(span),
                about: Some(id).filter(|_| failed.error.code == ErrorCode::Condition),
                is_mild: false,
                status: Status::Error,
            });
        }
        self.take(applied.diagnostics.iter().cloned());
    }

    /// Whether anything failed that was not to.
    pub(super) fn has_unexpected(&self, run: &Run) -> bool {
        self.all.iter().any(|trouble| trouble.status == Status::Error && !trouble.is_expected(run))
    }

    /// What all of that means for a run.
    pub(super) fn judged(self, run: &Run, plan: Option<Plan>) -> RunReport {
        let mut report =
            RunReport { status: Status::Pass, findings: Vec::new(), warnings: self.warnings, plan };
        for expected in &run.expected {
            if self.all.iter().all(|trouble| trouble.about.as_ref() != Some(&expected.what)) {
                let detail = format!("{} was expected to fail, and does not.", expected.what);
                let diagnostic = Diagnostic::error("Expected failure is missing", detail);
                report.find(Status::Fail, diagnostic.at(expected.span.clone()), Vec::new());
            }
        }
        for trouble in self.all {
            match trouble.is_expected(run) {
                true => {}
                false if trouble.is_mild => {
                    report.warnings.push(Diagnostic { severity: Severity::Warning, ..trouble.diagnostic });
                }
                false => report.find(trouble.status, trouble.diagnostic, Vec::new()),
            }
        }
        report
    }
}

impl Trouble {
    fn is_expected(&self, run: &Run) -> bool {
        self.about.as_ref().is_some_and(|about| run.expected.iter().any(|it| it.what == *about))
    }
}

impl RunReport {
    /// Adds what does not hold of what a run asserts.
    pub(super) fn assert(&mut self, asserts: &[Condition], scope: &Scope<'_>, command: Command) {
        for assert in asserts {
            self.assert_one(assert, scope, command);
        }
    }

    fn assert_one(&mut self, assert: &Condition, scope: &Scope<'_>, command: Command) {
        let mut problems = Diagnostics::new();
        let value = evaluate(&assert.condition, scope, &mut problems);
        if problems.has_errors() {
            return problems.into_iter().for_each(|problem| self.find(Status::Error, problem, Vec::new()));
        }
        let explained = || -> Vec<_> {
            let values = parts(&assert.condition)
                .into_iter()
                .map(|part| (part.text().to_owned(), evaluate(&part, scope, &mut Diagnostics::new())));
            values.collect()
        };
        let span = assert.condition.span();
        match convert(&value, &Type::Bool) {
            Ok(holds) if holds.as_bool() == Some(true) => {}
            Ok(holds) if holds.as_bool() == Some(false) => {
                let message = condition::message(assert, scope, &mut problems);
                let diagnostic = Diagnostic::error("Assertion does not hold", message).at(span);
                self.find(Status::Fail, diagnostic, explained());
            }
            Ok(holds) if !holds.is_known() => {
                let detail = match command {
                    Command::Plan => {
                        "It depends on what is known only after apply. Let the run apply, or assert what its plan can tell."
                    }
                    Command::Apply => "It depends on what is not known even after apply.",
                };
                let diagnostic = Diagnostic::error("Assertion cannot be told", detail).at(span);
                let unknown = explained().into_iter().filter(|(_, value)| !value.is_wholly_known());
                self.find(Status::Error, diagnostic, unknown.collect());
            }
            Ok(_) | Err(_) => {
                let detail = "The condition must be true or false.";
                let diagnostic = Diagnostic::error("Invalid assertion", detail).at(span);
                self.find(Status::Error, diagnostic, explained());
            }
        }
    }

    /// Says that nothing could be asserted, because the plan ended with what was expected to fail.
    pub(super) fn not_asserted(&mut self, run: &Run) {
        if let Some(assert) = run.asserts.first() {
            let detail = "The plan failed as expected, so that there is nothing to assert anything of. Move the assertions to a run of their own.";
            self.warnings
                .push(Diagnostic::warning("Assertions were left out", detail).at(assert.condition.span()));
        }
    }
}

/// Whose condition a diagnostic says does not hold: told by its place.
fn about(diagnostic: &Diagnostic, config: &Config) -> Option<BlockId> {
    let span = diagnostic.span.as_ref().filter(|_| condition::is_failure(diagnostic))?;
    let has =
        |conditions: &[Condition]| conditions.iter().any(|it| it.condition.span().as_ref() == Some(span));
    for (path, module) in config.modules() {
        let name = owner(module, &has);
        if let Some(name) = name {
            return Some(name.within(path.clone()));
        }
    }
    None
}

fn owner(module: &Module, has: &impl Fn(&[Condition]) -> bool) -> Option<BlockName> {
    let variables = module.variables.iter().filter(|(_, it)| has(&it.validations));
    let outputs = module.outputs.iter().filter(|(_, it)| has(&it.preconditions));
    let checks = module.checks.iter().filter(|(_, asserts)| has(asserts));
    let resources = module
        .resources
        .iter()
        .filter(|(_, it)| has(&it.lifecycle.preconditions) || has(&it.lifecycle.postconditions));
    let data = module.data.iter().filter(|(_, it)| has(&it.preconditions) || has(&it.postconditions));
    let named = variables.map(|(name, _)| BlockName::Variable(name.clone()));
    let named = named.chain(outputs.map(|(name, _)| BlockName::Output(name.clone())));
    let named = named.chain(checks.map(|(name, _)| BlockName::Check(name.clone())));
    let named =
        named.chain(resources.map(|((kind, name), _)| BlockName::Resource(kind.clone(), name.clone())));
    named.chain(data.map(|((ty, name), _)| BlockName::Data(ty.clone(), name.clone()))).next()
}
