//! What stands between the storage and the server, and does to a connection what networks do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What happens next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The next request is cut in the middle, and with it the connection.
    CutRequest,
    /// The next request arrives; its answer does not, and the connection ends.
    LoseAnswer,
    /// No answer arrives any more.
    Silence,
}

/// A proxy. Dropping it ends it.
pub(crate) struct Proxy {
    port: u16,
    next: Arc<Mutex<Option<Fault>>>,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// One before that port of this machine.
    pub(crate) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let next = Arc::new(Mutex::new(None));
        let (own, faults) = (listener.local_addr().unwrap().port(), next.clone());
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
                tokio::spawn(serve(client, server, faults.clone()));
            }
        });
        Self { port: own, next, listening }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Has something happen; `None` again nothing.
    pub(crate) fn next(&self, fault: Option<Fault>) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

type Faults = Arc<Mutex<Option<Fault>>>;

async fn serve(client: TcpStream, server: TcpStream, faults: Faults) {
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = requests(from_client, to_server, faults.clone()) => {}
        () = answers(from_server, to_client, faults) => {}
    }
}

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, faults: Faults) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let cut = take(&faults, Fault::CutRequest);
        let sent = if cut { count / 2 } else { count };
        if to.write_all(&buffer[..sent]).await.is_err() || cut {
            return;
        }
    }
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, faults: Faults) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if take(&faults, Fault::LoseAnswer) {
            return;
        }
        while *faults.lock().unwrap_or_else(PoisonError::into_inner) == Some(Fault::Silence) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

fn take(faults: &Faults, fault: Fault) -> bool {
    let mut next = faults.lock().unwrap_or_else(PoisonError::into_inner);
    let is_due = *next == Some(fault);
    if is_due {
        *next = None;
    }
    is_due
}
