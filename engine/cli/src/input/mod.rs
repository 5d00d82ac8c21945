//! What a command reads before the engine runs: a stack's files, the values of variables, saved plans.

mod disk;
mod layout;
mod modules;
mod restriction;
mod stack;
mod subject;
mod tests;
mod variables;

pub(crate) use self::disk::DiskFiles;
pub(crate) use self::layout::{Written, formattable};
pub(crate) use self::modules::ReadModule;
pub(crate) use self::restriction::RestrictionArguments;
pub(crate) use self::stack::{Stack, existing_folder};
pub(crate) use self::subject::{Subject, output_operands};
pub(crate) use self::tests::{TEST_FOLDER, Tests};
pub(crate) use self::variables::VariableArguments;
