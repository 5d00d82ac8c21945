//! Reading a value of which parts may be unknown, with the path to each part.

use std::collections::BTreeMap;

use meshform_engine::diagnostic::Severity;
use meshform_engine::ports::Problem;
use meshform_engine::value::{Kind, Path, PathStep, Value, to_json};
use serde_json::Value as Json;

/// What has been found wrong so far.
#[derive(Default)]
pub(super) struct Findings {
    problems: Vec<Problem>,
    is_unknown: bool,
}

impl Findings {
    pub(super) fn error(&mut self, summary: &str, detail: impl Into<String>, at: &At<'_>) {
        self.problems.push(Problem {
            severity: Severity::Error,
            summary: summary.to_owned(),
            detail: detail.into(),
            path: at.path.clone(),
        });
    }

    pub(super) fn outcome<T>(self, found: Option<T>) -> Result<Option<T>, Vec<Problem>> {
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        Ok(found.filter(|_| !self.is_unknown))
    }
}

/// A part of the value, and where it is; nothing where it is left out.
pub(super) struct At<'a> {
    value: Option<&'a Value>,
    path: Path,
}

impl<'a> At<'a> {
    pub(super) fn top(value: &'a Value) -> Self {
        Self { value: Some(value), path: Path::default() }
    }

    pub(super) fn get(&self, name: &str) -> Self {
        Self {
            value: self.value.and_then(|value| value.get(name)),
            path: self.path.join(PathStep::Attribute(name.to_owned())),
        }
    }

    /// The value, if it is given and known.
    fn known(&self, findings: &mut Findings) -> Option<&'a Value> {
        let value = self.value.filter(|value| !value.is_null())?;
        findings.is_unknown |= !value.is_known();
        value.is_known().then_some(value)
    }

    pub(super) fn is_given(&self) -> bool {
        self.value.is_some_and(|value| !value.is_null())
    }

    pub(super) fn elements(&self, findings: &mut Findings) -> Vec<Self> {
        let elements = self.known(findings).and_then(Value::as_list).unwrap_or_default();
        let at = |(index, value)| Self { value: Some(value), path: self.path.join(PathStep::Index(index)) };
        elements.iter().enumerate().map(at).collect()
    }

    pub(super) fn text(&self, findings: &mut Findings) -> Option<String> {
        let value = self.known(findings)?;
        match value.as_str() {
            Some("") => findings.error("An empty text", "Give it a value, or leave it out.", self),
            Some(text) => return Some(text.to_owned()),
            None => {
                findings.error("Not a text", format!("A text is needed, not a {}.", value.type_name()), self)
            }
        }
        None
    }

    /// The text, which must be there.
    pub(super) fn required_text(&self, why: &str, findings: &mut Findings) -> Option<String> {
        if !self.is_given() {
            findings.error("A missing attribute", why, self);
        }
        self.text(findings)
    }

    /// A whole number between these two.
    pub(super) fn whole(&self, min: u64, max: u64, findings: &mut Findings) -> Option<u64> {
        let value = self.known(findings)?;
        let number = to_json(value).ok().and_then(|json| json.as_u64());
        let number = number.filter(|number| (min..=max).contains(number));
        if number.is_none() {
            let detail = format!("It is {value:?}, and must be a whole number from {min} to {max}.");
            findings.error("Not such a number", detail, self);
        }
        number
    }

    pub(super) fn percent(&self, findings: &mut Findings) -> Option<u8> {
        self.whole(0, 100, findings).and_then(|number| u8::try_from(number).ok())
    }

    pub(super) fn port(&self, findings: &mut Findings) -> Option<u16> {
        self.whole(1, u64::from(u16::MAX), findings).and_then(|number| u16::try_from(number).ok())
    }

    pub(super) fn number(&self, findings: &mut Findings) -> Option<f64> {
        let value = self.known(findings)?;
        let number = to_json(value).ok().and_then(|json| json.as_f64());
        if number.is_none() {
            findings.error("Not a number", format!("It is {value:?}."), self);
        }
        number
    }

    /// A duration such as `90s`, `5m` or `1h30m`, in milliseconds.
    pub(super) fn duration_ms(&self, findings: &mut Findings) -> Option<i64> {
        let text = self.text(findings)?;
        let duration = milliseconds(&text);
        if duration.is_none() {
            let detail = format!("{text:?} is none. Write such as \"90s\", \"5m\" or \"1h30m\".");
            findings.error("Not a duration", detail, self);
        }
        duration
    }

    /// One of these words; the first meaning that is given if it is left out.
    pub(super) fn one_of<T: Copy>(&self, words: &[(&str, T)], or: T, findings: &mut Findings) -> T {
        let Some(text) = self.text(findings) else { return or };
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return *meaning;
        }
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        findings.error("An unknown word", format!("{text:?} is none of {}.", known.join(", ")), self);
        or
    }

    pub(super) fn texts(&self, findings: &mut Findings) -> Vec<(Self, String)> {
        let elements = self.elements(findings);
        elements.into_iter().filter_map(|at| at.text(findings).map(|text| (at, text))).collect()
    }

    pub(super) fn texts_by_name(&self, findings: &mut Findings) -> Option<BTreeMap<String, String>> {
        let names: Vec<_> = self.known(findings)?.as_map()?.keys().cloned().collect();
        let texts = names.into_iter().filter_map(|name| {
            let text = self.get(&name).text(findings)?;
            Some((name, text))
        });
        Some(texts.collect())
    }

    /// The whole value as JSON.
    pub(super) fn json(&self, findings: &mut Findings) -> Option<Json> {
        let value = self.known(findings)?;
        findings.is_unknown |= !value.is_wholly_known();
        if !matches!(value.kind(), Kind::Object(_) | Kind::Map(_)) {
            findings.error(
                "Not an object",
                format!("An object is needed, not a {}.", value.type_name()),
                self,
            );
            return None;
        }
        to_json(value).ok()
    }

    /// Everything of the block that is given must be among these.
    pub(super) fn only(&self, known: &[&str], what: &str, findings: &mut Findings) {
        let names: Vec<_> =
            self.value.and_then(Value::as_map).into_iter().flatten().map(|(name, _)| name).collect();
        for name in names {
            let at = self.get(name);
            if at.is_given() && !known.contains(&name.as_str()) {
                let detail =
                    format!("{what} does not read `{name}`. It reads {}. Remove it.", known.join(", "));
                findings.error("An attribute that is not read", detail, &at);
            }
        }
    }
}

fn milliseconds(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|letter: char| !letter.is_ascii_digit())?);
        let (unit, after) =
            after.split_at(after.find(|letter: char| letter.is_ascii_digit()).unwrap_or(after.len()));
        let factor: i64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(factor)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        let check = |text: &str, expect: Option<i64>| assert_eq!(milliseconds(text), expect, "{text}");
        check("90s", Some(90_000));
        check("1h30m", Some(5_400_000));
        check("0s", Some(0));
        check("250ms", Some(250));
        check("", None);
        check("90", None);
        check("s", None);
        check("5 m", None);
        check("9223372036854775807h", None);
        check("99999999999999999999s", None);
    }
}
