//! Enables units, disables and masks them: by links in `/etc/systemd/system`.

use std::io;

use super::find::{self, FOLDERS, Load};
use super::launch::specified;
use crate::host::tools::files::Files;

const OWN: &str = FOLDERS[0];

/// Why that cannot be done, in systemctl's words.
pub(super) type Refusal = String;

/// Makes the links that a unit's `[Install]` section asks for; tells which. False: it asks for none.
pub(super) fn enable(files: &Files, name: &str, made: &mut Vec<String>) -> Result<bool, Refusal> {
    let name = find::full_name(name);
    let unit = find::read(files, &name);
    match unit.load {
        Load::NotFound => return Err(missing("enable", &name)),
        Load::Masked => {
            let path = unit.fragment.unwrap_or_default();
            return Err(format!("Failed to enable unit: Unit file {path} is masked.\n"));
        }
        _ => {}
    }
    let Some(fragment) = unit.fragment.clone() else { return Ok(false) };
    let mut links = Vec::new();
    for (setting, end) in [("WantedBy", "wants"), ("RequiredBy", "requires"), ("UpheldBy", "upholds")] {
        for target in unit.file.words("Install", setting) {
            links.push(format!("{OWN}/{}.{end}/{}", specified(&unit, &target), installed_as(&unit, &name)));
        }
    }
    links.extend(
        unit.file.words("Install", "Alias").iter().map(|alias| format!("{OWN}/{}", specified(&unit, alias))),
    );
    for link in links.iter().filter(|link| files.link(link).as_deref() != Some(&fragment)) {
        files.make_link(&fragment, link).map_err(|error| format!("Failed to enable unit: {error}\n"))?;
        made.push(format!("Created symlink {link} → {fragment}.\n"));
    }
    let also = unit.file.words("Install", "Also");
    for other in also.iter().filter(|other| **other != name) {
        // What comes along and cannot be enabled keeps this one from nothing.
        let _ = enable(files, other, made);
    }
    Ok(!links.is_empty() || !also.is_empty())
}

/// A template is enabled as its default instance.
fn installed_as(unit: &find::Unit, name: &str) -> String {
    match (name.split_once("@."), unit.file.last("Install", "DefaultInstance")) {
        (Some((stem, end)), Some(instance)) => format!("{stem}@{instance}.{end}"),
        _ => name.to_owned(),
    }
}

/// Takes the links away; tells which.
pub(super) fn disable(files: &Files, name: &str) -> Result<Vec<String>, Refusal> {
    let name = find::full_name(name);
    let links = find::links_to(files, OWN, &name);
    let unit = find::read(files, &name);
    if unit.load == Load::NotFound && links.is_empty() {
        return Err(missing("disable", &name));
    }
    let also = unit.file.words("Install", "Also");
    let more =
        also.iter().filter(|other| **other != name).flat_map(|other| find::links_to(files, OWN, other));
    let mut said = Vec::new();
    for link in links.into_iter().chain(more) {
        files.remove(&link).map_err(|error| format!("Failed to disable unit: {error}\n"))?;
        if let Some((folder, _)) = link.rsplit_once('/').filter(|(folder, _)| *folder != OWN) {
            // One that others use is not empty.
            let _ = files.remove_folder(folder);
        }
        said.push(format!("Removed \"{link}\".\n"));
    }
    Ok(said)
}

/// Makes a unit impossible to start, or possible again.
pub(super) fn mask(files: &Files, name: &str, is_masked: bool) -> Result<Vec<String>, Refusal> {
    let name = find::full_name(name);
    let path = format!("{OWN}/{name}");
    let failed = |error: io::Error| format!("Failed to mask unit: {error}\n");
    let is_there = files.link(&path).as_deref() == Some("/dev/null");
    match (is_masked, is_there) {
        (true, true) | (false, false) => Ok(Vec::new()),
        (true, false) if files.exists(&path) => {
            Err(format!("Failed to mask unit: File {path} already exists.\n"))
        }
        (true, false) => {
            files.make_link("/dev/null", &path).map_err(failed)?;
            Ok(vec![format!("Created symlink {path} → /dev/null.\n")])
        }
        (false, true) => {
            files.remove(&path).map_err(failed)?;
            Ok(vec![format!("Removed \"{path}\".\n")])
        }
    }
}

fn missing(verb: &str, name: &str) -> Refusal {
    format!("Failed to {verb} unit: Unit file {name} does not exist.\n")
}
