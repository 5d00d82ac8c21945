//! What `docker create` and `docker run` are told: the container that comes of it.

use super::image;
use super::store::{Container, Image, Mount, Port, Restart, now};
use crate::host::tools::files::{Files, led_to};
use crate::host::tools::words::{Grammar, Words};

pub(super) const GRAMMAR: Grammar = Grammar {
    valued: &[
        &["--name"],
        &["--restart"],
        &["--publish", "-p"],
        &["--expose"],
        &["--volume", "-v"],
        &["--mount"],
        &["--tmpfs"],
        &["--env", "-e"],
        &["--env-file"],
        &["--label", "-l"],
        &["--label-file"],
        &["--network", "--net"],
        &["--network-alias"],
        &["--entrypoint"],
        &["--workdir", "-w"],
        &["--user", "-u"],
        &["--hostname", "-h"],
        &["--memory", "-m"],
        &["--memory-swap"],
        &["--cpus"],
        &["--cpu-shares", "-c"],
        &["--cap-add"],
        &["--cap-drop"],
        &["--device"],
        &["--dns"],
        &["--add-host"],
        &["--log-driver"],
        &["--log-opt"],
        &["--pull"],
        &["--platform"],
        &["--pid"],
        &["--ipc"],
        &["--ulimit"],
        &["--security-opt"],
        &["--stop-signal"],
        &["--stop-timeout"],
        &["--health-cmd"],
        &["--health-interval"],
        &["--health-retries"],
        &["--health-timeout"],
        &["--health-start-period"],
        &["--shm-size"],
        &["--sysctl"],
        &["--cidfile"],
    ],
    flags: &[
        &["--detach", "-d"],
        &["--rm"],
        &["--interactive", "-i"],
        &["--tty", "-t"],
        &["--init"],
        &["--privileged"],
        &["--read-only"],
        &["--publish-all", "-P"],
        &["--quiet", "-q"],
        &["--no-healthcheck"],
        &["--oom-kill-disable"],
    ],
    ends_early: true,
};

/// The container that these words ask for, of this image. The error is docker's own.
pub(super) fn container(
    files: &Files,
    folder: &str,
    words: &Words,
    image: &Image,
    name: String,
) -> Result<Container, String> {
    let (asked, command) = words.verb();
    let id: String = rand::random::<[u8; 32]>().iter().map(|byte| format!("{byte:02x}")).collect();
    let ports = words.all("--publish").iter().map(|text| port(text)).collect::<Result<Vec<_>, _>>()?;
    let mut mounts = words.all("--volume").iter().map(|text| volume(text)).collect::<Result<Vec<_>, _>>()?;
    mounts.extend(words.all("--mount").iter().filter_map(|text| mount(text)));
    let labels = words.all("--label").iter();
    let labels = labels.map(|label| label.split_once('=').unwrap_or((label, "")));
    let network = words.value("--network").unwrap_or("default");
    Ok(Container {
        hostname: words
            .value("--hostname")
            .map_or_else(|| id.get(..12).unwrap_or_default().to_owned(), str::to_owned),
        name: if name.is_empty() { format!("sandbox_{}", id.get(..8).unwrap_or_default()) } else { name },
        image: asked.to_owned(),
        image_id: image.id.clone(),
        command: command.to_vec(),
        entrypoint: words.value("--entrypoint").map(str::to_owned).into_iter().collect(),
        environment: environment(files, folder, words)?,
        labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ports,
        mounts,
        network: if network == "default" { "bridge".to_owned() } else { network.to_owned() },
        restart: restart(words.value("--restart").unwrap_or("no"))?,
        user: words.value("--user").unwrap_or_default().to_owned(),
        folder: words.value("--workdir").unwrap_or_default().to_owned(),
        is_temporary: words.has("--rm"),
        created: now(),
        id,
        ..Container::default()
    })
}

