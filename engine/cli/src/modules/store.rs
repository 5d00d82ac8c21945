//! Finds the folder of each module that a stack calls, fetching what is not there.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use meshform_engine::diagnostic::ModuleProblem;

use super::cache::{Cache, Cached, Unfinished, folder_of_all};
use super::lock::{Content, FILE, Lock, LockKey, Pin};
use super::problem::{problem, unfetched, unsupported};
use super::source::{Package, Source};
use super::tree::{TreeHash, hash};
use super::version::Constraints;
use super::{git, oci};
use crate::problem::Problem;
use crate::session::small_runtime;
use crate::terminal;

/// The longest that a registry may take for all of a package.
const REGISTRY_MAX: Duration = Duration::from_secs(900);

/// What may be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fetching {
    /// What the lock file names, and nothing else.
    Locked,
    /// Anything, and the lock file remembers it: `init`.
    Update {
        /// Whether newer versions are looked for.
        upgrade: bool,
    },
}

/// A module's call, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ModuleCall<'a> {
    /// The caller's folder, as seen from the stack's.
    pub(crate) from: &'a str,
    /// As written.
    pub(crate) source: &'a str,
    /// As written.
    pub(crate) version: Option<&'a str>,
}

/// Where a module's files are.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Their folder, as seen from the stack's.
    pub(crate) folder: String,
    /// Where they came from, if from afar.
    pub(crate) remote: Option<Remote>,
}

/// Where a package came from.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    /// The package, without credentials.
    pub(crate) address: String,
    /// The version that was chosen, where there was a choice.
    pub(crate) version: Option<String>,
    /// What it was in the end.
    pub(crate) content: Content,
    /// The hash of its files.
    pub(crate) hash: String,
    /// What was done.
    pub(crate) action: Action,
}

/// What was done to have a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing: it is there.
    Kept,
    /// It was fetched.
    Fetched,
    /// It was fetched in the place of another version.
    Changed,
}

/// What became of the lock file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockChange {
    /// It is as it was.
    Unchanged,
    /// It says something new.
    Written,
    /// Nothing is locked any more.
    Removed,
}

/// The folders of the modules of one stack.
#[derive(Debug)]
pub(crate) struct ModuleStore {
    stack: PathBuf,
    cache: Cache,
    mode: Fetching,
    lock: Lock,
    /// What of it is used, and what is new.
    used: Lock,
    /// What was found already in this run.
    packages: BTreeMap<LockKey, (String, Remote)>,
}

impl ModuleStore {
    /// The modules of the stack in a folder.
    ///
    /// # Errors
    /// When its lock file cannot be read.
    pub(crate) fn open(stack: &Path, mode: Fetching) -> Result<Self, Problem> {
        let (lock, used) = (Lock::read(stack)?, Lock::default());
        let (cache, packages) = (Cache::of(stack), BTreeMap::new());
        Ok(Self { stack: stack.to_owned(), cache, mode, lock, used, packages })
    }

    /// The folder that a call means. Whether it is there, and what is in it, the caller sees.
    ///
    /// # Errors
    /// When there is none, or none that may be used.
    pub(crate) fn find(&mut self, call: &ModuleCall<'_>) -> Result<Found, ModuleProblem> {
        match Source::parse(call.source)? {
            Source::Local(path) => {
                if call.version.is_some() {
                    return Err(unsupported(
                        "A local folder has no versions: leave out \"version\", which chooses among those of a repository.",
                    ));
                }
                Ok(Found { folder: local(call.from, &path)?, remote: None })
            }
            Source::Remote(package, inner) => {
                let (folder, remote) = self.package(&package, call.version)?;
                let folder = if inner.is_empty() { folder } else { format!("{folder}/{inner}") };
                Ok(Found { folder, remote: Some(remote) })
            }
        }
    }

    /// Whether the lock file has entries that nothing has asked for.
    pub(crate) fn has_leftovers(&self) -> bool {
        self.used != self.lock
    }

