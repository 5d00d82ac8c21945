//! The names that expressions have for fields: not every name can be written in them.

use super::parse::RESERVED;

/// Words that mean something in the language.
const MEANT: [&str; 4] = ["true", "false", "null", "in"];

/// The name of a field as expressions write it; `None` where they cannot.
pub fn escape(name: &str) -> Option<String> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-' | '/');
    let begins_as_name = name.starts_with(|letter: char| is_letter(letter) && !letter.is_ascii_digit());
    if !begins_as_name || !name.chars().all(is_letter) {
        return None;
    }
    if MEANT.contains(&name) || RESERVED.contains(&name) {
        return Some(format!("__{name}__"));
    }
    let escaped = name.replace("__", "__underscores__");
    Some(escaped.replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |name: &str, expect: Option<&str>| assert_eq!(escape(name).as_deref(), expect, "{name}");
        check("plain", Some("plain"));
        check("a-b.c/d", Some("a__dash__b__dot__c__slash__d"));
        check("a__b", Some("a__underscores__b"));
        check("namespace", Some("__namespace__"));
        check("int", Some("int"));
        check("1a", None);
        check("a b", None);
        check("", None);
    }
}
