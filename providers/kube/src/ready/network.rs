//! Rules for what leads requests: Services, and the Gateway API's objects.

use serde_json::Value as Json;

use super::{Condition, Readiness, condition, condition_of, count, text, waiting};

/// A Service: of a load balancer it has the address.
pub(super) fn service(object: &Json) -> Readiness {
    let has_some = |pointer: &str| {
        object.pointer(pointer).and_then(Json::as_array).is_some_and(|elements| !elements.is_empty())
    };
    let needs_address = text(object, "/spec/type") == "LoadBalancer";
    if needs_address && !has_some("/status/loadBalancer/ingress") && !has_some("/spec/externalIPs") {
        return waiting("its load balancer has no address yet");
    }
    Readiness::Ready
}

/// A class of gateways: a controller has taken it.
pub(super) fn gateway_class(object: &Json) -> Readiness {
    match condition(object, "Accepted") {
        Some(accepted) => holds("accepted", &accepted),
        None => waiting("no controller has accepted it yet"),
    }
}

/// A gateway: accepted, and programmed into what serves it.
pub(super) fn gateway(object: &Json) -> Readiness {
    let Some(accepted) = condition(object, "Accepted") else {
        return waiting("no controller has accepted it yet");
    };
    match (holds("accepted", &accepted), condition(object, "Programmed")) {
        (Readiness::Ready, Some(programmed)) => holds("programmed", &programmed),
        (Readiness::Ready, None) => waiting("it is not programmed yet"),
        (not_accepted, _) => not_accepted,
    }
}

/// A route: each gateway that it names has accepted it and found all that it leads to.
///
/// Controllers write under `status.parents`, each about its own gateways; which of them will do so is told by nothing but `parentRefs`.
pub(super) fn route(object: &Json) -> Readiness {
    let list = |pointer: &str| object.pointer(pointer).and_then(Json::as_array).into_iter().flatten();
    let generation = count(object, "/metadata/generation");
    for named in list("/spec/parentRefs") {
        let name = text(named, "/name");
        let answers = list("/status/parents").filter(|parent| is_about(parent, named));
        let conditions: Vec<_> = answers.filter_map(|parent| parent.get("conditions")).collect();
        for (word, kind) in [("accepted", "Accepted"), ("resolved", "ResolvedRefs")] {
            let said = conditions.iter().find_map(|all| condition_of(all, kind, generation));
            match said.map(|said| holds(word, &said)) {
                Some(Readiness::Ready) => {}
                Some(Readiness::Waiting(why)) => return waiting(format!("{why} (by {name})")),
                Some(Readiness::Failed(why)) => return Readiness::Failed(format!("{why} (by {name})")),
                None => return waiting(format!("{name} has not answered yet")),
            }
        }
    }
    Readiness::Ready
}

/// Whether an entry of a status is about the parent that the specification names.
fn is_about(parent: &Json, named: &Json) -> bool {
    let same = |field: &str| {
        let of = |reference: &Json| reference.get(field).filter(|value| !value.is_null()).cloned();
        of(named).is_none_or(|wanted| parent.get("parentRef").and_then(of) == Some(wanted))
    };
    ["group", "kind", "namespace", "name", "sectionName", "port"].into_iter().all(same)
}

fn holds(word: &str, condition: &Condition<'_>) -> Readiness {
    match condition.is_true() {
        true => Readiness::Ready,
        false => waiting(format!("it is not {word}: {}", condition.why())),
    }
}
