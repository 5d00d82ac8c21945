//! What runs in a sandbox, and how to get at it.

use meshform_engine::ports::SandboxStatus;

use super::style::{GOOD, STRONG, paint};
use super::text::{counted, duration, harmless};

/// The status, each line ended.
pub(crate) fn text(status: &SandboxStatus) -> String {
    let uptime = match status.uptime_seconds {
        0 => "just started".to_owned(),
        seconds => format!("up for {}", duration(seconds.saturating_mul(1000))),
    };
    let up = format!("The sandbox is up (process {}, {uptime}).", status.pid);
    let mut lines = vec![paint(GOOD, up)];
    for cluster in &status.clusters {
        let holds = format!("{}, {}", counted(cluster.objects, "object"), counted(cluster.pods, "pod"));
        lines.push(format!(
            "  cluster {}  {} ({holds})",
            paint(STRONG, harmless(&cluster.name)),
            harmless(&cluster.url)
        ));
        lines.push(format!(
            "    kubectl --kubeconfig {} get all -A",
            quoted(&cluster.kubeconfig_path.to_string_lossy())
        ));
    }
    for host in &status.hosts {
        let place = format!("{}@{}:{}", host.access.user, host.access.address, host.access.port);
        lines.push(format!(
            "  host {}  {} (root: {})",
            paint(STRONG, harmless(&host.name)),
            place,
            host.access.root.display()
        ));
        let config = quoted(&status.ssh_config_path.to_string_lossy());
        lines.push(format!("    ssh -F {config} {}", quoted(&harmless(&host.alias))));
    }
    if status.clusters.is_empty() && status.hosts.is_empty() {
        lines.push("  It holds nothing yet: clusters and hosts with \"sandbox = true\" come up when a plan needs them.".into());
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@%,=".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_the_shell_when_they_need_it() {
        assert_eq!(quoted("/tmp/x.yaml"), "/tmp/x.yaml");
        assert_eq!(quoted("it's here"), "'it'\\''s here'");
    }
}
