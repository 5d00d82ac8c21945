//! Rebooting a host: the only change after which the host is waited for.

use std::time::Duration;

use meshform_engine::ports::{PerformRequest, Performed, Progress, StepFailure};
use tokio::time::{Instant, sleep};

use crate::client::{Client, RunError, nonce};
use crate::resource::{Begun, Restart};

/// How long the beginning may take, and how long one question, in seconds.
const ASK_SECONDS: u64 = 20;
/// How long we wait between two questions, in milliseconds.
const PAUSE_MS: u64 = 500;

/// Reboots the host, and waits until it is back.
///
/// # Errors
/// When it does not reboot, or is not back in time.
pub(crate) async fn restart(
    client: &Client,
    request: &PerformRequest,
    restart: &dyn Restart,
    progress: &dyn Progress,
) -> Result<Performed, StepFailure> {
    let deadline = Instant::now() + Duration::from_secs(restart.seconds());
    let left = match client.run(&restart.begin(&nonce()), ASK_SECONDS).await {
        Ok(reply) => match restart.begun(&reply.answer, &reply.words)? {
            Begun::Leaving(boot) => Some(boot),
            Begun::Over => return end(client, restart).await,
        },
        // The host may have gone before its answer was heard.
        Err(RunError::Lost) => restart.reviewed().map(str::to_owned),
        Err(failure) => return Err(client.explain(failure).into()),
    };
    progress.report(&request.address, "the host reboots");
    let mut why = String::new();
    while Instant::now() < deadline {
        sleep(Duration::from_millis(PAUSE_MS)).await;
        let program = restart.ask(&nonce());
        let question = tokio::time::timeout_at(deadline, client.run(&program, ASK_SECONDS));
        match question.await {
            Ok(Ok(reply)) if restart.is_back(&reply.answer, left.as_deref()) => {
                return end(client, restart).await;
            }
            Ok(Ok(_)) => "It answers.".clone_into(&mut why),
            Ok(Err(failure)) => why = client.explain(failure).detail,
            Err(_) => break,
        }
    }
    Err(restart.missing(&why).into())
}

async fn end(client: &Client, restart: &dyn Restart) -> Result<Performed, StepFailure> {
    let reply = client.run(&restart.end(&nonce()), ASK_SECONDS).await;
    let reply = reply.map_err(|failure| client.explain(failure))?;
    Ok(restart.performed(&reply.answer))
}
