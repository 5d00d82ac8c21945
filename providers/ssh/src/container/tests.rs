use meshform_engine::ports::Observation;
use meshform_engine::value::{Fingerprinter, Value};
use serde_json::json;

use super::*;

struct Plain;

impl Fingerprinter for Plain {
    fn fingerprint(&self, value: &Value) -> String {
        format!("{:?}", value.unmarked())
    }
}

fn wanted(over: &[(&str, Value)]) -> Value {
    let defaults = attributes().into_iter().filter_map(|attribute| match attribute.presence {
        meshform_engine::schema::Presence::Default(value) => Some((attribute.name.to_owned(), value)),
        _ => None,
    });
    let own = [("name".to_owned(), "web".into()), ("image".to_owned(), "tiny:1".into())];
    let over = over.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Value::object(defaults.chain(own).chain(over))
}

/// What is there when all is as these settings want it, but for what is set over it.
fn there(wanted: &Value, image: &str, over: &[(&'static str, Value)], hash: Option<String>) -> Observation {
    let attributes = crate::attributes::with(wanted, over.iter().cloned());
    let detail = json!({
        "hash": hash, "networks": ["bridge", "back"], "has_left": false,
        "asked": "tiny:1", "image": image, "wanted_image": "id1",
    });
    Observation { attributes, version: String::new(), detail }
}

fn check(desired: &Value, there: &Observation, expect: &str) {
    let changes = Container.changes(desired, there, &Plain);
    let show = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).unwrap_or("…").to_owned();
    let found: Vec<_> = changes
        .iter()
        .map(|field| format!("{}: {} -> {}", field.path, show(&field.before), show(&field.after)))
        .collect();
    assert_eq!(found.join("; "), expect);
}

#[test]
fn settings_are_compared_as_they_are_meant() {
    let list = |texts: &[&str]| Value::list(texts.iter().map(|text| Value::from(*text)));
    let plain = wanted(&[]);
    let hash = || Wanted::of(&plain).map(|wanted| wanted.hash());
    check(&plain, &there(&plain, "id1", &[], hash()), "");
    check(&plain, &there(&plain, "id1", &[], None), "");
    check(
        &plain,
        &there(&plain, "id1", &[], Some("other".into())),
        "name: web made by other settings -> web",
    );
    check(&plain, &there(&plain, "id2", &[], hash()), "image: tiny:1 (another build) -> tiny:1");
    check(&plain, &there(&plain, "id2", &[("image", "tiny:0".into())], hash()), "image: tiny:0 -> tiny:1");
    check(
        &plain,
        &there(&plain, "id1", &[("state", "restarting".into())], hash()),
        "state: restarting -> running",
    );
    check(
        &plain,
        &there(&plain, "id1", &[("labels", Value::map([("a".into(), "b".into())]))], hash()),
        "labels: … -> …",
    );
    let ports =
        wanted(&[("ports", list(&["0.0.0.0:80:80", "53:53/udp"])), ("volumes", list(&["/srv/:/data:z,ro"]))]);
    let over = [("ports", list(&["53:53/udp", "80:80/tcp"])), ("volumes", list(&["/srv:/data:ro"]))];
    check(&ports, &there(&ports, "id1", &over, None), "");
    check(
        &ports,
        &there(&ports, "id1", &[over[0].clone(), ("volumes", list(&["/srv:/data"]))], None),
        "volumes: … -> …",
    );
    let network = wanted(&[("network", "back".into())]);
    check(&network, &there(&network, "id1", &[], None), "");
    let other = wanted(&[("network", "front".into())]);
    check(&other, &there(&other, "id1", &[("network", "bridge".into())], None), "network: bridge -> front");
}

#[test]
fn settings_are_checked() {
    let check = |over: (&str, Value), expect: &str| {
        let found = crate::check::check("host_container", &wanted(&[over]));
        let found: Vec<_> = found.iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(found.join(" "), expect);
    };
    let list = |text: &str| Value::list([text.into()]);
    check(("name", "web.1_a-b".into()), "");
    for name in ["-web", "w", "a b", "web-meshform-old", ""] {
        check(("name", name.into()), "name");
    }
    check(("image", "--privileged".into()), "image");
    check(("ports", list("80")), "ports");
    check(("volumes", list("data")), "volumes");
    check(("restart", "on-failure:3".into()), "");
    check(("restart", "on-failure:x".into()), "restart");
    check(("engine", "runc".into()), "engine");
    check(("environment", Value::map([("A".into(), "x\ny".into())])), "environment.A");
    check(("labels", Value::map([("a".into(), Value::string("x").sensitive())])), "labels");
}
