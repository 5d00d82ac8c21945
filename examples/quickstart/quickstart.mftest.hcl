# `meshform test examples/quickstart`: an embedded sandbox, made for this file, stands in for the cluster and the host.

run "page" {
  variables {
    message = "Hello, test"
  }

  assert {
    condition     = strcontains(kube_object.page.object.data["index.html"], "<h1>Hello, test</h1>")
    error_message = "The page does not say what it is told to say."
  }

  assert {
    condition     = kube_object.web.object.status.readyReplicas == var.replicas
    error_message = "Not all pods serve the page."
  }

  assert {
    condition     = output.address == "http://${kube_object.service.object.spec.clusterIP}:8080"
    error_message = "The address is not that of the Service."
  }
}

run "new_page_rolls_the_pods" {
  command = plan

  assert {
    condition     = kube_object.web.manifest.spec.template.metadata.annotations["example.com/page"] == sha256(local.page)
    error_message = "The pods would go on with the old page."
  }
}

run "no_pods" {
  command = plan

  variables {
    replicas = 0
  }

  expect_failures = [var.replicas]
}
