//! Zip archives: what `zip` and every build tool make, stored or deflated. The rules are those of PKWARE's APPNOTE.TXT.
//!
//! Only the directory at the archive's end counts. What lies between the files, the second size and name in front of each file, and all
//! extra fields are passed over, so that nothing can be read in two ways. Encrypted files, archives in parts and those above 4 GiB are refused.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Take};

use flate2::Crc;
use flate2::read::DeflateDecoder;

use super::{UnpackError, Writer, bad};

const END_SIGNATURE: [u8; 4] = *b"PK\x05\x06";
const ENTRY_SIGNATURE: [u8; 4] = *b"PK\x01\x02";
const FILE_SIGNATURE: [u8; 4] = *b"PK\x03\x04";
const END_LENGTH: usize = 22;
const ENTRY_LENGTH: usize = 46;
const FILE_LENGTH: usize = 30;
/// The longest comment that may follow the end of the directory.
const COMMENT_MAX: usize = 0xffff;
/// The most bytes that a directory within our bounds may have: a long name for each file.
const DIRECTORY_MAX: u64 = 64 << 20;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const ENCRYPTED: u16 = 1;
/// The system by which the upper half of the attributes is a Unix mode.
const UNIX: u8 = 3;
const KIND_MASK: u32 = 0o170_000;
const LINK: u32 = 0o120_000;
const FOLDER: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
/// The longest target of a link.
const TARGET_MAX: u64 = 4096;

/// One file, as the directory has it.
#[derive(Debug)]
struct Entry {
    name: Vec<u8>,
    method: u16,
    flags: u16,
    crc: u32,
    packed: u64,
    unpacked: u64,
    offset: u64,
    /// The kind of a file by its Unix mode; 0 if it has none.
    kind: u32,
}

/// Reads all of an archive.
pub(super) fn read(mut archive: File, writer: &mut Writer<'_>) -> Result<(), UnpackError> {
    for entry in directory(&mut archive)? {
        if entry.flags & ENCRYPTED != 0 {
            return Err(bad(format!("{} is encrypted", shown(&entry.name))));
        }
        match entry.kind {
            _ if entry.name.ends_with(b"/") => writer.folder(&entry.name)?,
            FOLDER => writer.folder(&entry.name)?,
            LINK => {
                let mut target = Vec::new();
                let mut content = content(&mut archive, &entry)?;
                (&mut content).take(TARGET_MAX).read_to_end(&mut target).map_err(|_| damaged())?;
                writer.link(&entry.name, &target)?;
            }
            0 | REGULAR => writer.file(&entry.name, &mut content(&mut archive, &entry)?)?,
            _ => return Err(bad(format!("{} is no file, folder or symbolic link", shown(&entry.name)))),
        }
    }
    Ok(())
}

/// The files that the archive's directory lists.
fn directory(archive: &mut File) -> Result<Vec<Entry>, UnpackError> {
    let length = archive.seek(SeekFrom::End(0)).map_err(UnpackError::Io)?;
    let (count, size, offset) = end(archive, length)?;
    if size > DIRECTORY_MAX || offset.checked_add(size).is_none_or(|end| end > length) {
        return Err(damaged());
    }
    let bytes = read_at(archive, offset, usize::try_from(size).map_err(|_| damaged())?)?;
    let mut rest = bytes.as_slice();
    let mut entries = Vec::new();
    for _ in 0..count {
        let (entry, behind) = entry(rest).ok_or_else(damaged)?;
        entries.push(entry);
        rest = behind;
    }
    Ok(entries)
}

/// How many files the directory lists, how long it is, and where it begins.
fn end(archive: &mut File, length: u64) -> Result<(usize, u64, u64), UnpackError> {
    let tail = length.min((END_LENGTH + COMMENT_MAX) as u64);
    let bytes = read_at(archive, length - tail, usize::try_from(tail).map_err(|_| damaged())?)?;
    // The last one whose comment reaches to the very end.
    let found = (0..bytes.len().saturating_sub(END_LENGTH - 1)).rev().find(|at| {
        let record = &bytes[*at..];
        let comment = number(record, 20, 2).unwrap_or(0);
        record.starts_with(&END_SIGNATURE) && record.len() as u64 == END_LENGTH as u64 + comment
    });
    let record = found.map(|at| &bytes[at..]).ok_or_else(damaged)?;
    let field = |at, width| number(record, at, width).ok_or_else(damaged);
    if field(4, 2)? != 0 || field(6, 2)? != 0 || field(8, 2)? != field(10, 2)? {
        return Err(bad("it is one of several parts, or larger than 4 GiB"));
    }
    let (size, offset) = (field(12, 4)?, field(16, 4)?);
    if offset == 0xffff_ffff || size == 0xffff_ffff || field(10, 2)? == 0xffff {
        return Err(bad("it is larger than 4 GiB"));
    }
    Ok((usize::try_from(field(10, 2)?).map_err(|_| damaged())?, size, offset))
}

