//! Sending requests: within a time, and again where that may help.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, Method};
use kube::Client;
use kube::client::{AuthError, Body};
use serde_json::Value as Json;
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};

use crate::connect;
use crate::request::ApiRequest;
use crate::settings::Settings;

/// How often a request is sent.
const ATTEMPTS_MAX: u32 = 7;
/// The pause before the second attempt; it doubles each time.
const PAUSE: Duration = Duration::from_millis(100);

/// Why the server has not consented.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server refused.
    Refused(Refusal),
    /// The answer, if there was one, did not arrive.
    Lost(String),
    /// The request could not be made, for want of a client or its credentials.
    Unusable(String),
}

/// A refusal.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    /// The HTTP status code.
    pub(crate) code: u16,
    /// The reason of a `Status`; empty if the answer is none.
    pub(crate) reason: String,
    message: String,
    pause: Option<Duration>,
    /// Whether the request was sent before without an answer that could be relied on: it may have been done then.
    again: bool,
}

/// One API server.
pub(crate) struct Api {
    client: OnceCell<Client>,
}

impl Api {
    /// One that is connected to with the first request.
    pub(crate) fn new() -> Self {
        Self { client: OnceCell::new() }
    }

    /// Sends a request until there is an answer: an object or a list. What it asks for must do no harm when it is done twice.
    pub(crate) async fn ask(
        &self,
        settings: &Settings,
        request: Result<ApiRequest, http::Error>,
    ) -> Result<Json, Failure> {
        let request = request.map_err(|error| Failure::Unusable(error.to_string()))?;
        let asked = timeout(settings.timeout, self.ask_patiently(settings, &request)).await;
        asked.unwrap_or_else(|_| {
            Err(Failure::Lost(format!("no answer within {} seconds", settings.timeout.as_secs())))
        })
    }

    async fn ask_patiently(&self, settings: &Settings, request: &ApiRequest) -> Result<Json, Failure> {
        let mut pause = PAUSE;
        let mut again = false;
        for attempt in 1.. {
            let failure = match self.ask_once(settings, request).await {
                Ok(body) => return Ok(body),
                Err(Failure::Refused(refusal)) => Failure::Refused(Refusal { again, ..refusal }),
                Err(failure) => failure,
            };
            if attempt >= ATTEMPTS_MAX || !failure.may_pass() {
                return Err(failure);
            }
            again = true;
            sleep(failure.told_pause().max(pause)).await;
            pause *= 2;
        }
        Err(Failure::Lost("no attempt was made".into()))
    }

    async fn ask_once(&self, settings: &Settings, request: &ApiRequest) -> Result<Json, Failure> {
        let client = self.client.get_or_try_init(|| connect::client(settings)).await?;
        let mut copy = http::Request::new(Body::from(request.body().clone()));
        copy.method_mut().clone_from(request.method());
        copy.uri_mut().clone_from(request.uri());
        copy.headers_mut().clone_from(request.headers());
        let response = client.send(copy).await.map_err(|error| lost(&error))?;
        let (code, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.into_body().collect_bytes().await.map_err(|error| lost(&error))?;
        answer(request.method(), code, &headers, &body)
    }
}

fn answer(method: &Method, code: u16, headers: &HeaderMap, body: &[u8]) -> Result<Json, Failure> {
    if !(200..300).contains(&code) {
        return Err(Failure::Refused(refusal(code, headers, body)));
    }
    match serde_json::from_slice(body) {
        Ok(json) => Ok(json),
        Err(_) if method == Method::DELETE => Ok(Json::Null),
        Err(error) => Err(Failure::Lost(format!("the answer is not JSON: {error}"))),
    }
}

fn refusal(code: u16, headers: &HeaderMap, body: &[u8]) -> Refusal {
    let status: Json = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| status.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    let told = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let told = told.or_else(|| status["details"]["retryAfterSeconds"].as_u64());
    let (reason, message) = (text("reason"), text("message"));
    Refusal { code, reason, message, pause: told.map(Duration::from_secs), again: false }
}

impl Refusal {
    /// What the server said.
    fn told(&self) -> String {
        match self.message.is_empty() {
            true => format!("HTTP {}", self.code),
            false => format!("HTTP {}: {}", self.code, self.message),
        }
    }
}

impl Failure {
    /// Whether the object is not of the version that was named, or is there already.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == 409)
    }

