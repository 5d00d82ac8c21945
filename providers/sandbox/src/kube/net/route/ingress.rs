//! Ingresses: hosts and paths, and what the annotations of nginx, ACK and ALB make of them.

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::canary::{self, Canary};
use super::matching::{by_age, host_rank_of_one_label, is_below};
use super::{Asked, Backend, Edits, Forward, Port, Share, Target, Verdict, ack, alb};
use crate::kube::object::{self, integer, list, text};

const NGINX: &str = "nginx.ingress.kubernetes.io";
const NOT_FOUND: &str = "default backend - 404\n";

/// Whose annotations count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// ingress-nginx, with what ACK's edition of it adds.
    Nginx,
    Alb,
}

impl Flavour {
    /// That of a class, by its controller or, where there is none, by its name.
    pub(crate) fn of_class(class: &str, controller: &str) -> Self {
        let is_alb = controller.contains("/alb") || (controller.is_empty() && class.contains("alb"));
        if is_alb { Self::Alb } else { Self::Nginx }
    }

    /// What the names of its annotations begin with.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Nginx => NGINX,
            Self::Alb => "alb.ingress.kubernetes.io",
        }
    }
}

/// The value of an annotation; empty if there is none.
pub(super) fn annotation<'o>(ingress: &'o Value, prefix: &str, name: &str) -> &'o str {
    let annotations = object::map(ingress, "/metadata/annotations");
    annotations.get(&format!("{prefix}/{name}")).and_then(Value::as_str).unwrap_or_default()
}

/// One path of a rule.
#[derive(Clone)]
struct Location<'o> {
    ingress: &'o Value,
    host: &'o str,
    path: &'o str,
    kind: &'o str,
    /// More than one if the Ingress names the path several times.
    backends: Vec<&'o Value>,
}

/// What becomes of a request to the ingress controller of `flavour` that serves `ingresses`.
pub(crate) fn decide(asked: Asked<'_>, ingresses: &[&Value], flavour: Flavour) -> Verdict {
    let mut ingresses = ingresses.to_vec();
    ingresses.sort_by(|left, right| by_age(left, right));
    let (canaries, mains): (Vec<&Value>, Vec<&Value>) =
        ingresses.into_iter().partition(|ingress| is_canary(ingress, flavour));
    match best(asked, &mains, flavour) {
        Some(location) => serve(asked, &location, &canaries, flavour),
        None => {
            match mains.iter().find_map(|ingress| Some((ingress, ingress.pointer("/spec/defaultBackend")?))) {
                Some((ingress, default)) => {
                    let location =
                        Location { ingress, host: "", path: "/", kind: "Prefix", backends: vec![default] };
                    serve(asked, &location, &[], flavour)
                }
                None => Verdict::answer(404, NOT_FOUND),
            }
        }
    }
}

fn is_canary(ingress: &Value, flavour: Flavour) -> bool {
    annotation(ingress, flavour.prefix(), "canary") == "true"
}

fn locations(ingress: &Value) -> Vec<Location<'_>> {
    let mut all: Vec<Location<'_>> = Vec::new();
    for rule in list(ingress, "/spec/rules") {
        for path in list(rule, "/http/paths") {
            let Some(backend) = path.get("backend") else { continue };
            let found = Location {
                ingress,
                host: text(rule, "/host"),
                path: text(path, "/path"),
                kind: text(path, "/pathType"),
                backends: vec![backend],
            };
            match all.iter_mut().find(|known| known.is_same_place(&found)) {
                Some(known) => known.backends.push(backend),
                None => all.push(found),
            }
        }
    }
    all
}

/// The most specific location that matches; of several, the oldest Ingress's.
fn best<'o>(asked: Asked<'_>, mains: &[&'o Value], flavour: Flavour) -> Option<Location<'o>> {
    let host = asked.host();
    let mut chosen = None;
    for location in mains.iter().flat_map(|ingress| locations(ingress)) {
        if flavour == Flavour::Alb && !location.conditions_hold(asked) {
            continue;
        }
        let Some(rank) = location.rank(&host, asked.path()) else { continue };
        if chosen.as_ref().is_none_or(|(known, _)| rank > *known) {
            chosen = Some((rank, location));
        }
    }
    chosen.map(|(_, location)| location)
}

type Rank = ((u8, usize), bool, bool, usize, i64);

impl Location<'_> {
    fn is_same_place(&self, other: &Location<'_>) -> bool {
        (self.host, self.path, self.kind) == (other.host, other.path, other.kind)
    }

    /// How well it matches: by host, exactness, ALB's conditions, length, and ALB's order.
    fn rank(&self, host: &str, path: &str) -> Option<Rank> {
        let host = host_rank_of_one_label(self.host, host)?;
        let conditional = self.backends.iter().any(|backend| alb::has_conditions(self.ingress, backend));
        let order = annotation(self.ingress, Flavour::Alb.prefix(), "order").parse().unwrap_or(10_i64);
        let exact = self.kind == "Exact";
        self.matches(path).then_some((host, exact, conditional, self.path.len(), -order))
    }

    fn matches(&self, path: &str) -> bool {
        if let Some(expression) = self.expression() {
            return expression.is_match(path);
        }
        match self.kind {
            "Exact" => path == self.path,
            "Prefix" => is_below(self.path, path),
            _ => path.starts_with(self.path.trim_end_matches('*')),
        }
    }

    /// nginx takes paths for regular expressions if told to, or if the rewrite refers to groups.
    fn expression(&self) -> Option<Regex> {
        let regular = annotation(self.ingress, NGINX, "use-regex") == "true"
            || annotation(self.ingress, NGINX, "rewrite-target").contains('$');
        let expression = format!("^{}", self.path);
        regular.then(|| RegexBuilder::new(&expression).case_insensitive(true).build().ok())?
    }

    fn conditions_hold(&self, asked: Asked<'_>) -> bool {
        self.backends.iter().all(|backend| alb::conditions_hold(asked, self.ingress, backend))
    }

    fn edits(&self, asked: Asked<'_>) -> Edits {
        let rewritten = [Flavour::Nginx, Flavour::Alb]
            .map(|flavour| annotation(self.ingress, flavour.prefix(), "rewrite-target"));
        let target = rewritten.into_iter().find(|target| !target.is_empty());
        let path = target.map(|target| match self.expression() {
            Some(expression) => expression.replace(asked.path(), braced(target)).into_owned(),
            None => target.to_owned(),
        });
        let host = annotation(self.ingress, NGINX, "upstream-vhost");
        Edits {
            host: Some(host).filter(|host| !host.is_empty()).map(str::to_owned),
            path: path.map(|path| path + &asked.query_text()),
            ..Edits::default()
        }
    }
}

