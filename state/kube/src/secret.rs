//! A blob as a Secret: its content, or, where that is too large, an index of the Secrets that hold it in chunks.

use std::io::{self, Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value as Json, json};

use crate::names::{self, BASE, MARK, NAME, Part};

/// What a Secret may hold of a content, in bytes: in base64 and with all else it stays below a megabyte, and below what etcd takes.
const CHUNK_MAX: usize = 700 << 10;
/// What a content may have, unpacked. What claims to be larger is not one of ours.
const CONTENT_MAX: u64 = 1 << 30;

/// The type of all our Secrets.
const TYPE: &str = "meshform.dev/state";
/// The key of a content, or a part of it.
const CONTENT: &str = "content.gz";
/// The key of an index.
const INDEX: &str = "chunks";

/// What a write makes.
pub(crate) struct Writing<'a> {
    /// The stack.
    pub(crate) stack: &'a str,
    /// The blob's name.
    pub(crate) name: &'a str,
    /// Tells this write from all others.
    pub(crate) mark: &'a str,
    /// The version that it replaces; empty if there is to be none.
    pub(crate) base: &'a str,
}

/// What a blob's Secret says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The packed content.
    Whole(Vec<u8>),
    /// The names of the Secrets that hold it, in order.
    Chunks(Vec<String>),
}

/// A content as it is kept.
///
/// # Errors
/// When memory fails, if ever.
pub(crate) fn pack(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content)?;
    encoder.finish()
}

/// The content that was kept so.
///
/// # Errors
/// When it was not.
pub(crate) fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let read = GzDecoder::new(packed).take(CONTENT_MAX + 1).read_to_end(&mut content);
    match read {
        Ok(length) if length as u64 <= CONTENT_MAX => Ok(content),
        Ok(_) => Err("its content is larger than any that is written".into()),
        Err(_) => Err("its content is damaged".into()),
    }
}

/// The chunks of a packed content; none if it needs none.
pub(crate) fn chunks(packed: &[u8]) -> impl Iterator<Item = &[u8]> {
    let cut = if packed.len() > CHUNK_MAX { packed } else { &[] };
    cut.chunks(CHUNK_MAX)
}

impl Writing<'_> {
    /// The name of the blob's object.
    pub(crate) fn object(&self) -> String {
        names::object(self.stack, self.name)
    }

    /// The name of one of its chunks.
    pub(crate) fn chunk_object(&self, index: usize) -> String {
        names::chunk(self.stack, self.name, self.mark, index)
    }

    /// The Secret of a chunk.
    pub(crate) fn chunk(&self, index: usize, content: &[u8]) -> Json {
        let data = json!({ CONTENT: STANDARD.encode(content) });
        self.secret(&self.chunk_object(index), Part::Chunk, &data)
    }

    /// The Secret of the blob.
    pub(crate) fn blob(&self, kept: &Kept) -> Json {
        let data = match kept {
            Kept::Whole(packed) => json!({ CONTENT: STANDARD.encode(packed) }),
            Kept::Chunks(names) => json!({ INDEX: STANDARD.encode(json!(names).to_string()) }),
        };
        let mut secret = self.secret(&self.object(), Part::Blob, &data);
        if !self.base.is_empty() {
            secret["metadata"]["resourceVersion"] = self.base.into();
        }
        secret
    }

    fn secret(&self, object: &str, part: Part, data: &Json) -> Json {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": TYPE,
            "metadata": {
                "name": object,
                "labels": names::labels(self.stack, self.name, part),
                "annotations": { NAME: self.name, MARK: self.mark, BASE: self.base },
            },
            "data": data,
        })
    }
}

/// Reads what a blob's Secret says, or that of a chunk.
///
/// # Errors
/// When it was not written as one.
pub(crate) fn kept(secret: &Json) -> Result<Kept, String> {
    let data = |key: &str| secret["data"].get(key)?.as_str().and_then(|text| STANDARD.decode(text).ok());
    if let Some(packed) = data(CONTENT) {
        return Ok(Kept::Whole(packed));
    }
    let names = data(INDEX).and_then(|index| serde_json::from_slice::<Json>(&index).ok());
    let names = names.as_ref().and_then(Json::as_array).and_then(|names| {
        names.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    });
    names.map(Kept::Chunks).ok_or_else(|| "it holds neither a content nor an index".to_owned())
}

