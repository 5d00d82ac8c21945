//! The server's side of a SPDY/3.1 connection: many streams of bytes over one.
//!
//! Windows are not kept, as clients of Kubernetes don't keep them either: a stream that nobody reads holds the others up once its pipe
//! is full.

mod frame;
mod headers;

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, copy, sink, split,
};
use tokio::sync::mpsc;

use self::frame::{Control, Head, Kind};
use self::headers::{Decoder, Encoder};
use super::pipe;

pub(super) use self::headers::Headers;

/// A control frame may not be longer.
const CONTROL_BYTES_MAX: usize = 256 << 10;
/// How many streams may be open at once.
const STREAMS_MAX: usize = 1024;
/// How many frames, and how many new streams, wait.
const WAITING: usize = 16;
/// How long what was said last may take to be sent.
const LINGER: Duration = Duration::from_secs(5);

/// A stream that the client has opened. Either direction ends by itself; dropping the pipe ends what goes to the client.
pub(super) struct Stream {
    pub(super) headers: Headers,
    pub(super) pipe: DuplexStream,
}

/// Serves a connection until the client ends it, or `attend`, who gets its streams, has done.
pub(super) async fn run<A>(
    transport: impl AsyncRead + AsyncWrite + Send + 'static,
    attend: impl FnOnce(mpsc::Receiver<Stream>) -> A,
) where
    A: Future<Output = ()>,
{
    let (mut reader, writer) = split(transport);
    let (frames, written) = mpsc::channel(WAITING);
    let (opened, streams) = mpsc::channel(WAITING);
    let writing = tokio::spawn(write(writer, written));
    let connection = Connection {
        frames,
        opened,
        decoder: Decoder::new(),
        encoder: Encoder::default(),
        inputs: HashMap::new(),
    };
    tokio::select! {
        // However the client ends it, there is nobody left to be told.
        _ = connection.read(&mut reader) => {}
        () = attend(streams) => {}
    }
    // The writer ends with the last pipe; a client that does not read is not waited for.
    let _ = tokio::time::timeout(LINGER, writing).await;
}

async fn write<T: AsyncWrite>(
    mut writer: WriteHalf<T>,
    mut frames: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    while let Some(frame) = frames.recv().await {
        writer.write_all(&frame).await?;
        writer.flush().await?;
    }
    writer.shutdown().await
}

struct Connection {
    frames: mpsc::Sender<Vec<u8>>,
    opened: mpsc::Sender<Stream>,
    decoder: Decoder,
    encoder: Encoder,
    /// What the client says on the streams that it has not finished.
    inputs: HashMap<u32, WriteHalf<DuplexStream>>,
}

impl Connection {
    /// Reads frames until the connection ends.
    async fn read<T: AsyncRead>(mut self, reader: &mut ReadHalf<T>) -> io::Result<()> {
        loop {
            let mut head = [0; frame::HEAD];
            reader.read_exact(&mut head).await?;
            let head = Head::parse(head);
            match head.kind {
                Kind::Data(stream) => self.data(reader, stream, head).await?,
                Kind::Control(kind) => self.control(reader, kind, head).await?,
            }
        }
    }

    async fn data<T: AsyncRead>(
        &mut self,
        reader: &mut ReadHalf<T>,
        stream: u32,
        head: Head,
    ) -> io::Result<()> {
        let mut payload = reader.take(head.length as u64);
        if let Some(input) = self.inputs.get_mut(&stream) {
            // Whoever attends to the stream may have turned away from it.
            let _ = copy(&mut payload, input).await;
        }
        copy(&mut payload, &mut sink()).await?;
        if head.last {
            self.finish(stream).await;
        }
        Ok(())
    }

    /// The client says no more on a stream.
    async fn finish(&mut self, stream: u32) {
        if let Some(mut input) = self.inputs.remove(&stream) {
            // It may be gone on the other side already.
            let _ = input.shutdown().await;
        }
    }

    async fn control<T: AsyncRead>(
        &mut self,
        reader: &mut ReadHalf<T>,
        kind: u16,
        head: Head,
    ) -> io::Result<()> {
        if head.length > CONTROL_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut payload = vec![0; head.length];
        reader.read_exact(&mut payload).await?;
        let broken = || io::Error::from(io::ErrorKind::InvalidData);
        match Control::parse(kind, &payload).ok_or_else(broken)? {
            Control::Open { stream, block } => {
                let headers = self.decoder.decode(block).ok_or_else(broken)?;
                self.open(stream, headers, head.last).await
            }
            Control::Headers { block } => self.decoder.decode(block).map(drop).ok_or_else(broken),
            Control::Reset { stream } => {
                self.finish(stream).await;
                Ok(())
            }
            Control::Ping { number } => self.send(frame::ping(number)).await,
            Control::Other => Ok(()),
        }
    }

    async fn open(&mut self, stream: u32, headers: Headers, last: bool) -> io::Result<()> {
        if self.inputs.len() >= STREAMS_MAX || self.inputs.contains_key(&stream) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let (ours, pipe) = pipe::pair();
        let (output, input) = split(ours);
        self.inputs.insert(stream, input);
        let answer = frame::reply(stream, &self.encoder.encode(&Headers::new()));
        self.send(answer).await?;
        let frame = move |bytes: &[u8]| Some(frame::data(stream, bytes, bytes.is_empty()));
        tokio::spawn(pipe::forward(output, self.frames.clone(), frame));
        if last {
            self.finish(stream).await;
        }
        self.opened.send(Stream { headers, pipe }).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    async fn send(&self, frame: Vec<u8>) -> io::Result<()> {
        self.frames.send(frame).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    /// What a server that gives back what it gets answers to frames.
    async fn check(sent: &[Vec<u8>], expect: &[Vec<u8>]) {
        let (mut client, server) = duplex(64 << 10);
        let serving = run(server, async |mut streams| {
            while let Some(Stream { pipe, .. }) = streams.recv().await {
                let (mut from, mut to) = split(pipe);
                let _ = copy(&mut from, &mut to).await;
                let _ = to.shutdown().await;
            }
        });
        let asking = async move {
            client.write_all(&sent.concat()).await.unwrap();
            let mut answer = vec![0; expect.concat().len()];
            client.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, expect.concat());
        };
        tokio::join!(serving, asking);
    }

    #[tokio::test]
    async fn streams_are_opened_and_ended() {
        let mut encoder = Encoder::default();
        let nothing = encoder.encode(&Headers::new());
        // The stream without headers begins with the head of a stream that has a dictionary.
        let block = [&[0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2], &nothing[2..]].concat();
        let mut open = vec![0x80, 3, 0, 1, 0, 0, 0, u8::try_from(block.len() + 10).unwrap()];
        open.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        open.extend(block);
        check(
            &[
                frame::ping(7),
                open,
                frame::data(9, b"lost", true),
                frame::data(1, b"hello", false),
                frame::data(1, b"", true),
            ],
            &[
                frame::ping(7),
                frame::reply(1, &nothing),
                frame::data(1, b"hello", false),
                frame::data(1, b"", true),
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn a_broken_frame_ends_the_connection() {
        check(&[vec![0x80, 3, 0, 1, 0, 0, 0, 1, 0]], &[]).await;
        check(&[vec![0x80, 3, 0, 1, 0, 255, 255, 255]], &[]).await;
    }
}