/// `$1` with its number in braces: letters that follow are no part of a group's name in nginx.
fn braced(target: &str) -> String {
    let mut text = String::new();
    let mut rest = target;
    while let Some((before, after)) = rest.split_once('$') {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let (group, behind) = after.split_at(digits);
        text.push_str(before);
        text.push_str(&format!("${{{group}}}"));
        rest = behind;
    }
    text + rest
}

fn serve(asked: Asked<'_>, location: &Location<'_>, canaries: &[&Value], flavour: Flavour) -> Verdict {
    if flavour == Flavour::Alb
        && let Some(verdict) =
            location.backends.iter().find_map(|own| alb::action(asked, location.ingress, own))
    {
        return verdict;
    }
    let canaries: Vec<Location<'_>> = canaries
        .iter()
        .flat_map(|ingress| locations(ingress))
        .filter(|canary| canary.is_same_place(location))
        .collect();
    let main = match flavour {
        Flavour::Nginx => ack::shares(asked, location.ingress, &location.backends),
        Flavour::Alb => {
            location.backends.first().map(|own| share(location.ingress, own)).into_iter().collect()
        }
    };
    let (shares, required) = match flavour {
        // One canary per rule; the others are ignored.
        Flavour::Nginx => {
            (with_canaries(asked, main.clone(), canaries.get(..1).unwrap_or_default(), flavour), main.first())
        }
        Flavour::Alb => (with_canaries(asked, main, &canaries, flavour), None),
    };
    let (namespace, name) = (object::namespace(location.ingress), object::name(location.ingress));
    let required = required.filter(|_| !canaries.is_empty()).and_then(|share| match &share.target {
        Target::Backend(backend) => Some(backend.clone()),
        Target::Broken(_) => None,
    });
    Verdict::Forward(Box::new(Forward {
        rule: format!("ingress/{namespace}/{name}/{}{}", location.host, location.path),
        shares,
        edits: location.edits(asked),
        required,
        ..Forward::default()
    }))
}

/// Gives canaries what they take: all that their headers and cookies ask for, then their weights.
fn with_canaries(
    asked: Asked<'_>,
    main: Vec<Share>,
    canaries: &[Location<'_>],
    flavour: Flavour,
) -> Vec<Share> {
    let mut weighed: Vec<(u32, u32, Share)> = Vec::new();
    for canary in canaries {
        let Some(backend) = canary.backends.first() else { continue };
        let share = share(canary.ingress, backend);
        match canary::of(asked, canary.ingress, flavour.prefix()) {
            Canary::Everything => return vec![share],
            Canary::Nothing => {}
            Canary::Weight { weight, total } => weighed.push((weight, total, share)),
        }
    }
    let mut shares = main;
    for (weight, total, mut share) in weighed {
        let sum: u32 = shares.iter().map(|share| share.weight).fold(0, u32::saturating_add);
        for own in &mut shares {
            own.weight = own.weight.saturating_mul(total - weight);
        }
        share.weight = sum.saturating_mul(weight);
        shares.push(share);
    }
    shares
}

/// The backend of a path, with a weight of one.
pub(super) fn share(ingress: &Value, backend: &Value) -> Share {
    let Some(service) = backend.get("service") else {
        return Share { weight: 1, target: Target::Broken(503), edits: Edits::default() };
    };
    let port = match (integer(service, "/port/number"), text(service, "/port/name")) {
        (Some(number), _) => u16::try_from(number).map_or(Port::Only, Port::Number),
        (None, "") => Port::Only,
        (None, name) => Port::Name(name.to_owned()),
    };
    let backend = Backend {
        namespace: object::namespace(ingress).to_owned(),
        service: text(service, "/name").to_owned(),
        port,
        labels: serde_json::Map::new(),
    };
    Share::new(1, backend)
}

/// The class that an Ingress names, in either of the two ways; empty if it names none.
pub(crate) fn class(ingress: &Value) -> &str {
    match text(ingress, "/spec/ingressClassName") {
        "" => text(ingress, "/metadata/annotations/kubernetes.io~1ingress.class"),
        class => class,
    }
}

#[cfg(test)]
mod tests;
