//! The `encryption` block: what it may say, and the settings that it comes to.

use meshform_engine::schema::{Attribute, BlockType, Body};
use meshform_engine::types::Type;
use meshform_engine::value::Value;

use super::passphrase::PassphraseCost;
use super::settings::{KeySource, Settings, SettingsProblem};

/// What an `encryption` block may say: the keys that what is written can be opened with, and in `fallback` blocks those of what was written
/// before.
#[must_use]
pub fn schema() -> Body {
    let migrate = Attribute::default(
        "migrate",
        Type::Bool,
        Value::bool(false),
        "Whether what is not encrypted is read all the same, as when encryption has just been set up.",
    );
    let mut body = keys();
    body.attributes.push(migrate);
    body.with(BlockType::list("fallback", keys(), "Keys that what was written before can be opened with."))
}

fn keys() -> Body {
    let texts = || Type::String.list();
    let age = vec![
        Attribute::optional("recipients", texts(), "Whom to encrypt for: `age1…`."),
        Attribute::optional(
            "identities",
            texts(),
            "What to open with: `AGE-SECRET-KEY-1…`, or files of such.",
        )
        .sensitive(),
    ];
    let body = Body::from(vec![
        Attribute::optional("passphrase", Type::String, "A passphrase.").sensitive(),
        Attribute::optional(
            "command",
            texts(),
            "A program and its arguments, which gives a key of 32 bytes.",
        ),
    ]);
    body.with(BlockType::single("age", age, "Keys of age."))
}

impl Settings {
    /// What a block says, by the [`schema`].
    ///
    /// # Errors
    /// When it gives no key, as when the only one is null: whoever writes such a block does not mean that nothing is encrypted.
    pub fn from_block(block: &Value) -> Result<Self, SettingsProblem> {
        let fallback = block.get("fallback").and_then(Value::as_list).into_iter().flatten();
        let settings = Self {
            current: sources(block),
            fallback: fallback.flat_map(sources).collect(),
            migrate: block.get("migrate").and_then(Value::as_bool).unwrap_or_default(),
            cost: PassphraseCost::default(),
        };
        let has_keys = !settings.current.is_empty() || !settings.fallback.is_empty();
        if has_keys { Ok(settings) } else { Err(SettingsProblem::NoKey) }
    }
}

fn sources(block: &Value) -> Vec<KeySource> {
    let passphrase = block.get("passphrase").and_then(Value::as_str);
    let passphrase = passphrase.map(|text| KeySource::Passphrase(text.to_owned()));
    let command = block.get("command").filter(|command| !command.is_null());
    let command = command.map(|command| KeySource::Command(texts(Some(command))));
    let age = block.get("age").filter(|age| !age.is_null()).map(|age| KeySource::Age {
        recipients: texts(age.get("recipients")),
        identities: texts(age.get("identities")),
    });
    passphrase.into_iter().chain(age).chain(command).collect()
}

fn texts(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_list).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::value::from_json;

    #[test]
    fn a_block_names_its_keys_in_order() {
        let check = |block: serde_json::Value, expect: (&str, &str, bool)| {
            let settings = Settings::from_block(&from_json(&block)).unwrap();
            let names = |keys: &[KeySource]| keys.iter().map(|key| format!("{key:?} ")).collect::<String>();
            let found = (names(&settings.current), names(&settings.fallback), settings.migrate);
            assert_eq!((found.0.trim(), found.1.trim(), found.2), expect, "{block}");
        };
        let json = |text: &str| serde_json::from_str(text).unwrap();
        for none in ["{}", r#"{ "passphrase": null, "migrate": true }"#] {
            assert_eq!(
                Settings::from_block(&from_json(&json(none))).err(),
                Some(SettingsProblem::NoKey),
                "{none}"
            );
        }
        check(json(r#"{ "fallback": [{ "passphrase": "b" }] }"#), ("", "Passphrase", false));
        check(json(r#"{ "passphrase": "a", "migrate": true }"#), ("Passphrase", "", true));
        check(
            json(
                r#"{ "age": { "recipients": ["age1x"] }, "command": ["key"], "fallback": [{ "passphrase": "b" }, { "age": {} }] }"#,
            ),
            ("Age Command", "Passphrase Age", false),
        );
    }
}
