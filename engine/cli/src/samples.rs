//! Plans for tests, made by hand.

use std::collections::BTreeMap;

use meshform_engine::address::{Address, TargetAddress, TargetKind};
use meshform_engine::plan::{Action, Change, FieldChange, Partial, Plan, Unreachable};
use meshform_engine::ports::Precondition;
use meshform_engine::value::{Path, PathStep, Value, from_json};
use serde_json::{Value as Json, json};

/// A plan of these changes.
pub(crate) fn plan(changes: Vec<Change>) -> Plan {
    Plan {
        created_ms: 0,
        destroy: false,
        partial: None,
        refresh_only: false,
        unseen: Vec::new(),
        folder: ".".into(),
        workspace: "default".into(),
        sources: Default::default(),
        variables: BTreeMap::new(),
        lineage: String::new(),
        serial: 0,
        targets: BTreeMap::new(),
        data: BTreeMap::new(),
        changes,
        steps: Vec::new(),
        outputs: BTreeMap::new(),
        warnings: Vec::new(),
        policies: Vec::new(),
    }
}

/// The same plan, made while a host did not answer on which one instance is and that another one needs.
pub(crate) fn out_of_reach(plan: Plan) -> Plan {
    let (there, behind) = (Address::new("host_file", "motd"), Address::new("value", "greeting"));
    let lost = Unreachable {
        target: TargetAddress::new(TargetKind::Host, "web"),
        summary: "Host unreachable".into(),
        detail: "web.example (port 22) did not answer as an SSH server. ssh says: Connection refused".into(),
        instances: vec![there.clone()],
        dependants: vec![behind.clone()],
    };
    let partial = Partial { restriction: None, unreachable: vec![lost], left_out: vec![there, behind] };
    Plan { partial: Some(partial), ..plan }
}

/// A change whose instance has these wanted attributes.
pub(crate) fn change(action: Action, address: Address, identity: &str, wanted: Option<Value>) -> Change {
    Change {
        kind: address.kind.clone(),
        target: (identity != address.to_string()).then(|| TargetAddress::new(TargetKind::Cluster, "prod")),
        address,
        identity: Some(identity.to_owned()),
        prior_identity: None,
        action,
        reason: None,
        fields: Vec::new(),
        drift: Vec::new(),
        planned: wanted.clone().unwrap_or_else(Value::null),
        desired: wanted,
        precondition: Precondition::Absent,
        prior_precondition: None,
        depends_on: Vec::new(),
        timeout_ms: None,
        notes: Vec::new(),
        impact: Vec::new(),
    }
}

/// The manifest of a Deployment.
pub(crate) fn deployment(name: &str, replicas: u32, image: &str) -> Json {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "shop", "name": name},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "web", "image": image}]}}},
    })
}

/// A change of a Deployment on `cluster.prod`.
pub(crate) fn object(action: Action, name: &str, manifest: Json) -> Change {
    let wanted = Value::object([("manifest".into(), from_json(&manifest)), ("wait".into(), Value::null())]);
    let identity = format!("apps/v1/Deployment/shop/{name}");
    change(action, Address::new("kube_object", name), &identity, Some(wanted))
}

/// A change of a `value`.
pub(crate) fn value(action: Action, name: &str, input: Value) -> Change {
    let address = Address::new("value", name);
    let identity = address.to_string();
    change(action, address, &identity, Some(Value::object([("input".into(), input)])))
}

/// A change of one field.
pub(crate) fn field(path: &[&str], before: Json, after: Json) -> FieldChange {
    let steps = path.iter().map(|name| PathStep::Attribute((*name).into())).collect();
    FieldChange {
        path: Path(steps),
        before: Some(from_json(&before)),
        after: Some(from_json(&after)),
        forces_replace: false,
        owner: None,
    }
}
