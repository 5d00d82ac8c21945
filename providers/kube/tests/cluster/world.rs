//! A cluster to test against, and a stack of one instance after another, planned and applied as the engine does it.

use std::sync::{Arc, Mutex};

use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use meshform_engine::address::{Address, TargetAddress};
use meshform_engine::ports::{
    BoxFuture, ClusterAccess, Difference, DifferenceRequest, Found, HostAccess, ImpactItem, Observed,
    Operation, PerformRequest, Performed, Precondition, Preview, PreviewItem, Progress, Provider,
    ProviderError, ReadItem, Sandbox, SandboxError, SandboxStatus, StepFailure, Target, TargetConfig,
    Verdict,
};
use meshform_engine::value::{Value, from_json, to_json};
use meshform_provider_kube::KubeProvider;
use meshform_sandbox::kube::{Options, World as Embedded, kubeconfig, serve};
use serde_json::{Value as Json, json};

pub(crate) use crate::instance::Instance;
use crate::instance::Keyed;

/// A connected cluster.
pub(crate) struct World {
    provider: KubeProvider,
    target: Arc<dyn Target>,
    client: Client,
    /// Whether it is the embedded one.
    pub(crate) is_embedded: bool,
    /// A namespace of this test's own.
    pub(crate) namespace: String,
}

impl World {
    /// Connects, and makes a namespace of the test's own.
    pub(crate) async fn new(test: &str) -> Self {
        let path = std::env::var("MESHFORM_TEST_KUBECONFIG").ok();
        let (text, is_embedded) = match &path {
            Some(path) => (std::fs::read_to_string(path).unwrap(), false),
            None => (embedded(test, false).await, true),
        };
        eprintln!("{test} runs against {}", path.as_deref().unwrap_or("an embedded cluster"));
        Self::in_namespace(test, &text, is_embedded).await
    }

    /// An embedded cluster in which rights are asked for, and its administrator's kubeconfig.
    pub(crate) async fn guarded(test: &str) -> (Self, String) {
        let text = embedded(test, true).await;
        (Self::in_namespace(test, &text, true).await, text)
    }

    async fn in_namespace(test: &str, kubeconfig: &str, is_embedded: bool) -> Self {
        let namespace = format!("{test}-{}", std::process::id());
        let world = Self::connect(kubeconfig, namespace, is_embedded).await.unwrap();
        world.delete(&format!("/api/v1/namespaces/{}", world.namespace)).await;
        let namespace =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": world.namespace } });
        world.step(&Instance::new("namespace", namespace)).await;
        world
    }

    /// The same cluster, for whoever a kubeconfig is of.
    pub(crate) async fn with(&self, kubeconfig: &str) -> Result<Self, ProviderError> {
        Self::connect(kubeconfig, self.namespace.clone(), self.is_embedded).await
    }

    async fn connect(text: &str, namespace: String, is_embedded: bool) -> Result<Self, ProviderError> {
        let provider = KubeProvider::new(Arc::new(NoSandbox));
        let target = provider.connect(&target(json!({ "kubeconfig_content": text }))).await?;
        let config = Kubeconfig::from_yaml(text).unwrap();
        let config =
            kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
        let client = Client::try_from(config).unwrap();
        Ok(Self { provider, target, client, is_embedded, namespace })
    }

    /// The roles that these take.
    pub(crate) async fn rights(&self, instances: &[&Instance], read: &[ReadItem]) -> Vec<Json> {
        let items: Vec<_> = instances.iter().map(|instance| instance.item(&self.provider)).collect();
        let documents = self.target.rights(&items, read).await.unwrap();
        documents.iter().map(|document| to_json(document).unwrap()).collect()
    }

    /// What makes the cluster itself.
    pub(crate) fn identity(&self) -> &str {
        self.target.identity()
    }

    /// The provider, connected or not.
    pub(crate) fn provider(&self) -> &KubeProvider {
        &self.provider
    }

