//! The lock: a Lease.

use meshform_state::{Blob, Condition, Version};

use super::{KubeStorage, Stop, base, mark, version};
use crate::lease::{document, lease};
use crate::names;
use crate::request::Kind;
use crate::secret::{Writing, metadata};

impl KubeStorage {
    pub(super) async fn read_lock(&self, name: &str) -> Result<Option<Blob>, Stop> {
        let there = self.get(Kind::Lease, &names::object(&self.settings.name, name)).await?;
        let Some(lease) = there else { return Ok(None) };
        Ok(Some(Blob { content: document(&lease)?, version: version(&lease) }))
    }

    pub(super) async fn write_lock(
        &self,
        name: &str,
        content: &[u8],
        condition: &Condition,
    ) -> Result<Version, Stop> {
        let (mark, base) = (mark(), base(condition)?);
        let writing = Writing { stack: &self.settings.name, name, mark: &mark, base };
        // How often the holder has changed is told by the one before.
        let before = self.get(Kind::Lease, &writing.object()).await?;
        let there = before.as_ref().map(|lease| metadata(lease, "resourceVersion")).unwrap_or_default();
        if there != base {
            return Err(Stop::Conflict);
        }
        self.put(Kind::Lease, &lease(&writing, content, before.as_ref())?).await
    }

    pub(super) async fn remove_lock(&self, name: &str) -> Result<(), Stop> {
        match self.get(Kind::Lease, &names::object(&self.settings.name, name)).await? {
            Some(lease) => self.delete(Kind::Lease, &lease).await,
            None => Ok(()),
        }
    }
}
