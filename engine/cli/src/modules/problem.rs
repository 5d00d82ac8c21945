//! Why a module cannot be had, in words for whoever wrote its call.

use meshform_engine::diagnostic::ModuleProblem;

/// What `source` may say, for those who said something else.
pub(super) const KINDS: &str = "A source is a local folder (\"./x\", \"../x\"), a git repository (\"git::https://…\", \
    \"git::ssh://…\", \"git@host:org/repo.git\", \"github.com/org/repo\") or a package in an OCI registry (\"oci://registry/repository\").";

/// A problem with what the call says.
pub(super) fn unsupported(detail: impl Into<String>) -> ModuleProblem {
    problem("Unsupported module source", detail)
}

/// A problem with getting what the call says.
pub(super) fn unfetched(detail: impl Into<String>) -> ModuleProblem {
    problem("The module cannot be fetched", detail)
}

/// Any problem.
pub(super) fn problem(summary: &str, detail: impl Into<String>) -> ModuleProblem {
    ModuleProblem { summary: summary.to_owned(), detail: detail.into() }
}
