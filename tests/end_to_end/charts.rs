//! Charts: rendered by the real `helm`, each object an instance of its own.
//!
//! `helm` is the one on the path, or the one that `MESHFORM_TEST_HELM` names, or one that `tests/helm` has built. Without any, a stand-in
//! renders one chart that is kept here, which shows less, and says so.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::program::{Ended, finish};
use crate::stack::{Stack, checkout};

/// A stack with a chart in its folder `chart`.
struct Charted {
    stack: Stack,
    path: String,
}

impl Charted {
    /// With these templates; `None`, said loudly, where there is no `helm`.
    fn new(text: &str, values: &str, templates: &[(&str, &str)]) -> Option<Self> {
        let Some(helm) = helm() else {
            eprintln!(
                "NOT RUN: there is no helm. Run tests/helm, which builds it by Go, or set MESHFORM_TEST_HELM."
            );
            return None;
        };
        let charted = Self::with(&helm, text);
        let chart = "apiVersion: v2\nname: web\nversion: 1.2.3\n";
        charted.chart("Chart.yaml", chart);
        charted.chart("values.yaml", values);
        for (name, template) in templates {
            charted.chart(name, template);
        }
        Some(charted)
    }

    fn with(helm: &std::path::Path, text: &str) -> Self {
        let stack = Stack::of(&format!("cluster \"main\" {{ sandbox = true }}\n{text}"));
        let folder = helm.parent().unwrap();
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        Self { stack, path }
    }

    fn chart(&self, name: &str, text: &str) {
        let path = self.stack.path("chart").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        finish(self.stack.command().args(arguments).env("PATH", &self.path))
    }

    fn plan(&self) -> Ended {
        self.run(&["plan", "-detailed-exitcode"])
    }

    fn apply(&self) -> Ended {
        self.run(&["apply", "-auto-approve"])
    }

    fn get(&self, arguments: &[&str]) -> String {
        self.stack.get("main", &[&["-n", "web"], arguments].concat()).out
    }
}

fn helm() -> Option<PathBuf> {
    let given = std::env::var_os("MESHFORM_TEST_HELM").map(PathBuf::from);
    let on_path = std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join("helm"))
        .collect::<Vec<_>>();
    let built = checkout().join("target/tools/helm");
    given.into_iter().chain(on_path).chain([built]).find(|path| path.is_file())
}

const CHART: &str = r#"
resource "kube_chart" "site" {
  chart            = "chart"
  namespace        = "web"
  create_namespace = true
  values           = { marked = 7, color = "red" }
}
"#;

/// Renders 5,000 lines: objects with many fields, of which one has a value that only one of them has.
const BIG: &str = r#"{{- range $i := until 50 }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{{ $i }}
  labels: { app: app-{{ $i }} }
spec:
  replicas: 1
  selector: { matchLabels: { app: app-{{ $i }} } }
  template:
    metadata: { labels: { app: app-{{ $i }} } }
    spec:
      containers:
        - name: web
          image: registry.example/web:1
          env:
          {{- range $n := until 40 }}
            - name: SETTING_{{ $n }}
              value: "{{ if and (eq (int $.Values.marked) $i) (eq $n 11) }}{{ $.Values.color }}{{ else }}plain{{ end }}"
          {{- end }}
          resources:
            requests:
              cpu: 100m
              memory: 64Mi
{{- end }}
"#;

#[test]
fn one_value_of_a_chart_of_5000_lines_shows_the_lines_that_it_changes() {
    let Some(charted) = Charted::new(CHART, "", &[("templates/apps.yaml", BIG)]) else { return };
    let lines = finish(
        Command::new("helm")
            .env("PATH", &charted.path)
            .args(["template", "x"])
            .arg(charted.stack.path("chart")),
    );
    assert!(lines.done().out.lines().count() >= 5000);
    charted.plan().code(2).says(&["kube_chart.site[\"apps/v1/Deployment/web/app-7\"]", "51 to create"]);
    charted.apply().done().says(&["51 created"]);
    charted.plan().done().says(&["51 instances are as the configuration says"]);

    charted.stack.edit("color = \"red\"", "color = \"blue\"");
    let plan = charted.plan().code(2);
    assert!(plan.out.lines().count() < 12, "{plan}");
    plan.says(&[
        "kube_chart.site[\"apps/v1/Deployment/web/app-7\"]",
        "red",
        "blue",
        "0 to create, 1 to update, 0 to delete. 50 unchanged.",
    ]);
    charted.apply().done().says(&["1 updated"]);
    charted.plan().done();
    charted.run(&["destroy", "-auto-approve"]).done().says(&["51 deleted"]);
}

