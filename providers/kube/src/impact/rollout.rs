//! Pods that are replaced or end.

use meshform_engine::ports::Impact;
use serde_json::Value as Json;

use super::{Around, Deed, count, counted, replicas, selects, text};

pub(super) fn impact(deed: &Deed, around: &Around) -> Impact {
    if !deed.is_workload() {
        return Impact::new();
    }
    let running = running(&deed.before);
    if deed.removes() {
        let end = match deed.replaced {
            true => format!("{} and is made anew only then.", ends(running)),
            false => format!("{}.", ends(running)),
        };
        return if running == 0 { Impact::new() } else { vec![end] };
    }
    let mut impact = Impact::new();
    if deed.rolls() && running > 0 {
        let (pace, unavailable) = pace(deed, running);
        impact.push(format!("{}.", pace));
        impact.extend(unavailable.and_then(|unavailable| beyond_budget(deed, around, unavailable)));
    }
    if deed.fewer() > 0 {
        impact.push(format!("{} of {} end.", deed.fewer(), counted(replicas(&deed.before), "pod")));
    }
    impact
}

fn ends(running: u64) -> String {
    if running == 1 { "Its pod ends".to_owned() } else { format!("Its {running} pods end") }
}

/// How many pods there are of a workload.
fn running(object: &Json) -> u64 {
    match text(object, "/kind") {
        "DaemonSet" => count(object, "/status/currentNumberScheduled"),
        _ => count(object, "/status/replicas"),
    }
}

/// How its pods are replaced, and how many of them may be missing meanwhile.
fn pace(deed: &Deed, running: u64) -> (String, Option<u64>) {
    let after = &deed.after;
    let strategy = match text(after, "/kind") {
        "Deployment" => "/spec/strategy",
        _ => "/spec/updateStrategy",
    };
    let kind = text(after, &format!("{strategy}/type"));
    let parameter = |name: &str| after.pointer(&format!("{strategy}/rollingUpdate/{name}"));
    let pods = counted(running, "pod");
    let verb = if running == 1 { "is" } else { "are" };
    if after.pointer("/spec/paused").and_then(Json::as_bool) == Some(true) {
        return (format!("It is paused: its {pods} {verb} replaced when it goes on"), None);
    }
    match (text(after, "/kind"), kind) {
        (_, "Recreate") => (
            format!("Its {pods} {} before new ones start", if running == 1 { "ends" } else { "end" }),
            Some(running),
        ),
        (_, "OnDelete") => (format!("Its {pods} stay as they are until someone deletes them"), None),
        ("StatefulSet", _) => {
            let partition = parameter("partition").and_then(Json::as_u64).unwrap_or(0);
            let replaced = running.saturating_sub(partition);
            let at_once = share(parameter("maxUnavailable"), running, false).unwrap_or(1).max(1);
            (format!("{} replaced, {at_once} at a time", are(replaced)), Some(at_once))
        }
        ("DaemonSet", _) => {
            let surge = share(parameter("maxSurge"), running, true).unwrap_or(0);
            let missing = share(parameter("maxUnavailable"), running, true).unwrap_or(1);
            (
                format!("{} replaced, at most {} at a time", are(running), missing.max(surge).max(1)),
                Some(missing),
            )
        }
        _ => {
            let surge = share(parameter("maxSurge"), replicas(after), true).unwrap_or(1);
            let missing = share(parameter("maxUnavailable"), replicas(after), false).unwrap_or(0);
            // Kubernetes takes both at nothing for one that may be missing.
            let missing = if surge == 0 { missing.max(1) } else { missing };
            let pace = format!("at most {missing} missing and {surge} more at a time");
            (format!("{} replaced, {pace}", are(running)), Some(missing))
        }
    }
}

fn are(count: u64) -> String {
    format!("{} {}", counted(count, "pod"), if count == 1 { "is" } else { "are" })
}

/// A number, or a percentage of a whole; `maxSurge` is rounded up, `maxUnavailable` down.
fn share(value: Option<&Json>, whole: u64, is_rounded_up: bool) -> Option<u64> {
    let value = value?;
    if let Some(number) = value.as_u64() {
        return Some(number);
    }
    let percent: u64 = value.as_str()?.strip_suffix('%')?.parse().ok()?;
    let parts = percent.saturating_mul(whole);
    Some(if is_rounded_up { parts.div_ceil(100) } else { parts / 100 })
}

/// A rollout does not ask the budgets of its pods, but what it takes away counts against them.
fn beyond_budget(deed: &Deed, around: &Around, unavailable: u64) -> Option<String> {
    let labels = deed.after.pointer("/spec/template/metadata/labels")?;
    let budgets = around.budgets.get(&deed.name.namespace).into_iter().flatten();
    let tight: Vec<_> = budgets
        .filter(|budget| budget.pointer("/spec/selector").is_some_and(|selector| selects(selector, labels)))
        .filter(|budget| count(budget, "/status/disruptionsAllowed") <= unavailable)
        .map(|budget| {
            format!(
                "{} (allows {} now)",
                text(budget, "/metadata/name"),
                count(budget, "/status/disruptionsAllowed")
            )
        })
        .collect();
    (!tight.is_empty()).then(|| {
        format!(
            "That uses up PodDisruptionBudget {}: evictions, as by a drain, wait until it is over. The rollout itself does not ask it.",
            tight.join(" and ")
        )
    })
}
