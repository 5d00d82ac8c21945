//! The Common Expression Language, as the API server has it.
//!
//! ```text
//! text → parse → tree → check (types) → Program → evaluate (values) → value
//! ```
//!
//! An expression is no program that could run for ever: it folds over what there is, and stops when it has taken too many steps. What it
//! costs is not estimated beforehand, as the API server does.

mod check;
mod duration;
mod escape;
mod evaluate;
mod function;
mod kind;
mod macros;
mod network;
mod operator;
mod parse;
mod signature;
mod syntax;
mod token;
mod url;
mod value;

pub use self::check::Scope;
pub use self::escape::escape;
pub use self::kind::{Object, Type};
pub use self::value::{Identity, Key, List, Value};

pub(crate) use self::duration::parse as parse_duration;

use std::sync::Arc;

use self::evaluate::{Evaluation, Failure};
use self::syntax::Node;

/// Why there is no program, or no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The text is no expression. The message has a line with its place for each mistake.
    #[error("{message}")]
    Syntax {
        /// What is wrong, in the API server's words.
        message: String,
    },
    /// Names, fields or types do not fit. The message has a line with its place for each mistake.
    #[error("{message}")]
    Type {
        /// What is wrong, in the API server's words.
        message: String,
    },
    /// The expression is longer, or nests deeper, than any that is of use.
    #[error("the expression is too large")]
    TooLarge,
    /// These values have no result: a key that is not there, a division by zero.
    #[error("{message}")]
    NoValue {
        /// Why, in the API server's words.
        message: String,
    },
    /// The result is not of the type that is asked for.
    #[error("the result is a {found}, not a {expected}")]
    OtherType {
        /// What is asked for.
        expected: &'static str,
        /// What it is.
        found: String,
    },
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::NoValue { message: failure.0 }
    }
}

/// A checked expression.
#[derive(Clone, Debug)]
pub struct Program {
    root: Arc<Node>,
    kind: Type,
}

impl Program {
    /// Reads an expression whose names may be anything.
    ///
    /// # Errors
    ///
    /// When it is no expression, or one that can have no value.
    pub fn compile(text: &str) -> Result<Self, Error> {
        Self::compile_in(text, &Scope::open())
    }

    /// Reads an expression and checks it against the types of its names.
    ///
    /// # Errors
    ///
    /// When it is no expression, names what the scope does not have, or mixes types.
    pub fn compile_in(text: &str, scope: &Scope) -> Result<Self, Error> {
        let root = parse::parse(text)?;
        let kind = check::check(text, &root, scope)?;
        Ok(Self { root: Arc::new(root), kind })
    }

    /// The type of its values, as far as it is known.
    pub fn kind(&self) -> &Type {
        &self.kind
    }

    /// Whether it asks for a name that is not its own.
    pub fn uses(&self, name: &str) -> bool {
        self.root.uses(name)
    }

    /// Its value for these values of names.
    ///
    /// # Errors
    ///
    /// [`Error::NoValue`] when there is none.
    pub fn value<'n>(&'n self, names: impl IntoIterator<Item = (&'n str, Value)>) -> Result<Value, Error> {
        Ok(Evaluation::new(names).value(&self.root)?)
    }

    /// Its value, as JSON, for these values of names, which are JSON, too.
    ///
    /// # Errors
    ///
    /// [`Error::NoValue`] when there is none, [`Error::OtherType`] when it has no form in JSON.
    pub fn evaluate(&self, names: &[(&str, &serde_json::Value)]) -> Result<serde_json::Value, Error> {
        let value = self.value(names.iter().map(|(name, value)| (*name, Value::of_json(value))))?;
        value.to_json().ok_or_else(|| Error::OtherType {
            expected: "value of JSON",
            found: value.type_name().to_owned(),
        })
    }

    /// Whether it is true for these values of names.
    ///
    /// # Errors
    ///
    /// [`Error::NoValue`] when it has no value, [`Error::OtherType`] when that is not a truth.
    pub fn holds(&self, names: &[(&str, &serde_json::Value)]) -> Result<bool, Error> {
        match self.value(names.iter().map(|(name, value)| (*name, Value::of_json(value))))? {
            Value::Bool(holds) => Ok(holds),
            other => Err(Error::OtherType { expected: "bool", found: other.type_name().to_owned() }),
        }
    }
}
