//! Logs: their chunks are blobs right below the log's name, found by one label.

use serde_json::Value as Json;

use super::{KubeStorage, Stop};
use crate::names::{self, NAME};
use crate::request::{Extent, Kind};
use crate::secret::annotation;

impl KubeStorage {
    pub(super) async fn log(&self, log: &str) -> Result<Vec<u8>, Stop> {
        let mut content = Vec::new();
        for secret in self.log_chunks(log).await? {
            // What is gone meanwhile was removed with the whole log, the last chunk first.
            let Some(chunk) = self.content(&secret).await? else { break };
            content.extend(chunk);
        }
        Ok(content)
    }

    /// Removes all but the seal, the last first: what an interruption leaves is a log that is shorter, not one without a beginning.
    pub(super) async fn shorten_log(&self, log: &str) -> Result<(), Stop> {
        for secret in self.log_chunks(log).await?.iter().rev() {
            if self.content(secret).await?.is_some_and(|content| content.is_empty()) {
                continue;
            }
            self.remove_secret(secret).await?;
        }
        Ok(())
    }

    async fn log_chunks(&self, log: &str) -> Result<Vec<Json>, Stop> {
        let selector = names::blobs_in(&self.settings.name, log);
        let mut secrets = self.all(Kind::Secret, &selector, Extent::Objects).await?;
        secrets.sort_by(|one, other| annotation(one, NAME).cmp(annotation(other, NAME)));
        Ok(secrets)
    }
}
