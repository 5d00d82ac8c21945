//! Short ways to the engine's errors.

use meshform_engine::ports::{ErrorCode, ProviderError};
use meshform_engine::value::Path;

/// An error with a constant summary and a detail in sentences.
pub(crate) fn error(code: ErrorCode, summary: &str, detail: impl Into<String>) -> ProviderError {
    ProviderError { code, summary: summary.to_owned(), detail: detail.into(), path: None }
}

/// The same error with the attribute to blame.
pub(crate) fn blame(error: ProviderError, attribute: &str) -> ProviderError {
    ProviderError { path: Some(Path::attribute(attribute)), ..error }
}

/// The last lines of what a program wrote, at most 20 lines and 4 KiB, ready to be quoted after a sentence.
pub(crate) fn tail(output: &str) -> String {
    const LINES: usize = 20;
    const BYTES: usize = 4096;
    let output = output.trim();
    let lines: Vec<&str> = output.lines().collect();
    let kept = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n");
    let start = kept.len().saturating_sub(BYTES);
    kept.get(kept.ceil_char_boundary(start)..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::tail;

    #[test]
    fn tails_are_short_and_whole_characters() {
        let check = |output: &str, expect: &str| assert_eq!(tail(output), expect);
        check("", "");
        check(" one\ntwo \n", "one\ntwo");
        let many: String = (0..30).map(|line| format!("{line}\n")).collect();
        assert_eq!(tail(&many).lines().next(), Some("10"));
        let wide = "é".repeat(4000);
        assert_eq!(tail(&wide).chars().count(), 2048);
    }
}
