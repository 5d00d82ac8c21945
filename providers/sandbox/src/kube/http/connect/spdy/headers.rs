//! Header blocks of SPDY/3: pairs of texts, compressed as one zlib stream per direction that begins with a dictionary.

use std::collections::BTreeMap;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_IGNORE_ADLER32};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// The dictionary of SPDY/3 (draft-mbelshe-httpbis-spdy-00, 2.6.10.1).
const DICTIONARY: &[u8] = include_bytes!("../../../../../data/spdy-dictionary.bin");
/// The head of a zlib stream: two bytes, and the checksum of the dictionary.
const ZLIB_HEAD: usize = 6;
/// How far back a compressed stream may refer.
const WINDOW: usize = 32 << 10;
/// Headers of one stream may not be longer.
const BLOCK_BYTES_MAX: usize = 64 << 10;
/// A stored block cannot hold more.
const STORED_MAX: usize = u16::MAX as usize;

/// The names and values of a stream's headers. Names are in lower case.
pub(crate) type Headers = BTreeMap<String, String>;

/// Reads the header blocks of one direction.
pub(super) struct Decoder {
    inflater: Box<DecompressorOxide>,
    window: Box<[u8]>,
    at: usize,
    /// How much of the stream's head is still to come.
    head: usize,
}

impl Decoder {
    pub(super) fn new() -> Self {
        let mut window = vec![0; WINDOW].into_boxed_slice();
        window[..DICTIONARY.len()].copy_from_slice(DICTIONARY);
        Self { inflater: Box::default(), window, at: DICTIONARY.len(), head: ZLIB_HEAD }
    }

    /// The headers of the next block; nothing if it is broken, after which no other can be read.
    pub(super) fn decode(&mut self, block: &[u8]) -> Option<Headers> {
        let skipped = self.head.min(block.len());
        self.head -= skipped;
        parse(&self.inflate(&block[skipped..])?)
    }

    fn inflate(&mut self, mut compressed: &[u8]) -> Option<Vec<u8>> {
        const FLAGS: u32 = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_IGNORE_ADLER32;
        let mut all = Vec::new();
        loop {
            let (status, read, written) =
                decompress(&mut self.inflater, compressed, &mut self.window, self.at, FLAGS);
            all.extend_from_slice(self.window.get(self.at..self.at + written)?);
            self.at = (self.at + written) % WINDOW;
            compressed = compressed.get(read..)?;
            if all.len() > BLOCK_BYTES_MAX {
                return None;
            }
            match status {
                TINFLStatus::HasMoreOutput => {}
                TINFLStatus::NeedsMoreInput if compressed.is_empty() => return Some(all),
                _ => return None,
            }
        }
    }
}

fn parse(block: &[u8]) -> Option<Headers> {
    let mut rest = block;
    let mut headers = Headers::new();
    for _ in 0..number(&mut rest)? {
        let (name, value) = (text(&mut rest)?, text(&mut rest)?);
        headers.insert(name.to_ascii_lowercase(), value);
    }
    Some(headers)
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let (first, left) = rest.split_first_chunk()?;
    *rest = left;
    usize::try_from(u32::from_be_bytes(*first)).ok()
}

fn text(rest: &mut &[u8]) -> Option<String> {
    let length = number(rest)?;
    let (text, left) = rest.split_at_checked(length)?;
    *rest = left;
    String::from_utf8(text.to_vec()).ok()
}

/// Writes the header blocks of one direction, uncompressed, for they are empty.
#[derive(Default)]
pub(super) struct Encoder {
    begun: bool,
}

impl Encoder {
    /// The next block.
    pub(super) fn encode(&mut self, headers: &Headers) -> Vec<u8> {
        let mut plain = length(headers.len()).to_vec();
        for text in headers.iter().flat_map(|(name, value)| [name, value]) {
            plain.extend(length(text.len()));
            plain.extend_from_slice(text.as_bytes());
        }
        let mut block = Vec::new();
        if !self.begun {
            // Deflate with a window of 32 KiB, without a dictionary.
            block.extend([0x78, 0x01]);
            self.begun = true;
        }
        plain.chunks(STORED_MAX).for_each(|chunk| stored(&mut block, chunk));
        // What ends here can be read to its end before anything follows.
        stored(&mut block, &[]);
        block
    }
}

/// A block of a deflate stream that is not compressed, and not the last.
fn stored(block: &mut Vec<u8>, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    block.push(0);
    block.extend(length.to_le_bytes());
    block.extend((!length).to_le_bytes());
    block.extend_from_slice(bytes);
}

fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// Blocks as zlib writes them with the dictionary, each ended by a flush; in base 64.
    const COMPRESSED: [&str; 2] =
        ["ePnjxqfCAiU6cDorKUpNzIUWJaypoICGFMtF4BxgYWBhAKQ5iyDRmAlK3owGAAAAAP//", "wqoZVA4lEtYLAAAA//8="];

    #[test]
    fn blocks_are_read_one_after_another() {
        let mut decoder = Decoder::new();
        let mut check = |block: &str, expect: Option<Headers>| {
            let block = base64::engine::general_purpose::STANDARD.decode(block).unwrap();
            assert_eq!(decoder.decode(&block), expect);
        };
        check(COMPRESSED[0], Some(headers(&[("streamtype", "error"), ("port", "8080"), ("requestid", "0")])));
        check(COMPRESSED[1], Some(headers(&[("streamtype", "data"), ("port", "8080"), ("requestid", "0")])));
        check("/////w==", None);
    }

    #[test]
    fn what_is_written_can_be_read() {
        let (mut encoder, mut reader) = (Encoder::default(), flate2::Decompress::new(true));
        for pairs in
            [headers(&[("a", "b"), ("c", "")]), headers(&[]), headers(&[("long", &"x".repeat(70_000))])]
        {
            let block = encoder.encode(&pairs);
            let mut plain = Vec::with_capacity(100_000);
            reader.decompress_vec(&block, &mut plain, flate2::FlushDecompress::Sync).unwrap();
            assert_eq!(parse(&plain), Some(pairs));
        }
    }

    #[test]
    fn a_block_that_lies_about_its_lengths_is_refused() {
        for plain in
            [&[][..], &[0, 0, 0, 1], &[0, 0, 0, 1, 0, 0, 0, 9, b'x'], &[0, 0, 0, 1, 255, 255, 255, 255]]
        {
            assert_eq!(parse(plain), None, "{plain:?}");
        }
    }
}