#[test]
fn hooks_run_in_their_order_and_again_when_the_chart_changes() {
    let job = |name: &str, event: &str, weight: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n  annotations: {{ helm.sh/hook: \"{event}\", helm.sh/hook-weight: \
             \"{weight}\" }}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers: [{{ name: a, image: a }}]\n"
        )
    };
    let (migrate, seed) = (job("migrate", "pre-install,pre-upgrade", "1"), job("seed", "post-install", "0"));
    let (smoke, leave) = (job("smoke", "test", "0"), job("leave", "pre-delete", "0"));
    let map =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: page }\ndata: { color: {{ .Values.color }} }\n";
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: foos.x.io }\nspec:\n  group: x.io\n  scope: \
                      Namespaced\n  names: { kind: Foo, plural: foos, singular: foo }\n  versions:\n    - { name: v1, served: true, storage: true, \
                      schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } } }\n";
    let foo = "apiVersion: x.io/v1\nkind: Foo\nmetadata: { name: a }\n";
    let templates = [
        ("templates/migrate.yaml", migrate.as_str()),
        ("templates/seed.yaml", &seed),
        ("templates/smoke.yaml", &smoke),
        ("templates/leave.yaml", &leave),
        ("templates/map.yaml", map),
        ("templates/foo.yaml", foo),
        ("crds/foo.yaml", definition),
    ];
    let Some(charted) = Charted::new(CHART, "", &templates) else { return };
    charted
        .plan()
        .code(2)
        .says(&["6 to create"])
        .complains(&["Hooks are left out", "Job leave (pre-delete)"]);
    let applied = charted.apply().done().says(&["6 created"]);
    let done = |what: &str| {
        let line = |line: &str| line.contains(what) && (line.contains("created") || line.contains("✓"));
        applied.all().lines().position(line).unwrap_or_else(|| panic!("no {what} in {applied}"))
    };
    assert!(done("/migrate") < done("/page") && done("/page") < done("/seed"), "{applied}");
    charted.plan().done();
    let uid = |name: &str| charted.get(&["job", name, "-o", "jsonpath={.metadata.uid}"]);
    let (migrated, seeded) = (uid("migrate"), uid("seed"));

    charted.stack.edit("color = \"red\"", "color = \"blue\"");
    charted.plan().code(2).says(&[
        "-/+ replace kube_chart.site[\"batch/v1/Job/web/migrate\"]",
        "triggers_replace",
        "1 to update, 1 to replace",
    ]);
    charted.apply().done();
    assert_ne!(uid("migrate"), migrated, "it has run again");
    assert_eq!(uid("seed"), seeded, "it runs once");
    charted.plan().done();

    charted.run(&["destroy", "-auto-approve"]).done();
    let definitions = charted.stack.get("main", &["crd", "foos.x.io"]).done();
    assert!(definitions.out.contains("foos.x.io"), "definitions outlive the chart: {definitions}");
}

#[test]
fn what_a_chart_makes_up_is_told() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: { name: login }\nstringData: { password: {{ randAlphaNum 20 }} }\n";
    let Some(charted) = Charted::new(CHART, "", &[("templates/login.yaml", secret)]) else { return };
    let plan = charted.plan().code(2);
    plan.complains(&["The chart is not deterministic", "Secret default/login: stringData.password"]);
}

