//! The pipes between a connection's frames and those who attend to its streams.

use tokio::io::{AsyncRead, AsyncReadExt, DuplexStream, duplex};
use tokio::sync::mpsc;

/// How much waits in a pipe for its reader.
const BYTES: usize = 64 << 10;
/// How much is sent at once.
pub(super) const CHUNK: usize = 32 << 10;

/// Both ends of a pipe: one for the connection, one for who attends to the stream.
pub(super) fn pair() -> (DuplexStream, DuplexStream) {
    duplex(BYTES)
}

/// Sends what comes out of a pipe as frames, and its end as the frame of no bytes, if that is one.
pub(super) async fn forward<T>(
    mut from: impl AsyncRead + Unpin,
    frames: mpsc::Sender<T>,
    frame: impl Fn(&[u8]) -> Option<T>,
) {
    let mut buffer = vec![0; CHUNK];
    loop {
        // A pipe does not fail; if it did, it would be at its end.
        let read = from.read(&mut buffer).await.unwrap_or(0);
        let sent = match frame(&buffer[..read]) {
            Some(frame) => frames.send(frame).await.is_ok(),
            None => true,
        };
        if read == 0 || !sent {
            return;
        }
    }
}
