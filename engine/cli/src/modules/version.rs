//! Version constraints as in Terraform: `~> 1.2`, `>= 1.0, < 2.0`, `1.4.0`.
//!
//! A pre-release is only ever chosen by a constraint that names it: nobody gets one by surprise.

use meshform_engine::diagnostic::ModuleProblem;
use semver::{BuildMetadata, Version};

use super::problem::problem;

/// Which versions will do: all of its conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Constraints(Vec<Condition>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    operator: Operator,
    version: Version,
    /// How many of major, minor and patch were written.
    parts: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Above,
    AtLeast,
    Below,
    AtMost,
    /// The last part that is written may grow.
    Compatible,
}

/// Two-letter operators first: the others begin them.
const OPERATORS: [(&str, Operator); 7] = [
    ("~>", Operator::Compatible),
    (">=", Operator::AtLeast),
    ("<=", Operator::AtMost),
    ("!=", Operator::Unequal),
    (">", Operator::Above),
    ("<", Operator::Below),
    ("=", Operator::Equal),
];

impl Constraints {
    /// Reads them.
    ///
    /// # Errors
    /// When one is none.
    pub(super) fn parse(text: &str) -> Result<Self, ModuleProblem> {
        let conditions = text.split(',').map(|part| condition(part.trim()));
        conditions.collect::<Option<_>>().map(Self).ok_or_else(|| {
            let detail = format!(
                "{text:?} does not say which versions will do: write such as \"~> 1.2\" or \">= 1.0, < 2.0\"."
            );
            problem("Invalid version constraint", detail)
        })
    }

    /// The tag with the newest version that will do, and that version.
    pub(super) fn newest<'a>(&self, tags: impl IntoIterator<Item = &'a str>) -> Option<(&'a str, Version)> {
        let versions = tags.into_iter().filter_map(|tag| Some((tag, tag_version(tag)?)));
        // Of tags of the same version, such as "1.2.0" and "v1.2.0", the shorter one.
        versions
            .filter(|(_, version)| self.allow(version))
            .max_by(|(left, a), (right, b)| a.cmp(b).then(right.len().cmp(&left.len())))
    }

    fn allow(&self, version: &Version) -> bool {
        let is_named =
            |it: &Condition| it.operator == Operator::Equal && precedence(&it.version) == precedence(version);
        (version.pre.is_empty() || self.0.iter().any(is_named))
            && self.0.iter().all(|condition| condition.allows(version))
    }
}

impl Condition {
    fn allows(&self, version: &Version) -> bool {
        let (version, own) = (precedence(version), precedence(&self.version));
        match self.operator {
            Operator::Equal => version == own,
            Operator::Unequal => version != own,
            Operator::Above => version > own,
            Operator::AtLeast => version >= own,
            Operator::Below => version < own,
            Operator::AtMost => version <= own,
            Operator::Compatible => version >= own && self.next().is_none_or(|next| version < next),
        }
    }

    /// The first version that is not compatible any more; none if every later one is.
    fn next(&self) -> Option<Version> {
        let Version { major, minor, .. } = self.version;
        match self.parts {
            3 => Some(Version::new(major, minor.checked_add(1)?, 0)),
            2 => Some(Version::new(major.checked_add(1)?, 0, 0)),
            _ => None,
        }
    }
}

fn condition(text: &str) -> Option<Condition> {
    let found = OPERATORS.iter().find_map(|(sign, operator)| Some((text.strip_prefix(sign)?, *operator)));
    let (rest, operator) = found.unwrap_or((text, Operator::Equal));
    let (version, parts) = version(rest.trim())?;
    Some(Condition { operator, version, parts })
}

/// A version of one, two or three parts, and how many there are.
fn version(text: &str) -> Option<(Version, usize)> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let parts = numbers.split('.').count();
    let filled = format!("{numbers}{}{rest}", ".0".repeat(3_usize.checked_sub(parts)?));
    Some((Version::parse(&filled).ok()?, parts))
}

/// The version that a tag stands for: all three parts, with or without a `v`. Tags of registries have `_` where a version has `+`.
fn tag_version(tag: &str) -> Option<Version> {
    let text = tag.strip_prefix('v').unwrap_or(tag);
    Version::parse(text).or_else(|_| Version::parse(&text.replacen('_', "+", 1))).ok()
}

/// What decides which of two is newer: all but the build.
fn precedence(version: &Version) -> Version {
    Version { build: BuildMetadata::EMPTY, ..version.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAGS: [&str; 12] = [
        "latest",
        "0.9.0",
        "1.0.0",
        "v1.0.0",
        "1.2.0",
        "1.2.9",
        "v1.10.1",
        "2.0.0-rc.1",
        "2.0.0_build.5",
        "1.2",
        "main",
        "3.0.0-beta",
    ];

    #[test]
    fn the_newest_that_will_do() {
        let check = |constraints: &str, expect: Option<&str>| {
            let constraints = Constraints::parse(constraints).unwrap();
            assert_eq!(constraints.newest(TAGS).map(|(tag, _)| tag), expect, "{constraints:?}");
        };
        check(">= 0", Some("2.0.0_build.5"));
        check("~> 1.2", Some("v1.10.1"));
        check("~> 1.2.0", Some("1.2.9"));
        check("~> 1", Some("2.0.0_build.5"));
        check("~>1.2.3, != 1.2.9", None);
        check(">= 1.0, < 1.2", Some("1.0.0"));
        check("<= 1.2.0", Some("1.2.0"));
        check("> 1.10.1, < 2", None);
        check("1.2.0", Some("1.2.0"));
        check("= v1.0.0", Some("1.0.0"));
        check("2.0.0-rc.1", Some("2.0.0-rc.1"));
        check("> 2.0.0", None);
        check("!= 2.0.0", Some("v1.10.1"));
        check("~> 18446744073709551615.0", None);
    }

    #[test]
    fn what_is_no_constraint_is_told() {
        for text in ["", "latest", "~> x", "1.2.3.4", ">= 1,", "=> 1", "1.-2", "~> 1 2"] {
            assert!(Constraints::parse(text).is_err(), "{text}");
        }
    }
}
