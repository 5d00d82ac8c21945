//! The same in a real cluster.

use std::fs;
use std::path::Path;

use crate::control_plane::ControlPlane;
use crate::world::World;
use crate::{chunks, contract, lease};

#[tokio::test(flavor = "multi_thread")]
async fn it_holds_in_a_real_cluster() {
    let Some(assets) = std::env::var_os("KUBEBUILDER_ASSETS") else {
        eprintln!(
            "NOT RUN: no real cluster is tested. Set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kube-controller-manager."
        );
        return;
    };
    let plane = ControlPlane::start(Path::new(&assets));
    // Its paths are relative to the file.
    let folder = plane.kubeconfig().parent().unwrap().join("certificates");
    let text = fs::read_to_string(plane.kubeconfig()).unwrap();
    let world = World::at(text.replace("certificates/", &format!("{}/", folder.display())));
    contract::hold(&world).await;
    lease::hold(&world).await;
    chunks::hold(&world).await;
    let output = plane.kubectl().args(["get", "leases", "-l", "meshform.dev/stack=locked"]).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("HOLDER") && shown.contains("meshform-locked-workspaces-prod-lock-"), "{shown}");
}
