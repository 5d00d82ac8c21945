//! What a change of packages takes: those that come along, and those that go along.

use super::database::Database;
use super::paragraph::Paragraph;
use super::relation::{self, Wanted};
use super::source::{Candidate, Sources, provides};
use crate::host::tools::words::matches;

/// What is to be done, in this order.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) install: Vec<Candidate>,
    /// Names.
    pub(super) remove: Vec<String>,
}

/// Why something cannot be done, in apt's words.
pub(super) type Refusal = String;

/// One package that is asked for: `name`, `name=version`, `name/release`, `name:architecture`.
pub(super) fn candidate<'s>(
    sources: &'s Sources,
    database: &Database,
    word: &str,
) -> Result<Option<&'s Candidate>, Refusal> {
    let (name, version) = word.split_once('=').map_or((word, None), |(name, version)| (name, Some(version)));
    let name = name.split(['/', ':']).next().unwrap_or_default();
    let versions = sources.versions(name);
    if versions.is_empty() {
        if version.is_none() && database.find_installed(name).is_some() {
            return Ok(None);
        }
        return substitute(sources, name);
    }
    let Some(version) = version else { return Ok(versions.first().copied()) };
    let found = versions.into_iter().find(|own| matches(version, own.version()));
    found.map(Some).ok_or_else(|| format!("E: Version '{version}' for '{name}' was not found\n"))
}

/// A name that only others provide: if just one does, that is meant.
fn substitute<'s>(sources: &'s Sources, name: &str) -> Result<Option<&'s Candidate>, Refusal> {
    let mut names: Vec<&str> = sources.providers(name).into_iter().map(Candidate::name).collect();
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [] => Err(format!("E: Unable to locate package {name}\n")),
        [one] => Ok(sources.versions(one).first().copied()),
        _ => Err(format!("E: Package '{name}' has no installation candidate\n")),
    }
}

/// What the installation of these takes. What they need is installed before them.
pub(super) fn install(sources: &Sources, database: &Database, wanted: &[Candidate]) -> Result<Plan, Refusal> {
    let mut plan = Plan::default();
    let mut open: Vec<String> = Vec::new();
    for one in wanted {
        add(sources, database, one, wanted, &mut plan, &mut open)?;
    }
    for one in &plan.install {
        let conflicts =
            [one.package.get("Conflicts"), one.package.get("Breaks")].map(relation::read).concat();
        for wanted in conflicts.iter().flatten() {
            let stands_against = |other: &&Paragraph| {
                other.get("Package") != one.name()
                    && (wanted.fits(other.get("Package"), other.get("Version"))
                        || provides(other, &wanted.name))
            };
            let gone =
                database.installed().filter(stands_against).map(|other| other.get("Package").to_owned());
            for name in gone.collect::<Vec<_>>() {
                plan.remove.extend(removal(database, &[name]));
            }
        }
    }
    plan.remove.sort();
    plan.remove.dedup();
    Ok(plan)
}

fn add(
    sources: &Sources,
    database: &Database,
    one: &Candidate,
    wanted: &[Candidate],
    plan: &mut Plan,
    open: &mut Vec<String>,
) -> Result<(), Refusal> {
    let name = one.name().to_owned();
    // Packages may need one another.
    if open.contains(&name) || plan.install.iter().any(|own| own.name() == name) {
        return Ok(());
    }
    open.push(name.clone());
    let needs = [one.package.get("Pre-Depends"), one.package.get("Depends")].map(relation::read).concat();
    for any in needs {
        let chosen = wanted.iter().chain(&plan.install).any(|own| is_met(&any, &own.package));
        let replaced = |package: &&Paragraph| !wanted.iter().any(|own| own.name() == package.get("Package"));
        if chosen || database.installed().filter(replaced).any(|package| is_met(&any, package)) {
            continue;
        }
        let found = any.iter().find_map(|wanted| best(sources, wanted));
        let Some(found) = found else { return Err(unmet(&name, &any)) };
        add(sources, database, found, wanted, plan, open)?;
    }
    open.retain(|own| *own != name);
    plan.install.push(one.clone());
    Ok(())
}

fn best<'s>(sources: &'s Sources, wanted: &Wanted) -> Option<&'s Candidate> {
    let own = sources.versions(&wanted.name).into_iter().find(|own| wanted.fits(own.name(), own.version()));
    own.or_else(|| sources.providers(&wanted.name).first().copied().filter(|_| wanted.version.is_none()))
}

fn is_met(any: &[Wanted], package: &Paragraph) -> bool {
    let is = |wanted: &Wanted| wanted.fits(package.get("Package"), package.get("Version"));
    any.iter().any(|wanted| is(wanted) || (wanted.version.is_none() && provides(package, &wanted.name)))
}

fn unmet(name: &str, any: &[Wanted]) -> Refusal {
    let shown = |wanted: &Wanted| match &wanted.version {
        Some((relation, version)) => format!("{} ({relation} {version})", wanted.name),
        None => wanted.name.clone(),
    };
    let any: Vec<_> = any.iter().map(shown).collect();
    format!(
        "Some packages could not be installed. This may mean that you have\nrequested an impossible situation.\n\
         The following packages have unmet dependencies:\n {name} : Depends: {} but it is not installable\n\
         E: Unable to correct problems, you have held broken packages.\n",
        any.join(" or ")
    )
}

/// What goes along with these: all that needs them, before what it needs.
pub(super) fn removal(database: &Database, names: &[String]) -> Vec<String> {
    let mut going: Vec<String> = Vec::new();
    let mut next: Vec<String> = names.to_vec();
    while let Some(name) = next.pop() {
        if going.contains(&name) || database.find_installed(&name).is_none() {
            continue;
        }
        going.push(name);
        let stays = |package: &&Paragraph| !going.iter().any(|own| own == package.get("Package"));
        let left: Vec<&Paragraph> = database.installed().filter(stays).collect();
        let is_broken = |package: &&&Paragraph| {
            let needs = [package.get("Pre-Depends"), package.get("Depends")].map(relation::read).concat();
            needs.iter().any(|any| {
                let met_before = database.installed().any(|other| is_met(any, other));
                met_before && !left.iter().any(|other| is_met(any, other))
            })
        };
        next.extend(left.iter().filter(is_broken).map(|package| package.get("Package").to_owned()));
    }
    going.reverse();
    going
}

/// What was installed only because others needed it, and nobody does any more.
pub(super) fn needless(database: &Database, automatic: &[String], going: &[String]) -> Vec<String> {
    let mut going = going.to_vec();
    let mut needless = Vec::new();
    loop {
        let stays = |package: &&Paragraph| !going.iter().any(|own| own == package.get("Package"));
        let left: Vec<&Paragraph> = database.installed().filter(stays).collect();
        let is_needed = |package: &Paragraph| {
            left.iter().any(|other| {
                let fields =
                    ["Pre-Depends", "Depends", "Recommends"].map(|field| relation::read(other.get(field)));
                fields.concat().iter().any(|any| is_met(any, package))
            })
        };
        let next = left.iter().find(|package| {
            automatic.iter().any(|name| name == package.get("Package")) && !is_needed(package)
        });
        let Some(next) = next.map(|package| package.get("Package").to_owned()) else { return needless };
        going.push(next.clone());
        needless.push(next);
    }
}
