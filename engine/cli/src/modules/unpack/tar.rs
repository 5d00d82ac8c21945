//! Tape archives, compressed by gzip: what every `tar` writes. The rules are those of POSIX's `pax` (ustar and its extended headers) and GNU's
//! long names.
//!
//! Sparse files, devices and hard links are refused: no package of texts has them.

use std::fs::File;
use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;

use super::{UnpackError, Writer, bad};

const BLOCK: usize = 512;
/// A file that is larger than this is refused before it is read.
const SIZE_MAX: u64 = 1 << 40;
/// The longest extended header or long name.
const EXTENSION_MAX: u64 = 1 << 20;

/// What extended headers and long names say about the file that follows.
#[derive(Debug, Default)]
struct Extension {
    name: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
}

/// Reads all of an archive.
pub(super) fn read(archive: File, writer: &mut Writer<'_>) -> Result<(), UnpackError> {
    // Headers and padding come on top of what the files hold.
    let mut stream = MultiGzDecoder::new(BufReader::new(archive)).take(writer.bytes_left.saturating_mul(2));
    let mut extension = Extension::default();
    while let Some(header) = header(&mut stream)? {
        let own_size = size(&header)?;
        match header[156] {
            b'x' => extension.read_pax(&extended(&mut stream, own_size)?)?,
            b'L' => extension.name = Some(up_to_zero(&extended(&mut stream, own_size)?).to_vec()),
            b'K' => extension.target = Some(up_to_zero(&extended(&mut stream, own_size)?).to_vec()),
            // What git puts in front of its archives.
            b'g' => drop(extended(&mut stream, own_size)?),
            kind => {
                let about = std::mem::take(&mut extension);
                let size = about.size.unwrap_or(own_size);
                let name = about.name.unwrap_or_else(|| name(&header));
                let target = about.target.unwrap_or_else(|| up_to_zero(&header[157..257]).to_vec());
                one(writer, kind, (&name, &target), &mut stream, size)?;
            }
        }
    }
    Ok(())
}

fn one(
    writer: &mut Writer<'_>,
    kind: u8,
    (name, target): (&[u8], &[u8]),
    stream: &mut impl Read,
    size: u64,
) -> Result<(), UnpackError> {
    let mut content = stream.take(size);
    match kind {
        b'0' | 0 | b'7' if !name.ends_with(b"/") => writer.file(name, &mut content)?,
        b'0' | 0 | b'5' => writer.folder(name)?,
        b'2' => writer.link(name, target)?,
        _ => {
            let shown = String::from_utf8_lossy(name);
            return Err(bad(format!("{shown:?} is no file, folder or symbolic link")));
        }
    }
    let left = content.limit();
    if matches!(kind, b'0' | 0 | b'7') && left > 0 {
        return Err(damaged());
    }
    skip(stream, left + padding(size))
}

/// The next header; nothing at the archive's end.
fn header(stream: &mut impl Read) -> Result<Option<[u8; BLOCK]>, UnpackError> {
    let mut block = [0; BLOCK];
    let length = stream.read(&mut block).map_err(|_| damaged())?;
    // Some writers leave out the empty blocks at the end.
    if length == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut block[length..]).map_err(|_| damaged())?;
    if block.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let sum: u64 = (0..BLOCK)
        .map(|at| if (148..156).contains(&at) { u64::from(b' ') } else { u64::from(block[at]) })
        .sum();
    match octal(&block[148..156]) {
        Some(written) if written == sum => Ok(Some(block)),
        _ => Err(damaged()),
    }
}

fn size(header: &[u8; BLOCK]) -> Result<u64, UnpackError> {
    let field = &header[124..136];
    let size = match field[0] {
        // A number of bytes in place of digits: only files that are too large anyway need it.
        0x80 => {
            field[1..].iter().try_fold(0_u64, |size, byte| Some(size.checked_mul(256)? + u64::from(*byte)))
        }
        _ => octal(field),
    };
    size.filter(|size| *size <= SIZE_MAX).ok_or_else(damaged)
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(up_to_zero(field)).ok()?.trim_matches(' ');
    if text.is_empty() {
        return Some(0);
    }
    u64::from_str_radix(text, 8).ok().filter(|_| !text.starts_with('+'))
}

fn name(header: &[u8; BLOCK]) -> Vec<u8> {
    let name = up_to_zero(&header[..100]);
    // GNU's own format has something else there.
    let prefix = match &header[257..263] {
        b"ustar\0" => up_to_zero(&header[345..500]),
        _ => &[],
    };
    match prefix.is_empty() {
        true => name.to_vec(),
        false => [prefix, b"/", name].concat(),
    }
}

impl Extension {
    /// Lines of `LENGTH NAME=VALUE`, each as long as it says.
    fn read_pax(&mut self, mut rest: &[u8]) -> Result<(), UnpackError> {
        while !rest.is_empty() {
            let space = rest.iter().position(|byte| *byte == b' ').ok_or_else(damaged)?;
            let length =
                std::str::from_utf8(&rest[..space]).ok().and_then(|length| length.parse::<usize>().ok());
            let line = length.and_then(|length| rest.get(space + 1..length)).ok_or_else(damaged)?;
            rest = &rest[space + 1 + line.len()..];
            let line = line.strip_suffix(b"\n").ok_or_else(damaged)?;
            let equals = line.iter().position(|byte| *byte == b'=').ok_or_else(damaged)?;
            let value = &line[equals + 1..];
            match &line[..equals] {
                b"path" => self.name = Some(value.to_vec()),
                b"linkpath" => self.target = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|size| size.parse().ok());
                    self.size = Some(size.filter(|size| *size <= SIZE_MAX).ok_or_else(damaged)?);
                }
                name if name.starts_with(b"GNU.sparse.") => return Err(bad("it holds a sparse file")),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The content of an extended header.
fn extended(stream: &mut impl Read, size: u64) -> Result<Vec<u8>, UnpackError> {
    if size > EXTENSION_MAX {
        return Err(bad("a name in it is too long"));
    }
    let mut content = Vec::new();
    let length = stream.take(size).read_to_end(&mut content).map_err(|_| damaged())?;
    if (length as u64) < size {
        return Err(damaged());
    }
    skip(stream, padding(size))?;
    Ok(content)
}

/// What is left of the last block of so many bytes.
fn padding(size: u64) -> u64 {
    let block = BLOCK as u64;
    (block - size % block) % block
}

fn skip(stream: &mut impl Read, length: u64) -> Result<(), UnpackError> {
    let skipped = io::copy(&mut stream.take(length), &mut io::sink()).map_err(|_| damaged())?;
    if skipped < length { Err(damaged()) } else { Ok(()) }
}

fn up_to_zero(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn damaged() -> UnpackError {
    bad("it is no whole tape archive")
}
