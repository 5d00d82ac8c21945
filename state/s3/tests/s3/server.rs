//! A real S3 server on loopback, over a folder: `s3s-fs`, which checks signatures and conditions. What may go wrong is put before it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::sleep;

pub(crate) const BUCKET: &str = "states";
pub(crate) const ACCESS_KEY: &str = "AKIDEXAMPLE";
pub(crate) const SECRET_KEY: &str = "hunter2hunter2";

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

/// A running server.
pub(crate) struct Server {
    pub(crate) url: String,
    root: TempDir,
    front: Arc<Front>,
}

/// What stands before the server.
struct Front {
    service: S3Service,
    /// A header that the server is never shown.
    ignored: Option<&'static str>,
    faults: Mutex<VecDeque<(Method, Fault)>>,
    requests: Mutex<Vec<String>>,
    /// The server checks a condition and writes in two steps; S3 does both in one.
    writing: tokio::sync::Mutex<()>,
}

impl Server {
    /// A server that wants signatures.
    pub(crate) async fn start() -> Self {
        Self::with(|builder| builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY)), None).await
    }

    /// A server that knows nothing of a condition, nor of signatures.
    pub(crate) async fn ignoring(header: &'static str) -> Self {
        Self::with(|_| {}, Some(header)).await
    }

    async fn with(set: impl FnOnce(&mut S3ServiceBuilder), ignored: Option<&'static str>) -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(root.path()).unwrap());
        set(&mut builder);
        let front = Arc::new(Front {
            service: builder.build(),
            ignored,
            faults: Mutex::default(),
            requests: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(listen(listener, front.clone()));
        Self { url, root, front }
    }

    /// The next requests of that method go wrong, each in its way; no others do.
    pub(crate) fn fail(&self, method: Method, faults: &[Fault]) {
        *held(&self.front.faults) = faults.iter().map(|fault| (method.clone(), *fault)).collect();
    }

    /// The requests since this was last asked, each as its method and path.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut held(&self.front.requests))
    }

    /// Whether there is such an object in the bucket.
    pub(crate) fn is_there(&self, key: &str) -> bool {
        self.root.path().join(BUCKET).join(key).exists()
    }
}

async fn listen(listener: TcpListener, front: Arc<Front>) -> Infallible {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let front = front.clone();
        let service = service_fn(move |request| {
            let front = front.clone();
            async move { front.answer(request).await }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

impl Front {
    /// An error cuts the connection.
    async fn answer(&self, mut request: Request<Incoming>) -> io::Result<Response<Body>> {
        held(&self.requests).push(format!("{} {}", request.method(), request.uri().path()));
        let fault = self.fault(request.method());
        match fault {
            Some(Fault::Status(status)) => return Ok(refusal(status)),
            Some(Fault::CutWithin) => {
                request.body_mut().frame().await;
                return Err(io::Error::other("cut"));
            }
            Some(Fault::Late(delay)) => sleep(delay).await,
            Some(Fault::CutAfter) | None => {}
        }
        if let Some(ignored) = self.ignored {
            request.headers_mut().remove(ignored);
            // The signature covers it.
            request.headers_mut().remove(AUTHORIZATION);
        }
        let _writing = self.writing.lock().await;
        let answer = self.service.call(request.map(Body::from)).await.map_err(io::Error::other)?;
        if matches!(fault, Some(Fault::CutAfter)) { Err(io::Error::other("cut")) } else { Ok(answer) }
    }

    fn fault(&self, method: &Method) -> Option<Fault> {
        let mut faults = held(&self.faults);
        let place = faults.iter().position(|(failing, _)| failing == method)?;
        faults.remove(place).map(|(_, fault)| fault)
    }
}

fn refusal(status: u16) -> Response<Body> {
    let body = "<Error><Code>Example</Code><StringToSign>hunter2hunter2</StringToSign></Error>".to_owned();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}
