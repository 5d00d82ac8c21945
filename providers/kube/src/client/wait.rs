//! Watching an object until it is ready, and its pods meanwhile, to tell why it is not.

use std::collections::BTreeMap;
use std::time::Duration;

use meshform_engine::ports::{ErrorCode, PerformRequest, Progress, ProviderError};
use meshform_engine::value::Value;
use serde_json::Value as Json;
use tokio::time::{Instant, sleep_until};

use super::Cluster;
use super::cause::{EVENTS_MAX, pods};
use super::send::{Failure, Retry};
use super::watch::{Change, Watch};
use crate::catalog::Resource;
use crate::identity::TypeName;
use crate::ready::{Readiness, Surroundings, readiness, writes_status};
use crate::request::{Place, Selection};
use crate::trouble::{is_newest, pod_selector, pod_trouble};
use crate::wait_for::Rules;

/// How long a trouble that does not go away by itself is borne.
const TROUBLE_MAX: Duration = Duration::from_secs(60);
/// How long a controller has to write the first status of a custom object.
const STATUS_MAX: Duration = Duration::from_secs(5);

/// An object that is not ready, and why.
pub(super) struct Unready {
    pub(super) error: ProviderError,
    pub(super) object: Json,
}

/// What is known while waiting.
struct Waiting<'a> {
    cluster: &'a Cluster,
    request: &'a PerformRequest,
    progress: &'a dyn Progress,
    object: Json,
    /// What is said of when it is ready, if not what its kind says.
    rules: Option<Rules>,
    surroundings: Surroundings,
    /// Until when a first status is expected.
    status_until: Instant,
    /// Its pods by UID.
    pods: BTreeMap<String, Json>,
    /// Since when a pod has had a lasting trouble, by its UID.
    lasting: BTreeMap<String, Instant>,
    said: String,
}

/// What comes next.
enum Next {
    Object(Result<Change, Failure>),
    Pods(Result<Change, Failure>),
    Time,
}

impl Cluster {
    /// Waits until the object is ready. What it was last is returned, or told with the reason why it is not.
    pub(super) async fn until_ready(
        &self,
        place: Place<'_>,
        object: Json,
        request: &PerformRequest,
        progress: &dyn Progress,
        deadline: Instant,
    ) -> Result<Json, Unready> {
        let surroundings = self.surroundings(place.resource, &object).await;
        let name = text(&object, "/metadata/name");
        let revision = text(&object, "/metadata/resourceVersion");
        let revision = (!revision.is_empty()).then(|| revision.to_owned());
        let selector = pod_selector(&object);
        let pods = pods();
        let in_namespace = Place { resource: &pods, namespace: place.namespace };
        let mut watch =
            Watch::new(&self.api, place, format!("metadata.name={name}"), String::new(), revision);
        let mut pod_watch =
            selector.map(|selector| Watch::new(&self.api, in_namespace, String::new(), selector, None));
        let mut waiting = Waiting {
            cluster: self,
            request,
            progress,
            rules: rules(request, &object),
            object,
            surroundings,
            status_until: Instant::now() + STATUS_MAX,
            pods: BTreeMap::new(),
            lasting: BTreeMap::new(),
            said: String::new(),
        };
        loop {
            match waiting.readiness() {
                Readiness::Ready => break,
                Readiness::Failed(why) => return Err(waiting.failed(ErrorCode::Failed, &why).await),
                Readiness::Waiting(what) => waiting.say(&what),
            }
            let until = waiting.next_check().map_or(deadline, |check| check.min(deadline));
            let next = tokio::select! {
                change = watch.next() => Next::Object(change),
                change = next_of(pod_watch.as_mut()) => Next::Pods(change),
                () = sleep_until(until) => Next::Time,
            };
            match next {
                Next::Object(Ok(change)) => waiting.object_changed(change).await?,
                Next::Object(Err(failure)) => return Err(waiting.unwatched(&failure)),
                Next::Pods(Ok(change)) => waiting.pods_changed(change),
                // Whoever may not see the pods still sees the object.
                Next::Pods(Err(_)) => pod_watch = None,
                Next::Time if Instant::now() >= deadline => return Err(waiting.late().await),
                Next::Time => waiting.check_lasting().await?,
            }
        }
        self.settle_definition(&waiting.object).await;
        Ok(waiting.object)
    }

    /// A definition that is established is looked up at once, so that its objects can be applied in the same run.
    async fn settle_definition(&self, object: &Json) {
        let of_type = TypeName::new(text(object, "/apiVersion"), text(object, "/kind"));
        if !of_type.is("apiextensions.k8s.io", "CustomResourceDefinition") {
            return;
        }
        let versions = object.pointer("/spec/versions").and_then(Json::as_array).into_iter().flatten();
        for version in versions.filter(|version| version.get("served") == Some(&Json::Bool(true))) {
            let defined = TypeName {
                group: text(object, "/spec/group").to_owned(),
                version: text(version, "/name").to_owned(),
                kind: text(object, "/spec/names/kind").to_owned(),
            };
            // Whoever needs the kind looks again, and says what is missing.
            let _ = self.kinds.appearing(&self.api, &defined).await;
        }
    }

