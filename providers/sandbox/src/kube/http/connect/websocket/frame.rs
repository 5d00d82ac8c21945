//! The frames of a WebSocket (RFC 6455), as far as a server needs them: masked ones are read, plain ones are written.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

const LAST: u8 = 0x80;
const MASKED: u8 = 0x80;
const KIND: u8 = 0x0f;
const CONTROL: u8 = 0x08;
/// The payload of a control frame is not longer.
const CONTROL_BYTES_MAX: u64 = 125;
/// A message, whole, may not be longer.
const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

/// What a client says: a message, whose parts are put together, or a frame that comes in between.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// Text is taken as its bytes.
    Data(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close,
}

impl Kind {
    fn of(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    fn number(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }
}

/// A frame that is whole by itself.
pub(super) fn write(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![LAST | kind.number()];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ ..=125), _) => frame.push(length),
        (_, Ok(length)) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// Reads messages.
pub(super) struct Reader<R> {
    from: R,
    /// The parts of a message that is not whole yet.
    begun: Option<Vec<u8>>,
}

struct Head {
    kind: Kind,
    last: bool,
    length: usize,
    mask: [u8; 4],
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, begun: None }
    }

    /// The next message.
    ///
    /// # Errors
    ///
    /// When the connection ends without a goodbye, or what comes is no frame of a client.
    pub(super) async fn next(&mut self) -> io::Result<Message> {
        loop {
            let head = self.head().await?;
            let mut payload = vec![0; head.length];
            self.from.read_exact(&mut payload).await?;
            payload.iter_mut().zip(head.mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
            match head.kind {
                Kind::Ping => return Ok(Message::Ping(payload)),
                Kind::Pong => return Ok(Message::Pong),
                Kind::Close => return Ok(Message::Close),
                Kind::Text | Kind::Binary => self.begun = Some(payload),
                Kind::Continuation => self.begun.as_mut().ok_or_else(broken)?.append(&mut payload),
            }
            if head.last
                && let Some(whole) = self.begun.take()
            {
                return Ok(Message::Data(whole));
            }
        }
    }

    async fn head(&mut self) -> io::Result<Head> {
        let mut start = [0; 2];
        self.from.read_exact(&mut start).await?;
        let [first, second] = start;
        let last = first & LAST != 0;
        // Three bits are for extensions, of which none is agreed on.
        let kind = Kind::of(first & !LAST).ok_or_else(broken)?;
        let length = match second & !MASKED {
            126 => u64::from(self.from.read_u16().await?),
            127 => self.from.read_u64().await?,
            short => u64::from(short),
        };
        let control = first & KIND & CONTROL != 0;
        let starts_within = matches!(kind, Kind::Text | Kind::Binary) && self.begun.is_some();
        if second & MASKED == 0 || starts_within || control && (!last || length > CONTROL_BYTES_MAX) {
            return Err(broken());
        }
        let begun = self.begun.as_ref().map_or(0, Vec::len);
        let length = usize::try_from(length).ok().filter(|length| *length <= MESSAGE_BYTES_MAX - begun);
        let mut mask = [0; 4];
        self.from.read_exact(&mut mask).await?;
        Ok(Head { kind, last, length: length.ok_or_else(broken)?, mask })
    }
}

fn broken() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = Result<Message, io::ErrorKind>;

    /// What is read from bytes, up to the first failure.
    async fn read(bytes: &[u8]) -> Vec<Read> {
        let mut reader = Reader::new(bytes);
        let mut all = Vec::new();
        loop {
            let next = reader.next().await.map_err(|error| error.kind());
            let failed = next.is_err();
            all.push(next);
            if failed {
                return all;
            }
        }
    }

    #[tokio::test]
    async fn frames_are_read() {
        let check = async |bytes: &[u8], expect: &[Read]| assert_eq!(read(bytes).await, expect, "{bytes:?}");
        let end = || Err(io::ErrorKind::UnexpectedEof);
        let data = |bytes: &[u8]| Ok(Message::Data(bytes.to_vec()));
        // The example of the standard: `Hello`, masked.
        check(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", &[data(b"Hello"), end()]).await;
        check(b"\x82\x80\0\0\0\0", &[data(b""), end()]).await;
        // In two parts, with a ping in between.
        check(
            b"\x02\x81\0\0\0\0a\x89\x81\0\0\0\0p\x80\x81\0\0\0\0b",
            &[Ok(Message::Ping(b"p".to_vec())), data(b"ab"), end()],
        )
        .await;
        check(b"\x88\x80\0\0\0\0\x8a\x80\0\0\0\0", &[Ok(Message::Close), Ok(Message::Pong), end()]).await;
        check(b"\x82\xfe\x00\x02\0\0\0\0ok", &[data(b"ok"), end()]).await;
        for broken in [
            &b"\x82\x02ok"[..],
            b"\x80\x81\0\0\0\0a",
            b"\xc2\x81\0\0\0\0a",
            b"\x09\x80\0\0\0\0",
            b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
        ] {
            check(broken, &[Err(io::ErrorKind::InvalidData)]).await;
        }
    }

    #[test]
    fn frames_are_written() {
        let check = |length: usize, expect: &[u8]| {
            let frame = write(Kind::Binary, &vec![7; length]);
            assert_eq!((&frame[..expect.len()], frame.len()), (expect, expect.len() + length), "{length}");
        };
        check(0, &[0x82, 0]);
        check(125, &[0x82, 125]);
        check(126, &[0x82, 126, 0, 126]);
        check(65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(write(Kind::Pong, b"p"), [0x8a, 1, b'p']);
    }
}
