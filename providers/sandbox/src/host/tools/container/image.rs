//! Images: every name means one, and whoever pulls it has it. What is in it is stood in for.

use sha2::{Digest as _, Sha256};

use super::store::{Image, now};
use crate::host::tools::Machine;

/// An image's whole name: `latest` is what has no tag.
pub(super) fn full(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) { name.to_owned() } else { format!("{name}:latest") }
}

/// The short form that docker shows: without the registry that is meant when none is named.
fn plain(name: &str) -> &str {
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name)
}

/// The image that a name or a number means, if the host has it.
pub(super) fn find(machine: &Machine, name: &str) -> Option<Image> {
    let wanted = full(plain(name));
    let number = name.strip_prefix("sha256:").unwrap_or(name);
    let is = |image: &&Image| {
        image.tags.contains(&wanted)
            || image.id == name
            || (number.len() >= 12 && image.id.trim_start_matches("sha256:").starts_with(number))
    };
    machine.images().iter().find(is).cloned()
}

/// Gets an image; nothing if no registry has it: nobody answers at `localhost`, nor at a name that ends in `.invalid` (RFC 6761), and an
/// image with `does-not-exist` in its name doesn't, as in the sandbox's clusters.
pub(super) fn pull(machine: &Machine, name: &str) -> std::io::Result<Option<Image>> {
    let registry = name.split('/').next().unwrap_or_default();
    let host = registry.split(':').next().unwrap_or_default();
    let is_nowhere =
        name.contains('/') && (host == "localhost" || host.starts_with("127.") || host.ends_with(".invalid"));
    if is_nowhere || name.contains("does-not-exist") || !is_reference(name) {
        return Ok(None);
    }
    if let Some(there) = find(machine, name) {
        return Ok(Some(there));
    }
    let tag = full(plain(name));
    let sum: String = Sha256::digest(tag.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let image = Image { id: format!("sha256:{sum}"), tags: vec![tag], created: now() };
    let mut all = machine.images();
    all.push(image.clone());
    machine.keep_images(&all)?;
    Ok(Some(image))
}

/// Gives an image a name more, which another one may have had.
pub(super) fn tag(machine: &Machine, image: &Image, name: &str) -> std::io::Result<()> {
    let mut all = machine.images();
    let name = full(plain(name));
    for other in &mut all {
        other.tags.retain(|tag| *tag != name);
        if other.id == image.id {
            other.tags.push(name.clone());
        }
    }
    machine.keep_images(&all)
}

/// Whether it's a name at all: small letters, digits and what stands between.
fn is_reference(name: &str) -> bool {
    let (path, _) = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).unwrap_or((name, ""));
    let path = path.split('@').next().unwrap_or_default();
    let fits =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "._-/:".contains(letter);
    !path.is_empty() && path.chars().all(fits)
}

/// The port on which a well-known image answers HTTP.
pub(super) fn port(image: &str) -> Option<u16> {
    let name = full(image);
    let last = name.rsplit('/').next().unwrap_or_default();
    let ports = [
        ("details", 9080),
        ("ratings", 9080),
        ("reviews", 9080),
        ("productpage", 9080),
        ("nginx", 80),
        ("httpd", 80),
        ("caddy", 80),
        ("traefik", 80),
        ("whoami", 80),
        ("grafana", 3000),
        ("node-exporter", 9100),
        ("prometheus", 9090),
        ("registry", 5000),
    ];
    ports.iter().find(|(own, _)| last.contains(own)).map(|(_, port)| *port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(full("nginx"), "nginx:latest");
        assert_eq!(full("localhost:5000/a/b"), "localhost:5000/a/b:latest");
        assert_eq!(full("a@sha256:00"), "a@sha256:00");
        assert_eq!(plain("docker.io/library/nginx:1"), "nginx:1");
        assert!(is_reference("docker.io/istio/examples-bookinfo-details-v1:1.20.2"));
        assert!(!is_reference("No Such") && !is_reference(""));
        assert_eq!(port("docker.io/istio/examples-bookinfo-details-v1:1.20.2"), Some(9080));
    }
}
