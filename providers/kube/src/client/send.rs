//! Sending one request: within its deadline, in its turn, again where that is safe.

use std::error::Error;
use std::fmt::Display;
use std::io;
use std::time::Duration;

use http::header::{RETRY_AFTER, WARNING};
use http::{HeaderMap, Response};
use kube::Client;
use kube::client::Body;
use meshform_engine::ports::{ErrorCode, ProviderError};
use serde_json::Value as Json;
use tokio::time::{Instant, sleep, timeout_at};

use super::throttle::Throttle;
use crate::refusal;
use crate::request::ApiRequest;
use crate::status::Status;

/// The longest that one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// How often a request is tried.
const ATTEMPTS_MAX: u32 = 6;
/// The pause before the second attempt; it doubles each time.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest that a server may tell us to pause.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// When a request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// Whenever it may help: it changes nothing.
    Read,
    /// Only when the server says that it has not begun: the caller looks before it tries again.
    Write,
}

/// The server's consent.
#[derive(Debug)]
pub(super) struct Answer {
    /// The HTTP status code.
    pub(super) code: u16,
    /// The object or list.
    pub(super) body: Json,
    /// What the server warned about.
    pub(super) warnings: Vec<String>,
}

/// Why there is no consent.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The server refused.
    Refused(Box<Status>),
    /// The answer, if there was one, did not arrive.
    Lost(String),
    /// Somebody answers, and not as the server that is meant would.
    Strange(String),
    /// The credentials could not be had.
    NoCredentials(String),
    /// The request could not even be made.
    Unfit(String),
}

/// One API server.
pub(super) struct Api {
    client: Client,
    throttle: Throttle,
    /// Its URL and, in brackets, the context: for messages.
    pub(super) place: String,
}

impl Api {
    pub(super) fn new(client: Client, place: String) -> Self {
        Self { client, throttle: Throttle::new(), place }
    }

    /// The client, for streams: they do not count as requests under way.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request.
    pub(super) async fn send(
        &self,
        request: Result<ApiRequest, http::Error>,
        retry: Retry,
    ) -> Result<Answer, Failure> {
        let request = request.map_err(|error| Failure::Unfit(error.to_string()))?;
        let mut attempt = 1;
        loop {
            let failure = match self.attempt(&request).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let Some(pause) = failure.pause(retry, attempt).filter(|_| attempt < ATTEMPTS_MAX) else {
                return Err(failure);
            };
            sleep(pause).await;
            attempt += 1;
        }
    }

    /// Reads what is a plain text, once: it is only to explain something.
    pub(super) async fn text(&self, request: Result<ApiRequest, http::Error>) -> Result<String, Failure> {
        let request = request.map_err(|error| Failure::Unfit(error.to_string()))?;
        let (code, headers, body) = self.exchange(&request).await?;
        match code {
            200..300 => Ok(String::from_utf8_lossy(&body).into_owned()),
            _ => Err(refusal(code, &headers, &body)),
        }
    }

    async fn attempt(&self, request: &ApiRequest) -> Result<Answer, Failure> {
        let (code, headers, body) = self.exchange(request).await?;
        answer(code, &headers, &body)
    }

    async fn exchange(&self, request: &ApiRequest) -> Result<(u16, HeaderMap, Vec<u8>), Failure> {
        let _permit = self.throttle.enter().await;
        let deadline = Instant::now() + ANSWER_MAX;
        let sent = clone(request)?;
        let late = |_| Failure::Lost(format!("no answer within {} seconds", ANSWER_MAX.as_secs()));
        let response = timeout_at(deadline, self.client.send(sent))
            .await
            .map_err(late)?
            .map_err(|error| lost(&error))?;
        let (code, headers) = (response.status().as_u16(), response.headers().clone());
        let body = timeout_at(deadline, read(response)).await.map_err(late)??;
        if code == 429 {
            self.throttle.overloaded();
        } else {
            self.throttle.borne();
        }
        Ok((code, headers, body))
    }
}

