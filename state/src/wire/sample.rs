//! A snapshot, a journal and a plan with at least one of everything, secrets included, for the tests of this crate.

use std::collections::BTreeMap;

use meshform_engine::address::{
    Address, Key as InstanceKey, ModuleInstance, ModulePath, Selector, TargetAddress, TargetKind,
};
use meshform_engine::apply::Event;
use meshform_engine::diagnostic::{Diagnostic, SourceId, Sources, Span};
use meshform_engine::plan::{
    Action, Change, FieldChange, OutputChange, Partial, Plan, Restriction, Step, StepOperation, Unreachable,
};
use meshform_engine::policy::{Judgement, Level, Verdict};
use meshform_engine::ports::{Operation, Precondition};
use meshform_engine::state::{Record, RecordStatus, Snapshot};
use meshform_engine::types::Type;
use meshform_engine::value::{Path, PathStep, Value};

use crate::fingerprint::Key;

/// What must never be seen on a disk.
pub(crate) const SECRET: &str = "hunter2-the-secret";

/// A key.
pub(crate) fn key() -> Key {
    Key::from_bytes([42; 32])
}

fn target() -> TargetAddress {
    TargetAddress {
        module: ModuleInstance::ROOT.child("site", Some(InstanceKey::Index(1))),
        key: Some(InstanceKey::Name("eu".into())),
        ..TargetAddress::new(TargetKind::Cluster, "prod")
    }
}

fn web() -> Address {
    Address::new("kube_object", "web")
}

fn motd() -> Address {
    let module = ModuleInstance::ROOT.child("site", Some(InstanceKey::Name("x".into()))).child("inner", None);
    Address::within(module, "host_file", "motd")
        .with_key(InstanceKey::Index(1))
        .with_key(InstanceKey::Name("a\"b\n".into()))
}

fn secret() -> Value {
    Value::string(SECRET).sensitive()
}

fn attributes() -> Value {
    let tenth = "0.1000000000000000055511151231257827".parse::<bigdecimal::BigDecimal>().unwrap();
    Value::object([
        ("exact".into(), Value::number(tenth)),
        ("half".into(), Value::number("0.5".parse::<bigdecimal::BigDecimal>().unwrap())),
        ("labels".into(), Value::map([("app".into(), "web".into())])),
        ("nothing".into(), Value::null()),
        ("password".into(), secret()),
        ("ports".into(), Value::set([Value::number(443), Value::number(80)])),
        ("status".into(), Value::open_object([("$ready".into(), true.into())])),
        ("users".into(), Value::list([Value::object([("token".into(), secret())])]).sensitive()),
    ])
}

fn record(status: RecordStatus) -> Record {
    Record {
        target: Some(target()),
        identity: "apps/Deployment/default/web".into(),
        attributes: attributes(),
        private: serde_json::json!({ "dry_run": "c0ffee", "generation": 3 }),
        depends_on: vec![motd()],
        status,
    }
}

/// A snapshot.
pub(crate) fn snapshot() -> Snapshot {
    let plain = Record {
        target: None,
        private: serde_json::Value::Null,
        depends_on: Vec::new(),
        ..record(RecordStatus::Incomplete)
    };
    Snapshot {
        lineage: "6f1c6b0e-6f0c-4f5e-9d55-0d3a4a4b8f10".into(),
        serial: 7,
        records: BTreeMap::from([(web(), record(RecordStatus::Complete)), (motd(), plain)]),
        targets: BTreeMap::from([(target(), "uid-of-kube-system".into())]),
        outputs: BTreeMap::from([("password".into(), secret()), ("url".into(), "http://localhost".into())]),
    }
}

/// A journal's events, each kind at least once.
pub(crate) fn events() -> Vec<Event> {
    let create = StepOperation::Perform(Operation::Create);
    let record = || record(RecordStatus::Complete);
    let begun =
        |address: Address, operation| Event::Started { at_ms: 2, address, operation, intent: record() };
    vec![
        Event::Began { at_ms: 1, targets: BTreeMap::from([(target(), "uid-of-kube-system".into())]) },
        begun(web(), create),
        Event::Succeeded { at_ms: 3, address: web(), operation: create, record: Some(record()) },
        begun(motd(), StepOperation::Perform(Operation::Update)),
        Event::Failed {
            at_ms: 4,
            address: motd(),
            operation: StepOperation::Perform(Operation::Update),
            error: "the host does not answer".into(),
            record: Some(record()),
        },
        begun(motd(), StepOperation::Perform(Operation::Delete)),
        Event::Succeeded {
            at_ms: 5,
            address: motd(),
            operation: StepOperation::Perform(Operation::Delete),
            record: None,
        },
        begun(web(), StepOperation::Forget),
        Event::Failed {
            at_ms: 6,
            address: web(),
            operation: StepOperation::Forget,
            error: String::new(),
            record: None,
        },
        Event::Ended { at_ms: 7, outputs: Some(BTreeMap::from([("password".into(), secret())])) },
    ]
}