    /// Whether the object, or what it would lie in, is not there. A server of another kind gives no reason.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == 404 && refusal.reason == "NotFound")
    }

    /// Whether a list can no longer be gone on with.
    pub(crate) fn is_expired(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == 410)
    }

    /// Whether the request may have been done when it was sent before.
    pub(crate) fn again(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.again)
    }

    /// What went wrong, in words.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.told(),
            Self::Lost(problem) | Self::Unusable(problem) => problem.clone(),
        }
    }

    fn may_pass(&self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(refusal.code, 429 | 500 | 502..=504),
            Self::Lost(_) => true,
            Self::Unusable(_) => false,
        }
    }

    fn told_pause(&self) -> Duration {
        match self {
            Self::Refused(refusal) => refusal.pause.unwrap_or_default(),
            Self::Lost(_) | Self::Unusable(_) => Duration::ZERO,
        }
    }
}

/// An error of the transport. Of credentials only the kind is told: a plugin's output may hold a token.
pub(crate) fn lost(error: &kube::Error) -> Failure {
    let cause = match error {
        kube::Error::Auth(cause) => Some(cause),
        kube::Error::Service(inside) => inside.downcast_ref::<AuthError>(),
        _ => None,
    };
    Failure::Unusable(match cause {
        None => return Failure::Lost(chain(error)),
        Some(AuthError::AuthExecStart(error)) => format!("the credentials plugin cannot be started: {error}"),
        Some(AuthError::AuthExecRun { out, .. }) => format!("the credentials plugin failed ({})", out.status),
        Some(AuthError::ReadTokenFile(error, path)) => {
            format!("the token file {} cannot be read: {error}", path.display())
        }
        Some(_) => "the kubeconfig's credentials cannot be used".into(),
    })
}

/// The innermost causes say most: "tcp connect error: connection refused".
fn chain(error: &dyn std::error::Error) -> String {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.dedup();
    causes.split_off(causes.len().saturating_sub(2)).join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: u16, retry_after: Option<&str>, body: &str, expect: (bool, u64, &str)) {
        let mut headers = HeaderMap::new();
        headers.extend(retry_after.map(|value| (RETRY_AFTER, value.parse().unwrap())));
        let failure = answer(&Method::GET, code, &headers, body.as_bytes()).unwrap_err();
        let found = (failure.may_pass(), failure.told_pause().as_secs(), failure.told());
        assert_eq!((found.0, found.1, found.2.as_str()), expect, "{code} {body}");
    }

    #[test]
    fn refusals_are_told_apart_by_their_codes() {
        check(429, Some("2"), "", (true, 2, "HTTP 429"));
        check(503, None, r#"{"details":{"retryAfterSeconds":3}}"#, (true, 3, "HTTP 503"));
        check(500, Some("soon"), "", (true, 0, "HTTP 500"));
        check(403, None, r#"{"message":"no"}"#, (false, 0, "HTTP 403: no"));
        check(404, None, "404 page not found", (false, 0, "HTTP 404"));
        check(200, None, "<html>", (true, 0, "the answer is not JSON: expected value at line 1 column 1"));
    }

    #[test]
    fn only_a_status_says_that_an_object_is_not_there() {
        let failure = |body: &str| Failure::Refused(refusal(404, &HeaderMap::new(), body.as_bytes()));
        assert!(failure(r#"{"reason":"NotFound"}"#).is_not_found());
        assert!(!failure("404 page not found").is_not_found());
    }
}
