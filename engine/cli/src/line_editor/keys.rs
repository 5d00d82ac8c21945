//! The bytes that a terminal sends → keys.

use std::io;

/// A key that means something to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A printable letter.
    Letter(char),
    Enter,
    /// ^C
    Interrupt,
    /// ^D: the end of the input on an empty line, otherwise it deletes.
    EndOrDelete,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    /// ^K: all behind the cursor goes.
    CutEnd,
    /// ^U: all before it.
    CutStart,
    /// ^W: the word before it.
    CutWord,
    /// Any other.
    Other,
}

/// The next key; nothing at the end of the input.
///
/// # Errors
/// When the input cannot be read.
pub(super) fn next_key(bytes: &mut impl Iterator<Item = io::Result<u8>>) -> io::Result<Option<Key>> {
    let Some(first) = bytes.next().transpose()? else { return Ok(None) };
    Ok(Some(match first {
        b'\r' | b'\n' => Key::Enter,
        0x01 => Key::Home,
        0x02 => Key::Left,
        0x03 => Key::Interrupt,
        0x04 => Key::EndOrDelete,
        0x05 => Key::End,
        0x06 => Key::Right,
        0x08 | 0x7f => Key::Backspace,
        b'\t' => Key::Letter(' '),
        0x0b => Key::CutEnd,
        0x0e => Key::Down,
        0x10 => Key::Up,
        0x15 => Key::CutStart,
        0x17 => Key::CutWord,
        0x1b => escape(bytes)?,
        0x00..0x20 => Key::Other,
        first => letter(first, bytes)?,
    }))
}

/// What follows an escape: `[A`, `OA`, `[3~`, `[1;5C`.
fn escape(bytes: &mut impl Iterator<Item = io::Result<u8>>) -> io::Result<Key> {
    if !matches!(bytes.next().transpose()?, Some(b'[' | b'O')) {
        return Ok(Key::Other);
    }
    let mut parameters = Vec::new();
    while let Some(byte) = bytes.next().transpose()? {
        if byte.is_ascii_digit() || byte == b';' {
            parameters.push(byte);
            continue;
        }
        return Ok(match (byte, parameters.as_slice()) {
            (b'A', _) => Key::Up,
            (b'B', _) => Key::Down,
            (b'C', _) => Key::Right,
            (b'D', _) => Key::Left,
            (b'H', _) | (b'~', b"1" | b"7") => Key::Home,
            (b'F', _) | (b'~', b"4" | b"8") => Key::End,
            (b'~', b"3") => Key::Delete,
            _ => Key::Other,
        });
    }
    Ok(Key::Other)
}

/// A letter of one to four bytes in UTF-8.
fn letter(first: u8, bytes: &mut impl Iterator<Item = io::Result<u8>>) -> io::Result<Key> {
    let length = match first {
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf8 => 4,
        _ => 1,
    };
    let mut encoded = vec![first];
    for _ in 1..length {
        encoded.extend(bytes.next().transpose()?);
    }
    let letter = std::str::from_utf8(&encoded).ok().and_then(|text| text.chars().next());
    Ok(letter.filter(|letter| !letter.is_control()).map_or(Key::Other, Key::Letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_keys() {
        let check = |bytes: &[u8], expect: &[Key]| {
            let mut bytes = bytes.iter().map(|byte| Ok(*byte));
            let keys: Vec<_> = std::iter::from_fn(|| next_key(&mut bytes).unwrap()).collect();
            assert_eq!(keys, expect);
        };
        check(
            "aä漢👍\r".as_bytes(),
            &[Key::Letter('a'), Key::Letter('ä'), Key::Letter('漢'), Key::Letter('👍'), Key::Enter],
        );
        check(
            b"\x1b[A\x1bOB\x1b[1;5C\x1b[D\x1b[3~\x1b[H\x1b[4~",
            &[Key::Up, Key::Down, Key::Right, Key::Left, Key::Delete, Key::Home, Key::End],
        );
        check(
            b"\x03\x04\x7f\x0b\x15\x17",
            &[Key::Interrupt, Key::EndOrDelete, Key::Backspace, Key::CutEnd, Key::CutStart, Key::CutWord],
        );
        check(b"\xff\x1b[99z\x1bx\x00\xe4", &[Key::Other, Key::Other, Key::Other, Key::Other, Key::Other]);
        check(b"\x1b[", &[Key::Other]);
    }
}