    /// What is there.
    pub(crate) async fn observe(&self, instances: &[&Instance]) -> Vec<Result<Observed, ProviderError>> {
        let items: Vec<_> = instances.iter().map(|instance| instance.item(&self.provider)).collect();
        self.target.observe(&items).await
    }

    /// What is looked up.
    pub(crate) async fn read(&self, items: &[ReadItem]) -> Vec<Found> {
        self.target.read(items).await
    }

    /// The difference, previewed where that is wanted. `true` if it was.
    pub(crate) async fn plan(&self, instance: &Instance) -> (Difference, Observed, bool) {
        self.plan_beside(instance, &[]).await
    }

    /// The same in a plan that makes these others, too.
    pub(crate) async fn plan_beside(
        &self,
        instance: &Instance,
        others: &[&Instance],
    ) -> (Difference, Observed, bool) {
        let observed = self.observe(&[instance]).await.remove(0).unwrap();
        let draft = self.difference(instance, &observed, None);
        if !draft.wants_preview {
            return (draft, observed, false);
        }
        let mut items = vec![PreviewItem { item: instance.item(&self.provider), observed: observed.clone() }];
        items.extend(
            others
                .iter()
                .map(|other| PreviewItem { item: other.item(&self.provider), observed: Observed::Absent }),
        );
        let preview = self.target.preview(&items).await.remove(0);
        (self.difference(instance, &observed, Some(&preview)), observed, true)
    }

    fn difference(&self, instance: &Instance, observed: &Observed, preview: Option<&Preview>) -> Difference {
        self.provider.difference(&DifferenceRequest {
            address: &instance.address,
            kind: &instance.address.kind,
            record: instance.record.as_deref(),
            observed,
            desired: instance.desired.as_ref(),
            preview,
            fingerprinter: &Keyed,
        })
    }

    /// Plans one instance and shows it: the verdict, then a line for each field, note and problem.
    pub(crate) async fn shown(&self, instance: &Instance) -> String {
        self.shown_beside(instance, &[]).await
    }

    /// The same in a plan that makes these others, too.
    pub(crate) async fn shown_beside(&self, instance: &Instance, others: &[&Instance]) -> String {
        show(&self.plan_beside(instance, others).await.0).replace(&self.namespace, "NAMESPACE")
    }

    /// What the changes of some instances bring about, line by line, each after the name of its instance.
    pub(crate) async fn impact(&self, instances: &[&Instance]) -> String {
        let mut items = Vec::new();
        for instance in instances {
            let (difference, observed, _) = self.plan(instance).await;
            items.push(ImpactItem {
                address: instance.address.clone(),
                kind: instance.address.kind.clone(),
                identity: instance.identity(&self.provider),
                before: match observed {
                    Observed::Present(there) => Some(there.attributes),
                    Observed::Absent => None,
                },
                after: instance.desired.is_some().then_some(difference.planned),
                replaced: difference.verdict == Verdict::Replace,
            });
        }
        let told = self.target.impact(&items).await.into_iter().zip(&items).flat_map(|(impact, item)| {
            impact.into_iter().map(|line| format!("{}: {line}", item.address.name)).collect::<Vec<_>>()
        });
        told.collect::<Vec<_>>().join("\n").replace(&self.namespace, "NAMESPACE")
    }

    /// Does what the plan says, and records it.
    pub(crate) async fn apply(
        &self,
        instance: &Instance,
        difference: &Difference,
        observed: &Observed,
        progress: &Said,
    ) -> Result<Instance, StepFailure> {
        let precondition = match observed {
            Observed::Absent => Precondition::Absent,
            Observed::Present(there) => Precondition::Version(there.version.clone()),
        };
        let operations: &[_] = match difference.verdict {
            Verdict::NoOp => return Ok(instance.clone()),
            Verdict::Create => &[(Operation::Create, precondition)],
            Verdict::Update => &[(Operation::Update, precondition)],
            Verdict::Delete => &[(Operation::Delete, precondition)],
            Verdict::Replace => {
                &[(Operation::Delete, precondition), (Operation::Create, Precondition::Absent)]
            }
        };
        let mut next = instance.clone();
        for (operation, precondition) in operations {
            let performed = self.perform(instance, *operation, precondition.clone(), progress).await?;
            next = instance.recorded(&performed, &self.provider);
        }
        Ok(next)
    }

