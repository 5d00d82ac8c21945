//! Helps the parser over valid HCL that it cannot read, with changes that move no span and that the evaluator never sees, since
//! it reads numbers and template literals from the original text.

use std::ops::Range;

use hcl_edit::parser::Error;

/// Parses a text, changed where that is needed.
pub(super) fn patched<T>(text: &str, parse: impl Fn(&str) -> Result<T, Error>) -> Result<T, Error> {
    const ATTEMPTS: usize = 64;
    let mut changed = without_empty_heredocs(text);
    let mut result = parse(changed.as_deref().unwrap_or(text));
    for _ in 0..ATTEMPTS {
        let Err(error) = &result else { break };
        let current = changed.as_deref().unwrap_or(text);
        let Some(digits) = exponent_at(current, error.location().offset()) else { break };
        let mut next = current.to_owned();
        let zeros = "0".repeat(digits.len());
        next.replace_range(digits, &zeros);
        result = parse(&next);
        changed = Some(next);
    }
    result
}

/// A number such as `1e400`, which no double holds, ends for the parser before its exponent. These are the digits of the
/// exponent at an offset, when a number stands before it and they are not all zeros.
fn exponent_at(text: &str, offset: usize) -> Option<Range<usize>> {
    let (before, rest) = text.split_at_checked(offset)?;
    let sign = rest.strip_prefix(['e', 'E'])?;
    let digits = sign.strip_prefix(['+', '-']).unwrap_or(sign);
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let worth = before.ends_with(|last: char| last.is_ascii_digit())
        && digits[..length].bytes().any(|digit| digit != b'0');
    let start = text.len() - digits.len();
    worth.then(|| start..start + length)
}

/// A heredoc without a single line runs, for the parser, to the next end marker of its name. Each becomes `""` and spaces.
fn without_empty_heredocs(text: &str) -> Option<String> {
    let mut changed: Option<String> = None;
    for (start, _) in text.match_indices("<<") {
        let Some(end) = empty_heredoc_end(text, start) else { continue };
        let blank: String =
            text[start..end].chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }).collect();
        let target = changed.get_or_insert_with(|| text.to_owned());
        // Markers are checked to be ASCII, so that the replacement has the same length.
        target.replace_range(start..end, &format!("\"\"{}", &blank[2..]));
    }
    changed
}

/// Where a heredoc that starts at an offset ends, if its end marker follows at once.
fn empty_heredoc_end(text: &str, start: usize) -> Option<usize> {
    let rest = &text[start + 2..];
    let (marker, after) = rest.strip_prefix('-').unwrap_or(rest).split_once('\n')?;
    let word = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let line = after.split('\n').next().unwrap_or_default();
    let ends = word(marker) && line.trim_matches([' ', '\t']) == marker;
    ends.then(|| text.len() - after.len() + line.len())
}
