//! The kinds of backends: the folder of the stack, and whatever else a program knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use meshform_engine::ports::{Backend, Keeping, Place, SettingProblem};

use crate::encryption;
use crate::folder::FolderStorage;
use crate::settings::SettingsProblem;
use crate::storage::Storage;
use crate::workspaces::Workspaces;

/// The kind that keeps states in the stack's own folder.
const LOCAL: &str = "local";

/// Makes a storage of settings and of the process's environment. Nothing is asked of it yet.
type Open =
    fn(&BTreeMap<String, String>, &BTreeMap<String, String>) -> Result<Arc<dyn Storage>, SettingsProblem>;

/// A kind of backend: its name; its settings by name, meaning, and whether their values are secret; and what makes a storage of them.
pub type Kind = (&'static str, &'static [(&'static str, &'static str, bool)], Open);

/// What `backend` and `encryption` blocks may say where there are these kinds besides the local one.
#[must_use]
pub fn keeping(kinds: &[Kind]) -> Keeping {
    let known = Keeping::default().encrypted(encryption::schema()).with(LOCAL, &[]);
    kinds.iter().fold(known, |known, (name, settings, _)| known.with(name, settings))
}

/// The states at a place.
///
/// # Errors
/// When a setting cannot be used.
pub fn backend(kinds: &[Kind], place: &Place) -> Result<Arc<dyn Backend>, SettingProblem> {
    let kind = kinds.iter().find(|(name, _, _)| *name == place.backend);
    let storage = match kind {
        Some((_, _, open)) => open(&place.settings, &place.environment)?,
        None => Arc::new(FolderStorage::new(place.folder.clone().into())),
    };
    Ok(Arc::new(Workspaces::over(place, storage)?))
}
