//! The storage: each change is a reading and a writing of the document, under the protocol's lock.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use meshform_engine::ports::BoxFuture;
use meshform_state::{Blob, Condition, SettingsProblem, Storage, StorageError, Version};
use tokio::sync::Mutex;

use crate::client::Client;
use crate::document::{Change, Document};
use crate::patience::Patience;
use crate::server::{Server, Trouble};
use crate::session::{Obstacle, Session};
use crate::settings::Settings;

/// A storage behind a server that speaks the protocol. Its futures need a tokio runtime.
pub struct HttpStorage {
    server: Server,
    session: Mutex<Session>,
}

impl HttpStorage {
    /// The storage that the settings name. Asks the server nothing yet.
    ///
    /// # Errors
    /// When a setting is missing or makes no sense.
    pub fn new(
        settings: &BTreeMap<String, String>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, SettingsProblem> {
        let settings = Settings::new(settings, environment)?;
        let client = Client::new(settings.tls.clone(), environment, settings.timeout);
        Ok(Self { server: Server::new(client, settings), session: Mutex::default() })
    }

    async fn document(&self, verb: &str, name: &str) -> Result<Document, StorageError> {
        let mut patience = Patience::default();
        loop {
            match self.server.get().await {
                Ok(document) => return Ok(document),
                Err(Trouble::Passing(_)) if patience.pause().await => {}
                Err(Trouble::Passing(problem) | Trouble::Lasting(problem)) => {
                    return Err(self.failed(verb, name, problem));
                }
            }
        }
    }

    /// Makes a change; returns the document's serial after it.
    async fn change(&self, verb: &str, name: &str, change: Change<'_>) -> Result<u64, StorageError> {
        let mut session = self.session.lock().await;
        let changed = session.change(&self.server, &change, Timestamp::now).await;
        // What was changed is changed, whatever becomes of the lock. Where the server fails, no more is waited for.
        match changed {
            Err(Obstacle::Passing(_)) => drop(session.unlock(&self.server).await),
            _ => drop(session.give_back(&self.server).await),
        }
        changed.map_err(|obstacle| self.obstructed(verb, name, obstacle))
    }

    fn obstructed(&self, verb: &str, name: &str, obstacle: Obstacle) -> StorageError {
        match obstacle {
            Obstacle::Conflict => StorageError::Conflict,
            Obstacle::Locked(problem) | Obstacle::Passing(problem) | Obstacle::Lasting(problem) => {
                self.failed(verb, name, problem)
            }
        }
    }

    fn failed(&self, verb: &str, name: &str, problem: String) -> StorageError {
        StorageError::Failed { attempt: format!("{verb} {name} at {}", self.server.place()), problem }
    }
}

impl Storage for HttpStorage {
    fn place(&self) -> String {
        self.server.place()
    }

    fn lease_taken(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(async move {
            let mut session = self.session.lock().await;
            let kept = session.keep(&self.server, Timestamp::now).await;
            kept.map_err(|obstacle| self.obstructed("lock", "the state", obstacle))
        })
    }

    fn lease_ended(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(async move {
            let mut session = self.session.lock().await;
            session.end_lease();
            let given_back = session.give_back(&self.server).await;
            given_back.map_err(|problem| self.failed("unlock", "the state", problem))
        })
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Blob>, StorageError>> {
        Box::pin(async move {
            let document = self.document("read", name).await?;
            document.read(name).map_err(|problem| self.failed("read", name, problem))
        })
    }

    fn write<'a>(
        &'a self,
        name: &'a str,
        content: &'a [u8],
        condition: Condition,
    ) -> BoxFuture<'a, Result<Version, StorageError>> {
        Box::pin(async move {
            let serial = self.change("write", name, Change::Write { name, content, condition }).await?;
            Ok(Version(serial.to_string()))
        })
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(async move { self.change("remove", name, Change::Remove { name }).await.map(|_| ()) })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(async move { Ok(self.document("list", prefix).await?.list(prefix)) })
    }

    /// All of its chunks are in one document.
    fn read_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<Vec<u8>, StorageError>> {
        Box::pin(async move {
            let document = self.document("read", log).await?;
            document.read_log(log).map_err(|problem| self.failed("read", log, problem))
        })
    }

    /// In one change, so that there is nothing between.
    fn remove_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(async move { self.change("remove", log, Change::RemoveLog { log }).await.map(|_| ()) })
    }
}

impl fmt::Debug for HttpStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpStorage").field("place", &self.server.place()).finish_non_exhaustive()
    }
}
