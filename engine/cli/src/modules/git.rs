//! Git repositories, fetched by the system's `git`: with the user's own credentials, proxies and keys.
//!
//! What it may do is bounded: only https, ssh and files; no questions; no hooks and no filters; nothing of ours can be read as an option.
//! Credentials from a URL go to git in its environment, never on its command line, which everyone on the machine can read.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meshform_engine::diagnostic::ModuleProblem;
use tokio::process::Command;
use tokio::time::timeout;

use super::lock::is_commit;
use super::problem::unfetched;
use super::secret::redacted;
use super::source::GitPackage;
use super::version::Constraints;

/// The longest that git may take to list what a repository has.
const LIST_MAX: Duration = Duration::from_secs(120);
/// The longest that one of its other works may take.
const WORK_MAX: Duration = Duration::from_secs(900);
/// How much of its complaint is shown.
const COMPLAINT_MAX: usize = 600;

/// Settings of a user's surroundings that would make git work on another repository than ours, or ask someone.
const UNWANTED: [&str; 13] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_TEMPLATE_DIR",
    "SSH_ASKPASS",
];

/// A commit, and the version that it was chosen for.
pub(super) struct Resolved {
    pub(super) commit: String,
    pub(super) version: Option<String>,
}

/// Finds the commit that a package stands for now.
///
/// # Errors
/// When the repository cannot be reached, or has no such thing.
pub(super) async fn resolve(
    package: &GitPackage,
    constraints: Option<&Constraints>,
) -> Result<Resolved, ModuleProblem> {
    let found = |commit: String| Resolved { commit, version: None };
    match (&package.reference, constraints) {
        (Some(reference), _) if is_commit(reference) => Ok(found(reference.clone())),
        (Some(reference), _) => named(package, reference).await.map(found),
        (None, Some(constraints)) => newest(package, constraints).await,
        (None, None) => {
            let listed = list(package, &["HEAD"]).await?;
            let head = listed.into_iter().find(|(name, _)| name == "HEAD");
            head.map(|(_, commit)| found(commit))
                .ok_or_else(|| unfetched(format!("The repository {} is empty.", package.url)))
        }
    }
}

/// A tag goes before a branch, as git itself has it. What an annotated tag stands for is listed behind it with `^{}`.
async fn named(package: &GitPackage, reference: &str) -> Result<String, ModuleProblem> {
    let names = [
        format!("refs/tags/{reference}^{{}}"),
        format!("refs/tags/{reference}"),
        format!("refs/heads/{reference}"),
        reference.to_owned(),
    ];
    let listed = list(package, &names.each_ref().map(String::as_str)).await?;
    let commit = names.iter().find_map(|name| listed.iter().find(|(listed, _)| listed == name));
    if let Some((_, commit)) = commit {
        return Ok(commit.clone());
    }
    // Only the repository itself knows what the first digits of a commit stand for.
    let is_short = reference.len() >= 7 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
    match is_short {
        true => abbreviated(package, reference).await,
        false => Err(unfetched(format!(
            "The repository {} has no tag, branch or commit {reference:?}.",
            package.url
        ))),
    }
}

async fn abbreviated(package: &GitPackage, reference: &str) -> Result<String, ModuleProblem> {
    let folder = tempfile::tempdir().map_err(|error| no_folder(&error))?;
    fetch_all(package, folder.path()).await?;
    let name = format!("{reference}^{{commit}}");
    let found = run(package, folder.path(), &["rev-parse", "--verify", "--quiet", &name], WORK_MAX).await?;
    let commit = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    match found.status.success() && is_commit(&commit) {
        true => Ok(commit),
        false => Err(unfetched(format!(
            "The repository {} has no tag or branch {reference:?}, and no one commit that begins so.",
            package.url
        ))),
    }
}

async fn newest(package: &GitPackage, constraints: &Constraints) -> Result<Resolved, ModuleProblem> {
    let listed = list(package, &["refs/tags/*"]).await?;
    let tags = listed.iter().filter_map(|(name, _)| name.strip_prefix("refs/tags/"));
    let Some((tag, version)) = constraints.newest(tags) else {
        return Err(no_version(&package.url));
    };
    let peeled = format!("refs/tags/{tag}^{{}}");
    let plain = format!("refs/tags/{tag}");
    let commit = [peeled, plain].iter().find_map(|name| listed.iter().find(|(listed, _)| listed == name));
    let (_, commit) = commit.ok_or_else(|| no_version(&package.url))?;
    Ok(Resolved { commit: commit.clone(), version: Some(version.to_string()) })
}

