#![doc = include_str!("../language.md")]
//!
//! # How it is evaluated
//!
//! What expressions mean: evaluation straight over the parser's AST, so that every problem has its place.
//!
//! ```text
//! Expression ──references──▶ what it needs          (before: to order the stack)
//! Expression + Scope ──evaluate──▶ Value + diagnostics
//! Value + Type ──convert──▶ Value
//! ```
//!
//! The semantics are Terraform's. Where they differ, it is on purpose: numbers are exact decimals; `&&` and `||` leave out the
//! right side when the left one decides; a conditional whose results have no common type keeps the chosen one as it is; null equals
//! null, of whatever types they are.

mod constraint;
mod convert;
mod evaluate;
mod expression;
mod functions;
mod limits;
mod number;
mod scope;
mod unify;

pub use self::constraint::{TypeConstraint, type_of};
pub(crate) use self::convert::article;
pub use self::convert::{ConvertError, convert};
pub use self::evaluate::evaluate;
pub use self::expression::{Expression, Reference, TraversalStep};
pub use self::functions::function_names;
pub use self::scope::{FunctionContext, Impure, Scope};
pub use self::unify::type_of_value;
