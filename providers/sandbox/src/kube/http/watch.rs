//! Watches: the change feed as a stream of JSON lines.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::stream;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch as signal;
use tokio::time::{Instant, sleep_until};

use super::list_options;
use super::path::Target;
use super::reply::{self, Form};
use super::table::Include;
use super::view::View;
use super::{App, Call, table};
use crate::kube::clock::Clock;
use crate::kube::object;
use crate::kube::registry::Resource;
use crate::kube::selector::Selector;
use crate::kube::state::State;
use crate::kube::status::{ApiError, ApiResult};
use crate::kube::store::Change;
use crate::kube::world::World;

/// How long a watch lives that does not say.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(1800);
/// How often a watch that allows bookmarks gets one, at least.
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(60);

/// Answers a watch.
pub(super) fn serve(
    app: &App,
    call: &Call,
    target: &Target,
    resource: &Arc<Resource>,
) -> ApiResult<Response> {
    list_options::check_watch(call)?;
    let filter = Filter {
        resource: Arc::clone(resource),
        id: resource.id(),
        version: target.version.clone(),
        namespace: target.namespace.clone(),
        selector: selector(call, target, resource)?,
        form: call.accepts.form,
        include: Include::of(call),
    };
    let timeout = call.params.number("timeoutSeconds").map_or(TIMEOUT_DEFAULT, Duration::from_secs);
    let mut watch = Watch {
        world: Arc::downgrade(&app.world),
        clock: Arc::clone(&app.world.options().clock),
        feed: app.world.lock().store.subscribe(),
        stopping: app.stopping.clone(),
        filter,
        revision: 0,
        pending: VecDeque::new(),
        bookmarks: call.params.flag("allowWatchBookmarks"),
        bookmark_at: Instant::now() + BOOKMARK_INTERVAL,
        ends_at: Instant::now() + timeout,
        ended: false,
    };
    watch.begin(app, call);
    let lines = stream::unfold(watch, |mut watch| async move {
        let line = watch.next().await?;
        Some((Ok::<Bytes, Infallible>(line), watch))
    });
    Ok(reply::with_body(200, "application/json", Body::from_stream(lines)))
}

/// The objects that are wanted; a path that names one wants that one.
fn selector(call: &Call, target: &Target, resource: &Resource) -> ApiResult<Selector> {
    if target.name.is_empty() {
        return call.params.selector(&resource.kind);
    }
    let one = format!("metadata.name={}", target.name);
    Selector::parse(call.params.text("labelSelector"), &one, &resource.kind)
}

/// Which changes a watch wants, and how it shows them.
struct Filter {
    resource: Arc<Resource>,
    id: String,
    version: String,
    namespace: String,
    selector: Selector,
    form: Form,
    include: Include,
}

impl Filter {
    fn wants(&self, object: &Value) -> bool {
        (self.namespace.is_empty() || object::namespace(object) == self.namespace)
            && self.selector.matches(object)
    }

    /// What a change is to this watch: an object may come into its sight, or leave it.
    fn event(&self, change: &Change) -> Option<(&'static str, Arc<Value>)> {
        if *change.resource != *self.id {
            return None;
        }
        let was = change.before.as_ref().is_some_and(|before| self.wants(before));
        let is = !change.removed && self.wants(&change.object);
        match (was, is) {
            (false, false) => None,
            (false, true) => Some(("ADDED", Arc::clone(&change.object))),
            (true, true) => Some(("MODIFIED", Arc::clone(&change.object))),
            (true, false) if change.removed => Some(("DELETED", Arc::clone(&change.object))),
            (true, false) => {
                let mut last = change.before.as_ref().map(|before| Value::clone(before)).unwrap_or_default();
                object::metadata(&mut last)["resourceVersion"] = json!(change.revision.to_string());
                Some(("DELETED", Arc::new(last)))
            }
        }
    }

    fn told(&self, kind: &str, object: &Value, now: jiff::Timestamp) -> String {
        match self.form {
            Form::Metadata => line_of(kind, &table::partial(object)),
            Form::Table => {
                line_of(kind, &table::of_one(&self.resource, &self.version, object, now, self.include))
            }
            Form::Object => {
                let api_version = self.resource.api_version(&self.version);
                let schema = self.resource.seen_in(&self.version);
                line_of(kind, &View { object, api_version: &api_version, schema, bare: false })
            }
        }
    }
}