fn clone(request: &ApiRequest) -> Result<http::Request<Body>, Failure> {
    let mut copy = http::Request::builder().method(request.method().clone()).uri(request.uri().clone());
    if let Some(headers) = copy.headers_mut() {
        headers.clone_from(request.headers());
    }
    copy.body(Body::from(request.body().clone())).map_err(|error| Failure::Unfit(error.to_string()))
}

async fn read(response: Response<Body>) -> Result<Vec<u8>, Failure> {
    let bytes = response.into_body().collect_bytes().await;
    bytes.map(|bytes| bytes.to_vec()).map_err(|error| lost(&error))
}

fn answer(code: u16, headers: &HeaderMap, body: &[u8]) -> Result<Answer, Failure> {
    if !(200..300).contains(&code) {
        return Err(refusal(code, headers, body));
    }
    let body = serde_json::from_slice(body)
        .map_err(|error| Failure::Strange(format!("the answer is not JSON: {error}")))?;
    Ok(Answer { code, body, warnings: headers.get_all(WARNING).iter().filter_map(warning).collect() })
}

fn refusal(code: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
    let mut status = Status::parse(code, body);
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    status.retry_after_seconds = seconds.or(status.retry_after_seconds);
    Failure::Refused(Box::new(status))
}

/// The text of `299 - "text"` (RFC 7234, 5.5).
fn warning(value: &http::HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?.splitn(3, ' ').nth(2)?;
    let text = text.trim();
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let text = inner.replace("\\\"", "\"");
    (!text.is_empty()).then_some(text)
}

/// An error of the transport. Of credentials only the kind is told: a plugin's output may hold a token.
pub(super) fn lost(error: &kube::Error) -> Failure {
    use kube::client::AuthError;
    let cause = match error {
        kube::Error::Auth(cause) => Some(cause),
        kube::Error::Service(inside) => inside.downcast_ref::<AuthError>(),
        _ => None,
    };
    match cause {
        Some(AuthError::AuthExecStart(error)) => {
            Failure::NoCredentials(format!("the credentials plugin cannot be started: {error}"))
        }
        Some(AuthError::AuthExecRun { out, .. }) => {
            Failure::NoCredentials(format!("the credentials plugin failed ({})", out.status))
        }
        Some(AuthError::ReadTokenFile(error, path)) => {
            Failure::NoCredentials(format!("the token file {} cannot be read: {error}", path.display()))
        }
        Some(_) => Failure::NoCredentials("the kubeconfig's credentials cannot be used".into()),
        None if is_strange(error) => Failure::Strange(chain(error)),
        None => Failure::Lost(chain(error)),
    }
}

/// Whether there is no secure connection though somebody answers: every refusal in a handshake, of a certificate or of what is no TLS at
/// all, comes as invalid data.
fn is_strange(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        let io = cause.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::InvalidData) {
            return true;
        }
        // Of what an IO error holds, `source` passes over the first.
        next = match io.and_then(io::Error::get_ref) {
            Some(held) => Some(held),
            None => cause.source(),
        };
    }
    false
}

/// The innermost causes say most: "tcp connect error: connection refused".
fn chain(error: &dyn Error) -> String {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.dedup();
    let innermost = causes.len().saturating_sub(2);
    causes.split_off(innermost).join(": ")
}

impl Failure {
    /// How long to wait before the next attempt; `None` if there is to be none.
    fn pause(&self, retry: Retry, attempt: u32) -> Option<Duration> {
        let by_default = PAUSE * 2_u32.pow(attempt.saturating_sub(1));
        match self {
            Self::Refused(status) => {
                let told =
                    status.retry_after_seconds.map(|seconds| Duration::from_secs(seconds).min(PAUSE_MAX));
                let again = match status.code {
                    429 => true,
                    502..=504 => retry == Retry::Read,
                    500 => retry == Retry::Read && status.reason == "InternalError",
                    _ => false,
                };
                again.then(|| told.unwrap_or_default().max(by_default))
            }
            Self::Lost(_) => (retry == Retry::Read).then_some(by_default),
            Self::Strange(_) | Self::NoCredentials(_) | Self::Unfit(_) => None,
        }
    }

