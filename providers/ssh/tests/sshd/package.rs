//! `host_package` by the system's own apt, on a host of the sandbox, from a repository that lies on it.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use meshform_engine::value::Value;

use crate::sandbox::SandboxHost;
use crate::stack::{Fields, Stack};

/// Puts a package into the host's repository, which has no other place than the host's own disk.
fn publish(host: &SandboxHost, name: &str, version: &str, depends: &str) {
    let tree = host.path("/srv/build");
    let _ = fs::remove_dir_all(&tree);
    fs::create_dir_all(tree.join("DEBIAN")).unwrap();
    fs::create_dir_all(tree.join("opt")).unwrap();
    fs::write(tree.join("opt").join(name), version).unwrap();
    let depends = if depends.is_empty() { String::new() } else { format!("Depends: {depends}\n") };
    let control = format!(
        "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Nobody <nobody@example.com>\n{depends}Description: A test\n"
    );
    fs::write(tree.join("DEBIAN/control"), &control).unwrap();
    let repository = host.path("/srv/repository");
    fs::create_dir_all(&repository).unwrap();
    let file = format!("{name}_{version}_all.deb");
    let built = Command::new("dpkg-deb")
        .args(["--root-owner-group", "--build"])
        .arg(&tree)
        .arg(repository.join(&file))
        .output();
    assert!(built.as_ref().is_ok_and(|built| built.status.success()), "{built:?}");
    let sum = Command::new("sha256sum").arg(repository.join(&file)).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    let sum = sum.split_whitespace().next().unwrap();
    let size = fs::metadata(repository.join(&file)).unwrap().len();
    let index = repository.join("Packages");
    let known = fs::read_to_string(&index).unwrap_or_default();
    fs::write(&index, format!("{known}{control}Filename: ./{file}\nSize: {size}\nSHA256: {sum}\n\n"))
        .unwrap();
}

#[tokio::test]
async fn a_package_lives_and_dies() {
    let host = SandboxHost::start().await;
    for folder in
        ["/etc/apt", "/var/lib/apt/lists/partial", "/var/cache/apt/archives/partial", "/var/log/apt"]
    {
        fs::create_dir_all(host.path(folder)).unwrap();
    }
    fs::write(host.path("/etc/apt/sources.list"), "deb [trusted=yes] file:/srv/repository ./\n").unwrap();
    for version in ["1.0", "1.1", "2.0"] {
        publish(&host, "meshform-test", version, "");
    }
    publish(&host, "meshform-user", "1", "meshform-test");
    let target = host.connect().await;
    let status = || fs::read_to_string(host.path("/var/lib/dpkg/status")).unwrap();
    let there = || fs::read_to_string(host.path("/opt/meshform-test")).ok();

    let mut package = Stack::on(Arc::clone(&target), "host_package");
    let any: Fields<'_> = &[("name", "meshform-test".into())];
    let pinned: Fields<'_> = &[("name", "meshform-test".into()), ("version", "1.*".into())];
    let before = status();
    let planned = package.plan(Some(pinned)).await.unwrap();
    assert_eq!(planned.summary(), "Create name version");
    assert_eq!(status(), before, "a plan changes nothing");
    // The lists were never fetched: that is done when the package is not found.
    package.apply(planned).await.unwrap();
    assert_eq!(there().as_deref(), Some("1.1"));
    let record = package.record.clone().unwrap();
    assert_eq!(record.attributes.get("installed_version"), Some(&Value::from("1.1")));
    assert_eq!(package.plan(Some(pinned)).await.unwrap().summary(), "NoOp");

    let exact: Fields<'_> = &[("name", "meshform-test".into()), ("version", "2.0".into())];
    let planned = package.plan(Some(exact)).await.unwrap();
    assert_eq!(planned.summary(), "Update version");
    package.apply(planned).await.unwrap();
    assert_eq!(there().as_deref(), Some("2.0"));
    let older: Fields<'_> = &[("name", "meshform-test".into()), ("version", "1.0".into())];
    package.converge(Some(older)).await;
    assert_eq!(there().as_deref(), Some("1.0"));

    let mut other = Stack::on(Arc::clone(&target), "host_package");
    other.converge(Some(&[("name", "meshform-user".into())])).await;
    let planned = package.plan(None).await.unwrap();
    let failure = package.apply(planned).await.unwrap_err();
    assert_eq!(failure.error.summary, "Package needed", "{}", failure.error);
    assert_eq!(there().as_deref(), Some("1.0"), "what others need stays");

    let mut second = Stack::on(Arc::clone(&target), "host_package");
    second.converge(Some(any)).await;
    let planned = second.plan(None).await.unwrap();
    assert!(planned.notes().contains("was there before, so it stays"), "{}", planned.notes());
    second.apply(planned).await.unwrap();
    assert_eq!(there().as_deref(), Some("1.0"));

    other.converge(None).await;
    package.converge(None).await;
    assert_eq!(there(), None);
    let planned = package.plan(Some(&[("name", "no-such-package".into())])).await.unwrap();
    let failure = package.apply(planned).await.unwrap_err();
    assert_eq!(failure.error.summary, "Package not changed");
    assert!(failure.error.detail.contains("no-such-package"), "{}", failure.error);
    drop((package, other, second, target));
    host.stop().await;
}
