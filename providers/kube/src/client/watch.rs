//! Changes of some objects as they come, through lost connections and forgotten revisions.

use std::time::Duration;

use futures::stream::BoxStream;
use futures::{AsyncBufReadExt, StreamExt};
use serde_json::Value as Json;
use tokio::time::{sleep, timeout};

use super::observe::items_of;
use super::send::{Api, Failure, Retry, lost};
use crate::request::{Place, Selection};
use crate::status::Status;

/// How long the server is asked to keep a watch open.
const OPEN_SECONDS: u64 = 240;
/// Bookmarks come about every minute: longer silence means that the connection is dead.
const SILENCE_MAX: Duration = Duration::from_secs(100);
/// How long opening a watch may take.
const OPENING_MAX: Duration = Duration::from_secs(30);
/// The pause before a watch is opened again.
const PAUSE: Duration = Duration::from_millis(200);
/// How many failures in a row are borne.
const FAILURES_MAX: u32 = 8;
/// How many objects a page has.
const PAGE: u32 = 500;

/// What has happened.
pub(super) enum Change {
    /// These, and no others, are there now.
    All(Vec<Json>),
    /// This one was made or changed.
    Put(Json),
    /// This one was removed.
    Gone(Json),
}

/// A watch that goes on until it is dropped.
pub(super) struct Watch<'a> {
    api: &'a Api,
    place: Place<'a>,
    fields: String,
    labels: String,
    /// From where on; without one, what is there is listed first.
    revision: Option<String>,
    lines: Option<BoxStream<'static, std::io::Result<String>>>,
    failures: u32,
}

impl<'a> Watch<'a> {
    /// A watch of what both selectors find, from a revision on.
    pub(super) fn new(
        api: &'a Api,
        place: Place<'a>,
        fields: String,
        labels: String,
        revision: Option<String>,
    ) -> Self {
        Self { api, place, fields, labels, revision, lines: None, failures: 0 }
    }

    /// The next change. Dropping the future loses none.
    pub(super) async fn next(&mut self) -> Result<Change, Failure> {
        loop {
            if self.revision.is_none() {
                return self.list().await;
            }
            if self.lines.is_none() {
                self.open().await?;
                continue;
            }
            match self.line().await {
                Some(line) => {
                    self.failures = 0;
                    if let Some(change) = self.event(&line) {
                        return Ok(change);
                    }
                }
                None => {
                    self.lines = None;
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn line(&mut self) -> Option<String> {
        let lines = self.lines.as_mut()?;
        timeout(SILENCE_MAX, lines.next()).await.ok()??.ok()
    }

    async fn list(&mut self) -> Result<Change, Failure> {
        let (mut all, mut next) = (Vec::new(), String::new());
        loop {
            let selection = Selection { fields: &self.fields, labels: &self.labels };
            let request = self.place.list(&selection, PAGE, &next);
            let mut page = self.api.send(request, Retry::Read).await?.body;
            all.extend(items_of(&mut page, self.place.resource));
            next = text(&page, "/metadata/continue").to_owned();
            if next.is_empty() {
                self.revision = Some(text(&page, "/metadata/resourceVersion").to_owned());
                return Ok(Change::All(all));
            }
        }
    }

    async fn open(&mut self) -> Result<(), Failure> {
        let selection = Selection { fields: &self.fields, labels: &self.labels };
        let revision = self.revision.clone().unwrap_or_default();
        let request = self.place.watch(&selection, &revision, OPEN_SECONDS);
        let request = request.map_err(|error| Failure::Unfit(error.to_string()))?;
        let failure = match timeout(OPENING_MAX, self.api.client().request_stream(request)).await {
            Ok(Ok(stream)) => {
                self.lines = Some(stream.lines().boxed());
                return Ok(());
            }
            Ok(Err(kube::Error::Api(status))) if matches!(status.code, 410 | 504) => {
                self.revision = None;
                return Ok(());
            }
            Ok(Err(kube::Error::Api(status))) => {
                let (code, message) = (status.code, status.message.clone());
                Failure::Refused(Box::new(Status { code, message, ..Status::default() }))
            }
            Ok(Err(error)) => lost(&error),
            Err(_) => Failure::Lost("the watch did not open in time".into()),
        };
        self.failures += 1;
        let is_denied = failure.status().is_some_and(|status| matches!(status.code, 400..=404));
        if is_denied || self.failures > FAILURES_MAX {
            return Err(failure);
        }
        sleep(PAUSE * self.failures).await;
        Ok(())
    }

    /// What a line tells, if it is anything to pass on.
    fn event(&mut self, line: &str) -> Option<Change> {
        let mut event: Json = serde_json::from_str(line).ok()?;
        let object = event.get_mut("object").map(Json::take)?;
        let kind = text(&event, "/type");
        if kind == "ERROR" {
            // Most often 410: the revision is too old.
            (self.revision, self.lines) = (None, None);
            return None;
        }
        let revision = text(&object, "/metadata/resourceVersion");
        if !revision.is_empty() {
            self.revision = Some(revision.to_owned());
        }
        match kind {
            "ADDED" | "MODIFIED" => Some(Change::Put(object)),
            "DELETED" => Some(Change::Gone(object)),
            _ => None,
        }
    }
}

fn text<'a>(json: &'a Json, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}
