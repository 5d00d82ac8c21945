//! A container's process: it's started, ends, and is started again if the container says so.

use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::store::{Container, Status, now};
use super::{lock, serve};
use crate::host::tools::Machine;
use crate::host::tools::unit::processes;

/// The variable that every process of a container has.
const MARK: &str = "SANDBOX_CONTAINER";
/// docker waits so long before it starts a container again, and twice as long each time.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A container that ran for so long is as good as new.
const WELL: Duration = Duration::from_secs(10);

/// What stands in for a program that the host doesn't have.
const STAND_IN: &str =
    "trap 'exit 0' TERM INT QUIT; trap : HUP; while :; do sleep 3600 & wait $!; kill $! 2>/dev/null; done";

/// Starts those that run from the beginning.
pub(in crate::host::tools) async fn boot(machine: &Arc<Machine>) {
    for container in machine.containers() {
        let starts = match container.restart.name.as_str() {
            "always" => container.status != Status::Created,
            "unless-stopped" => container.status != Status::Created && !container.is_stopped,
            "on-failure" => container.status == Status::Running && container.exit_code != 0,
            _ => false,
        };
        // The former boot's processes are gone. What can't be written is found so, later.
        let _ = machine.change_container(&container.id, |own| {
            if own.status != Status::Created {
                (own.status, own.pid) = (Status::Exited, 0);
            }
        });
        if starts && let Err(error) = start(machine, &container.id).await {
            machine.containers.log(&container.id, &error);
        }
    }
}

/// Starts a container that doesn't run. The error is docker's own.
pub(super) async fn start(machine: &Arc<Machine>, id: &str) -> Result<(), String> {
    let find = || machine.containers().into_iter().find(|own| own.id == id);
    let Some(mut container) = find() else { return Err(format!("No such container: {id}")) };
    if matches!(container.status, Status::Running | Status::Restarting) {
        return Ok(());
    }
    let failed = |error: io::Error| error.to_string();
    let listeners = serve::open(machine, &mut container).await?;
    let child = spawn(machine, &container).map_err(failed)?;
    let (sender, stop) = watch::channel(false);
    lock(&machine.containers.stops).insert(id.to_owned(), sender);
    let pid = wait_inside(&child).await;
    let ports = container.ports.clone();
    let changed = machine.change_container(id, |own| {
        (own.status, own.pid, own.ports) = (Status::Running, pid, ports);
        (own.exit_code, own.restarts, own.is_stopped) = (0, 0, false);
        own.error.clear();
        own.started = now();
    });
    changed.map_err(failed)?;
    let serving = serve::serve(machine, &container, listeners);
    let attended = Arc::clone(machine);
    machine.containers.attend(async move {
        attend(attended, container, child, stop).await;
        drop(serving);
    });
    Ok(())
}

/// Tells a container to stop, and waits until it has.
pub(super) async fn stop(
    machine: &Machine,
    container: &Container,
    patience: Duration,
    signal: Signal,
) -> io::Result<()> {
    machine.change_container(&container.id, |own| own.is_stopped = true)?;
    let Some(stop) = lock(&machine.containers.stops).get(&container.id).cloned() else { return Ok(()) };
    // It may have ended by itself at this moment.
    let _ = stop.send(true);
    processes::signal(&all(container), signal);
    let deadline = Instant::now() + patience;
    while !stop.is_closed() {
        if Instant::now() >= deadline {
            processes::signal(&all(container), Signal::KILL);
        }
        sleep(Duration::from_millis(20)).await;
    }
    lock(&machine.containers.stops).remove(&container.id);
    Ok(())
}

/// All processes of a container.
pub(super) fn all(container: &Container) -> Vec<processes::Process> {
    processes::with(MARK, &container.id)
}

