//! The frames of SPDY/3.1 (draft-mbelshe-httpbis-spdy-00 with the flow control of 3.1): read and written as bytes.

/// The bytes before a frame's payload.
pub(super) const HEAD: usize = 8;

const VERSION: u16 = 3;
const FIN: u8 = 1;
const IDENTIFIER: u32 = u32::MAX >> 1;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const HEADERS: u16 = 8;

/// What a frame's first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: Kind,
    /// Whether the sender says no more on this stream.
    pub(super) last: bool,
    /// How many bytes follow.
    pub(super) length: usize,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Bytes of a stream.
    Data(u32),
    Control(u16),
}

/// A control frame, as far as a server has to do with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Control<'p> {
    /// The client opens a stream, with compressed headers.
    Open {
        stream: u32,
        block: &'p [u8],
    },
    /// More headers, which nobody reads; but they are part of what is compressed.
    Headers {
        block: &'p [u8],
    },
    /// The client gives a stream up.
    Reset {
        stream: u32,
    },
    Ping {
        number: u32,
    },
    /// Settings, windows, a goodbye: nothing follows from them here, for windows are not kept and streams are few.
    Other,
}

impl Head {
    pub(super) fn parse(bytes: [u8; HEAD]) -> Self {
        let [a, b, c, d, flags, e, f, g] = bytes;
        let first = u32::from_be_bytes([a, b, c, d]);
        let kind =
            if first > IDENTIFIER { Kind::Control(u16::from_be_bytes([c, d])) } else { Kind::Data(first) };
        let length = u32::from_be_bytes([0, e, f, g]) as usize;
        Self { kind, last: flags & FIN != 0, length }
    }
}

impl<'p> Control<'p> {
    /// Reads the payload of a control frame; nothing if it is too short for what it is.
    pub(super) fn parse(kind: u16, payload: &'p [u8]) -> Option<Self> {
        let number = |at: usize| {
            let bytes = payload.get(at..at + 4)?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?))
        };
        Some(match kind {
            // The stream that it belongs to, a priority and a slot come in between.
            SYN_STREAM => Self::Open { stream: number(0)? & IDENTIFIER, block: payload.get(10..)? },
            HEADERS => Self::Headers { block: payload.get(4..)? },
            RST_STREAM => Self::Reset { stream: number(0)? & IDENTIFIER },
            PING => Self::Ping { number: number(0)? },
            _ => Self::Other,
        })
    }
}

/// Bytes of a stream, and whether they are its last.
pub(super) fn data(stream: u32, bytes: &[u8], last: bool) -> Vec<u8> {
    frame(stream & IDENTIFIER, u8::from(last), bytes)
}

/// The answer to the opening of a stream.
pub(super) fn reply(stream: u32, block: &[u8]) -> Vec<u8> {
    let payload = [&stream.to_be_bytes(), block].concat();
    control(SYN_REPLY, &payload)
}

/// A ping, or the answer to it.
pub(super) fn ping(number: u32) -> Vec<u8> {
    control(PING, &number.to_be_bytes())
}

fn control(kind: u16, payload: &[u8]) -> Vec<u8> {
    frame(!IDENTIFIER | u32::from(VERSION) << 16 | u32::from(kind), 0, payload)
}

fn frame(first: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    // A length has 24 bits; nothing near that is ever written.
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX) & (u32::MAX >> 8);
    let second = u32::from(flags) << 24 | length;
    [&first.to_be_bytes(), &second.to_be_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read() {
        let check = |bytes: &[u8], kind: Kind, last: bool, control: Option<Control<'_>>| {
            let (head, payload) = bytes.split_at(HEAD);
            let head = Head::parse(head.try_into().unwrap());
            assert_eq!(head, Head { kind, last, length: payload.len() }, "{bytes:?}");
            if let Kind::Control(kind) = kind {
                assert_eq!(Control::parse(kind, payload), control, "{bytes:?}");
            }
        };
        check(&[0, 0, 0, 5, 0, 0, 0, 2, b'o', b'k'], Kind::Data(5), false, None);
        check(&[0, 0, 0, 5, 1, 0, 0, 0], Kind::Data(5), true, None);
        check(
            &[0x80, 3, 0, 1, 0, 0, 0, 12, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 1, 2],
            Kind::Control(1),
            false,
            Some(Control::Open { stream: 7, block: &[1, 2] }),
        );
        check(
            &[0x80, 3, 0, 3, 0, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0, 5],
            Kind::Control(3),
            false,
            Some(Control::Reset { stream: 7 }),
        );
        check(
            &[0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 9],
            Kind::Control(6),
            false,
            Some(Control::Ping { number: 9 }),
        );
        check(&[0x80, 3, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0], Kind::Control(4), false, Some(Control::Other));
        check(&[0x80, 3, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7], Kind::Control(1), false, None);
        check(&[0x80, 3, 0, 6, 0, 0, 0, 1, 0], Kind::Control(6), false, None);
    }

    #[test]
    fn frames_are_written() {
        assert_eq!(data(5, b"ok", true), [0, 0, 0, 5, 1, 0, 0, 2, b'o', b'k']);
        assert_eq!(reply(3, &[9]), [0x80, 3, 0, 2, 0, 0, 0, 5, 0, 0, 0, 3, 9]);
        assert_eq!(ping(1), [0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1]);
    }
}