    async fn surroundings(&self, resource: &Resource, object: &Json) -> Surroundings {
        Surroundings {
            binds_when_used: self.binds_when_used(object).await,
            expects_status: object.get("status").is_none() && self.expects_status(resource).await,
        }
    }

    /// Whether a controller writes a status of such objects, as far as their definition tells.
    async fn expects_status(&self, resource: &Resource) -> bool {
        let of_type = &resource.of_type;
        if of_type.is_namespaced().is_some() {
            return false;
        }
        let definitions = Resource {
            of_type: TypeName::new("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
            plural: "customresourcedefinitions".into(),
            is_namespaced: false,
        };
        let place = Place { resource: &definitions, namespace: "" };
        let name = format!("{}.{}", resource.plural, of_type.group);
        // Whoever may not read definitions waits for no first status.
        let answer = self.api.send(place.get(&name), Retry::Read).await;
        answer.is_ok_and(|answer| writes_status(&answer.body, &of_type.version))
    }

    async fn binds_when_used(&self, object: &Json) -> bool {
        let class = text(object, "/spec/storageClassName");
        if text(object, "/kind") != "PersistentVolumeClaim" || class.is_empty() {
            return false;
        }
        let classes = Resource {
            of_type: TypeName::new("storage.k8s.io/v1", "StorageClass"),
            plural: "storageclasses".into(),
            is_namespaced: false,
        };
        let place = Place { resource: &classes, namespace: "" };
        let answer = self.api.send(place.get(class), Retry::Read).await;
        answer.is_ok_and(|answer| text(&answer.body, "/volumeBindingMode") == "WaitForFirstConsumer")
    }
}

impl Waiting<'_> {
    fn readiness(&self) -> Readiness {
        match &self.rules {
            Some(rules) => rules.readiness(&self.object),
            None => readiness(&self.object, self.surroundings),
        }
    }

    /// Reports what is waited for, unless it was the last thing said.
    fn say(&mut self, what: &str) {
        let says = match self.troubles().next() {
            Some((_, trouble)) => format!("{what}; {trouble}"),
            None => what.to_owned(),
        };
        if says != self.said {
            self.progress.report(&self.request.address, &says);
            self.said = says;
        }
    }

    async fn object_changed(&mut self, change: Change) -> Result<(), Unready> {
        let uid = text(&self.object, "/metadata/uid").to_owned();
        let now = match change {
            Change::Put(now) => Some(now),
            Change::Gone(was) if text(&was, "/metadata/uid") != uid => return Ok(()),
            Change::Gone(_) => None,
            Change::All(all) => all.into_iter().next(),
        };
        match now.filter(|now| text(now, "/metadata/uid") == uid) {
            Some(now) => {
                self.object = now;
                Ok(())
            }
            None => Err(self.failed(ErrorCode::Failed, "someone deleted it").await),
        }
    }

    fn pods_changed(&mut self, change: Change) {
        let uid = |pod: &Json| text(pod, "/metadata/uid").to_owned();
        match change {
            Change::All(all) => self.pods = all.into_iter().map(|pod| (uid(&pod), pod)).collect(),
            Change::Put(pod) => drop(self.pods.insert(uid(&pod), pod)),
            Change::Gone(pod) => drop(self.pods.remove(&uid(&pod))),
        }
        let now = Instant::now();
        let lasting = self.pods.iter().filter(|(_, pod)| has_lasting_trouble(pod));
        let since = |uid: &String| self.lasting.get(uid).copied().unwrap_or(now);
        self.lasting = lasting.map(|(uid, _)| (uid.clone(), since(uid))).collect();
    }

    /// When the oldest lasting trouble has lasted too long, or a first status is no longer expected.
    fn next_check(&self) -> Option<Instant> {
        let trouble = self.lasting.values().min().map(|since| *since + TROUBLE_MAX);
        let status = self.surroundings.expects_status.then_some(self.status_until);
        trouble.into_iter().chain(status).min()
    }