/// What to say where no version will do.
pub(super) fn no_version(place: &str) -> ModuleProblem {
    unfetched(format!(
        "No tag of {place} is a version that fits the constraint. A version's tag is such as \"1.2.0\" or \"v1.2.0\"."
    ))
}

/// What a repository has by these names, with the commits or tags that they stand for.
async fn list(package: &GitPackage, names: &[&str]) -> Result<Vec<(String, String)>, ModuleProblem> {
    let arguments = [&["ls-remote", "--", package.url.as_str()], names].concat();
    let here = std::env::temp_dir();
    let listed = run(package, &here, &arguments, LIST_MAX).await?;
    if !listed.status.success() {
        return Err(refused(package, &listed));
    }
    let text = String::from_utf8_lossy(&listed.stdout);
    let line = |line: &str| {
        let (commit, name) = line.split_once('\t')?;
        is_commit(commit).then(|| (name.to_owned(), commit.to_owned()))
    };
    Ok(text.lines().filter_map(line).collect())
}

/// Puts a commit's files into an empty folder.
///
/// # Errors
/// When the repository cannot be reached or does not have it.
pub(super) async fn fetch(package: &GitPackage, commit: &str, into: &Path) -> Result<(), ModuleProblem> {
    init(package, into).await?;
    let alone =
        ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", &package.url, commit];
    // A server need not give what has no name of its own.
    if !run(package, into, &alone, WORK_MAX).await?.status.success() {
        fetch_named(package, into).await?;
    }
    let checked_out = checkout(package, commit, into).await?;
    if !checked_out.status.success() {
        let detail =
            format!("The commit {commit} cannot be had from {}: {}", package.url, complaint(&checked_out));
        return Err(unfetched(detail));
    }
    std::fs::remove_dir_all(into.join(".git")).map_err(|error| no_folder(&error))
}

async fn fetch_all(package: &GitPackage, into: &Path) -> Result<(), ModuleProblem> {
    init(package, into).await?;
    fetch_named(package, into).await
}

async fn init(package: &GitPackage, into: &Path) -> Result<(), ModuleProblem> {
    let made = run(package, into, &["init", "--quiet", "--template="], WORK_MAX).await?;
    if made.status.success() { Ok(()) } else { Err(refused(package, &made)) }
}

/// Fetches all branches and tags.
async fn fetch_named(package: &GitPackage, into: &Path) -> Result<(), ModuleProblem> {
    let all = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
    let arguments =
        [&["fetch", "--quiet", "--no-recurse-submodules", "--", package.url.as_str()], &all[..]].concat();
    let fetched = run(package, into, &arguments, WORK_MAX).await?;
    if fetched.status.success() { Ok(()) } else { Err(refused(package, &fetched)) }
}

/// The user's own settings do not count here: the same commit gives the same files everywhere.
async fn checkout(package: &GitPackage, commit: &str, into: &Path) -> Result<Output, ModuleProblem> {
    let settings =
        ["-c", "advice.detachedHead=false", "-c", "core.symlinks=true", "-c", "core.fsmonitor=false"];
    let arguments = [&settings[..], &["checkout", "--quiet", "--detach", commit]].concat();
    let mut git = command(package, into, &arguments);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_COUNT", "0");
    finish(git, WORK_MAX).await
}

async fn run(
    package: &GitPackage,
    folder: &Path,
    arguments: &[&str],
    limit: Duration,
) -> Result<Output, ModuleProblem> {
    let mut git = command(package, folder, arguments);
    if let Some(ssh) = ssh_command(&package.url).await {
        git.env("GIT_SSH_COMMAND", ssh);
    }
    finish(git, limit).await
}

fn command(package: &GitPackage, folder: &Path, arguments: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(["-c", "core.hooksPath=/dev/null", "-c", "credential.interactive=false"]);
    git.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    for name in UNWANTED {
        git.env_remove(name);
    }
    git.env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ALLOW_PROTOCOL", "https:ssh:file")
        .env("GIT_LFS_SKIP_SMUDGE", "1");
    for (name, value) in login(package, std::env::var("GIT_CONFIG_COUNT").ok().as_deref()) {
        git.env(name, value);
    }
    git
}

