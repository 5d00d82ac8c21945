//! ^C during an apply: the first one drains, the second stops at once, the third ends the process.

use std::convert::Infallible;

use meshform_engine::observer::Stop;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Exit;

const DRAINING: &str =
    "Interrupted: no new step begins, the running ones end first. Interrupt again to stop at once.";
const STOPPING: &str =
    "Interrupted again: the running steps are abandoned. What they did is looked up by the next apply.";

/// Passes interrupts and termination requests on for as long as it is polled.
pub(crate) async fn pass_on(stop: &Stop, say: impl Fn(&str)) -> Infallible {
    let mut interrupts = signal(SignalKind::interrupt()).ok();
    let mut terminations = signal(SignalKind::terminate()).ok();
    for message in [DRAINING, STOPPING] {
        tokio::select! {
            () = received(&mut interrupts) => {}
            () = received(&mut terminations) => {}
        }
        stop.request();
        say(message);
    }
    tokio::select! {
        () = received(&mut interrupts) => {}
        () = received(&mut terminations) => {}
    }
    // The journal is durable at every instant: leaving it in the middle loses nothing.
    std::process::exit(Exit::Failed.code().into())
}

/// Completes when the signal comes; never, if it cannot be listened to.
async fn received(signal: &mut Option<Signal>) {
    let came = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if came.is_none() {
        std::future::pending::<()>().await;
    }
}