    /// Whether it is not known what the server did.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Lost(_) | Self::Strange(_) => true,
            Self::Refused(status) => {
                matches!(status.code, 502..=504) || status.code == 500 && !status.reason.is_empty()
            }
            Self::NoCredentials(_) | Self::Unfit(_) => false,
        }
    }

    /// The server's refusal, if it is one.
    pub(super) fn status(&self) -> Option<&Status> {
        match self {
            Self::Refused(status) => Some(status),
            _ => None,
        }
    }

    /// As the engine wants it.
    pub(super) fn explain(
        &self,
        api: &Api,
        action: &str,
        object: &impl Display,
        hides: bool,
    ) -> ProviderError {
        match self {
            Self::Refused(status) => refusal::explain(action, object, status, hides),
            other => other.unanswered(&api.place, &format!("{action} {object}")),
        }
    }

    /// The same for what is not about one object.
    pub(super) fn unanswered(&self, place: &str, task: &str) -> ProviderError {
        let (code, summary, why, advice) = match self {
            Self::Refused(status) if matches!(status.code, 401 | 403) => (
                ErrorCode::Denied,
                "The cluster does not let us in",
                format!("HTTP {}: {}", status.code, status.message),
                "Renew the credentials, or give their user the permission that is named. `meshform rbac` prints all that this stack takes.",
            ),
            Self::Refused(status) => (
                ErrorCode::Other,
                "The cluster refused",
                format!("HTTP {}: {}", status.code, status.message),
                "Check that the server is a Kubernetes API server.",
            ),
            Self::Lost(why) => (
                ErrorCode::Unreachable,
                "The cluster cannot be reached",
                why.clone(),
                "Check that the cluster runs, that the address and the context are the right ones, and that the network lets us through.",
            ),
            Self::Strange(why) => (
                ErrorCode::Other,
                "Not the cluster that is meant",
                why.clone(),
                "Check that the address is that of a Kubernetes API server, and that the certificate authority is the one of this very cluster.",
            ),
            Self::NoCredentials(why) => (
                ErrorCode::Denied,
                "The credentials cannot be had",
                why.clone(),
                "Run the plugin by hand, or log in again.",
            ),
            Self::Unfit(why) => (
                ErrorCode::Invalid,
                "The request cannot be made",
                why.clone(),
                "Check the object's name and namespace.",
            ),
        };
        let detail = format!("Could not {task} at {place}: {why}. {advice}");
        ProviderError { code, summary: summary.to_owned(), detail, path: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: u16, headers: &[(&str, &str)], body: &str, retry: Retry, expect: Option<u64>) {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        let failure = answer(code, &headers, body.as_bytes()).unwrap_err();
        let pause = failure.pause(retry, 2).map(|pause| u64::try_from(pause.as_millis()).unwrap());
        assert_eq!(pause, expect, "{code} {body} {retry:?}");
    }

    #[test]
    fn only_what_is_safe_is_sent_again() {
        let internal = r#"{"kind":"Status","reason":"InternalError"}"#;
        check(429, &[], "", Retry::Write, Some(200));
        check(429, &[("retry-after", "2")], "", Retry::Write, Some(2000));
        check(429, &[("retry-after", "9999")], "", Retry::Write, Some(30_000));
        check(503, &[], "", Retry::Write, None);
        check(503, &[], "", Retry::Read, Some(200));
        check(500, &[], internal, Retry::Read, Some(200));
        check(500, &[], internal, Retry::Write, None);
        check(500, &[], r#"{"kind":"Status"}"#, Retry::Read, None);
        check(404, &[], "", Retry::Read, None);
    }

    #[test]
    fn warnings_are_read() {
        let value = http::HeaderValue::from_static("299 - \"apps/v1beta1 is \\\"old\\\"\"");
        assert_eq!(warning(&value).as_deref(), Some("apps/v1beta1 is \"old\""));
        assert_eq!(warning(&http::HeaderValue::from_static("299")), None);
    }
}
