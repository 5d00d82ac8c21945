//! Addresses on the command line, and the stack's folder among them.

use std::path::{Path, PathBuf};

use meshform_engine::config::Named;

use crate::problem::Problem;

/// Which of these are addresses, and which one is the stack's folder: the present one if none is.
///
/// # Errors
/// When one is neither, or there are several folders.
pub(super) fn addresses(operands: &[String]) -> Result<(Vec<Named>, PathBuf), Problem> {
    let mut folder = None;
    let mut names = Vec::new();
    for operand in operands {
        match operand.parse::<Named>() {
            _ if Path::new(operand).is_dir() => take_folder(&mut folder, operand)?,
            Ok(named) => names.push(named),
            Err(error) => {
                let detail = format!("Failed to {error}, and there is no folder of that name.");
                return Err(Problem::new("Not an address", detail));
            }
        }
    }
    Ok((names, folder.unwrap_or_else(|| PathBuf::from("."))))
}

/// A number and the stack's folder.
///
/// # Errors
/// When there are several folders, or several numbers.
pub(super) fn token(operands: &[String]) -> Result<(Option<u64>, PathBuf), Problem> {
    let (mut folder, mut token) = (None, None);
    for operand in operands {
        match operand.parse::<u64>() {
            Ok(number) if token.is_none() => token = Some(number),
            _ => take_folder(&mut folder, operand)?,
        }
    }
    Ok((token, folder.unwrap_or_else(|| PathBuf::from("."))))
}

fn take_folder(folder: &mut Option<PathBuf>, operand: &str) -> Result<(), Problem> {
    if let Some(first) = folder {
        let detail = format!("Both {} and {operand} are given, and it is about one stack.", first.display());
        return Err(Problem::new("Two folders", detail));
    }
    *folder = Some(PathBuf::from(operand));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_told_from_addresses_and_tokens() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().to_str().unwrap();
        let check = |operands: &[&str], expect: Option<(&[&str], &str)>| {
            let operands: Vec<_> = operands.iter().map(|text| (*text).to_owned()).collect();
            let found = addresses(&operands).ok().map(|(names, folder)| {
                (names.iter().map(ToString::to_string).collect::<Vec<_>>(), folder.display().to_string())
            });
            let expect = expect.map(|(names, folder)| {
                (names.iter().map(|name| (*name).to_owned()).collect(), folder.to_owned())
            });
            assert_eq!(found, expect, "{operands:?}");
        };
        check(&[], Some((&[], ".")));
        check(&["value.x", "module.site[\"a\"]"], Some((&["value.x", "module.site[\"a\"]"], ".")));
        check(
            &["kube_manifests.app[\"v1/Pod/a/b\"]", path],
            Some((&["kube_manifests.app[\"v1/Pod/a/b\"]"], path)),
        );
        check(&["value"], None);
        check(&[path, "."], None);

        let check = |operands: &[&str], expect: Option<(Option<u64>, &str)>| {
            let operands: Vec<_> = operands.iter().map(|text| (*text).to_owned()).collect();
            let found = token(&operands).ok();
            assert_eq!(found, expect.map(|(token, folder)| (token, PathBuf::from(folder))), "{operands:?}");
        };
        check(&[], Some((None, ".")));
        check(&["17"], Some((Some(17), ".")));
        check(&["stack", "17"], Some((Some(17), "stack")));
        check(&["a", "b"], None);
    }
}