#[derive(Serialize)]
struct Event<'e, T> {
    #[serde(rename = "type")]
    kind: &'e str,
    object: &'e T,
}

/// An event as a line of JSON.
fn line_of(kind: &str, object: &impl Serialize) -> String {
    serde_json::to_string(&Event { kind, object }).unwrap_or_default() + "\n"
}

/// Ready when the server stops. Without a server (in process) a watch ends with its reader.
async fn stopped(stopping: &mut signal::Receiver<bool>) {
    if stopping.wait_for(|stopping| *stopping).await.is_err() {
        std::future::pending().await
    }
}

struct Watch {
    world: Weak<World>,
    clock: Arc<dyn Clock>,
    feed: signal::Receiver<u64>,
    stopping: signal::Receiver<bool>,
    filter: Filter,
    /// Everything up to this revision has been told.
    revision: u64,
    pending: VecDeque<Bytes>,
    bookmarks: bool,
    bookmark_at: Instant,
    ends_at: Instant,
    ended: bool,
}

impl Watch {
    /// Queues what is told first: the present objects, unless the client knows a revision.
    fn begin(&mut self, app: &App, call: &Call) {
        let state = app.world.lock();
        let given = call.params.text("resourceVersion");
        let initial_events = call.params.flag("sendInitialEvents");
        if matches!(given, "" | "0") || initial_events {
            let namespace = Some(self.filter.namespace.as_str()).filter(|namespace| !namespace.is_empty());
            let objects: Vec<Arc<Value>> = state.store.list(&self.filter.id, namespace).cloned().collect();
            self.revision = state.store.revision();
            drop(state);
            for object in &objects {
                if self.filter.wants(object) {
                    self.tell("ADDED", object);
                }
            }
            if initial_events && self.bookmarks {
                self.bookmark(true);
            }
            return;
        }
        // What is no number has been refused.
        self.revision = given.parse().unwrap_or(0);
        self.read(&state);
    }

    fn read(&mut self, state: &State) {
        let current = state.store.revision();
        match state.store.since(self.revision) {
            Ok(changes) => {
                for (kind, object) in
                    changes.iter().filter_map(|change| self.filter.event(change)).collect::<Vec<_>>()
                {
                    self.tell(kind, &object);
                }
                self.revision = self.revision.max(current);
            }
            Err(_) => {
                let message = format!("too old resource version: {} ({current})", self.revision);
                self.fail(&ApiError::expired(message));
            }
        }
    }

    /// The next line; `None` when the watch is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.pending.pop_front() {
                return Some(line);
            }
            if self.ended || *self.stopping.borrow() {
                return None;
            }
            tokio::select! {
                changed = self.feed.changed() => {
                    changed.ok()?;
                    let world = self.world.upgrade()?;
                    self.read(&world.lock());
                }
                () = stopped(&mut self.stopping) => return None,
                () = sleep_until(self.ends_at) => return None,
                () = sleep_until(self.bookmark_at), if self.bookmarks => {
                    self.bookmark_at = Instant::now() + BOOKMARK_INTERVAL;
                    self.bookmark(false);
                }
            }
        }
    }

    fn tell(&mut self, kind: &str, object: &Value) {
        let line = self.filter.told(kind, object, self.clock.now());
        self.pending.push_back(Bytes::from(line));
    }

    /// Tells how far the watch has come.
    fn bookmark(&mut self, initial_events_end: bool) {
        let mut metadata = json!({ "resourceVersion": self.revision.to_string() });
        if initial_events_end {
            metadata["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        let resource = &self.filter.resource;
        let object = json!({
            "kind": resource.kind,
            "apiVersion": resource.api_version(&self.filter.version),
            "metadata": metadata,
        });
        self.pending.push_back(Bytes::from(line_of("BOOKMARK", &object)));
    }

    fn fail(&mut self, error: &ApiError) {
        if let ApiError::Status(status) = error {
            self.pending.push_back(Bytes::from(line_of("ERROR", &status.to_json())));
        }
        self.ended = true;
    }
}
