//! What the process's environment says, read once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;

use meshform_engine::inputs::Input;

const VARIABLE_PREFIX: &str = "MESHFORM_VAR_";

/// The part of the environment that matters.
#[derive(Default)]
pub(crate) struct Environment {
    /// Whether progress is to be told line by line, because nobody watches or the terminal cannot redraw.
    pub(crate) line_by_line: bool,
    /// Whether a machine runs this, which answers no questions: `CI`.
    pub(crate) is_unattended: bool,
    /// Values of variables, by `MESHFORM_VAR_name`.
    pub(crate) variables: Vec<Input>,
    /// The workspace that outranks the selected one: `MESHFORM_WORKSPACE`.
    pub(crate) workspace: Option<String>,
    /// What an `encryption` block says, so that no file need hold a key: `MESHFORM_ENCRYPTION`.
    pub(crate) encryption: Option<String>,
    /// All of it, for backends, which look for credentials there.
    pub(crate) all: Arc<BTreeMap<String, String>>,
}

impl Environment {
    /// Reads `CI`, `TERM` and `MESHFORM_*`. (`NO_COLOR` and its kin are read by the writer of colours.)
    pub(crate) fn read(entries: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        let mut all = BTreeMap::new();
        for (name, value) in entries {
            let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { continue };
            all.insert(name.to_owned(), value.to_owned());
            if name == "CI" {
                environment.is_unattended = !matches!(value, "" | "0" | "false");
                environment.line_by_line |= environment.is_unattended;
            } else if name == "TERM" {
                environment.line_by_line |= value == "dumb";
            } else if name == "MESHFORM_WORKSPACE" && !value.is_empty() {
                environment.workspace = Some(value.to_owned());
            } else if name == "MESHFORM_ENCRYPTION" && !value.is_empty() {
                environment.encryption = Some(value.to_owned());
            } else if let Some(variable) = name.strip_prefix(VARIABLE_PREFIX) {
                environment.variables.push(Input::Text {
                    name: variable.to_owned(),
                    text: value.to_owned(),
                    origin: name.to_owned(),
                });
            }
        }
        Self { all: Arc::new(all), ..environment }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_is_read() {
        let entries = [("CI", "true"), ("MESHFORM_VAR_region", "eu"), ("HOME", "/root")];
        let environment = Environment::read(entries.map(|(name, value)| (name.into(), value.into())));
        assert!(environment.line_by_line && environment.is_unattended);
        let [Input::Text { name, text, origin }] = environment.variables.as_slice() else {
            panic!("one variable")
        };
        assert_eq!((name.as_str(), text.as_str(), origin.as_str()), ("region", "eu", "MESHFORM_VAR_region"));
        let watched =
            |name: &str, value: &str| !Environment::read([(name.into(), value.into())]).line_by_line;
        assert!(watched("CI", "false") && watched("TERM", "xterm") && !watched("TERM", "dumb"));
    }
}
