//! YAML: `yamldecode`, `yamlencode` and `parsemanifests`.

mod read;
mod scalar;
mod write;

use self::scalar::Dialect;
use super::{Call, Failure, Function, Parameter, Shape};
use crate::value::Value;

const TEXT: &[Parameter] = &[Parameter::text("text")];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("parsemanifests", TEXT, Shape::Sequence, |call| {
        let documents = documents(call, Dialect::Kubernetes)?;
        Ok(Value::list(documents.into_iter().filter(|document| !document.is_null())))
    }),
    Function::new("yamldecode", TEXT, Shape::Any, |call| {
        let documents = documents(call, Dialect::Terraform)?;
        match <[Value; 1]>::try_from(documents) {
            Ok([only]) => Ok(only),
            Err(none) if none.is_empty() => Err(Failure::at(0, "the text holds no YAML document")),
            Err(_) => {
                Err(Failure::at(0, "the text holds several YAML documents; parsemanifests reads all of them"))
            }
        }
    }),
    Function::new("yamlencode", &[Parameter::any("value").nullable()], Shape::Text, |call| {
        write::document(call.value(0)?).map(Value::from).map_err(|problem| Failure::at(0, problem))
    }),
];

/// What is wrong with a text may quote it.
fn documents(call: &Call<'_>, dialect: Dialect) -> Result<Vec<Value>, Failure> {
    read::documents(call.text(0)?, dialect)
        .map_err(|problem| Failure::at(0, "the text cannot be read as YAML").showing(problem))
}
