//! The server's side of a WebSocket: as numbered channels, or as one stream of bytes.

mod frame;

use std::future::Future;
use std::io;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, WriteHalf, split};
use tokio::sync::mpsc;

use self::frame::{Kind, Message, Reader};
use super::pipe;

/// By this a server shows that it has understood (RFC 6455, 1.3).
const ACCEPTED: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The channel on which a client tells, in version 5, that it is done with another.
const CLOSE: u8 = 255;
/// What a close frame says of a connection that has done what it was for.
const GOODBYE: [u8; 2] = 1000_u16.to_be_bytes();
/// How many frames wait.
const WAITING: usize = 16;
/// How long what was said last may take to be sent.
const LINGER: Duration = Duration::from_secs(5);

/// The answer to the key of a handshake.
pub(super) fn accept(key: &str) -> String {
    STANDARD.encode(Sha1::digest(format!("{key}{ACCEPTED}")))
}

/// Where frames are sent, as long as anything else is.
type Frames = mpsc::WeakSender<Vec<u8>>;

/// What the channels of a connection are.
#[derive(Debug)]
pub(super) struct Channels {
    pub(super) count: u8,
    /// Whether the client may tell that it is done with a channel.
    pub(super) closable: bool,
    /// What is said first: a channel with what is said on it.
    pub(super) greetings: Vec<Vec<u8>>,
}

/// Serves channels until the client ends the connection, or `attend`, who gets them, has done. The first byte of a message is the
/// number of its channel.
pub(super) async fn channels<A>(
    transport: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    channels: Channels,
    attend: impl FnOnce(Vec<DuplexStream>) -> A,
) where
    A: Future<Output = ()>,
{
    let (reader, writer) = split(transport);
    let (frames, sent) = mpsc::channel(WAITING);
    let sending = tokio::spawn(send(writer, sent));
    for greeting in channels.greetings {
        // Whoever has gone by now is found out below.
        let _ = frames.send(frame::write(Kind::Binary, &greeting)).await;
    }
    let (mut inputs, mut pipes) = (Vec::new(), Vec::new());
    for channel in 0..channels.count {
        let (ours, theirs) = pipe::pair();
        let (output, input) = split(ours);
        let frame = move |bytes: &[u8]| {
            (!bytes.is_empty()).then(|| frame::write(Kind::Binary, &[&[channel], bytes].concat()))
        };
        tokio::spawn(pipe::forward(output, frames.clone(), frame));
        inputs.push(input);
        pipes.push(theirs);
    }
    let answers = frames.downgrade();
    drop(frames);
    tokio::select! {
        () = receive(Reader::new(reader), answers, inputs, channels.closable) => {}
        () = attend(pipes) => {}
    }
    // The sender ends with the last pipe; a client that does not read is not waited for.
    let _ = tokio::time::timeout(LINGER, sending).await;
}

/// Serves one stream of bytes, in binary messages, until either side ends it.
pub(super) async fn tunnel<A>(
    transport: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    attend: impl FnOnce(DuplexStream) -> A,
) where
    A: Future<Output = ()>,
{
    let (reader, writer) = split(transport);
    let (frames, sent) = mpsc::channel(WAITING);
    let sending = tokio::spawn(send(writer, sent));
    let (ours, theirs) = pipe::pair();
    let (output, mut input) = split(ours);
    let frame = |bytes: &[u8]| (!bytes.is_empty()).then(|| frame::write(Kind::Binary, bytes));
    let answers = frames.downgrade();
    tokio::spawn(pipe::forward(output, frames, frame));
    let mut reader = Reader::new(reader);
    let receiving = async move {
        while let Some(bytes) = next(&mut reader, &answers).await {
            if input.write_all(&bytes).await.is_err() {
                return;
            }
        }
        // Nobody may be left to read it.
        let _ = input.shutdown().await;
    };
    tokio::join!(receiving, attend(theirs));
    let _ = tokio::time::timeout(LINGER, sending).await;
}