    /// Gives up on a pod of the newest template that has been in trouble for too long.
    async fn check_lasting(&mut self) -> Result<(), Unready> {
        self.surroundings.expects_status &= Instant::now() < self.status_until;
        let replica_sets = match text(&self.object, "/kind") {
            "Deployment" => self.replica_sets().await,
            _ => Vec::new(),
        };
        let now = Instant::now();
        let broken = self.lasting.iter().any(|(uid, since)| {
            now >= *since + TROUBLE_MAX
                && self.pods.get(uid).is_some_and(|pod| is_newest(pod, &self.object, &replica_sets))
        });
        if broken {
            return Err(self.failed(ErrorCode::Failed, "its pods do not start").await);
        }
        // What is left is of older templates: it is looked at again if it is still there after a while.
        self.lasting.values_mut().filter(|since| now >= **since + TROUBLE_MAX).for_each(|since| *since = now);
        Ok(())
    }

    async fn replica_sets(&self) -> Vec<Json> {
        let sets = Resource {
            of_type: TypeName::new("apps/v1", "ReplicaSet"),
            plural: "replicasets".into(),
            is_namespaced: true,
        };
        let labels = pod_selector(&self.object).unwrap_or_default();
        let selection = Selection { fields: "", labels: &labels };
        self.cluster.listed(&sets, text(&self.object, "/metadata/namespace"), selection, EVENTS_MAX).await
    }

    /// The troubles of its pods, the lasting ones first, each with its pod.
    fn troubles(&self) -> impl Iterator<Item = (&Json, String)> {
        let mut found: Vec<_> = self.pods.values().filter_map(|pod| Some((pod, pod_trouble(pod)?))).collect();
        found.sort_by_key(|(_, trouble)| !trouble.is_lasting);
        found
            .into_iter()
            .map(|(pod, trouble)| (pod, format!("pod {}: {}", text(pod, "/metadata/name"), trouble.text)))
    }

    /// The deepest cause that can be found.
    async fn cause(&self) -> Option<String> {
        if let Some((_, trouble)) = self.troubles().next() {
            return Some(trouble);
        }
        for pod in self.pods.values() {
            if let Some(warning) = self.cluster.warning(pod).await {
                return Some(format!("pod {}: {warning}", text(pod, "/metadata/name")));
            }
        }
        self.cluster.warning(&self.object).await
    }

    /// What the container said that keeps it from being ready.
    async fn last_words(&self) -> Option<String> {
        let own = (text(&self.object, "/kind") == "Pod").then_some(&self.object);
        let troubled: Vec<_> = own.into_iter().chain(self.troubles().map(|(pod, _)| pod)).collect();
        for pod in troubled {
            if let Some(words) = self.cluster.last_words(pod).await {
                return Some(words);
            }
        }
        None
    }

    async fn late(&self) -> Unready {
        let waits =
            format!("the time was up while {}", if self.said.is_empty() { "waiting" } else { &self.said });
        self.failed(ErrorCode::TimedOut, &waits).await
    }

    async fn failed(&self, code: ErrorCode, why: &str) -> Unready {
        let cause = self.cause().await.filter(|cause| !why.contains(cause.as_str()));
        let cause = cause.map(|cause| format!(" The cause: {cause}.")).unwrap_or_default();
        let words = self.last_words().await.map(|words| format!("\n{words}")).unwrap_or_default();
        self.unready(code, &format!("{why}.{cause} It is there; correct it and apply again.{words}"))
    }

    fn unwatched(&self, failure: &Failure) -> Unready {
        let error = failure.unanswered(&self.cluster.api.place, &format!("watch {}", self.name()));
        Unready { error, object: self.object.clone() }
    }

    fn unready(&self, code: ErrorCode, why: &str) -> Unready {
        let summary =
            if code == ErrorCode::TimedOut { "Not ready in time" } else { "Applied, but not working" };
        let error = ProviderError {
            code,
            summary: summary.into(),
            detail: format!("{} is not ready: {why}", self.name()),
            path: None,
        };
        Unready { error, object: self.object.clone() }
    }

    fn name(&self) -> String {
        let namespace = text(&self.object, "/metadata/namespace");
        let separator = if namespace.is_empty() { "" } else { "/" };
        format!(
            "{} {namespace}{separator}{}",
            text(&self.object, "/kind"),
            text(&self.object, "/metadata/name")
        )
    }
}

fn rules(request: &PerformRequest, object: &Json) -> Option<Rules> {
    let desired = request.desired.as_ref()?;
    let manifest_hides = desired.get("manifest").is_some_and(Value::has_sensitive);
    let of_type = TypeName::new(text(object, "/apiVersion"), text(object, "/kind"));
    Rules::of(desired, manifest_hides || of_type.is_secret())
}

fn has_lasting_trouble(pod: &Json) -> bool {
    pod.pointer("/metadata/deletionTimestamp").is_none()
        && pod_trouble(pod).is_some_and(|trouble| trouble.is_lasting)
}

async fn next_of(watch: Option<&mut Watch<'_>>) -> Result<Change, Failure> {
    match watch {
        Some(watch) => watch.next().await,
        None => std::future::pending().await,
    }
}

fn text<'a>(json: &'a Json, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}