/// Waits for a container's process, again and again as long as it's started again.
async fn attend(machine: Arc<Machine>, container: Container, child: Child, stop: watch::Receiver<bool>) {
    let (mut child, mut stop) = (child, stop);
    let (mut pause, mut tried) = (PAUSE, 0);
    let code = loop {
        let begun = Instant::now();
        let code = wait(&machine, &container, &mut child).await;
        processes::signal(&all(&container), Signal::KILL);
        let is_asked = *stop.borrow();
        let limit = container.restart.count_max;
        let again = !is_asked
            && match container.restart.name.as_str() {
                "always" | "unless-stopped" => true,
                "on-failure" => code != 0 && (limit == 0 || tried < limit),
                _ => false,
            };
        // What can't be written is lost with the disk that it lies on.
        let _ = machine.change_container(&container.id, |own| {
            (own.status, own.exit_code, own.pid) =
                (if again { Status::Restarting } else { Status::Exited }, code, 0);
            own.finished = now();
        });
        if !again {
            break code;
        }
        if begun.elapsed() >= WELL {
            (pause, tried) = (PAUSE, 0);
        }
        tokio::select! {
            () = sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => {
                let _ = machine.change_container(&container.id, |own| own.status = Status::Exited);
                break code;
            }
        }
        (pause, tried) = ((pause * 2).min(PAUSE_MAX), tried + 1);
        let Ok(next) = spawn(&machine, &container) else { break code };
        child = next;
        let pid = wait_inside(&child).await;
        let _ = machine.change_container(&container.id, |own| {
            (own.status, own.pid) = (Status::Running, pid);
            own.restarts += 1;
            own.started = now();
        });
    };
    if container.is_temporary {
        lock(&machine.containers.ends).insert(container.id.clone(), code);
        let _ = machine.drop_container(&container.id);
    }
}

/// Its exit code, as docker has it, when all that it has written is kept.
async fn wait(machine: &Arc<Machine>, container: &Container, child: &mut Child) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    if let Some(stream) = child.stdout.take() {
        machine.containers.attend(keep(Arc::clone(machine), container.id.clone(), stream));
    }
    if let Some(stream) = child.stderr.take() {
        machine.containers.attend(keep(Arc::clone(machine), container.id.clone(), stream));
    }
    let status = child.wait().await;
    // The last words need a moment more.
    sleep(Duration::from_millis(20)).await;
    status.map_or(255, |status| status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(255))
}

async fn keep(machine: Arc<Machine>, id: String, stream: impl AsyncRead + Unpin) {
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    while let Ok(1..) = lines.read_until(b'\n', &mut line).await {
        machine.containers.log(&id, String::from_utf8_lossy(&line).trim_end_matches('\n'));
        line.clear();
    }
}

/// Starts its process. Its variables may be secret, so they're no arguments.
fn spawn(machine: &Machine, container: &Container) -> io::Result<Child> {
    let words: Vec<&String> = container.entrypoint.iter().chain(&container.command).collect();
    let program = words.first().filter(|program| is_there(machine, program));
    let path = format!("/run/systemd/start/{}.{:08x}", container.id, rand::random::<u32>());
    let mut script = String::from("rm -f -- \"$0\"\n");
    for line in container.environment.iter().chain([&format!("{MARK}={}", container.id)]) {
        let Some((name, value)) = line.split_once('=') else { continue };
        let is_name = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if is_name && !name.starts_with(|first: char| first.is_ascii_digit()) && !name.is_empty() {
            script.push_str(&format!("export {name}={}\n", quoted(value)));
        }
    }
    match program {
        Some(_) => script.push_str(&format!(
            "exec {}\n",
            words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
        )),
        None => {
            script.push_str(&format!("exec /bin/sh -c {} {}\n", quoted(STAND_IN), quoted(&container.image)))
        }
    }
    machine.files.make_folder("/run/systemd/start", 0o700)?;
    machine.files.write(&path, script.as_bytes(), 0o600)?;
    let mut command = machine.entrance.shell(false);
    command.arg(". \"$0\"").arg(path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true).spawn()
}

/// Whether the host has a program, by its path or in the usual folders.
fn is_there(machine: &Machine, program: &str) -> bool {
    let folders = crate::host::confine::PATH.split(':');
    match program.contains('/') {
        true => machine.files.is_program(program),
        false => folders.into_iter().any(|folder| machine.files.is_program(&format!("{folder}/{program}"))),
    }
}

async fn wait_inside(child: &Child) -> u32 {
    for _ in 0..100 {
        if let Some(process) = child.id().and_then(processes::child_of) {
            return process.inside;
        }
        sleep(Duration::from_millis(2)).await;
    }
    0
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