    /// Has the lock file say what was found, and nothing else.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn remember(&self) -> Result<LockChange, Problem> {
        if self.used == self.lock {
            return Ok(LockChange::Unchanged);
        }
        self.used.write(&self.stack)?;
        Ok(if self.used == Lock::default() { LockChange::Removed } else { LockChange::Written })
    }

    fn package(
        &mut self,
        package: &Package,
        version: Option<&str>,
    ) -> Result<(String, Remote), ModuleProblem> {
        if version.is_some() && package.has_reference() {
            return Err(unsupported(
                "The source names one version of the package itself: leave out \"version\", or the reference in the source.",
            ));
        }
        let constraints = version.map(Constraints::parse).transpose()?;
        let key = LockKey { address: package.address(), constraint: version.map(str::to_owned) };
        if let Some(found) = self.packages.get(&key) {
            return Ok(found.clone());
        }
        let locked = self.lock.get(&key).cloned();
        let (folder, pin, action) = match (self.mode, locked) {
            (Fetching::Locked, None) => return Err(not_locked(&key)),
            (Fetching::Locked | Fetching::Update { upgrade: false }, Some(pin)) => {
                self.pinned(package, pin)?
            }
            (Fetching::Update { .. }, locked) => self.resolved(package, constraints.as_ref(), locked)?,
        };
        let remote = Remote {
            address: key.address.clone(),
            version: pin.version.clone(),
            content: pin.content.clone(),
            hash: pin.hash.as_str().to_owned(),
            action,
        };
        self.used.insert(key.clone(), pin);
        self.packages.insert(key, (folder.clone(), remote.clone()));
        Ok((folder, remote))
    }

    /// What the lock file names.
    fn pinned(&self, package: &Package, pin: Pin) -> Result<(String, Pin, Action), ModuleProblem> {
        let folder = self.cache.folder(&package.name(), &pin.hash);
        match self.cache.look(&folder, &pin.hash)? {
            Cached::Whole => return Ok((folder, pin, Action::Kept)),
            Cached::Changed(found) if self.mode == Fetching::Locked => {
                return Err(changed(package, &folder, &pin.hash, &found));
            }
            Cached::Changed(_) | Cached::Absent => {}
        }
        let unfinished = self.cache.prepare()?;
        // While it was waited for, another process may have fetched it.
        if matches!(self.cache.look(&folder, &pin.hash)?, Cached::Whole) {
            return Ok((folder, pin, Action::Kept));
        }
        let found = fetch(package, &pin.content, &unfinished)?;
        if found != pin.hash {
            return Err(forged(package, &pin, &found));
        }
        self.cache.keep(unfinished, &folder, &pin.hash)?;
        Ok((folder, pin, Action::Fetched))
    }

    /// What the package stands for now.
    fn resolved(
        &self,
        package: &Package,
        constraints: Option<&Constraints>,
        before: Option<Pin>,
    ) -> Result<(String, Pin, Action), ModuleProblem> {
        let (content, version) = match package {
            Package::Git(package) => {
                let found = wait(git::resolve(package, constraints))??;
                (Content::Commit(found.commit), found.version)
            }
            Package::Oci(package) => {
                let found = wait(within(oci::resolve(package, constraints)))???;
                (Content::Digest(found.digest), found.version)
            }
        };
        if let Some(pin) = before.clone().filter(|pin| pin.content == content) {
            return self.pinned(package, Pin { version, ..pin });
        }
        let unfinished = self.cache.prepare()?;
        let hash = fetch(package, &content, &unfinished)?;
        let folder = self.cache.folder(&package.name(), &hash);
        self.cache.keep(unfinished, &folder, &hash)?;
        let action = if before.is_some() { Action::Changed } else { Action::Fetched };
        Ok((folder, Pin { version, content, hash }, action))
    }
}

