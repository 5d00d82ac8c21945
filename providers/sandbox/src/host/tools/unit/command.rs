//! A service's commands: started, listened to, and waited for.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::time::{Instant, sleep};

use super::launch::{self, Context, Line};
use super::processes;
use super::service::{Over, START_SECONDS, Service, stopped};
use super::state::End;
use crate::host::tools::Machine;

impl Service {
    /// Starts the main process.
    pub(super) async fn spawn(&self, line: &Line, context: &Context) -> Result<Child, End> {
        match self.process(line, context) {
            Ok(child) => {
                // A process that is there for an instant only has no number any more.
                let inside = match child.id() {
                    Some(tool) => wait_inside(tool).await,
                    None => None,
                };
                self.change(|state| {
                    state.main_pid = inside.unwrap_or_default();
                    state.stamps.main_start = super::state::now();
                });
                Ok(child)
            }
            Err(end) => {
                self.note_end(end);
                Err(end)
            }
        }
    }

    pub(super) fn process(&self, line: &Line, context: &Context) -> Result<Child, End> {
        match launch::start(&self.machine, &self.unit, line, context) {
            Ok(Ok(mut child)) => {
                let name = line.program.rsplit('/').next().unwrap_or_default().to_owned();
                let outputs = [child.stdout.take().map(Output::Out), child.stderr.take().map(Output::Err)];
                for output in outputs.into_iter().flatten() {
                    let (machine, id, name) = (Arc::clone(&self.machine), self.unit.id.clone(), name.clone());
                    let context = context.clone();
                    self.machine.units.attend(async move {
                        match output {
                            Output::Out(stream) => keep(machine, id, name, context, stream).await,
                            Output::Err(stream) => keep(machine, id, name, context, stream).await,
                        }
                    });
                }
                Ok(child)
            }
            Ok(Err(end)) => {
                self.say(&format!(
                    "{}: Failed at step {} spawning {}: {}",
                    self.unit.id,
                    step(end),
                    line.program,
                    if end == End::Status(203) { "No such file or directory" } else { "No such process" }
                ));
                Err(end)
            }
            Err(_) => Err(End::Status(255)),
        }
    }

    /// Runs one of its other commands to its end.
    pub(super) async fn commands(&mut self, setting: &str, context: &Context) -> Result<(), Over> {
        let lines: Vec<Line> =
            self.unit.file.all("Service", setting).into_iter().filter_map(Line::read).collect();
        for line in lines {
            let end = match self.process(&line, context) {
                Ok(child) => {
                    self.wait(child, self.span("TimeoutStartSec", START_SECONDS * 1_000_000)).await?
                }
                Err(end) => end,
            };
            if end != End::Status(0) && !line.may_fail {
                self.say(&format!(
                    "{}: Control process exited, code=exited, status={}",
                    self.unit.id,
                    end.number()
                ));
                return Err(Over { result: end.result(&self.unit.file), end: None, is_asked: false });
            }
        }
        Ok(())
    }

    /// Until a process ends, if nothing comes between.
    pub(super) async fn wait(&mut self, mut child: Child, limit: Option<Duration>) -> Result<End, Over> {
        tokio::select! {
            status = child.wait() => Ok(status.map(End::of).unwrap_or(End::Status(255))),
            () = stopped(&mut self.stop) => {
                self.keep(child);
                Err(Over { result: "success", end: None, is_asked: true })
            }
            () = sleep(limit.unwrap_or(Duration::MAX)) => {
                self.keep(child);
                Err(Over::failed("timeout"))
            }
        }
    }

    /// What enters the host takes its process along when it's dropped: it's kept until that has ended in its own way.
    fn keep(&self, mut child: Child) {
        let (machine, id, run) = (Arc::clone(&self.machine), self.unit.id.clone(), self.run);
        self.machine.units.attend(async move {
            let Ok(status) = child.wait().await else { return };
            machine.units.change(&id, |state| {
                if state.run == run && state.end.is_none() {
                    state.end = Some(End::of(status));
                    state.stamps.main_exit = super::state::now();
                }
            });
        });
    }
}

enum Output {
    Out(tokio::process::ChildStdout),
    Err(tokio::process::ChildStderr),
}

/// Keeps what a process writes.
async fn keep(
    machine: Arc<Machine>,
    id: String,
    name: String,
    context: Context,
    stream: impl AsyncRead + Unpin,
) {
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    while let Ok(1..) = lines.read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line);
        machine.units.journal.write(&id, &name, &context.invocation, text.trim_end_matches('\n'));
        line.clear();
    }
}

/// The number that the process of a tool has inside: the tool needs a moment to start it.
async fn wait_inside(tool: u32) -> Option<u32> {
    let deadline = Instant::now() + Duration::from_millis(200);
    loop {
        if let Some(process) = processes::child_of(tool) {
            return Some(process.inside);
        }
        if Instant::now() >= deadline {
            return None;
        }
        sleep(Duration::from_millis(1)).await;
    }
}

fn step(end: End) -> &'static str {
    match end {
        End::Status(200) => "CHDIR",
        End::Status(216) => "GROUP",
        End::Status(217) => "USER",
        _ => "EXEC",
    }
}
