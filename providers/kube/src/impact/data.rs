//! Data that is lost, and what goes along with a namespace or a definition.

use meshform_engine::ports::Impact;
use serde_json::Value as Json;

use super::{Around, Deed, counted, replicas, text};

/// So many names are told of what there may be many of.
const NAMES_MAX: usize = 5;

pub(super) fn impact(deed: &Deed, around: &Around) -> Impact {
    let mut impact = Impact::new();
    if deed.is("", "PersistentVolumeClaim") && deed.removes() {
        impact.extend(claim(&deed.before, around));
    }
    if deed.is("", "PersistentVolume") && deed.removes() {
        impact.extend(volume(&deed.before));
    }
    if deed.is("apps", "StatefulSet") {
        impact.extend(claims_of(deed, around));
    }
    if let Some(along) = around.along.get(&deed.name).filter(|along| !along.is_empty()) {
        let total = along.values().sum::<u64>();
        let kinds: Vec<_> = along.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let go = if total == 1 { "goes" } else { "go" };
        impact.push(format!(
            "{} that this plan does not remove {go} along with it: {}.",
            counted(total, "object"),
            kinds.join(", ")
        ));
    }
    if deed.is("", "Namespace") && deed.removes() {
        let claims = around.claims.get(&deed.name.name).into_iter().flatten();
        impact.extend(claims.filter_map(|it| claim(it, around).filter(|_| is_lost(it, around))));
    }
    impact
}

/// What becomes of the data behind a claim.
fn claim(claim: &Json, around: &Around) -> Option<String> {
    let (name, bound) = (text(claim, "/metadata/name"), text(claim, "/spec/volumeName"));
    let Some(volume) = around.volumes.get(bound) else {
        return (!bound.is_empty()).then(|| {
            format!("Whether the data of claim {name} is lost could not be told: its volume {bound} cannot be read.")
        });
    };
    let size = text(volume, "/spec/capacity/storage");
    let (volume_name, size) =
        (text(volume, "/metadata/name"), if size.is_empty() { String::new() } else { format!(" ({size})") });
    Some(match text(volume, "/spec/persistentVolumeReclaimPolicy") {
        "Delete" => {
            format!("The data of claim {name} is lost: its volume {volume_name}{size} is deleted with it.")
        }
        _ => format!(
            "The data of claim {name} stays on its volume {volume_name}{size}, which no other claim gets by itself."
        ),
    })
}

fn is_lost(claim: &Json, around: &Around) -> bool {
    let volume = around.volumes.get(text(claim, "/spec/volumeName"));
    volume.is_some_and(|volume| text(volume, "/spec/persistentVolumeReclaimPolicy") == "Delete")
}

fn volume(volume: &Json) -> Option<String> {
    let claim = volume.pointer("/spec/claimRef").filter(|_| text(volume, "/status/phase") == "Bound")?;
    let claim = format!("{}/{}", text(claim, "/namespace"), text(claim, "/name"));
    Some(match text(volume, "/spec/persistentVolumeReclaimPolicy") {
        "Delete" => format!("It goes, with its data, when claim {claim} does that is bound to it."),
        _ => format!("It stays until claim {claim} is gone that is bound to it; the data itself is kept."),
    })
}

/// The claims that a StatefulSet has made, when pods of it go.
fn claims_of(deed: &Deed, around: &Around) -> Impact {
    let (first, rule) = match (deed.removes(), deed.fewer()) {
        (true, _) => (0, "whenDeleted"),
        (false, 0) => return Impact::new(),
        (false, _) => (replicas(&deed.after), "whenScaled"),
    };
    let names = claim_names(&deed.before, first);
    let claims = around.claims.get(&deed.name.namespace).into_iter().flatten();
    let claims: Vec<_> =
        claims.filter(|claim| names.iter().any(|name| name == text(claim, "/metadata/name"))).collect();
    if claims.is_empty() {
        return Impact::new();
    }
    let policy = format!("/spec/persistentVolumeClaimRetentionPolicy/{rule}");
    let holder = if deed.removes() { &deed.before } else { &deed.after };
    if text(holder, &policy) != "Delete" {
        return vec![format!(
            "{} {}, with the data: {}.",
            counted(claims.len() as u64, "claim"),
            if claims.len() == 1 { "stays" } else { "stay" },
            told(&claims)
        )];
    }
    let lost: Vec<_> = claims.iter().copied().filter(|claim| is_lost(claim, around)).collect();
    let mut impact = vec![format!(
        "{} {} deleted with it: {}.",
        counted(claims.len() as u64, "claim"),
        if claims.len() == 1 { "is" } else { "are" },
        told(&claims)
    )];
    impact
        .extend((!lost.is_empty()).then(|| format!("The data of {} is lost with the volumes.", told(&lost))));
    impact
}

/// The names of the claims of pods from a position on: `TEMPLATE-SET-POSITION`.
fn claim_names(set: &Json, first: u64) -> Vec<String> {
    let templates = set.pointer("/spec/volumeClaimTemplates").and_then(Json::as_array).into_iter().flatten();
    let start = set.pointer("/spec/ordinals/start").and_then(Json::as_u64).unwrap_or(0);
    let name = text(set, "/metadata/name");
    let positions = (start + first)..(start + replicas(set));
    templates
        .flat_map(|template| {
            positions.clone().map(move |at| format!("{}-{name}-{at}", text(template, "/metadata/name")))
        })
        .collect()
}

fn told(claims: &[&Json]) -> String {
    let names: Vec<_> = claims.iter().take(NAMES_MAX).map(|claim| text(claim, "/metadata/name")).collect();
    match claims.len().saturating_sub(NAMES_MAX) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
