//! One exchange with a server: the answer is read whole, within a deadline.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::{self, Client as Pool};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use thiserror::Error;
use tokio::time::timeout;

/// The longest for a connection to be made.
const DIAL_MAX: Duration = Duration::from_secs(10);
/// How long a connection is kept for the next request: shorter than most servers keep it.
const IDLE_MAX: Duration = Duration::from_secs(15);
/// The longest answer. A state is far below it; what is above it is no state.
const ANSWER_BYTES_MAX: usize = 1 << 30;

/// Sends requests to servers, by HTTPS through the environment's proxy. Follows no redirects: the credentials are for one server.
#[derive(Clone)]
pub struct Client {
    direct: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
    tls: ClientConfig,
    proxies: Arc<Matcher>,
    deadline: Duration,
}

/// Why there is no answer: a fragment that reads after a colon. The request may have been carried out all the same.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ClientError {
    /// The deadline has passed.
    #[error("nothing came within {} seconds", .0.as_secs_f64())]
    Silent(Duration),
    /// There was no connection, or it broke.
    #[error("{0}")]
    Broken(String),
    /// It is not read to its end.
    #[error("the answer is too long")]
    TooLong,
}

impl Client {
    /// A client that trusts as `tls` says, waits for each answer for at most `deadline`, and takes the way that the variables
    /// `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` of the environment name.
    #[must_use]
    pub fn new(tls: ClientConfig, environment: &BTreeMap<String, String>, deadline: Duration) -> Self {
        let variable = |name: &str| {
            let value = environment.get(name).or_else(|| environment.get(&name.to_lowercase()));
            value.cloned().unwrap_or_default()
        };
        let proxies = Matcher::builder()
            .all(variable("ALL_PROXY"))
            .https(variable("HTTPS_PROXY"))
            .no(variable("NO_PROXY"))
            .build();
        let proxies = Arc::new(proxies);
        let secure = HttpsConnectorBuilder::new().with_tls_config(tls.clone());
        let connector = secure.https_or_http().enable_http1().wrap_connector(plain());
        Self { direct: builder().build(connector), tls, proxies, deadline }
    }

    /// Sends a request, once.
    ///
    /// # Errors
    /// When no whole answer comes within the deadline. An answer of whatever status is none.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ClientError> {
        let exchange = self.exchange(request.map(Full::new));
        timeout(self.deadline, exchange).await.unwrap_or(Err(ClientError::Silent(self.deadline)))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, ClientError> {
        let answer = match self.proxy(request.uri()) {
            Some(proxy) => self.through(&proxy, request).await,
            None => self.direct.request(request).await,
        };
        let (parts, body) = answer.map_err(|error| broken(&error))?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { ClientError::TooLong } else { broken(&*error) }
        })?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }

    /// The proxy to a server. In the clear there is no other machine to be reached that a proxy would be asked for.
    fn proxy(&self, uri: &Uri) -> Option<Intercept> {
        self.proxies.intercept(uri).filter(|_| uri.scheme_str() == Some("https"))
    }

    /// Sends through a tunnel that is made for this request.
    async fn through(
        &self,
        proxy: &Intercept,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, legacy::Error> {
        let tunnel = Tunnel::new(proxy.uri().clone(), plain());
        let tunnel = match proxy.basic_auth() {
            Some(login) => tunnel.with_auth(login.clone()),
            None => tunnel,
        };
        let secure = HttpsConnectorBuilder::new().with_tls_config(self.tls.clone());
        let connector = secure.https_only().enable_http1().wrap_connector(tunnel);
        builder().build(connector).request(request).await
    }
}

fn builder() -> legacy::Builder {
    let mut builder = legacy::Builder::new(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE_MAX);
    builder
}

fn plain() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(DIAL_MAX));
    connector
}

/// An error with all that it stems from. None of it quotes a request's headers.
fn broken(error: &(dyn Error + 'static)) -> ClientError {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let cause = error.to_string();
        next = error.source();
        // Many say what their cause says.
        if !said.iter().any(|before| before.contains(&cause)) {
            said.push(cause);
        }
    }
    ClientError::Broken(said.join(": "))
}
