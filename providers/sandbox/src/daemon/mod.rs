//! The background process that serves one stack's clusters and hosts.
//!
//! ```text
//! launch      (client) finds the process or starts it; stops it
//!   ↓ record  `daemon.json`: which process, which socket
//! wire        requests and answers over the control socket
//!   ↓
//! serve       this module: the process itself
//!   ↓
//! residents   the clusters and hosts; each at its `endpoint`
//! ```
//!
//! All that has to outlive the process is on disk before it's answered, so the process may be killed at any time. It
//! ends by request, by SIGTERM or SIGINT, and when its folder is taken away.

mod endpoint;
pub(crate) mod launch;
pub(crate) mod record;
mod residents;
pub(crate) mod wire;

use std::env;
use std::error::Error;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::BufReader;
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Mutex, mpsc};

use crate::layout::Layout;
use crate::private_file;
use record::Record;
pub(crate) use residents::Residents;
use wire::{Answer, Request};

/// How often the process looks whether its folder is still its own.
const FOLDER_CHECK: Duration = Duration::from_secs(2);
/// How long what is served may take to end.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// Why the process cannot serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("use {path}")]
    File { path: PathBuf, source: io::Error },
    #[error("lock {path}: another process serves this sandbox")]
    Taken { path: PathBuf },
    #[error("listen on the control socket {path}")]
    Control { path: PathBuf, source: io::Error },
    #[error("watch for signals")]
    Signals { source: io::Error },
}

/// Serves the sandbox at `layout` until it's told to stop.
pub(crate) async fn serve(layout: Layout) -> Result<(), ServeError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| ServeError::File { path, source }
    };
    private_file::create_directory(layout.folder()).map_err(at(layout.folder()))?;
    let _lock = lock(&layout.daemon_lock()).await?;
    let (terminate, interrupt, _hangup) = signals().map_err(|source| ServeError::Signals { source })?;

    let socket = match layout.socket() {
        Some(socket) => socket,
        None => layout.socket_in(&short_folder().map_err(at(layout.folder()))?),
    };
    let control = listen(&socket).map_err(|source| ServeError::Control { path: socket.clone(), source })?;
    let mut residents = Residents::new(layout.clone());
    for failure in residents.reopen().await {
        log(&format!("failed to {}", chain(&failure)));
    }
    let record = Record::of_this_process(socket);
    record.write(&layout.record()).map_err(at(&layout.record()))?;
    log(&format!("serving {} as process {}", layout.folder().display(), record.pid));

    let residents = Arc::new(Mutex::new(residents));
    let why = attend(&layout, &record, control, &residents, terminate, interrupt).await;
    log(why);
    let closing = async { residents.lock().await.close().await };
    if tokio::time::timeout(CLOSE_MAX, closing).await.is_err() {
        log("some connections didn't end in time");
    }
    if is_ours(&layout, &record) {
        // If these stay, the next process replaces them.
        let _ = fs::remove_file(layout.record());
        let _ = fs::remove_file(&record.socket);
    }
    Ok(())
}

/// Answers requests until there's a reason to stop; says which.
async fn attend(
    layout: &Layout,
    record: &Record,
    control: UnixListener,
    residents: &Arc<Mutex<Residents>>,
    mut terminate: Signal,
    mut interrupt: Signal,
) -> &'static str {
    let (stop, mut stopped) = mpsc::channel(1);
    let mut look = tokio::time::interval(FOLDER_CHECK);
    loop {
        tokio::select! {
            accepted = control.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(converse(stream, Arc::clone(residents), stop.clone()));
                }
                // Out of descriptors: the next one may fare better.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            _ = stopped.recv() => return "stopping: asked to",
            _ = terminate.recv() => return "stopping: SIGTERM",
            _ = interrupt.recv() => return "stopping: SIGINT",
            _ = look.tick() => if !is_ours(layout, record) {
                return "stopping: the folder is gone, or another process's";
            },
        }
    }
}

/// Answers one client until it closes.
async fn converse(stream: UnixStream, residents: Arc<Mutex<Residents>>, stop: mpsc::Sender<()>) {
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    while let Ok(Some(request)) = wire::receive::<Request>(&mut reading).await {
        let stopping = request == Request::Stop;
        let answer = answer(&residents, request).await;
        if let Answer::Failed { message } = &answer {
            log(&format!("failed to {message}"));
        }
        if wire::send(&mut writing, &answer).await.is_err() {
            return;
        }
        if stopping {
            // If it's full, somebody else has asked for the same.
            let _ = stop.try_send(());
        }
    }
}

async fn answer(residents: &Mutex<Residents>, request: Request) -> Answer {
    let mut residents = residents.lock().await;
    let answer = match request {
        Request::EnsureCluster { name } => {
            residents.ensure_cluster(&name).await.map(|kubeconfig_path| Answer::Cluster { kubeconfig_path })
        }
        Request::EnsureHost { name } => residents.ensure_host(&name).await.map(Answer::Host),
        Request::Status => Ok(Answer::Status(residents.status())),
        Request::Stop => Ok(Answer::Stopping),
    };
    answer.unwrap_or_else(|error| Answer::Failed { message: chain(&error) })
}

/// Taken for the life of the process, and given back by the kernel whatever ends it. A predecessor that is about to
/// end is waited for.
async fn lock(path: &Path) -> Result<File, ServeError> {
    let file_error = |source| ServeError::File { path: path.to_owned(), source };
    let file = File::options().create(true).append(true).mode(0o600).open(path).map_err(file_error)?;
    let deadline = Instant::now() + CLOSE_MAX + Duration::from_secs(1);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(file_error(source)),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {}
            Err(TryLockError::WouldBlock) => return Err(ServeError::Taken { path: path.to_owned() }),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// SIGTERM, SIGINT and SIGHUP. The last one is caught and forgotten: the terminal that started us may close.
fn signals() -> io::Result<(Signal, Signal, Signal)> {
    Ok((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?))
}

fn listen(socket: &Path) -> io::Result<UnixListener> {
    if let Some(parent) = socket.parent() {
        private_file::create_directory(parent)?;
    }
    match fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    UnixListener::bind(socket)
}

/// A private folder with a short path, for the socket of a sandbox whose own path is too long.
fn short_folder() -> io::Result<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    let parent = env::var_os("XDG_RUNTIME_DIR").map_or_else(env::temp_dir, PathBuf::from);
    let folder = parent.join(format!("meshform-{user}"));
    private_file::create_directory(&folder)?;
    let found = fs::symlink_metadata(&folder)?;
    if !found.is_dir() || found.uid() != user || found.mode() & 0o077 != 0 {
        let message = format!("{} isn't a private folder of this user", folder.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    Ok(folder)
}

fn is_ours(layout: &Layout, record: &Record) -> bool {
    Record::read(&layout.record()).as_ref() == Some(record)
}

/// One line on standard error, which the launcher has turned into the log file.
fn log(message: &str) {
    let now = jiff::Timestamp::now();
    // There's nobody else to tell.
    let _ = writeln!(io::stderr(), "{now:.3} {message}");
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}
