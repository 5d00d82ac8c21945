//! What ALB's annotations add: actions in place of a backend, and conditions beyond host and path.
//!
//! A backend whose port is called `use-annotation` names an action: `alb.ingress.kubernetes.io/actions.NAME`, a list in
//! JSON. `alb.ingress.kubernetes.io/conditions.NAME` is a list of conditions that must all hold.

use serde_json::Value;

use super::ingress::{Flavour, annotation};
use super::matching::is_below;
use super::{Asked, Backend, Canned, Forward, Port, Share, Verdict};
use crate::kube::object::{self, integer, list, text};

/// What the action of a backend comes to; nothing if it names none.
pub(super) fn action(asked: Asked<'_>, ingress: &Value, backend: &Value) -> Option<Verdict> {
    if text(backend, "/service/port/name") != "use-annotation" {
        return None;
    }
    let name = text(backend, "/service/name");
    let actions = parsed(ingress, &format!("actions.{name}"));
    actions.iter().find_map(|action| match text(action, "/type") {
        "ForwardGroup" => Some(forward(ingress, name, action)),
        "FixedResponse" => Some(fixed(action)),
        "Redirect" => Some(redirect(asked, action)),
        _ => None,
    })
}

fn forward(ingress: &Value, name: &str, action: &Value) -> Verdict {
    let namespace = object::namespace(ingress);
    let groups = list(action, "/ForwardConfig/ServerGroups").iter().map(|group| {
        let port = integer(group, "/ServicePort").and_then(|port| u16::try_from(port).ok());
        let backend = Backend {
            namespace: namespace.to_owned(),
            service: text(group, "/ServiceName").to_owned(),
            port: port.map_or(Port::Only, Port::Number),
            ..Backend::default()
        };
        let weight = integer(group, "/Weight").and_then(|weight| u32::try_from(weight).ok());
        Share::new(weight.unwrap_or(100), backend)
    });
    Verdict::Forward(Box::new(Forward {
        rule: format!("action/{namespace}/{}/{name}", object::name(ingress)),
        shares: groups.collect(),
        ..Forward::default()
    }))
}

fn status(text: &str, default: u16) -> u16 {
    text.parse().unwrap_or(default)
}

fn fixed(action: &Value) -> Verdict {
    let config = &action["FixedResponseConfig"];
    Verdict::answer(status(text(config, "/httpCode"), 200), text(config, "/content"))
}

fn redirect(asked: Asked<'_>, action: &Value) -> Verdict {
    let config = &action["RedirectConfig"];
    let field = |name: &str, default: &str| match config.get(name).and_then(Value::as_str) {
        None | Some("") => default.to_owned(),
        Some(value) => value.to_owned(),
    };
    let host = field("host", "${host}").replace("${host}", &asked.host());
    let path = field("path", "${path}").replace("${path}", asked.path());
    let query = field("query", "${query}").replace("${query}", asked.query_text().trim_start_matches('?'));
    let query = if query.is_empty() { query } else { format!("?{query}") };
    let location = format!("{}://{host}{path}{query}", field("protocol", "https").to_lowercase());
    Verdict::Answer(Canned {
        status: status(text(config, "/httpCode"), 301),
        location: Some(location),
        body: String::new(),
    })
}

/// Whether a backend is bound to conditions.
pub(super) fn has_conditions(ingress: &Value, backend: &Value) -> bool {
    !conditions(ingress, backend).is_empty()
}

/// Whether all conditions of a backend hold; one of an unknown type does not.
pub(super) fn conditions_hold(asked: Asked<'_>, ingress: &Value, backend: &Value) -> bool {
    conditions(ingress, backend).iter().all(|condition| holds(asked, condition))
}

fn conditions(ingress: &Value, backend: &Value) -> Vec<Value> {
    parsed(ingress, &format!("conditions.{}", text(backend, "/service/name")))
}

fn holds(asked: Asked<'_>, condition: &Value) -> bool {
    let any = |pointer: &str, holds: &dyn Fn(&Value) -> bool| list(condition, pointer).iter().any(holds);
    let is = |value: &Value, found: Option<&str>| found.is_some_and(|found| value.as_str() == Some(found));
    match text(condition, "/type") {
        "Header" => {
            let found = asked.header(text(condition, "/headerConfig/key"));
            any("/headerConfig/values", &|value| is(value, found))
        }
        "Cookie" => any("/cookieConfig/values", &|pair| is(&pair["value"], asked.cookie(text(pair, "/key")))),
        "QueryString" => {
            any("/queryStringConfig/values", &|pair| is(&pair["value"], asked.query(text(pair, "/key"))))
        }
        "Method" => any("/methodConfig/values", &|value| is(value, Some(asked.method()))),
        "Host" => any("/hostConfig/values", &|value| is(value, Some(&asked.host()))),
        "Path" => any("/pathConfig/values", &|value| {
            is_below(value.as_str().unwrap_or_default().trim_end_matches('*'), asked.path())
        }),
        _ => false,
    }
}

fn parsed(ingress: &Value, name: &str) -> Vec<Value> {
    serde_json::from_str(annotation(ingress, Flavour::Alb.prefix(), name)).unwrap_or_default()
}
