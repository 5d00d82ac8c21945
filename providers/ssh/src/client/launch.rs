//! Starting the `ssh` that holds the connection.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use meshform_engine::ports::{ErrorCode, ProviderError};
use openssh::Session;
use tempfile::TempDir;
use tokio::process::Command;

use crate::diagnosis::{Handshake, Milestone, Resolution, explain, fingerprints};
use crate::error::{blame, error};
use crate::settings::{Settings, Trust};

/// An address of a Unix socket holds 108 bytes, and ssh appends up to 18 of its own while it makes the socket. The socket lies in a
/// folder whose name ends in six random letters.
const FOLDER_LIMIT: usize = 108 - 18 - "/mf-".len() - 6 - "/master".len();
/// The longest that a handshake may take, jump hosts included.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(40);
/// How long the connection outlives its last use, even if we are killed.
const PERSIST: &str = "ControlPersist=60s";
/// A server that is busy drops newcomers: they try again after so many milliseconds.
const PAUSES_MS: [u64; 3] = [200, 600, 0];

/// A connection that stands.
pub(super) struct Launched {
    /// The connection; it ends when this is dropped.
    pub(super) session: Session,
    /// The fingerprint of the key that the host has shown, and that was accepted.
    pub(super) fingerprint: Option<String>,
}

/// Connects.
///
/// # Errors
/// When the host is out of reach, is not the one that we know, or does not let us in.
pub(super) async fn launch(settings: &Settings) -> Result<Launched, ProviderError> {
    if let Some(file) = settings.identity_file.as_ref().filter(|file| !file.exists()) {
        let detail = format!(
            "There is no file {}. Check identity_file: it starts from the stack's folder.",
            file.display()
        );
        return Err(blame(error(ErrorCode::Denied, "Identity file missing", detail), "identity_file"));
    }
    for pause in PAUSES_MS {
        let folder = prepare(settings).map_err(|problem| unprepared(&problem))?;
        if start(settings, folder.path()).await? {
            let fingerprint = handshake(folder.path(), "log").host_key.map(|key| key.fingerprint);
            return Ok(Launched { session: Session::new_native_mux(folder), fingerprint });
        }
        let handshake = handshake(folder.path(), "log");
        if pause == 0 || !handshake.was_dropped() {
            return Err(diagnose(settings, folder.path(), &handshake).await);
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    Err(error(
        ErrorCode::Unreachable,
        "Host unreachable",
        format!("{} drops every connection.", settings.place()),
    ))
}

/// Runs `ssh` up to the point where it goes to the background as the master of the connection. False if it does not get there.
async fn start(settings: &Settings, folder: &Path) -> Result<bool, ProviderError> {
    let words = File::create(folder.join("words")).map_err(|problem| unprepared(&problem))?;
    let mut ssh = Command::new("ssh");
    ssh.arg("-E")
        .arg(folder.join("log"))
        .arg("-S")
        .arg(folder.join("master"))
        .args(["-M", "-f", "-N", "-o", PERSIST]);
    // The log tells how far a failed handshake came, and which host key was shown. Only by this flag, a jump host's ssh tells it, too.
    ssh.arg("-v").args(settings.arguments(folder)).kill_on_drop(true);
    // It does so into a file: a pipe would stay open as long as the connection.
    ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(words);
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, ssh.status()).await {
        Ok(Ok(status)) => Ok(status.success()),
        Ok(Err(problem)) => {
            let detail = format!("The program ssh cannot be run ({problem}). Install the OpenSSH client.");
            Err(error(ErrorCode::Other, "No ssh", detail))
        }
        Err(_) => {
            let detail =
                format!("{} did not end the handshake within {HANDSHAKE_TIMEOUT:?}.", settings.place());
            Err(error(ErrorCode::Unreachable, "Host unreachable", detail))
        }
    }
}

/// The private folder of one connection, with ssh's configuration.
fn prepare(settings: &Settings) -> io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("mf-").tempdir_in(short_folder())?;
    write_private(&folder.path().join("config"), &settings.configuration())?;
    if let Trust::Pinned(lines) = &settings.trust {
        write_private(&folder.path().join("known_hosts"), lines)?;
    }
    Ok(folder)
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

/// Where a socket's path stays short enough: the user's runtime folder, else a temporary one.
fn short_folder() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let fits = |folder: &PathBuf| {
        folder.is_absolute() && folder.is_dir() && folder.as_os_str().as_bytes().len() <= FOLDER_LIMIT
    };
    runtime.into_iter().chain([std::env::temp_dir()]).find(fits).unwrap_or_else(|| PathBuf::from("/tmp"))
}

fn handshake(folder: &Path, name: &str) -> Handshake {
    let log = fs::read(folder.join(name)).unwrap_or_default();
    Handshake::read(&String::from_utf8_lossy(&log))
}

async fn diagnose(settings: &Settings, folder: &Path, log: &Handshake) -> ProviderError {
    let way = handshake(folder, "words");
    let (mut resolution, mut known) = (Resolution::default(), Vec::new());
    if log.reached == Milestone::KeyShown {
        resolution = Resolution::read(
            &output(
                "ssh",
                [OsStr::new("-G")].into_iter().chain(settings.arguments(folder).iter().map(AsRef::as_ref)),
            )
            .await,
        );
        known = known_keys(settings, folder, &resolution).await;
    }
    explain(settings, log, &way, &resolution, &known)
}

/// The fingerprints under which the user's files, or the pin, know the host.
async fn known_keys(settings: &Settings, folder: &Path, resolution: &Resolution) -> Vec<String> {
    if let Trust::Pinned(_) = settings.trust {
        let pinned = folder.join("known_hosts");
        return fingerprints(
            &output("ssh-keygen", [OsStr::new("-l"), OsStr::new("-f"), pinned.as_os_str()]).await,
        );
    }
    let mut known = Vec::new();
    for file in &resolution.known_hosts {
        known.extend(fingerprints(
            &output("ssh-keygen", ["-l", "-F", &resolution.known_as, "-f", file]).await,
        ));
    }
    known
}

/// What a program prints; nothing if it cannot be run.
async fn output(program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    match command.output().await {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(_) => String::new(),
    }
}

fn unprepared(problem: &io::Error) -> ProviderError {
    let detail = format!(
        "The private folder of the connection cannot be made in {}: {problem}.",
        short_folder().display()
    );
    error(ErrorCode::Other, "No private folder", detail)
}