/// Puts the files of a package down, and gives their hash.
fn fetch(package: &Package, content: &Content, unfinished: &Unfinished) -> Result<TreeHash, ModuleProblem> {
    terminal::say(&format!("Fetching {} ({})\n", package.address(), content.short()));
    let into = unfinished.files();
    std::fs::create_dir(&into)
        .map_err(|error| unfetched(format!("Failed to write {}: {error}.", into.display())))?;
    match (package, content) {
        (Package::Git(package), Content::Commit(commit)) => wait(git::fetch(package, commit, &into))??,
        (Package::Oci(package), Content::Digest(digest)) => {
            wait(within(oci::fetch(package, digest, &into)))???;
        }
        (Package::Git(_), Content::Digest(_)) | (Package::Oci(_), Content::Commit(_)) => {
            return Err(unfetched(format!(
                "The lock file has no {} for {}. Run \"meshform init -upgrade\".",
                if matches!(package, Package::Git(_)) { "commit" } else { "digest" },
                package.address()
            )));
        }
    }
    hash(&into).map_err(|error| {
        unfetched(format!("The package {} cannot be used. {}", package.address(), error.sentence()))
    })
}

/// A path from a folder on, without `.` and with `..` only where it leads out of the stack's folder.
///
/// # Errors
/// When it leads out of the package that the folder is part of: what lies there is not the package's to use.
fn local(from: &str, path: &str) -> Result<String, ModuleProblem> {
    let mut steps: Vec<&str> = Vec::new();
    for step in from.split('/').chain(path.split('/')) {
        match step {
            "" | "." => {}
            ".." if steps.last().is_some_and(|last| *last != "..") => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    let folder = if steps.is_empty() { ".".to_owned() } else { steps.join("/") };
    match package_of(from) {
        Some(package) if package_of(&folder) != Some(package) => {
            Err(unsupported(format!("{path:?} leads out of the package that calls it.")))
        }
        _ => Ok(folder),
    }
}

/// The folder of the package that a folder is part of.
fn package_of(folder: &str) -> Option<&str> {
    let start = format!("{}/", folder_of_all());
    let rest = folder.strip_prefix(&start)?;
    let end = rest.find('/').unwrap_or(rest.len());
    folder.get(..start.len() + end)
}

/// Waits for what is asked of others, whether or not the caller has a runtime already.
fn wait<T: Send>(work: impl Future<Output = T> + Send) -> Result<T, ModuleProblem> {
    let run = || small_runtime().map(|runtime| runtime.block_on(work)).ok();
    let ended = std::thread::scope(|scope| scope.spawn(run).join());
    ended.ok().flatten().ok_or_else(|| unfetched("The system gives no means to wait for an answer."))
}

async fn within<T>(work: impl Future<Output = T>) -> Result<T, ModuleProblem> {
    tokio::time::timeout(REGISTRY_MAX, work)
        .await
        .map_err(|_| unfetched(format!("The registry took longer than {} seconds.", REGISTRY_MAX.as_secs())))
}

fn not_locked(key: &LockKey) -> ModuleProblem {
    let constraint = key.constraint.iter().map(|it| format!(" with the version {it:?}")).collect::<String>();
    problem(
        "The module is not locked",
        format!(
            "{}{constraint} is not in the lock file {FILE}. Run \"meshform init\", which fetches it and locks its version.",
            key.address
        ),
    )
}

fn changed(package: &Package, folder: &str, expect: &TreeHash, found: &TreeHash) -> ModuleProblem {
    problem(
        "The module was changed",
        format!(
            "The files of {} in {folder} are not those that are locked.\n  locked: {}\n  found:  {}\nRun \"meshform init\" to have them \
             fetched anew. To change a module, change it where it comes from, or make it a local folder.",
            package.address(),
            expect.as_str(),
            found.as_str()
        ),
    )
}

fn forged(package: &Package, pin: &Pin, found: &TreeHash) -> ModuleProblem {
    problem(
        "The module is not the one that is locked",
        format!(
            "What was fetched as {} ({}) has other files than those that are locked.\n  locked: {}\n  found:  {}\nEither {FILE} was changed, or \
             the place that it was fetched from cannot be trusted. If you know why, run \"meshform init -upgrade\".",
            package.address(),
            pin.content.short(),
            pin.hash.as_str(),
            found.as_str()
        ),
    )
}

#[cfg(test)]
mod tests;
