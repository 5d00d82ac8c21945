//! How `object_store`'s requests are sent: once each, by our client. The only file here that sends.
//!
//! An answer that says neither "done" nor "the condition does not hold" becomes a [`Failure`], so that what failed is known by its code
//! and told without what the server has quoted: some quote the signature's ingredients.

use async_trait::async_trait;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use meshform_state_http::client::{Client, ClientError};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use thiserror::Error;

/// Sends requests, and judges their answers.
#[derive(Clone)]
pub(crate) struct Transport {
    client: Client,
}

/// Why a request came to nothing: a fragment that reads after a colon.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It may be otherwise the next time. What was asked may have been done all the same.
    #[error("{0}")]
    Passing(String),
    /// It stays so.
    #[error("{0}")]
    Lasting(String),
    /// Others write the same object at this moment. Nothing was done.
    #[error("others write it at the same time")]
    Contended,
}

impl Transport {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

impl HttpConnector for Transport {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Transport {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let answer = self.client.send(Request::from_parts(parts, body)).await.map_err(|error| match error {
            ClientError::Silent(_) | ClientError::Broken(_) => Failure::Passing(error.to_string()),
            ClientError::TooLong => Failure::Lasting(error.to_string()),
        });
        let answer = answer.and_then(|answer| match failure(answer.status(), answer.body()) {
            Some(failure) => Err(failure),
            None => Ok(answer),
        });
        // Of an unknown kind, it is not tried again by others.
        Ok(answer.map_err(|failure| HttpError::new(HttpErrorKind::Unknown, failure))?.map(Into::into))
    }
}

/// What an answer says has failed, if that is not for `object_store` to say.
fn failure(status: StatusCode, body: &Bytes) -> Option<Failure> {
    let code = code(body);
    match (status, code) {
        (status, _) if status.is_success() => return None,
        (StatusCode::NOT_MODIFIED | StatusCode::PRECONDITION_FAILED, _) => return None,
        // A bucket that is missing is not an empty one.
        (StatusCode::NOT_FOUND, code) if code != Some("NoSuchBucket") => return None,
        (StatusCode::CONFLICT, _) => return Some(Failure::Contended),
        _ => {}
    }
    let problem = match code {
        Some(code) => format!("the server answered {status} ({code})"),
        None => format!("the server answered {status}"),
    };
    let is_passing = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
        // S3 says this of a request that came too slowly, with status 400.
        || code == Some("RequestTimeout");
    Some(if is_passing { Failure::Passing(problem) } else { Failure::Lasting(problem) })
}

/// The code in S3's XML of an error: one word.
fn code(body: &Bytes) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let is_word = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_word.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_known_by_its_code() {
        let check = |status: u16, body: &'static str, expect: Option<Failure>| {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(failure(status, &Bytes::from_static(body.as_bytes())), expect, "{status} {body}");
        };
        let passing = |problem: &str| Some(Failure::Passing(problem.to_owned()));
        let lasting = |problem: &str| Some(Failure::Lasting(problem.to_owned()));
        for status in [200, 204, 304, 412, 404] {
            check(status, "<Error><Code>Any</Code></Error>", None);
        }
        check(409, "", Some(Failure::Contended));
        check(
            404,
            "<Error><Code>NoSuchBucket</Code></Error>",
            lasting("the server answered 404 Not Found (NoSuchBucket)"),
        );
        check(
            403,
            "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>hunter2</StringToSign></Error>",
            lasting("the server answered 403 Forbidden (SignatureDoesNotMatch)"),
        );
        check(403, "<Code>hunter2 and more</Code>", lasting("the server answered 403 Forbidden"));
        check(503, "", passing("the server answered 503 Service Unavailable"));
        check(429, "", passing("the server answered 429 Too Many Requests"));
        check(501, "", lasting("the server answered 501 Not Implemented"));
        check(
            400,
            "<Error><Code>RequestTimeout</Code></Error>",
            passing("the server answered 400 Bad Request (RequestTimeout)"),
        );
    }
}
