//! How Debian's versions are ordered (deb-version(7)).

use std::cmp::Ordering;

/// Compares two versions: `[epoch:]upstream[-revision]`.
pub(super) fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (Parts::of(one), Parts::of(other));
    let epochs = one.epoch.cmp(&other.epoch);
    epochs.then_with(|| text(one.upstream, other.upstream)).then_with(|| text(one.revision, other.revision))
}

/// Whether `version` stands in this relation to another one: `<<`, `<=`, `=`, `>=`, `>>`, and dpkg's own words for them. Nothing if there
/// is no such relation.
pub(super) fn holds(version: &str, relation: &str, other: &str) -> Option<bool> {
    let order = compare(version, other);
    Some(match relation {
        "<<" | "lt" => order.is_lt(),
        "<" | "<=" | "le" => order.is_le(),
        "=" | "eq" => order.is_eq(),
        "ne" => order.is_ne(),
        ">" | ">=" | "ge" => order.is_ge(),
        ">>" | "gt" => order.is_gt(),
        _ => return None,
    })
}

struct Parts<'v> {
    epoch: u64,
    upstream: &'v str,
    revision: &'v str,
}

impl<'v> Parts<'v> {
    fn of(version: &'v str) -> Self {
        let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Self { epoch: epoch.parse().unwrap_or(0), upstream, revision }
    }
}

/// By turns a part without digits and one of digits.
fn text(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    while !one.is_empty() || !other.is_empty() {
        let (words, rest) = split(one, |letter| !letter.is_ascii_digit());
        let (other_words, other_rest) = split(other, |letter| !letter.is_ascii_digit());
        let (number, rest) = split(rest, |letter| letter.is_ascii_digit());
        let (other_number, other_rest) = split(other_rest, |letter| letter.is_ascii_digit());
        let order = letters(words, other_words).then_with(|| numbers(number, other_number));
        if order.is_ne() {
            return order;
        }
        (one, other) = (rest, other_rest);
    }
    Ordering::Equal
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|letter| !belongs(letter)).unwrap_or(text.len()))
}

/// A tilde comes before the end, and letters before everything else.
fn letters(one: &str, other: &str) -> Ordering {
    let weight = |letter: Option<char>| match letter {
        Some('~') => (0, '~'),
        None => (1, ' '),
        Some(letter) if letter.is_ascii_alphabetic() => (2, letter),
        Some(letter) => (3, letter),
    };
    let (mut one, mut other) = (one.chars(), other.chars());
    loop {
        let (left, right) = (one.next(), other.next());
        match weight(left).cmp(&weight(right)) {
            Ordering::Equal if left.is_none() => return Ordering::Equal,
            Ordering::Equal => {}
            order => return order,
        }
    }
}

fn numbers(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered() {
        let ascending = ["1.0~rc1", "1.0", "1.0-1", "1.0-1+b1", "1.0a", "1.0+x", "1.2", "1.10", "1:0.1"];
        for pair in ascending.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(compare("1.01", "1.1"), Ordering::Equal);
        assert_eq!(compare("0:1", "1"), Ordering::Equal);
        assert_eq!(holds("7.88.1-10+deb12u5", ">=", "7.88"), Some(true));
        assert_eq!(holds("1", "lt", "1"), Some(false));
        assert_eq!(holds("1", "like", "1"), None);
    }
}