#[test]
fn what_helm_refuses_is_told_with_its_place() {
    let broken = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ required \"a name is needed\" .Values.name }}\n";
    let Some(charted) = Charted::new(CHART, "", &[("templates/map.yaml", broken)]) else { return };
    charted.plan().code(1).complains(&["web/templates/map.yaml:4:11", "a name is needed", "main.hcl:4:"]);
    charted.chart("templates/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { generateName: x }\n");
    charted
        .plan()
        .code(1)
        .complains(&["web/templates/map.yaml (line 2 of what was rendered), field metadata.generateName"]);
    charted.stack.edit("\"chart\"", "\"charts\"");
    charted.run(&["validate"]).code(1).complains(&["No such chart"]);
}

#[test]
fn a_chart_is_rendered_for_its_cluster() {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: facts }\ndata:\n  version: {{ .Capabilities.KubeVersion.Version }}\n  foos: {{ \
               .Capabilities.APIVersions.Has \"x.io/v1/Foo\" | quote }}\n  apps: {{ .Capabilities.APIVersions.Has \"apps/v1/Deployment\" | quote }}\n";
    let Some(charted) = Charted::new(CHART, "", &[("templates/map.yaml", map)]) else { return };
    charted.apply().done();
    let served = charted.stack.kubectl("main").args(["version", "-o", "json"]).output().unwrap();
    let served: serde_json::Value = serde_json::from_slice(&served.stdout).unwrap();
    let data = |name: &str| charted.get(&["configmap", "facts", "-o", &format!("jsonpath={{.data.{name}}}")]);
    let version = data("version");
    assert!(
        served["serverVersion"]["gitVersion"].as_str().unwrap().starts_with(&version) && version.len() > 4
    );
    assert_eq!((data("foos"), data("apps")), ("false".to_owned(), "true".to_owned()));
}

const SECRET: &str = "correct-horse-battery";

#[test]
fn secret_values_are_neither_told_nor_kept() {
    let text = format!("variable \"password\" {{\n  sensitive = true\n}}\n{CHART}")
        .replace("color = \"red\"", "color = var.password");
    let template = "apiVersion: v1\nkind: Secret\nmetadata: { name: login }\nstringData: { password: {{ .Values.color }} }\n---\napiVersion: v1\nkind: \
                    ConfigMap\nmetadata: { name: page }\ndata: { page: \"<{{ .Values.color }}>\" }\n";
    let Some(charted) = Charted::new(&text, "", &[("templates/login.yaml", template)]) else { return };
    let run = |arguments: &[&str]| {
        let mut command = charted.stack.command();
        let ended =
            finish(command.args(arguments).env("PATH", &charted.path).env("MESHFORM_VAR_password", SECRET));
        assert!(!ended.all().contains(SECRET), "the secret is shown by {ended}");
        ended
    };
    run(&["plan", "-out", "saved.plan"]).done();
    run(&["show", "-json", "saved.plan"]).done();
    // What was saved has no secret: the chart is rendered again, and is as it was reviewed.
    run(&["apply", "saved.plan"]).done().says(&["3 created"]);
    assert_eq!(charted.get(&["configmap", "page", "-o", "jsonpath={.data.page}"]), format!("<{SECRET}>"));
    run(&["plan", "-detailed-exitcode"]).done();
    let encoded = "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5";
    let kept = crate::stack::tree(charted.stack.folder()).into_iter().filter(|(path, content)| {
        let is_world = path.starts_with(charted.stack.path(".meshform/sandbox/clusters"));
        let text = String::from_utf8_lossy(content);
        !is_world && (text.contains(SECRET) || text.contains(encoded))
    });
    assert_eq!(kept.map(|(path, _)| path).collect::<Vec<_>>(), Vec::<PathBuf>::new());
    // A template that fails may quote its values.
    charted.chart("templates/bad.yaml", "{{ fail .Values.color }}\n");
    run(&["plan"]).code(1).complains(&["web/templates/bad.yaml"]);
}

#[test]
fn a_chart_waits_for_values_that_only_an_apply_tells() {
    let text = format!(
        "{}\nresource \"kube_object\" \"front\" {{\n  manifest = {{\n    apiVersion = \"v1\"\n    kind = \"Service\"\n    metadata = {{ name = \"front\", \
         namespace = \"default\" }}\n    spec = {{ ports = [{{ port = 80 }}] }}\n  }}\n}}\n",
        CHART.replace("color = \"red\"", "color = kube_object.front.object.spec.clusterIP")
    );
    let map =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: page }\ndata: { address: {{ .Values.color }} }\n";
    let Some(charted) = Charted::new(&text, "", &[("templates/map.yaml", map)]) else { return };
    charted.plan().code(2).says(&["kube_chart.site", "values, which is known only after apply"]);
    charted.run(&["apply", "-auto-approve", "-rounds", "2"]).done();
    assert!(charted.get(&["configmap", "page", "-o", "jsonpath={.data.address}"]).contains('.'));
    charted.plan().done();
}