/// Sends frames; then, that there are no more. A client that is gone need not be told.
async fn send<T: AsyncWrite>(
    mut writer: WriteHalf<T>,
    mut frames: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    while let Some(frame) = frames.recv().await {
        writer.write_all(&frame).await?;
        writer.flush().await?;
    }
    writer.write_all(&frame::write(Kind::Close, &GOODBYE)).await?;
    writer.shutdown().await
}

/// The content of the next message; nothing at the end. Pings are answered.
async fn next<R: AsyncRead + Unpin>(reader: &mut Reader<R>, frames: &Frames) -> Option<Vec<u8>> {
    loop {
        match reader.next().await.ok()? {
            Message::Data(bytes) => return Some(bytes),
            Message::Ping(bytes) => frames.upgrade()?.send(frame::write(Kind::Pong, &bytes)).await.ok()?,
            Message::Pong => {}
            Message::Close => return None,
        }
    }
}

async fn receive<R: AsyncRead + Unpin>(
    mut reader: Reader<R>,
    frames: Frames,
    mut inputs: Vec<WriteHalf<DuplexStream>>,
    closable: bool,
) {
    while let Some(message) = next(&mut reader, &frames).await {
        // Who attends to a channel may have turned away from it: what is said there then is lost.
        match message.as_slice() {
            [CLOSE, channel, ..] if closable => {
                if let Some(input) = inputs.get_mut(usize::from(*channel)) {
                    let _ = input.shutdown().await;
                }
            }
            [channel, bytes @ ..] => {
                if let Some(input) = inputs.get_mut(usize::from(*channel)) {
                    let _ = input.write_all(bytes).await;
                }
            }
            [] => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, duplex};

    use super::*;

    #[test]
    fn the_key_of_the_standard_is_answered_as_it_says() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    /// A message of a client, with a mask that changes nothing.
    fn masked(bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).unwrap() | 0x80;
        [&[0x82, length, 0, 0, 0, 0], bytes].concat()
    }

    /// Sends messages, and reads what comes until the end.
    async fn talk(mut client: DuplexStream, sent: &[&[u8]]) -> Vec<u8> {
        for message in sent {
            client.write_all(&masked(message)).await.unwrap();
        }
        let mut got = Vec::new();
        client.read_to_end(&mut got).await.unwrap();
        got
    }

    #[tokio::test]
    async fn a_channel_ends_when_the_client_says_so() {
        let (near, far) = duplex(64 << 10);
        let spoken = Channels { count: 2, closable: true, greetings: vec![vec![1]] };
        let serving = channels(far, spoken, async |mut pipes| {
            let (mut out, mut from) = (pipes.remove(1), pipes.remove(0));
            let mut all = String::new();
            from.read_to_string(&mut all).await.unwrap();
            out.write_all(all.to_uppercase().as_bytes()).await.unwrap();
        });
        let (got, ()) = tokio::join!(talk(near, &[b"\0he", b"\x07lost", b"", b"\0llo", b"\xff\0"]), serving);
        assert_eq!(got, b"\x82\x01\x01\x82\x06\x01HELLO\x88\x02\x03\xe8");
    }

    #[tokio::test]
    async fn a_tunnel_carries_bytes_until_the_client_says_goodbye() {
        let (near, far) = duplex(64 << 10);
        let serving = tunnel(far, async |mut pipe| {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).await.unwrap();
            pipe.write_all(&bytes).await.unwrap();
        });
        let asking = async {
            let mut near = near;
            near.write_all(&masked(b"he")).await.unwrap();
            near.write_all(b"\x89\x80\0\0\0\0").await.unwrap();
            near.write_all(&masked(b"re")).await.unwrap();
            near.write_all(b"\x88\x80\0\0\0\0").await.unwrap();
            let mut got = Vec::new();
            near.read_to_end(&mut got).await.unwrap();
            assert_eq!(got, b"\x8a\0\x82\x04here\x88\x02\x03\xe8");
        };
        tokio::join!(serving, asking);
    }
}
