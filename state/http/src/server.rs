//! The protocol: one function for each request. The only file here that sends.

use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use hyper::body::Bytes;

use crate::client::{Client, ClientError};
use crate::document::Document;
use crate::lock::LockInfo;
use crate::settings::Settings;

/// The server of one state.
pub(crate) struct Server {
    client: Client,
    settings: Settings,
}

/// Why a request came to nothing: a fragment that reads after a colon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It may be otherwise the next time. What was asked may have been done all the same.
    Passing(String),
    /// It stays so.
    Lasting(String),
}

/// What became of a document that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Update {
    Written,
    /// The server says that it is not locked by us.
    NotOurs,
}

impl Server {
    pub(crate) fn new(client: Client, settings: Settings) -> Self {
        Self { client, settings }
    }

    /// Where it is, for messages.
    pub(crate) fn place(&self) -> String {
        self.settings.place()
    }

    /// The document; an empty one where there is none.
    pub(crate) async fn get(&self) -> Result<Document, Trouble> {
        let answer = self.send(&Method::GET, &self.settings.address, Bytes::new()).await?;
        match answer.status() {
            StatusCode::OK => Document::parse(answer.body()).map_err(Trouble::Lasting),
            StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => Ok(Document::default()),
            status => Err(refused(status)),
        }
    }

    /// Writes the document under a lock of ours.
    pub(crate) async fn update(&self, document: &Document, lock: &str) -> Result<Update, Trouble> {
        let bytes = document.to_bytes().map_err(|error| Trouble::Lasting(error.to_string()))?;
        let address = identified(&self.settings.address, lock);
        let answer = self.send(&self.settings.update_method, &address, bytes.into()).await?;
        match answer.status() {
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED | StatusCode::LOCKED => {
                Ok(Update::NotOurs)
            }
            status if status.is_success() => Ok(Update::Written),
            status => Err(refused(status)),
        }
    }

    /// Locks the state, or tells who has.
    pub(crate) async fn lock(&self, lock: &LockInfo) -> Result<Option<LockInfo>, Trouble> {
        let answer = self.send(&self.settings.lock_method, &self.settings.lock_address, told(lock)?).await?;
        match answer.status() {
            StatusCode::CONFLICT | StatusCode::LOCKED => Ok(Some(LockInfo::parse(answer.body()))),
            status if status.is_success() => Ok(None),
            status => Err(refused(status)),
        }
    }

    /// Unlocks the state. That the server refuses to is no trouble: the lock was another one.
    pub(crate) async fn unlock(&self, lock: &LockInfo) -> Result<(), Trouble> {
        let address = identified(&self.settings.unlock_address, &lock.id);
        let answer = self.send(&self.settings.unlock_method, &address, told(lock)?).await?;
        let status = answer.status();
        let is_login = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if is_passing(status) || is_login { Err(refused(status)) } else { Ok(()) }
    }

    async fn send(&self, method: &Method, address: &Uri, body: Bytes) -> Result<Response<Bytes>, Trouble> {
        let mut request = Request::new(body);
        *request.method_mut() = method.clone();
        *request.uri_mut() = address.clone();
        request.headers_mut().extend(self.settings.headers.clone());
        if !request.body().is_empty() {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        self.client.send(request).await.map_err(|error| match error {
            ClientError::Silent(_) | ClientError::Broken(_) => Trouble::Passing(error.to_string()),
            ClientError::TooLong => Trouble::Lasting(error.to_string()),
        })
    }
}

fn told(lock: &LockInfo) -> Result<Bytes, Trouble> {
    serde_json::to_vec(lock).map(Bytes::from).map_err(|error| Trouble::Lasting(error.to_string()))
}

/// An address with the lock's identifier in its query, as the protocol has it for updates.
fn identified(address: &Uri, lock: &str) -> Uri {
    let separator = if address.query().is_some() { '&' } else { '?' };
    let path =
        format!("{address_path}{separator}ID={}", escaped(lock), address_path = path_and_query(address));
    let mut parts = address.clone().into_parts();
    // What is escaped is always part of an address.
    parts.path_and_query = PathAndQuery::from_maybe_shared(path).ok();
    Uri::from_parts(parts).unwrap_or_else(|_| address.clone())
}

fn path_and_query(address: &Uri) -> &str {
    address.path_and_query().map_or("/", PathAndQuery::as_str)
}

/// An identifier that others may have made up, as part of a query.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn refused(status: StatusCode) -> Trouble {
    let problem = format!("the server answered {status}");
    if is_passing(status) { Trouble::Passing(problem) } else { Trouble::Lasting(problem) }
}

fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_named_in_the_query() {
        let check = |address: &'static str, lock: &str, expect: &str| {
            assert_eq!(identified(&Uri::from_static(address), lock).to_string(), expect);
        };
        check("https://host/state", "1-a", "https://host/state?ID=1-a");
        check("https://host", "1", "https://host/?ID=1");
        check(
            "https://host/state?token=x",
            "a b&c=\u{e9}",
            "https://host/state?token=x&ID=a%20b%26c%3D%C3%A9",
        );
    }

    #[test]
    fn some_answers_may_be_others_the_next_time() {
        let check = |status: u16, expect: bool| {
            assert_eq!(is_passing(StatusCode::from_u16(status).unwrap()), expect, "{status}");
        };
        for status in [408, 429, 500, 502, 503, 504] {
            check(status, true);
        }
        for status in [400, 401, 403, 404, 409, 413, 501] {
            check(status, false);
        }
    }
}