#[test]
fn a_stand_in_for_helm_is_told_values_by_its_input() {
    let folder = tempfile::TempDir::with_prefix("meshform-").unwrap();
    let helm = folder.path().join("helm");
    // It writes what it was told into what it renders.
    let script = "#!/bin/sh\nvalues=$(cat)\nprintf '# Source: web/templates/a.yaml\\napiVersion: v1\\nkind: ConfigMap\\nmetadata: { name: told }\\ndata:\\n  line: \
                  \"%s\"\\n  values: %s\\n' \"$*\" \"'$values'\"\n";
    fs::write(&helm, script).unwrap();
    fs::set_permissions(&helm, fs::Permissions::from_mode(0o755)).unwrap();
    let charted = Charted::with(&helm, CHART);
    charted.chart("Chart.yaml", "");
    charted.apply().done();
    let data = |name: &str| charted.get(&["configmap", "told", "-o", &format!("jsonpath={{.data.{name}}}")]);
    assert_eq!(data("values"), r#"{"color":"red","marked":7}"#);
    assert!(
        data("line")
            .starts_with("template site chart --namespace web --skip-tests --include-crds --kube-version v")
    );
    assert!(data("line").ends_with(" --values -") && !data("line").contains("red"));
    let mut many = String::new();
    for number in 0..3 {
        writeln!(many, "echo 'kind: [{number}'").unwrap();
    }
    fs::write(&helm, format!("#!/bin/sh\n{many}")).unwrap();
    charted.plan().code(1).complains(&["What was rendered is not valid YAML"]);
    fs::write(&helm, "#!/bin/sh\necho 'no such thing' >&2\nexit 3\n").unwrap();
    charted.plan().code(1).complains(&["helm failed (exit status: 3)", "no such thing"]);
    fs::remove_file(&helm).unwrap();
    let nothing = Charted { path: "/usr/bin:/bin".to_owned(), ..charted };
    if !["/usr/bin/helm", "/bin/helm"].iter().any(|path| PathBuf::from(path).exists()) {
        nothing.plan().code(1).complains(&["This needs the program helm, which is not found"]);
    }
}

#[test]
fn a_kustomize_folder_is_rendered() {
    let stack = Stack::of(
        "cluster \"main\" { sandbox = true }\nresource \"kube_manifests\" \"site\" {\n  kustomize = \"overlays/prod\"\n  namespace = \"default\"\n}\n",
    );
    for folder in ["base", "overlays/prod"] {
        fs::create_dir_all(stack.path(folder)).unwrap();
    }
    stack.write("base/kustomization.yaml", "resources: [map.yaml]\n");
    stack.write(
        "base/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: page }\ndata: { color: red }\n",
    );
    stack.write("overlays/prod/kustomization.yaml", "namePrefix: prod-\nresources: [../../base]\n");
    stack.plan().code(2).says(&["kube_manifests.site[\"v1/ConfigMap/default/prod-page\"]", "1 to create"]);
    stack.apply().done();
    stack.plan().done();
    stack.write(
        "base/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: page }\ndata: { color: blue }\n",
    );
    stack.plan().code(2).says(&["red", "blue", "1 to update"]);
    stack.write("overlays/prod/kustomization.yaml", "resources: [../../nowhere]\n");
    stack.plan().code(1).complains(&["kubectl failed", "nowhere"]);
    stack.edit("overlays/prod", "overlays/dev");
    stack.run(["validate"]).code(1).complains(&["No such folder"]);
}