/// An annotation of an object; empty if there is none.
pub(crate) fn annotation<'a>(object: &'a Json, name: &str) -> &'a str {
    object["metadata"]["annotations"].get(name).and_then(Json::as_str).unwrap_or_default()
}

/// A text of an object's metadata; empty if there is none.
pub(crate) fn metadata<'a>(object: &'a Json, name: &str) -> &'a str {
    object["metadata"].get(name).and_then(Json::as_str).unwrap_or_default()
}

/// Which chunks are left over, by a list of them and the blob's Secret as it was read after the list.
///
/// One that the blob does not list is still to be listed only if its write replaces the very version that is there.
pub(crate) fn left_over<'a>(chunks: &'a [Json], blob: Option<&Json>) -> Vec<&'a Json> {
    let current = blob.map(|blob| metadata(blob, "resourceVersion")).unwrap_or_default();
    let listed = match blob.map(kept) {
        Some(Ok(Kept::Chunks(names))) => names,
        _ => Vec::new(),
    };
    let is_left = |chunk: &&Json| {
        annotation(chunk, BASE) != current && !listed.iter().any(|name| name == metadata(chunk, "name"))
    };
    chunks.iter().filter(is_left).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITING: Writing<'_> = Writing { stack: "web", name: "state.json", mark: "m", base: "7" };

    #[test]
    fn what_is_packed_is_unpacked() {
        for content in [vec![], b"x".to_vec(), vec![7; 3_000_000]] {
            let packed = pack(&content).unwrap();
            assert_eq!(unpack(&packed), Ok(content));
            assert_eq!(unpack(&packed[..packed.len() - 1]), Err("its content is damaged".into()));
        }
    }

    #[test]
    fn only_what_is_too_large_is_cut() {
        let sizes = |length: usize| chunks(&vec![0; length]).map(<[u8]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(CHUNK_MAX), [0; 0]);
        assert_eq!(sizes(CHUNK_MAX + 1), [CHUNK_MAX, 1]);
        assert_eq!(sizes(3 * CHUNK_MAX), [CHUNK_MAX; 3]);
    }

    #[test]
    fn secrets_say_what_they_hold() {
        for kind in [Kept::Whole(vec![1, 2]), Kept::Chunks(vec!["a".into(), "b".into()])] {
            assert_eq!(kept(&WRITING.blob(&kind)), Ok(kind));
        }
        assert_eq!(kept(&WRITING.chunk(0, &[3])), Ok(Kept::Whole(vec![3])));
        for foreign in
            [json!({}), json!({ "data": { "chunks": "e30=" } }), json!({ "data": { "content.gz": "?" } })]
        {
            assert_eq!(kept(&foreign), Err("it holds neither a content nor an index".into()));
        }
        assert_eq!(WRITING.blob(&Kept::Whole(vec![]))["metadata"]["resourceVersion"], "7");
        let first = Writing { base: "", ..WRITING };
        assert_eq!(first.blob(&Kept::Whole(vec![]))["metadata"].get("resourceVersion"), None);
    }

    #[test]
    fn chunks_stay_while_anyone_may_need_them() {
        let chunk =
            |name: &str, base: &str| json!({ "metadata": { "name": name, "annotations": { BASE: base } } });
        let all = [chunk("listed", "1"), chunk("old", "1"), chunk("under way", "2"), chunk("first", "")];
        let left = |blob: Option<&Json>| -> Vec<String> {
            left_over(&all, blob).iter().map(|chunk| metadata(chunk, "name").to_owned()).collect()
        };
        let mut blob = WRITING.blob(&Kept::Chunks(vec!["listed".into()]));
        blob["metadata"]["resourceVersion"] = "2".into();
        assert_eq!(left(Some(&blob)), ["old", "first"]);
        assert_eq!(left(None), ["listed", "old", "under way"]);
    }
}
