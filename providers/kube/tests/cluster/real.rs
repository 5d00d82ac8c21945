//! All of these tests once more, on a real control plane.

use std::path::Path;
use std::process::Command;

use crate::control_plane::ControlPlane;

/// How many tests run at once there: the machine has an etcd and a server to run besides.
const THREADS: &str = "4";

#[test]
fn all_again_on_a_real_cluster() {
    if std::env::var_os("MESHFORM_TEST_KUBECONFIG").is_some() {
        return;
    }
    let Some(assets) = std::env::var_os("KUBEBUILDER_ASSETS") else {
        eprintln!(
            "NOT RUN: no real cluster is tested. Set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kube-controller-manager."
        );
        return;
    };
    let plane = ControlPlane::start(Path::new(&assets));
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.args(["--test-threads", THREADS, "--skip", "all_again_on_a_real_cluster"]);
    let ended = tests.env("MESHFORM_TEST_KUBECONFIG", plane.kubeconfig()).output().unwrap();
    let said =
        [ended.stdout, ended.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(ended.status.success(), "on a real cluster:\n{said}");
}
