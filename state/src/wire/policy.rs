//! What policies said of a plan, in its file.

use meshform_engine::policy::{Judgement, Level, Verdict};
use serde::{Deserialize, Serialize};

use super::plan::DiagnosticBody;

/// A judgement's image.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JudgementBody {
    policy: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(with = "LevelBody")]
    level: Level,
    #[serde(with = "VerdictBody")]
    verdict: Verdict,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    findings: Vec<DiagnosticBody>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Level", rename_all = "snake_case")]
enum LevelBody {
    Mandatory,
    Advisory,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Verdict", rename_all = "snake_case")]
enum VerdictBody {
    Holds,
    Unknown,
    Fails,
}

impl JudgementBody {
    pub(super) fn new(judgement: &Judgement) -> Self {
        Self {
            policy: judgement.policy.clone(),
            description: judgement.description.clone(),
            level: judgement.level,
            verdict: judgement.verdict,
            findings: judgement.findings.iter().map(DiagnosticBody::new).collect(),
        }
    }

    pub(super) fn into_judgement(self) -> Judgement {
        Judgement {
            policy: self.policy,
            description: self.description,
            level: self.level,
            verdict: self.verdict,
            findings: self.findings.into_iter().map(DiagnosticBody::into_diagnostic).collect(),
        }
    }
}