fn environment(files: &Files, folder: &str, words: &Words) -> Result<Vec<String>, String> {
    let mut all = vec!["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()];
    let mut put = |line: &str| {
        let name = line.split('=').next().unwrap_or_default().to_owned();
        // A name alone means what docker itself has by that name, which is nothing here.
        if line.contains('=') {
            all.retain(|own| own.split('=').next() != Some(&name));
            all.push(line.to_owned());
        }
    };
    for path in words.all("--env-file") {
        let text = files.text(&led_to(folder, path));
        let text = text.ok_or_else(|| format!("open {path}: no such file or directory"))?;
        let lines =
            text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.for_each(&mut put);
    }
    words.all("--env").iter().for_each(|line| put(line));
    Ok(all)
}

/// `[[address:]outer:]inner[/protocol]`.
fn port(text: &str) -> Result<Port, String> {
    let wrong = || format!("invalid containerPort: {text}");
    let (places, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (outside, inner) =
        places.rsplit_once(':').map_or((None, places), |(outside, inner)| (Some(outside), inner));
    let inner = inner.parse().map_err(|_| wrong())?;
    let (address, outer) = match outside {
        None => ("", "0"),
        Some(outside) => outside.rsplit_once(':').unwrap_or(("", outside)),
    };
    let outer = if outer.is_empty() { "0" } else { outer };
    let address = address.trim_start_matches('[').trim_end_matches(']');
    Ok(Port {
        address: address.to_owned(),
        outer: outer.parse().map_err(|_| wrong())?,
        inner,
        protocol: protocol.to_owned(),
    })
}

/// `source:target[:options]`.
fn volume(text: &str) -> Result<Mount, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, options) = match parts.as_slice() {
        [target] => ("", *target, ""),
        [source, target] => (*source, *target, ""),
        [source, target, options] => (*source, *target, *options),
        _ => return Err(format!("invalid volume specification: '{text}'")),
    };
    if !target.starts_with('/') {
        return Err(format!(
            "invalid volume specification: '{text}': invalid mount config for type \"volume\": invalid mount path: '{target}' mount path must be absolute"
        ));
    }
    let source = match source {
        "" => rand::random::<[u8; 32]>().iter().map(|byte| format!("{byte:02x}")).collect(),
        source => source.to_owned(),
    };
    let is_read_only = options.split(',').any(|option| option == "ro");
    Ok(Mount { source, target: target.to_owned(), is_read_only })
}

/// `type=bind,source=…,target=…,readonly`.
fn mount(text: &str) -> Option<Mount> {
    let field = |names: &[&str]| {
        let pairs = text.split(',').filter_map(|part| part.split_once('='));
        pairs.filter(|(name, _)| names.contains(name)).map(|(_, value)| value.to_owned()).next()
    };
    Some(Mount {
        source: field(&["source", "src"])?,
        target: field(&["target", "destination", "dst"])?,
        is_read_only: text.split(',').any(|part| matches!(part, "readonly" | "ro" | "readonly=true")),
    })
}

pub(super) fn restart(text: &str) -> Result<Restart, String> {
    let (name, count) = text.split_once(':').unwrap_or((text, "0"));
    let is_known = matches!(name, "no" | "always" | "unless-stopped" | "on-failure");
    match count.parse() {
        Ok(count_max) if is_known => Ok(Restart { name: name.to_owned(), count_max }),
        _ => Err(format!("invalid restart policy '{text}'")),
    }
}

/// Where a container answers HTTP by itself, when nothing is published.
pub(super) fn own_port(container: &Container) -> Option<u16> {
    let by_variable = container.environment.iter().find_map(|line| line.strip_prefix("PORT=")?.parse().ok());
    by_variable.or_else(|| image::port(&container.image))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_volumes() {
        let check = |text: &str, expect: &str| {
            let shown = match port(text) {
                Ok(port) => format!("{}|{}|{}/{}", port.address, port.outer, port.inner, port.protocol),
                Err(error) => error,
            };
            assert_eq!(shown, expect, "{text}");
        };
        check("8080:80", "|8080|80/tcp");
        check("127.0.0.1:8080:80/udp", "127.0.0.1|8080|80/udp");
        check("[::1]:8080:80", "::1|8080|80/tcp");
        check("80", "|0|80/tcp");
        check("x:80", "invalid containerPort: x:80");
        let mount = volume("/srv:/data:ro").unwrap();
        assert_eq!(
            (mount.source.as_str(), mount.target.as_str(), mount.is_read_only),
            ("/srv", "/data", true)
        );
        assert!(volume("a:b").is_err());
        assert_eq!(volume("/data").unwrap().source.len(), 64);
        assert_eq!(restart("on-failure:3").unwrap().count_max, 3);
        assert!(restart("sometimes").is_err());
    }
}
