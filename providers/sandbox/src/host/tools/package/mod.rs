//! Packages: apt and dpkg, over dpkg's own database.
//!
//! ```text
//! apt, cache, dpkg   the programs: their words and what they say
//!   ↓
//! resolve            what a change takes
//! change             does it: `content` is what the sandbox's own packages hold
//!   ↓
//! source, database   what can be had, what is there; in the format of `paragraph`
//! version, relation  how versions are ordered, and what packages need
//! ```

mod apt;
mod cache;
mod change;
mod content;
mod database;
mod dpkg;
mod format;
mod mark;
mod paragraph;
mod relation;
mod resolve;
mod source;
mod version;

use std::sync::Arc;

use super::{Answer, Machine};
pub(super) use apt::apt_get;
pub(super) use cache::apt_cache;
pub(super) use dpkg::{dpkg, dpkg_query};
pub(super) use mark::apt_mark;

/// What is said to whoever may not change packages.
const NOT_ROOT: &str = "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)\n\
E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?\n";

/// Gives a host that was just made the packages that it has from the beginning.
pub(super) async fn bear(machine: &Arc<Machine>) {
    let _changing = machine.packages.lock().await;
    let mut database = database::Database::read(&machine.files);
    if !database.is_empty() {
        return;
    }
    let mut answer = Answer::default();
    for package in source::born() {
        let wanted = source::Candidate { package, origin: String::new(), folder: None };
        // What it lacks then can be installed by hand.
        let _ = change::install(machine, &mut database, &wanted, &mut answer).await;
    }
}
