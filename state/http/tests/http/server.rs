//! A server that speaks the protocol, on loopback: as Terraform's documentation has it, or as GitLab does.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It is answered with this status, and nothing else is done.
    Status(u16),
    /// The connection is cut within the request.
    CutWithin,
    /// The connection is cut after all that was asked for has been done.
    CutAfter,
    /// It is done late.
    Late(Duration),
}

/// How a server differs from others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// Methods of locking and unlocking, and the status of what is locked.
    pub(crate) lock: &'static str,
    pub(crate) unlock: &'static str,
    pub(crate) locked: StatusCode,
    /// Whether a document must have a `serial` that nothing had before.
    wants_serials: bool,
}

pub(crate) const TERRAFORM: Kind =
    Kind { lock: "LOCK", unlock: "UNLOCK", locked: StatusCode::LOCKED, wants_serials: false };
pub(crate) const GITLAB: Kind =
    Kind { lock: "POST", unlock: "DELETE", locked: StatusCode::CONFLICT, wants_serials: true };

/// A running server.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) kind: Kind,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    document: Option<Bytes>,
    serials: Vec<u64>,
    lock: Option<serde_json::Value>,
    login: Option<String>,
    faults: VecDeque<(Method, Fault)>,
    requests: Vec<String>,
}

impl Server {
    pub(crate) async fn start(kind: Kind) -> Self {
        Self::listening(kind, None).await
    }

    /// One that is reached by HTTPS alone.
    pub(crate) async fn secure(acceptor: TlsAcceptor) -> Self {
        Self::listening(TERRAFORM, Some(acceptor)).await
    }

    async fn listening(kind: Kind, acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = match acceptor {
            Some(_) => format!("https://localhost:{port}"),
            None => format!("http://127.0.0.1:{port}"),
        };
        let kept = Arc::new(Mutex::new(Kept::default()));
        tokio::spawn(listen(listener, acceptor, kind, kept.clone()));
        Self { url, kind, kept }
    }

    /// The next requests of that method go wrong, each in its way.
    pub(crate) fn fail(&self, method: &str, faults: &[Fault]) {
        let method: Method = method.parse().unwrap();
        self.kept().faults.extend(faults.iter().map(|fault| (method.clone(), *fault)));
    }

    /// Lets in nobody but whoever has this login.
    pub(crate) fn require(&self, login: &str) {
        self.kept().login = Some(login.to_owned());
    }

    /// The document.
    pub(crate) fn document(&self) -> Option<serde_json::Value> {
        self.kept().document.as_ref().map(|document| serde_json::from_slice(document).unwrap())
    }

    pub(crate) fn put(&self, document: &str) {
        self.kept().document = Some(Bytes::from(document.to_owned()));
    }

    /// The lock that is held.
    pub(crate) fn lock(&self) -> Option<serde_json::Value> {
        self.kept().lock.clone()
    }

    pub(crate) fn set_lock(&self, lock: Option<serde_json::Value>) {
        self.kept().lock = lock;
    }

    /// The requests since this was last asked, each as its method.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.kept().requests)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }
}

async fn listen(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    kind: Kind,
    kept: Arc<Mutex<Kept>>,
) -> Infallible {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (kept, acceptor) = (kept.clone(), acceptor.clone());
        let service = service_fn(move |request| answer(request, kind, kept.clone()));
        tokio::spawn(async move {
            // Whom the client or the server does not trust goes without an answer.
            match acceptor {
                None => drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await),
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
                    }
                }
            }
        });
    }
}

/// An error cuts the connection.
async fn answer(
    request: Request<Incoming>,
    kind: Kind,
    kept: Arc<Mutex<Kept>>,
) -> io::Result<Response<Full<Bytes>>> {
    let (head, mut body) = request.into_parts();
    let fault = {
        let mut kept = kept.lock().unwrap();
        kept.requests.push(head.method.to_string());
        let place = kept.faults.iter().position(|(method, _)| *method == head.method);
        place.and_then(|place| kept.faults.remove(place)).map(|(_, fault)| fault)
    };
    match fault {
        Some(Fault::Status(status)) => return Ok(with(StatusCode::from_u16(status).unwrap(), "hunter2")),
        Some(Fault::CutWithin) => {
            body.frame().await;
            return Err(io::Error::other("cut"));
        }
        Some(Fault::Late(delay)) => sleep(delay).await,
        Some(Fault::CutAfter) | None => {}
    }
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let login = head.headers.get(AUTHORIZATION).and_then(|login| login.to_str().ok());
    let query = head.uri.query().unwrap_or_default();
    let answer = kept.lock().unwrap().answer(kind, &head.method, head.uri.path(), query, login, &body);
    if matches!(fault, Some(Fault::CutAfter)) { Err(io::Error::other("cut")) } else { Ok(answer) }
}

impl Kept {
    fn answer(
        &mut self,
        kind: Kind,
        method: &Method,
        path: &str,
        query: &str,
        login: Option<&str>,
        body: &Bytes,
    ) -> Response<Full<Bytes>> {
        if self.login.is_some() && self.login.as_deref() != login {
            return with(StatusCode::UNAUTHORIZED, "who is hunter2?");
        }
        match (path, method.as_str()) {
            ("/state", "GET") => match &self.document {
                Some(document) => with(StatusCode::OK, document.clone()),
                None => with(StatusCode::NOT_FOUND, ""),
            },
            ("/state", "POST") => self.update(kind, query, body),
            ("/lock", method) if method == kind.lock => match &self.lock {
                Some(lock) => with(kind.locked, lock.to_string()),
                None => {
                    self.lock = Some(serde_json::from_slice(body).unwrap());
                    with(StatusCode::OK, "")
                }
            },
            ("/lock", method) if method == kind.unlock => {
                let asked: serde_json::Value = serde_json::from_slice(body).unwrap();
                match &self.lock {
                    Some(lock) if lock["ID"] == asked["ID"] => {
                        self.lock = None;
                        with(StatusCode::OK, "")
                    }
                    lock => with(kind.locked, lock.clone().unwrap_or_default().to_string()),
                }
            }
            _ => with(StatusCode::METHOD_NOT_ALLOWED, ""),
        }
    }

    fn update(&mut self, kind: Kind, query: &str, body: &Bytes) -> Response<Full<Bytes>> {
        let holder = self.lock.as_ref().and_then(|lock| lock["ID"].as_str()).unwrap_or_default();
        if query != format!("ID={holder}") {
            return with(kind.locked, self.lock.clone().unwrap_or_default().to_string());
        }
        if kind.wants_serials {
            let document: serde_json::Value = serde_json::from_slice(body).unwrap();
            match document["serial"].as_u64() {
                Some(serial) if !self.serials.contains(&serial) => self.serials.push(serial),
                _ => return with(StatusCode::UNPROCESSABLE_ENTITY, "Version has already been taken"),
            }
        }
        self.document = Some(body.clone());
        with(StatusCode::OK, "")
    }
}

fn with(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}
