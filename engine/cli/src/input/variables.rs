//! The values of variables: the environment first, then files, then `-var`; what comes later wins. What is missing is asked for.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};

use meshform_engine::config::Registry;
use meshform_engine::inputs::{Input, MissingVariable};
use meshform_engine::pipeline::missing_variables;

use super::stack::{Stack, variables_file};
use crate::environment::Environment;
use crate::problem::Problem;
use crate::terminal;

/// The flags that give variables their values.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct VariableArguments {
    /// Give a variable its value (may be repeated)
    #[arg(long = "var", value_name = "NAME=VALUE", allow_hyphen_values = true)]
    values: Vec<String>,
    /// Read values of variables from a file of NAME = VALUE lines (may be repeated)
    #[arg(long = "var-file", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Whether to ask for the values of variables that have none
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, default_value_t = true)]
    input: bool,
}

impl VariableArguments {
    /// All values in the order in which they outrank each other, the strongest last. Those of required variables that have none are
    /// asked for, if someone is there.
    ///
    /// # Errors
    /// When a file cannot be read, or the terminal.
    pub(crate) fn inputs(
        &self,
        environment: &Environment,
        stack: &Stack,
        asking: Option<&Registry>,
    ) -> Result<Vec<Input>, Problem> {
        let mut inputs = environment.variables.clone();
        inputs.extend(stack.variables.iter().cloned());
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
        let can_ask = self.input && !environment.is_unattended && terminal::can_ask();
        if let Some(registry) = asking.filter(|_| can_ask) {
            for missing in missing_variables(&stack.sources, registry, &inputs) {
                inputs.extend(asked(&missing)?);
            }
        }
        Ok(inputs)
    }
}

/// Asks for a variable's value; nothing at the end of the input.
fn asked(missing: &MissingVariable) -> Result<Option<Input>, Problem> {
    let about = missing.description.iter().map(|text| format!("  {text}\n")).collect::<String>();
    let question = format!("var.{}\n{about}  Value: ", missing.name);
    let answer = match missing.sensitive {
        true => terminal::ask_hidden(&question),
        false => terminal::ask(&question),
    };
    let answer = answer.map_err(|error| Problem::io("read", Path::new("the terminal"), &error))?;
    let (name, origin) = (missing.name.clone(), "the answer".to_owned());
    Ok(answer.map(|text| Input::Text { name, text, origin }))
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
