//! What is wrong with how a storage is set up.

use meshform_engine::ports::SettingProblem;
use thiserror::Error;

/// A storage's setting that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{setting}` {problem}")]
pub struct SettingsProblem {
    /// Its name.
    pub setting: &'static str,
    /// What is wrong with it, reading on after its name: "must be a number of seconds". Holds no secrets.
    pub problem: String,
}

impl SettingsProblem {
    /// What is wrong with a setting.
    pub fn new(setting: &'static str, problem: impl Into<String>) -> Self {
        Self { setting, problem: problem.into() }
    }
}

impl From<SettingsProblem> for SettingProblem {
    fn from(problem: SettingsProblem) -> Self {
        Self { setting: problem.setting.to_owned(), problem: problem.problem }
    }
}
