//! Packages in OCI registries, as OpenTofu publishes them: an artifact of the type `application/vnd.opentofu.modulepkg` with one layer,
//! an archive of the module's files.
//!
//! ```text
//! tag ──▶ manifest, known by the digest of its bytes ──▶ layer, by the digest that the manifest names ──▶ unpacked
//! ```
//!
//! Whatever a registry answers, only what has the right digest is used. `challenge`, `credentials` and `manifest` are pure; `client` and
//! `transport` alone talk to registries.

mod challenge;
mod client;
mod credentials;
mod manifest;
mod transport;

use std::path::Path;

use meshform_engine::diagnostic::ModuleProblem;

use self::client::Registry;
use self::manifest::Layer;
use super::git::no_version;
use super::problem::unfetched;
use super::source::{OciPackage, OciReference};
use super::tree::{BYTES_MAX, ENTRIES_MAX};
use super::unpack::{Bounds, unpack};
use super::version::Constraints;

/// A manifest, and the version that it was chosen for.
pub(super) struct Resolved {
    pub(super) digest: String,
    pub(super) version: Option<String>,
}

/// Finds the manifest that a package stands for now.
///
/// # Errors
/// When the registry cannot be reached, or has no such thing.
pub(super) async fn resolve(
    package: &OciPackage,
    constraints: Option<&Constraints>,
) -> Result<Resolved, ModuleProblem> {
    let registry = Registry::new(package);
    let (tag, version) = match (&package.reference, constraints) {
        (Some(OciReference::Digest(digest)), _) => {
            return Ok(Resolved { digest: digest.clone(), version: None });
        }
        (Some(OciReference::Tag(tag)), _) => (tag.clone(), None),
        (None, None) => ("latest".to_owned(), None),
        (None, Some(constraints)) => {
            let tags = registry.tags().await?;
            let newest = constraints.newest(tags.iter().map(String::as_str));
            let (tag, version) = newest.ok_or_else(|| no_version(&registry.place()))?;
            (tag.to_owned(), Some(version.to_string()))
        }
    };
    let (digest, _) = registry.manifest(&tag).await?;
    Ok(Resolved { digest, version })
}

/// Puts the files of a manifest's package into an empty folder.
///
/// # Errors
/// When the registry cannot be reached, does not have it, or has something else there.
pub(super) async fn fetch(package: &OciPackage, digest: &str, into: &Path) -> Result<(), ModuleProblem> {
    let registry = Registry::new(package);
    let (_, manifest) = registry.manifest(digest).await?;
    let what = |why: String| unfetched(format!("{} ({digest}) holds no module: {why}.", registry.place()));
    let layer = Layer::of(&manifest).map_err(what)?;
    let archive = registry.layer(&layer).await?;
    let bounds = Bounds { entries: ENTRIES_MAX, bytes: BYTES_MAX };
    unpack(layer.form, archive, into, bounds).map_err(|error| {
        unfetched(format!("The package {} cannot be unpacked: {}.", registry.place(), error.fragment()))
    })
}
