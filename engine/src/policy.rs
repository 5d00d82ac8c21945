//! Policies: rules over a plan that are to hold before it is applied.
//!
//! ```text
//! changes + records ──value──▶ `plan` ─┐
//!                 policy block ────────┴─judge──▶ Judgement ──▶ plan: told · apply: refused, if mandatory
//! ```
//!
//! In the expressions of a `policy` block, `plan` has
//!
//! - `changes`: a list with one object for each instance, unchanged ones too, in the order of their addresses: `address`, `module` (null in the
//!   stack itself), `type`, `name`, `action`, `target` (null for what lives nowhere), `before` (what is recorded, or null), `after` (unknown
//!   where only apply tells, null when it goes) and `reason` (null where the action says it all);
//! - `counts`: how many instances see which action;
//! - `destroy`: whether the whole stack is to go;
//! - `partial`: whether `-target` or `-exclude` keeps it to a part of the stack, or a target could not be reached, so that there are no changes of the rest;
//! - `refresh_only`: whether only the records are brought up to date.
//!
//! An action is one of `no_op`, `create`, `update`, `replace`, `delete`, `forget`, `adopt`, `refresh`, `read`, `defer` and `step`.

mod judge;
mod value;

pub(crate) use self::judge::check;
use self::judge::judge;
pub(crate) use self::value::{Nature, sample, value};
use crate::config::BlockName;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::environment::Environment;
use crate::plan::Plan;
use crate::value::Value;

/// How much a policy weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// No plan is applied of which it does not hold, or cannot be told.
    #[default]
    Mandatory,
    /// That it does not hold is said, no more.
    Advisory,
}

impl Level {
    /// All levels.
    pub const ALL: [Self; 2] = [Self::Mandatory, Self::Advisory];

    /// As one writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mandatory => "mandatory",
            Self::Advisory => "advisory",
        }
    }
}

/// What a policy says of a plan. Ordered from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// Only apply could tell.
    Unknown,
    /// It does not hold.
    Fails,
}

impl Verdict {
    /// A word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Unknown => "unknown",
            Self::Fails => "fails",
        }
    }
}

/// What one policy said of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Which policy: `policy.NAME`, after the module that it is in.
    pub policy: String,
    /// What it is for, in the words of who wrote it.
    pub description: Option<String>,
    /// How much it weighs.
    pub level: Level,
    /// What it says.
    pub verdict: Verdict,
    /// What does not hold or cannot be told: errors of a mandatory policy, warnings of an advisory one.
    pub findings: Vec<Diagnostic>,
}

impl Judgement {
    /// Whether no plan with this judgement is to be applied.
    pub fn forbids(&self) -> bool {
        self.level == Level::Mandatory && self.verdict != Verdict::Holds
    }
}

impl Plan {
    /// Whether a mandatory policy keeps it from being applied.
    pub fn is_forbidden(&self) -> bool {
        self.policies.iter().any(Judgement::forbids)
    }
}

/// What all policies say of a plan, each in every instance of its module.
pub(crate) fn judge_all(environment: &Environment<'_>, plan: impl Fn() -> Value) -> Vec<Judgement> {
    let mut judgements = Vec::new();
    let mut plan_value = None;
    for (path, module) in environment.config.modules() {
        for (name, policy) in &module.policies {
            let block = BlockName::Policy(name.clone());
            let id = block.clone().within(path.clone());
            for called in environment.instances(path) {
                let mut scope = environment.scope(&called.at, &id);
                scope.set("plan", plan_value.get_or_insert_with(&plan).clone());
                let prefix = if called.at.0.is_empty() { String::new() } else { format!("{}.", called.at) };
                judgements.push(judge(&format!("{prefix}{block}"), policy, &scope));
            }
        }
    }
    judgements
}

/// What mandatory policies say against a plan that is to be applied, given what they say of it now and what they said when it was made.
///
/// Of secrets a saved plan knows only fingerprints: what cannot be told for that reason was told when the plan was made.
pub(crate) fn objections(then: &[Judgement], now: Vec<Judgement>) -> Diagnostics {
    let held = |policy: &str| then.iter().any(|it| it.policy == policy && it.verdict == Verdict::Holds);
    let forbidding =
        now.into_iter().filter(|it| it.forbids() && (it.verdict == Verdict::Fails || !held(&it.policy)));
    let mut objections = Diagnostics::new();
    objections.extend(then.iter().filter(|it| it.forbids()).flat_map(|it| it.findings.clone()));
    objections.extend(forbidding.flat_map(|it| it.findings));
    objections
}