/// The first entry of a directory, and what follows it.
fn entry(bytes: &[u8]) -> Option<(Entry, &[u8])> {
    let header = bytes.get(..ENTRY_LENGTH).filter(|header| header.starts_with(&ENTRY_SIGNATURE))?;
    let small = |at| u16::try_from(number(header, at, 2)?).ok();
    let name_length = usize::from(small(28)?);
    let behind = ENTRY_LENGTH + name_length + usize::from(small(30)?) + usize::from(small(32)?);
    let name = bytes.get(ENTRY_LENGTH..ENTRY_LENGTH + name_length)?.to_vec();
    let mode = match header[5] {
        UNIX => u32::try_from(number(header, 38, 4)? >> 16).ok()?,
        _ => 0,
    };
    let entry = Entry {
        name,
        flags: small(8)?,
        method: small(10)?,
        crc: u32::try_from(number(header, 16, 4)?).ok()?,
        packed: number(header, 20, 4)?,
        unpacked: number(header, 24, 4)?,
        offset: number(header, 42, 4)?,
        kind: mode & KIND_MASK,
    };
    Some((entry, bytes.get(behind..)?))
}

/// A file's content, which is an error at its end if it is not as the directory says.
fn content<'a>(archive: &'a mut File, entry: &Entry) -> Result<Content<'a>, UnpackError> {
    let header = read_at(archive, entry.offset, FILE_LENGTH)?;
    let lengths = number(&header, 26, 2).zip(number(&header, 28, 2));
    let (name, extra) = lengths.filter(|_| header.starts_with(&FILE_SIGNATURE)).ok_or_else(damaged)?;
    let start = entry.offset + FILE_LENGTH as u64 + name + extra;
    archive.seek(SeekFrom::Start(start)).map_err(UnpackError::Io)?;
    let packed = (&*archive).take(entry.packed);
    let unpacked = match entry.method {
        STORED => Unpacked::Stored(packed),
        DEFLATED => Unpacked::Deflated(Box::new(DeflateDecoder::new(packed))),
        _ => return Err(bad(format!("{} is packed in a way that is not known", shown(&entry.name)))),
    };
    Ok(Content { unpacked, sum: Crc::new(), left: entry.unpacked, crc: entry.crc })
}

enum Unpacked<'a> {
    Stored(Take<&'a File>),
    Deflated(Box<DeflateDecoder<Take<&'a File>>>),
}

/// Counts and sums what it passes on.
struct Content<'a> {
    unpacked: Unpacked<'a>,
    sum: Crc,
    left: u64,
    crc: u32,
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = match &mut self.unpacked {
            Unpacked::Stored(content) => content.read(buffer)?,
            Unpacked::Deflated(content) => content.read(buffer)?,
        };
        if length == 0 && !buffer.is_empty() && (self.left > 0 || self.sum.sum() != self.crc) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.left = self.left.checked_sub(length as u64).ok_or(io::ErrorKind::InvalidData)?;
        self.sum.update(&buffer[..length]);
        Ok(length)
    }
}

fn read_at(archive: &mut File, offset: u64, length: usize) -> Result<Vec<u8>, UnpackError> {
    let mut bytes = vec![0; length];
    archive.seek(SeekFrom::Start(offset)).map_err(UnpackError::Io)?;
    archive.read_exact(&mut bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged(),
        _ => UnpackError::Io(error),
    })?;
    Ok(bytes)
}

/// A number of so many bytes, the least significant one first.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + width)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn shown(name: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(name))
}

fn damaged() -> UnpackError {
    bad("it is no whole zip archive")
}
