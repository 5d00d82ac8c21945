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
            // A log without its beginning is being removed, or was: only its seal is left.
            if content.is_empty() && annotation(&secret, NAME) != format!("{log}/{:020}", 0) {
                break;
            }
            // What is gone meanwhile was removed with the whole log.
            let Some(chunk) = self.content(&secret).await? else { return Ok(Vec::new()) };
            content.extend(chunk);
        }
        Ok(content)
    }

    /// Removes all but the seal, the beginning first: without it there is no log, so an interruption never leaves a shorter one.
    pub(super) async fn clear_log(&self, log: &str) -> Result<(), Stop> {
        for secret in self.log_chunks(log).await? {
            if self.content(&secret).await?.is_some_and(|content| content.is_empty()) {
                continue;
            }
            self.remove_secret(&secret).await?;
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