    /// Plans and applies, which must succeed.
    pub(crate) async fn step(&self, instance: &Instance) -> Instance {
        let (difference, observed, _) = self.plan(instance).await;
        assert!(difference.problems.is_empty(), "{}", show(&difference));
        self.apply(instance, &difference, &observed, &Said::default()).await.unwrap()
    }

    /// One step, without any plan.
    pub(crate) async fn perform(
        &self,
        instance: &Instance,
        operation: Operation,
        precondition: Precondition,
        progress: &Said,
    ) -> Result<Performed, StepFailure> {
        let desired = instance.desired.clone().filter(|_| operation != Operation::Delete);
        let request = PerformRequest {
            address: instance.address.clone(),
            kind: instance.address.kind.clone(),
            identity: instance.identity(&self.provider),
            operation,
            desired,
            record: instance.record.clone(),
            precondition,
            timeout_ms: Some(instance.timeout_ms),
        };
        self.target.perform(&request, progress).await
    }

    /// Writes as someone else: server-side apply, under another manager.
    pub(crate) async fn apply_as(&self, manager: &str, path: &str, object: Json) {
        let uri = format!("{path}?fieldManager={manager}&force=true");
        self.send("PATCH", &uri, "application/apply-patch+yaml", object).await;
    }

    /// Writes as someone else: a merge patch, under another manager.
    pub(crate) async fn patch_as(&self, manager: &str, path: &str, patch: Json) {
        let separator = if path.contains('?') { '&' } else { '?' };
        let uri = format!("{path}{separator}fieldManager={manager}");
        self.send("PATCH", &uri, "application/merge-patch+json", patch).await;
    }

    /// Makes something as someone else, by a plain create.
    pub(crate) async fn create_as(&self, manager: &str, collection: &str, object: Json) {
        self.send("POST", &format!("{collection}?fieldManager={manager}"), "application/json", object).await;
    }

    /// What is there, or null.
    pub(crate) async fn get(&self, path: &str) -> Json {
        let request = http::Request::get(path).body(Vec::new()).unwrap();
        self.client.request::<Json>(request).await.unwrap_or(Json::Null)
    }

    /// Removes what may be there, and waits a little until it is gone.
    pub(crate) async fn delete(&self, path: &str) {
        let request = http::Request::delete(path).body(Vec::new()).unwrap();
        let _ = self.client.request::<Json>(request).await;
        for _ in 0..100 {
            if self.get(path).await.is_null() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    async fn send(&self, method: &str, uri: &str, content_type: &str, body: Json) {
        let request = http::Request::builder()
            .method(method)
            .uri(uri)
            .header("content-type", content_type)
            .body(body.to_string().into_bytes())
            .unwrap();
        self.client.request::<Json>(request).await.unwrap();
    }

    /// The path of a core object in the test's namespace.
    pub(crate) fn core(&self, plural: &str, name: &str) -> String {
        format!("/api/v1/namespaces/{}/{plural}/{name}", self.namespace)
    }

    /// The path of an object of the group `apps` in the test's namespace.
    pub(crate) fn apps(&self, plural: &str, name: &str) -> String {
        format!("/apis/apps/v1/namespaces/{}/{plural}/{name}", self.namespace)
    }

    /// A ConfigMap in the test's namespace.
    pub(crate) fn config_map(&self, name: &str, data: Json) -> Json {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": self.namespace },
            "data": data,
        })
    }

    /// A Deployment in the test's namespace.
    pub(crate) fn deployment(&self, name: &str, replicas: u8, outcome: &str) -> Json {
        let container = json!({
            "name": "web", "image": "registry.example/web:1", "resources": { "requests": { "cpu": "1000m" } },
            "ports": [{ "containerPort": 8080 }],
        });
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "namespace": self.namespace },
            "spec": {
                "replicas": replicas,
                "selector": { "matchLabels": { "app": name } },
                "template": {
                    "metadata": { "labels": { "app": name }, "annotations": outcome_of_pods(outcome) },
                    "spec": { "containers": [container] },
                },
            },
        })
    }
}

