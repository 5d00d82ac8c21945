variable "kubeconfig" {}

cluster "main" { kubeconfig = var.kubeconfig }

resource "kube_manifests" "maps" {
  namespace = "web"
  content = join("---\n", [for number in range(12) : yamlencode({
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "map-${number}" }
    data       = { color = "red" }
  })])
}

resource "kube_object" "login" {
  manifest = {
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "login", namespace = "web" }
    stringData = { password = "hunter2" }
  }
}

resource "kube_object" "site" {
  depends_on = [kube_object.login]
  manifest = {
    apiVersion = "apps/v1"
    kind       = "Deployment"
    metadata   = { name = "site", namespace = "web" }
    spec = {
      replicas = 2
      selector = { matchLabels = { app = "site" } }
      template = {
        metadata = { labels = { app = "site" } }
        spec     = { containers = [{ name = "web", image = "registry.example/web:1" }] }
      }
    }
  }
}

resource "kube_object" "reader" {
  manifest = {
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "Role"
    metadata   = { name = "reader", namespace = "web" }
    rules      = [{ apiGroups = ["batch"], resources = ["jobs"], verbs = ["get"] }]
  }
}

resource "kube_object" "class" {
  manifest = {
    apiVersion = "scheduling.k8s.io/v1"
    kind       = "PriorityClass"
    metadata   = { name = "low" }
    value      = 7
  }
}

resource "kube_patch" "owner" {
  manifest = {
    apiVersion = "v1"
    kind       = "Namespace"
    metadata   = { name = "web", labels = { owner = "web" } }
  }
}

resource "kube_absent" "old" {
  api_version    = "v1"
  kind           = "Service"
  namespace      = "web"
  label_selector = "app=old"
}

data "kube_object" "root" {
  api_version = "v1"
  kind        = "ConfigMap"
  name        = "kube-root-ca.crt"
  namespace   = "default"
  optional    = true
}

data "kube_objects" "maps" {
  api_version    = "v1"
  kind           = "ConfigMap"
  namespace      = "web"
  label_selector = "kind=page"
}

resource "kube_object" "reads" {
  depends_on = [kube_object.reader]
  manifest = {
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "RoleBinding"
    metadata   = { name = "reads", namespace = "web" }
    roleRef    = { apiGroup = "rbac.authorization.k8s.io", kind = "Role", name = "reader" }
    subjects   = [{ kind = "ServiceAccount", name = "default", namespace = "web" }]
  }
}

resource "kube_manifests" "shop" {
  content = <<-YAML
    apiVersion: v1
    kind: Namespace
    metadata: { name: shop }
    ---
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata: { name: widgets.shop.example }
    spec:
      group: shop.example
      scope: Namespaced
      names: { kind: Widget, plural: widgets, singular: widget, listKind: WidgetList }
      versions:
        - name: v1
          served: true
          storage: true
          schema:
            openAPIV3Schema:
              type: object
              properties: { spec: { type: object, properties: { size: { type: integer } } } }
    ---
    apiVersion: shop.example/v1
    kind: Widget
    metadata: { name: small, namespace: shop }
    spec: { size: 1 }
    ---
    apiVersion: v1
    kind: Service
    metadata: { name: shop, namespace: shop }
    spec: { selector: { app: shop }, ports: [{ port: 80 }] }
    ---
    apiVersion: v1
    kind: Secret
    metadata: { name: key, namespace: shop }
    stringData: { key: hunter2 }
  YAML
}
