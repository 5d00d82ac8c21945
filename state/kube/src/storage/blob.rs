//! Blobs: Secrets.

use meshform_state::{Blob, Condition, Version};
use serde_json::Value as Json;

use super::{KubeStorage, Stop, base, mark, version};
use crate::names;
use crate::request::{Extent, Kind};
use crate::secret::{Kept, Writing, chunks, kept, left_over, pack, unpack};

/// How often a blob is read that is replaced while its chunks are.
const READS_MAX: u32 = 8;

impl KubeStorage {
    pub(super) async fn read_blob(&self, name: &str) -> Result<Option<Blob>, Stop> {
        let object = names::object(&self.settings.name, name);
        for _ in 0..READS_MAX {
            let Some(secret) = self.get(Kind::Secret, &object).await? else { return Ok(None) };
            if let Some(content) = self.content(&secret).await? {
                return Ok(Some(Blob { content, version: version(&secret) }));
            }
        }
        Err(Stop::Failed("its chunks are not there, or it is replaced all the time".into()))
    }

    /// The content of a blob's Secret; `None` if a chunk is gone, as after the blob was replaced.
    pub(super) async fn content(&self, secret: &Json) -> Result<Option<Vec<u8>>, Stop> {
        let names = match kept(secret)? {
            Kept::Whole(packed) => return Ok(Some(unpack(&packed)?)),
            Kept::Chunks(names) => names,
        };
        let mut packed = Vec::new();
        for name in &names {
            let Some(chunk) = self.get(Kind::Secret, name).await? else { return Ok(None) };
            match kept(&chunk)? {
                Kept::Whole(part) => packed.extend(part),
                Kept::Chunks(_) => return Err(Stop::Failed("one of its chunks is an index".into())),
            }
        }
        Ok(Some(unpack(&packed)?))
    }

    pub(super) async fn write_blob(
        &self,
        name: &str,
        content: &[u8],
        condition: &Condition,
    ) -> Result<Version, Stop> {
        let (mark, base) = (mark(), base(condition)?);
        let writing = Writing { stack: &self.settings.name, name, mark: &mark, base };
        let packed = pack(content).map_err(|error| error.to_string())?;
        let mut names = Vec::new();
        for (index, chunk) in chunks(&packed).enumerate() {
            self.put(Kind::Secret, &writing.chunk(index, chunk)).await?;
            names.push(writing.chunk_object(index));
        }
        let is_small = names.is_empty();
        let kept = if is_small { Kept::Whole(packed) } else { Kept::Chunks(names) };
        let written = self.put(Kind::Secret, &writing.blob(&kept)).await;
        // Nothing that could be left over comes before a small blob that is new, as the chunks of a log are.
        if !(is_small && *condition == Condition::Absent) {
            // What stays is harmless, and removed by the next write.
            let _ = self.sweep(name).await;
        }
        written
    }

    pub(super) async fn remove_blob(&self, name: &str) -> Result<(), Stop> {
        let object = names::object(&self.settings.name, name);
        let Some(secret) = self.get(Kind::Secret, &object).await? else { return Ok(()) };
        self.remove_secret(&secret).await
    }

    /// Removes a blob's Secret, then its chunks.
    pub(super) async fn remove_secret(&self, secret: &Json) -> Result<(), Stop> {
        self.delete(Kind::Secret, secret).await?;
        let Ok(Kept::Chunks(names)) = kept(secret) else { return Ok(()) };
        for name in names {
            if let Some(chunk) = self.get(Kind::Secret, &name).await? {
                self.delete(Kind::Secret, &chunk).await?;
            }
        }
        Ok(())
    }

    /// Removes the chunks that no version lists, and none will.
    async fn sweep(&self, name: &str) -> Result<(), Stop> {
        let stack = &self.settings.name;
        let chunks = self.all(Kind::Secret, &names::chunks_of(stack, name), Extent::Metadata).await?;
        if chunks.is_empty() {
            return Ok(());
        }
        // Read after the list: what is in the list was written for this version or an earlier one.
        let blob = self.get(Kind::Secret, &names::object(stack, name)).await?;
        for chunk in left_over(&chunks, blob.as_ref()) {
            self.delete(Kind::Secret, chunk).await?;
        }
        Ok(())
    }
}