/// What is to become of pods, as the embedded cluster and the fake kubelet of a bare control plane read it.
pub(crate) fn outcome_of_pods(outcome: &str) -> Json {
    json!({ "sandbox.meshform.dev/outcome": outcome, "fake/outcome": outcome })
}

/// What a plan says, one line each.
pub(crate) fn show(difference: &Difference) -> String {
    let side = |side: &Option<Value>| side.as_ref().map_or("-".to_owned(), |value| format!("{value:?}"));
    let mut lines = vec![format!("{:?}", difference.verdict)];
    let field = |mark: &str, field: &meshform_engine::plan::FieldChange| {
        let owner =
            field.owner.as_ref().map(|owner| format!(" [{}]", without_times(owner))).unwrap_or_default();
        let forces = if field.forces_replace { " (forces replace)" } else { "" };
        format!("{mark} {}: {} → {}{owner}{forces}", field.path, side(&field.before), side(&field.after))
    };
    lines.extend(difference.fields.iter().map(|change| field("~", change)));
    lines.extend(difference.drift.iter().map(|change| field("drift", change)));
    lines.extend(difference.notes.iter().map(|note| format!("note {}", without_times(note))));
    let problem = |problem: &meshform_engine::ports::Problem| {
        format!("{:?} {}: {}", problem.severity, problem.path, without_times(&problem.detail))
    };
    lines.extend(difference.problems.iter().map(problem));
    lines.join("\n")
}

/// Times differ from run to run.
fn without_times(text: &str) -> String {
    let words = text.split_inclusive(' ');
    words
        .map(|word| match word.find("20").filter(|at| word[*at..].contains("T") && word.contains("Z")) {
            Some(at) => {
                let end = word.rfind('Z').unwrap();
                format!("{}TIME{}", &word[..at], &word[end + 1..])
            }
            None => word.to_owned(),
        })
        .collect()
}

/// What a step has said.
#[derive(Default)]
pub(crate) struct Said(Mutex<Vec<String>>);

impl Said {
    /// All of it, line by line.
    pub(crate) fn all(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

impl Progress for Said {
    fn report(&self, _: &Address, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

/// A target's block.
pub(crate) fn target(attributes: Json) -> TargetConfig {
    let address: TargetAddress = "cluster.test".parse().unwrap();
    TargetConfig { address, attributes: from_json(&attributes), folder: ".".into() }
}

/// An embedded cluster on a loopback socket; gone with the test's runtime.
async fn embedded(name: &str, rbac: bool) -> String {
    let options = Options { name: name.to_owned(), rbac, ..Options::default() };
    let world = Embedded::in_memory(options).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(world, listener, std::future::pending()));
    kubeconfig(name, &url, None)
}

/// A provider without a sandbox.
pub(crate) struct NoSandbox;

fn none<T>() -> BoxFuture<'static, Result<T, SandboxError>> {
    Box::pin(async { Err(SandboxError { message: "there is no sandbox here".into() }) })
}

impl Sandbox for NoSandbox {
    fn cluster<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<ClusterAccess, SandboxError>> {
        none()
    }
    fn host<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<HostAccess, SandboxError>> {
        none()
    }
    fn up(&self) -> BoxFuture<'_, Result<SandboxStatus, SandboxError>> {
        none()
    }
    fn down(&self) -> BoxFuture<'_, Result<bool, SandboxError>> {
        none()
    }
    fn reset(&self) -> BoxFuture<'_, Result<bool, SandboxError>> {
        none()
    }
    fn status(&self) -> BoxFuture<'_, Result<Option<SandboxStatus>, SandboxError>> {
        none()
    }
    fn serve(&self) -> BoxFuture<'_, Result<(), SandboxError>> {
        none()
    }
}
