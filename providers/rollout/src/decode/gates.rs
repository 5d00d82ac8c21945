//! `gate "KIND" "name" { }`

use std::collections::BTreeMap;

use super::reader::{At, Findings};
use crate::gate::{Gate, Kind, Limits};

/// What every kind of gate reads. Attributes that have a default are there whatever the kind is.
const COMMON: &[&str] = &[
    "kind",
    "name",
    "delay",
    "interval",
    "count",
    "failures_max",
    "consecutive_failures_max",
    "inconclusive_max",
    "requests",
    "statuses",
    "success_min",
];

pub(super) fn gates(blocks: &At<'_>, findings: &mut Findings) -> BTreeMap<String, Gate> {
    let mut gates = BTreeMap::new();
    for block in blocks.elements(findings) {
        let Some(name) = block.get("name").text(findings) else { continue };
        let (kind, limits) = (kind(&block, findings), limits(&block, findings));
        if gates.contains_key(&name) {
            let detail = format!(
                "Two gates are called {name:?}, and a step names a gate by its name alone. Rename one."
            );
            findings.error("Two gates of one name", detail, &block.get("name"));
        }
        if let Some(kind) = kind {
            gates.insert(name, Gate { kind, limits });
        }
    }
    gates
}

pub(super) fn names(blocks: &At<'_>, findings: &mut Findings) -> Vec<String> {
    let blocks = blocks.elements(findings);
    // What is wrong with a name is told where the gate is read.
    blocks.iter().filter_map(|block| block.get("name").text(&mut Findings::default())).collect()
}

fn kind(block: &At<'_>, findings: &mut Findings) -> Option<Kind> {
    let label = block.get("kind");
    let word = label.text(findings)?;
    match word.as_str() {
        "http" => {
            only(block, "http", &["url", "latency_max"], findings);
            http(block, findings)
        }
        "prometheus" => {
            only(block, "prometheus", &["address", "query", "min", "max"], findings);
            prometheus(block, findings)
        }
        "job" => {
            only(block, "job", &["manifest"], findings);
            let manifest = block.get("manifest");
            if !manifest.is_given() {
                findings.error("A missing attribute", "A gate of the kind job needs `manifest`.", &manifest);
            }
            Some(Kind::Job { manifest: manifest.json(findings)? })
        }
        "command" => {
            only(block, "command", &["command"], findings);
            let at = block.get("command");
            let command: Vec<_> = at.texts(findings).into_iter().map(|(_, text)| text).collect();
            if command.is_empty() {
                let detail = "A gate of the kind command needs `command`: the program and its arguments.";
                findings.error("A missing attribute", detail, &at);
            }
            Some(Kind::Command { command })
        }
        "manual" => {
            only(block, "manual", &[], findings);
            Some(Kind::Manual)
        }
        unknown => {
            let detail = format!("{unknown:?} is none of http, prometheus, job, command, manual.");
            findings.error("An unknown kind of gate", detail, &label);
            None
        }
    }
}

fn only(block: &At<'_>, kind: &str, own: &[&str], findings: &mut Findings) {
    let known: Vec<_> = own.iter().chain(COMMON).copied().collect();
    block.only(&known, &format!("A gate of the kind {kind}"), findings);
}

fn http(block: &At<'_>, findings: &mut Findings) -> Option<Kind> {
    let url = block.get("url").required_text("A gate of the kind http needs `url`.", findings);
    let statuses = block.get("statuses").elements(findings);
    let statuses = statuses.iter().filter_map(|at| at.whole(100, 599, findings));
    let statuses = statuses.filter_map(|status| u16::try_from(status).ok()).collect();
    Some(Kind::Http {
        requests: block.get("requests").whole(1, 10_000, findings).unwrap_or(10),
        statuses,
        latency_max_ms: block.get("latency_max").duration_ms(findings),
        success_min: block.get("success_min").percent(findings).unwrap_or(100),
        url: url?,
    })
}

fn prometheus(block: &At<'_>, findings: &mut Findings) -> Option<Kind> {
    let needs = |name: &str| format!("A gate of the kind prometheus needs `{name}`.");
    let address = block.get("address").required_text(&needs("address"), findings);
    let query = block.get("query").required_text(&needs("query"), findings);
    let (min, max) = (block.get("min").number(findings), block.get("max").number(findings));
    if !block.get("min").is_given() && !block.get("max").is_given() {
        let detail = "Without `min` and `max` any value would pass. Give it one of them.";
        findings.error("A gate that nothing fails", detail, block);
    }
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        findings.error("A gate that nothing passes", "`min` is greater than `max`.", &block.get("min"));
    }
    Some(Kind::Prometheus { address: address?, query: query?, min, max })
}

fn limits(block: &At<'_>, findings: &mut Findings) -> Limits {
    let or = Limits::default();
    let most = u64::from(u32::MAX);
    Limits {
        delay_ms: block.get("delay").duration_ms(findings).unwrap_or(or.delay_ms),
        interval_ms: block.get("interval").duration_ms(findings).unwrap_or(or.interval_ms),
        count: block.get("count").whole(1, most, findings).unwrap_or(or.count),
        failures_max: block.get("failures_max").whole(0, most, findings).unwrap_or(or.failures_max),
        consecutive_failures_max: block.get("consecutive_failures_max").whole(0, most, findings),
        inconclusive_max: block
            .get("inconclusive_max")
            .whole(0, most, findings)
            .unwrap_or(or.inconclusive_max),
    }
}
