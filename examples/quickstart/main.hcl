# A web page on a cluster, and a host that knows where it is.
#
# As it stands it runs on the embedded sandbox. On real machines: set `kubeconfig`, and `host_address` with `host_user`.

variable "message" {
  description = "What the page says."
  type        = string
  default     = "Hello from meshform"
}

variable "replicas" {
  description = "How many pods serve the page."
  type        = number
  default     = 2

  validation {
    condition     = var.replicas >= 1
    error_message = "At least one pod must serve the page."
  }
}

variable "kubeconfig" {
  description = "The kubeconfig of a real cluster; the sandbox's when null."
  type        = string
  default     = null
}

variable "host_address" {
  description = "The address of a real host; the sandbox's when null."
  type        = string
  default     = null
}

variable "host_user" {
  description = "The user to log in as on a real host."
  type        = string
  default     = null
}

variable "host_port" {
  description = "Its SSH port, where ssh's own configuration does not say it."
  type        = number
  default     = null
}

variable "host_identity_file" {
  description = "The private key to log in with, likewise."
  type        = string
  default     = null
}

variable "host_key" {
  description = "The only host key to accept, likewise."
  type        = string
  default     = null
}

variable "host_file" {
  description = "Where the host keeps the page's address."
  type        = string
  default     = "/etc/quickstart.conf"
}

cluster "main" {
  sandbox    = var.kubeconfig == null
  kubeconfig = var.kubeconfig
}

host "edge" {
  sandbox       = var.host_address == null
  address       = var.host_address
  user          = var.host_user
  port          = var.host_port
  identity_file = var.host_identity_file
  host_key      = var.host_key
}

locals {
  namespace = kube_object.namespace.object.metadata.name
  labels    = { app = "web" }
  page      = "<!doctype html>\n<h1>${var.message}</h1>\n"
  address   = "http://${kube_object.service.object.spec.clusterIP}:8080"
}

resource "kube_object" "namespace" {
  manifest = {
    apiVersion = "v1"
    kind       = "Namespace"
    metadata   = { name = "quickstart" }
  }
}

resource "kube_object" "page" {
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "page", namespace = local.namespace }
    data       = { "index.html" = local.page }
  }
}

resource "kube_object" "web" {
  manifest = {
    apiVersion = "apps/v1"
    kind       = "Deployment"
    metadata   = { name = "web", namespace = local.namespace }
    spec = {
      replicas = var.replicas
      selector = { matchLabels = local.labels }
      template = {
        metadata = {
          labels = local.labels
          # A new page rolls the pods.
          annotations = { "example.com/page" = sha256(kube_object.page.manifest.data["index.html"]) }
        }
        spec = {
          containers = [{
            name         = "nginx"
            image        = "nginxinc/nginx-unprivileged:1.29"
            ports        = [{ name = "http", containerPort = 8080 }]
            volumeMounts = [{ name = "page", mountPath = "/usr/share/nginx/html" }]
            resources    = { requests = { cpu = "50m", memory = "32Mi" } }
          }]
          volumes = [{ name = "page", configMap = { name = kube_object.page.object.metadata.name } }]
        }
      }
    }
  }
}

resource "kube_object" "service" {
  manifest = {
    apiVersion = "v1"
    kind       = "Service"
    metadata   = { name = "web", namespace = local.namespace }
    spec = {
      selector = local.labels
      ports    = [{ name = "http", port = 8080, targetPort = "http" }]
    }
  }
}

resource "host_file" "upstream" {
  path    = var.host_file
  mode    = "0644"
  content = <<-EOT
    # Where the page is served.
    upstream = ${local.address}
  EOT
}

resource "host_command" "announce" {
  run      = "logger -t quickstart configured 2>/dev/null || true; cat ${host_file.upstream.path}"
  triggers = { config = host_file.upstream.content }
}

output "address" {
  description = "Where the page is served."
  value       = local.address
}
