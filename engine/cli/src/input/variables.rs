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
    #[arg(long = "var", value_name = "NAME=VALUE", allow_hyphen_values = true)]
    values: Vec<String>,
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
        for text in &self.values {
            let (name, value) = name_and_value(text)?;
            inputs.push(Input::Text {
                name: name.to_owned(),
                text: value.to_owned(),
                origin: "-var".to_owned(),
            });
        }
        Ok(inputs)
    }
}

/// Splits `NAME=VALUE`. What is not of that form is not repeated: it may be a secret.
fn name_and_value(text: &str) -> Result<(&str, &str), Problem> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim(), value)),
        _ => Err(Problem::new("Not a variable's value", "-var takes NAME=VALUE, as in -var region=eu.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_values_are_taken() {
        let check = |given: &str, expect: Option<(&str, &str)>| {
            let parsed = name_and_value(given).ok();
            assert_eq!(parsed, expect, "{given}");
        };
        check("a=1", Some(("a", "1")));
        check("a=b=c", Some(("a", "b=c")));
        check("a=", Some(("a", "")));
        check("a", None);
        check("=1", None);
    }
}