fn field() -> FieldChange {
    let element = PathStep::Element(vec![("name".into(), "web".into())]);
    FieldChange {
        path: Path::attribute("spec").join(element).join(PathStep::Index(0)),
        before: Some(Value::null()),
        after: Some(secret()),
        forces_replace: true,
        owner: Some("kubectl-edit (Update)".into()),
    }
}

fn change(address: Address, action: Action) -> Change {
    Change {
        address,
        kind: "kube_object".into(),
        target: Some(target()),
        identity: Some("apps/Deployment/default/web".into()),
        prior_identity: Some("apps/Deployment/default/old".into()),
        action,
        reason: Some("Its selector cannot be changed.".into()),
        fields: vec![
            field(),
            FieldChange { before: None, after: None, forces_replace: false, owner: None, ..field() },
        ],
        drift: vec![field()],
        planned: Value::object([
            ("password".into(), secret()),
            ("token".into(), Value::unknown(Type::String).sensitive()),
            ("uid".into(), Value::unknown(Type::List(Box::new(Type::Any)))),
        ]),
        desired: Some(attributes()),
        precondition: Precondition::Version("12345".into()),
        prior_precondition: Some(Precondition::Unproven),
        depends_on: vec![motd()],
        timeout_ms: Some(60_000),
        notes: vec!["It restarts its pods.".into()],
        impact: vec!["2 pods are replaced.".into()],
    }
}

/// A plan.
pub(crate) fn plan() -> Plan {
    let mut sources = Sources::default();
    sources.add("main.hcl", "resource \"kube_object\" \"web\" {\n}\n");
    sources.add_in(Some("site"), "site/main.hcl", "module \"inner\" {\n  source = \"./inner\"\n}\n");
    sources.locate(ModulePath::ROOT.child("site"), Ok("site".into()));
    sources.locate(ModulePath::ROOT.child("site").child("inner"), Ok("site/inner".into()));
    let bare = Change {
        target: None,
        identity: None,
        prior_identity: None,
        reason: None,
        fields: Vec::new(),
        drift: Vec::new(),
        desired: None,
        precondition: Precondition::Absent,
        prior_precondition: None,
        timeout_ms: None,
        notes: Vec::new(),
        impact: Vec::new(),
        ..change(motd(), Action::NoOp)
    };
    let step = |address, operation, after| Step { address, operation, after };
    Plan {
        created_ms: 1_795_494_868_123,
        destroy: false,
        partial: Some(Partial {
            restriction: Some(Restriction::Except(vec![Selector::Instance(motd())])),
            unreachable: vec![Unreachable {
                target: target(),
                summary: "Host unreachable".into(),
                detail: "It does not answer.".into(),
                instances: vec![motd()],
                dependants: vec![web()],
            }],
            left_out: vec![motd()],
        }),
        refresh_only: true,
        unseen: vec![motd()],
        folder: "examples/quickstart".into(),
        workspace: "default".into(),
        sources,
        variables: BTreeMap::from([("password".into(), secret()), ("replicas".into(), Value::number(2))]),
        lineage: "6f1c6b0e-6f0c-4f5e-9d55-0d3a4a4b8f10".into(),
        serial: 7,
        targets: BTreeMap::from([(target(), "uid-of-kube-system".into())]),
        data: BTreeMap::from([(Address::look_up(ModuleInstance::ROOT, "kube_object", "key"), secret())]),
        changes: vec![change(web(), Action::ReplaceCreateFirst), bare],
        steps: vec![
            step(web(), StepOperation::Perform(Operation::Create), vec![]),
            step(web(), StepOperation::Perform(Operation::Delete), vec![0]),
            step(web(), StepOperation::Read, vec![]),
        ],
        outputs: BTreeMap::from([("password".into(), OutputChange { before: None, after: Some(secret()) })]),
        warnings: vec![
            Diagnostic::warning("Unused variable", "Nothing refers to it.")
                .at(Span { source: SourceId(0), range: 0..8 }),
        ],
        policies: policies(),
    }
}

fn policies() -> Vec<Judgement> {
    let judgement = |name: &str, level, verdict, findings| Judgement {
        policy: format!("policy.{name}"),
        description: None,
        level,
        verdict,
        findings,
    };
    let finding = Diagnostic::warning("Policy does not hold", "Few replicas. (policy.replicas)");
    let description = Some("Nothing goes away.".to_owned());
    vec![
        Judgement { description, ..judgement("keep", Level::Mandatory, Verdict::Holds, vec![]) },
        judgement("replicas", Level::Advisory, Verdict::Fails, vec![finding]),
        judgement("owner", Level::Advisory, Verdict::Unknown, vec![]),
    ]
}
