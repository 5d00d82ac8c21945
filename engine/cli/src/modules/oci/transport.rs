//! Reads what lies at a URL: by HTTPS, through the environment's proxy, and in the clear on this machine alone.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, HeaderName, LOCATION, USER_AGENT};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Incoming};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{self, Client};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use crate::VERSION;
use crate::modules::address::is_loopback;
use crate::modules::secret::{Secret, redacted};

/// The longest for a connection to be made.
const DIAL_MAX: Duration = Duration::from_secs(15);
/// The longest silence of a server.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const REDIRECTS_MAX: usize = 5;

type Nothing = Empty<&'static [u8]>;

/// Why there is no answer: a fragment that reads after a colon.
#[derive(Debug)]
pub(super) struct HttpError(String);

impl HttpError {
    pub(super) fn new(fragment: &str) -> Self {
        Self(fragment.to_owned())
    }

    /// An error with all that it stems from.
    fn caused(error: &dyn Error) -> Self {
        let mut said: Vec<String> = Vec::new();
        let mut next = Some(error);
        while let Some(error) = next {
            let cause = redacted(&error.to_string());
            next = error.source();
            // Many say what their cause says.
            if !said.iter().any(|before| before.contains(&cause)) {
                said.push(cause);
            }
        }
        Self(said.join(": "))
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The way to servers.
pub(super) struct Http {
    proxies: Matcher,
}

impl Http {
    pub(super) fn new() -> Self {
        Self { proxies: Matcher::from_env() }
    }

    /// Reads what lies there, wherever it has moved to. Who we are is not told to any other server.
    pub(super) async fn get(
        &self,
        uri: &Uri,
        accept: &str,
        authorization: Option<&Secret>,
    ) -> Result<Answer, HttpError> {
        let mut uri = uri.clone();
        let mut authorization = authorization;
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.once(&uri, accept, authorization).await?;
            let moved = answer.status().is_redirection() && answer.status() != StatusCode::NOT_MODIFIED;
            let Some(location) = answer.header(&LOCATION).filter(|_| moved) else { return Ok(answer) };
            let next = followed(&uri, location)?;
            if next.authority() != uri.authority() {
                authorization = None;
            }
            uri = next;
        }
        Err(HttpError::new("it has moved too often"))
    }

    async fn once(
        &self,
        uri: &Uri,
        accept: &str,
        authorization: Option<&Secret>,
    ) -> Result<Answer, HttpError> {
        let request = request(uri, accept, authorization)?;
        let mut plain = HttpConnector::new();
        plain.set_connect_timeout(Some(DIAL_MAX));
        if uri.scheme_str() == Some("http") {
            return send(plain, request).await;
        }
        plain.enforce_http(false);
        let secure = HttpsConnectorBuilder::new().with_native_roots();
        let secure = secure.map_err(|error| HttpError::caused(&error))?.https_only().enable_http1();
        match self.proxies.intercept(uri) {
            Some(proxy) => {
                let tunnel = Tunnel::new(proxy.uri().clone(), plain);
                let tunnel = match proxy.basic_auth() {
                    Some(login) => tunnel.with_auth(login.clone()),
                    None => tunnel,
                };
                send(secure.wrap_connector(tunnel), request).await
            }
            None => send(secure.wrap_connector(plain), request).await,
        }
    }
}

async fn send<C: Connect + Clone + Send + Sync + 'static>(
    connector: C,
    request: Request<Nothing>,
) -> Result<Answer, HttpError> {
    let client: Client<C, Nothing> = legacy::Builder::new(TokioExecutor::new()).build(connector);
    match timeout(SILENCE_MAX, client.request(request)).await {
        Ok(Ok(response)) => Ok(Answer(response)),
        Ok(Err(error)) => Err(HttpError::caused(&error)),
        Err(_) => Err(silent()),
    }
}

fn request(uri: &Uri, accept: &str, authorization: Option<&Secret>) -> Result<Request<Nothing>, HttpError> {
    let agent = format!("meshform/{VERSION}");
    let mut request = Request::get(uri.clone()).header(ACCEPT, accept).header(USER_AGENT, agent);
    if let Some(authorization) = authorization {
        let value = HeaderValue::from_str(authorization.reveal());
        let mut value = value.map_err(|_| HttpError::new("the credentials hold a line feed"))?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    request.body(Empty::new()).map_err(|error| HttpError::caused(&error))
}

/// Where a `Location` leads. In the clear only from this machine to itself.
fn followed(from: &Uri, location: &str) -> Result<Uri, HttpError> {
    let wrong = || HttpError::new("it has moved to where nobody is followed to");
    let absolute = match location.strip_prefix('/') {
        Some(rest) if !rest.starts_with('/') => {
            let (scheme, host) = from.scheme_str().zip(from.authority()).ok_or_else(wrong)?;
            format!("{scheme}://{host}{location}")
        }
        _ => location.to_owned(),
    };
    let next: Uri = absolute.parse().map_err(|_| wrong())?;
    let is_local = |uri: &Uri| uri.host().is_some_and(is_loopback);
    match next.scheme_str() {
        Some("https") => Ok(next),
        Some("http") if is_local(from) && is_local(&next) => Ok(next),
        _ => Err(wrong()),
    }
}

/// A server's answer, its content still on the way.
pub(super) struct Answer(Response<Incoming>);

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// A header that is text.
    pub(super) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers(name).next()
    }

    /// All headers of a name that are text.
    pub(super) fn headers(&self, name: &HeaderName) -> impl Iterator<Item = &str> {
        self.0.headers().get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// The next part of the content; nothing at its end.
    pub(super) async fn chunk(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, HttpError> {
        loop {
            match timeout(SILENCE_MAX, self.0.body_mut().frame()).await {
                Err(_) => return Err(silent()),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => return Err(HttpError::caused(&error)),
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) => return Ok(Some(bytes)),
                    // Trailers tell nothing that we want to know.
                    Err(_) => continue,
                },
            }
        }
    }

    /// The whole content, if it is no longer than that.
    pub(super) async fn text(mut self, length_max: usize) -> Result<Vec<u8>, HttpError> {
        let mut text = Vec::new();
        if self.0.body().size_hint().lower() > length_max as u64 {
            return Err(too_long());
        }
        while let Some(bytes) = self.chunk().await? {
            text.extend_from_slice(bytes.as_ref());
            if text.len() > length_max {
                return Err(too_long());
            }
        }
        Ok(text)
    }
}

fn silent() -> HttpError {
    HttpError(format!("nothing came for {} seconds", SILENCE_MAX.as_secs()))
}

fn too_long() -> HttpError {
    HttpError::new("it is too long")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_astray() {
        let check = |from: &'static str, location: &str, expect: Option<&str>| {
            let next = followed(&Uri::from_static(from), location).ok().map(|uri| uri.to_string());
            assert_eq!(next.as_deref(), expect, "{from} {location}");
        };
        check("https://a/v2/x", "/v2/y?z", Some("https://a/v2/y?z"));
        check("https://a/v2/x", "https://b/y", Some("https://b/y"));
        check("https://a/v2/x", "http://a/y", None);
        check("https://a/v2/x", "http://127.0.0.1/y", None);
        check("http://127.0.0.1:1/v2/x", "http://localhost:2/y", Some("http://localhost:2/y"));
        check("http://127.0.0.1:1/v2/x", "http://b/y", None);
        check("https://a/x", "//b/y", None);
        check("https://a/x", "file:///etc/passwd", None);
        check("https://a/x", "y", None);
    }
}
