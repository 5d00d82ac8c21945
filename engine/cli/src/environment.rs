//! What the process's environment says, read once.

use std::ffi::OsString;

use meshform_engine::inputs::Input;

const VARIABLE_PREFIX: &str = "MESHFORM_VAR_";

/// The part of the environment that matters.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    /// Whether nobody watches: progress is told line by line.
    pub(crate) ci: bool,
    /// Values of variables, by `MESHFORM_VAR_name`.
    pub(crate) variables: Vec<Input>,
}

impl Environment {
    /// Reads `CI` and `MESHFORM_VAR_*`. (`NO_COLOR` and its kin are read by the writer of colours.)
    pub(crate) fn read(entries: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in entries {
            let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { continue };
            if name == "CI" {
                environment.ci = !matches!(value, "" | "0" | "false");
            } else if let Some(variable) = name.strip_prefix(VARIABLE_PREFIX) {
                environment.variables.push(Input::Text {
                    name: variable.to_owned(),
                    text: value.to_owned(),
                    origin: name.to_owned(),
                });
            }
        }
        environment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_is_read() {
        let entries = [("CI", "true"), ("MESHFORM_VAR_region", "eu"), ("HOME", "/root")];
        let environment = Environment::read(entries.map(|(name, value)| (name.into(), value.into())));
        assert!(environment.ci);
        let [Input::Text { name, text, origin }] = environment.variables.as_slice() else {
            panic!("one variable")
        };
        assert_eq!((name.as_str(), text.as_str(), origin.as_str()), ("region", "eu", "MESHFORM_VAR_region"));
        let quiet = Environment::read([("CI".into(), "false".into())]);
        assert!(!quiet.ci && quiet.variables.is_empty());
    }
}
