//! Flags with one dash, as Terraform's users write them, turned into those with two.

use std::ffi::OsString;

/// The arguments as the parser wants them: `-auto-approve` becomes `--auto-approve`.
///
/// Single letters (`-C`, `-h`), what does not start with a lower-case letter (`-5`, `-Cfolder`), and all that follows `--` stay.
pub(crate) fn normalised(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut literal = false;
    arguments
        .into_iter()
        .map(|argument| {
            literal |= argument == "--";
            match argument.to_str() {
                Some(text) if !literal && is_long(text) => OsString::from(format!("-{text}")),
                _ => argument,
            }
        })
        .collect()
}

fn is_long(text: &str) -> bool {
    let Some(name) = text.strip_prefix('-') else { return false };
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_lowercase())
        && letters.next().is_some_and(|second| second != '=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &str, expect: &str) {
        let arguments = normalised(given.split(' ').map(OsString::from));
        assert_eq!(arguments.join(std::ffi::OsStr::new(" ")), expect);
    }

    #[test]
    fn one_dash_is_as_good_as_two() {
        check("apply -auto-approve", "apply --auto-approve");
        check("apply --auto-approve", "apply --auto-approve");
        check("plan -var a=-1 -out=x", "plan --var a=-1 --out=x");
        check("plan -parallelism -5", "plan --parallelism -5");
        check("-C folder -h -V -Cfolder", "-C folder -h -V -Cfolder");
        check("plan -- -out", "plan -- -out");
        check("plan - -é", "plan - -é");
    }
}
