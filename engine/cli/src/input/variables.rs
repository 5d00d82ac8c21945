//! The values of variables: the environment first, then files, then `-var`; what comes later wins.

use std::path::{Path, PathBuf};

use clap::Args;

use super::stack::variables_file;
use crate::environment::Environment;
use crate::problem::Problem;
use meshform_engine::inputs::Input;

/// The flags that give variables their values.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct VariableArguments {
    /// Give a variable its value (may be repeated)
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = name_and_value, allow_hyphen_values = true)]
    values: Vec<(String, String)>,
    /// Read values of variables from a file of NAME = VALUE lines (may be repeated)
    #[arg(long = "var-file", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl VariableArguments {
    /// All values in the order in which they outrank each other, the strongest last.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn inputs(
        &self,
        environment: &Environment,
        beside: Vec<Input>,
    ) -> Result<Vec<Input>, Problem> {
        let mut inputs = environment.variables.clone();
        inputs.extend(beside);
        for path in &self.files {
            inputs.push(variables_file(Path::new(path))?);
        }
        inputs.extend(self.values.iter().map(|(name, text)| Input::Text {
            name: name.clone(),
            text: text.clone(),
            origin: "-var".to_owned(),
        }));
        Ok(inputs)
    }
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_values_are_taken() {
        let check = |given: &str, expect: Option<(&str, &str)>| {
            let parsed = name_and_value(given).ok();
            assert_eq!(
                parsed.as_ref().map(|(name, value)| (name.as_str(), value.as_str())),
                expect,
                "{given}"
            );
        };
        check("a=1", Some(("a", "1")));
        check("a=b=c", Some(("a", "b=c")));
        check("a=", Some(("a", "")));
        check("a", None);
        check("=1", None);
    }
}