/// Credentials as a header for the repository's own host, behind the settings that the environment holds already.
fn login(package: &GitPackage, count: Option<&str>) -> Vec<(String, String)> {
    let Some(credentials) = &package.credentials else { return Vec::new() };
    let Some(host) = package.url.strip_prefix("https://").and_then(|rest| rest.split('/').next()) else {
        return Vec::new();
    };
    let at: u32 = count.and_then(|count| count.parse().ok()).unwrap_or(0);
    let text =
        super::address::decoded(credentials.reveal()).unwrap_or_else(|| credentials.reveal().to_owned());
    let text = if text.contains(':') { text } else { format!("{text}:") };
    vec![
        ("GIT_CONFIG_COUNT".to_owned(), (at + 1).to_string()),
        (format!("GIT_CONFIG_KEY_{at}"), format!("http.https://{host}/.extraHeader")),
        (format!("GIT_CONFIG_VALUE_{at}"), format!("Authorization: Basic {}", STANDARD.encode(text))),
    ]
}

/// How git is to call ssh, so that it asks nobody; nothing where the user has a program of their own for it.
async fn ssh_command(url: &str) -> Option<OsString> {
    let is_local = url.starts_with("https://") || url.starts_with("file://");
    if is_local || std::env::var_os("GIT_SSH").is_some() {
        return None;
    }
    let mut ssh = match std::env::var_os("GIT_SSH_COMMAND") {
        Some(own) => own,
        None => configured_ssh().await.unwrap_or_else(|| "ssh".into()),
    };
    ssh.push(" -o BatchMode=yes -o ConnectTimeout=30");
    Some(ssh)
}

async fn configured_ssh() -> Option<OsString> {
    let mut git = Command::new("git");
    git.args(["config", "--global", "--get", "core.sshCommand"]).stdin(Stdio::null()).kill_on_drop(true);
    let found = finish(git, LIST_MAX).await.ok().filter(|found| found.status.success())?;
    let text = String::from_utf8(found.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty()).map(Into::into)
}

async fn finish(mut git: Command, limit: Duration) -> Result<Output, ModuleProblem> {
    match timeout(limit, git.output()).await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => Err(unfetched(
            "There is no program \"git\" on this machine, which git sources are fetched by. Install it.",
        )),
        Ok(Err(error)) => Err(unfetched(format!("The program \"git\" cannot be run: {error}."))),
        Err(_) => Err(unfetched(format!(
            "The program \"git\" took longer than {} seconds and was ended.",
            limit.as_secs()
        ))),
    }
}

fn refused(package: &GitPackage, output: &Output) -> ModuleProblem {
    let detail = format!(
        "Git cannot read {}: {} Check that the repository is there and that git may read it without asking for a password: \
         by a key that an agent holds, or a credential helper.",
        package.url,
        complaint(output)
    );
    unfetched(detail)
}

/// What git said, without credentials, as one sentence or more.
fn complaint(output: &Output) -> String {
    let text = redacted(&String::from_utf8_lossy(&output.stderr));
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut said = lines.join(" / ");
    if let Some((end, _)) = said.char_indices().nth(COMPLAINT_MAX) {
        said.truncate(end);
        said.push('…');
    }
    match said.is_empty() {
        true => "it said nothing.".to_owned(),
        false => format!("{}.", said.trim_end_matches('.')),
    }
}

fn no_folder(error: &io::Error) -> ModuleProblem {
    unfetched(format!("The files cannot be put down: {error}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::source::{Package, Source};

    #[test]
    fn credentials_come_after_the_environments_settings_and_go_to_their_host_alone() {
        let check = |source: &str, count: Option<&str>, expect: &[(&str, &str)]| {
            let Ok(Source::Remote(Package::Git(package), _)) = Source::parse(source) else {
                panic!("{source}")
            };
            let expect: Vec<_> =
                expect.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            assert_eq!(login(&package, count), expect, "{source}");
        };
        check("git::https://example.com/x", None, &[]);
        check(
            "git::https://me:p%40ss@example.com:8443/x",
            None,
            &[
                ("GIT_CONFIG_COUNT", "1"),
                ("GIT_CONFIG_KEY_0", "http.https://example.com:8443/.extraHeader"),
                ("GIT_CONFIG_VALUE_0", "Authorization: Basic bWU6cEBzcw=="),
            ],
        );
        check(
            "git::https://token@example.com/x",
            Some("2"),
            &[
                ("GIT_CONFIG_COUNT", "3"),
                ("GIT_CONFIG_KEY_2", "http.https://example.com/.extraHeader"),
                ("GIT_CONFIG_VALUE_2", "Authorization: Basic dG9rZW46"),
            ],
        );
    }
}
