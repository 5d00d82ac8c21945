//! Gateway API's HTTPRoutes: the most specific match wins; then the older route, then the earlier rule.

use std::sync::Arc;

use serde_json::{Value, json};

use super::matching::{by_age, host_rank, is_below, matches_whole, replace_prefix};
use super::{Asked, Canned, Edits, Forward, HeaderEdits, Share, Target, Verdict, gateway};
use crate::kube::duration;
use crate::kube::object::{self, integer, list, text};
use crate::kube::store::{Key, Store};

/// What becomes of a request to a port of a Gateway.
pub(crate) fn decide(asked: Asked<'_>, store: &Store, gateway: &Value, port: u16) -> Verdict {
    let host = asked.host();
    let mut routes: Vec<&Arc<Value>> = store.list(gateway::ROUTES, None).collect();
    routes.sort_by(|left, right| by_age(left, right));
    let mut chosen: Option<(Rank, Chosen<'_>)> = None;
    for route in routes {
        let Some(of_host) = host_rank_of(store, route, gateway, port, &host) else { continue };
        for (index, rule) in list(route, "/spec/rules").iter().enumerate() {
            let Some((of_match, found)) = best_match(asked, rule) else { continue };
            let rank = (of_host, of_match);
            if chosen.as_ref().is_none_or(|(known, _)| rank > *known) {
                chosen = Some((rank, Chosen { route, index, rule, found }));
            }
        }
    }
    match chosen {
        Some((_, chosen)) => chosen.verdict(asked, store),
        None => Verdict::answer(404, "no route matches\n"),
    }
}

/// By listener's host and route's host; then by the match.
type Rank = (HostRank, MatchRank);
type HostRank = ((u8, usize), (u8, usize));
/// By the path's kind and length, the method, and how many headers and query parameters.
type MatchRank = (u8, usize, bool, usize, usize);

/// How well the route's hosts match, on the listeners of this port; nothing if they don't.
fn host_rank_of(store: &Store, route: &Value, gateway: &Value, port: u16, host: &str) -> Option<HostRank> {
    let own = Key::of(gateway);
    let references = list(route, "/spec/parentRefs").iter();
    let references = references.filter(|reference| gateway::parent(route, reference).as_ref() == Some(&own));
    let listeners =
        references.filter_map(|reference| gateway::attached(store, route, reference, gateway).ok()).flatten();
    let here = listeners.filter(|listener| integer(listener, "/port") == Some(port.into()));
    let hostnames = list(route, "/spec/hostnames");
    let names: Vec<&str> = hostnames.iter().filter_map(Value::as_str).collect();
    let of_route = match names.as_slice() {
        [] => Some((0, 0)),
        names => names.iter().filter_map(|name| host_rank(name, host)).max(),
    }?;
    let of_listener = here.filter_map(|listener| host_rank(text(listener, "/hostname"), host)).max()?;
    Some((of_listener, of_route))
}

/// The most specific match of a rule that holds.
fn best_match<'r>(asked: Asked<'_>, rule: &'r Value) -> Option<(MatchRank, Option<&'r Value>)> {
    let matches = list(rule, "/matches");
    if matches.is_empty() {
        return Some(((1, 1, false, 0, 0), None));
    }
    matches
        .iter()
        .filter(|found| holds(asked, found))
        .map(|found| (rank(found), Some(found)))
        .max_by_key(|own| own.0)
}

fn rank(found: &Value) -> MatchRank {
    let kind = match path_kind(found) {
        "Exact" => 3,
        "RegularExpression" => 2,
        _ => 1,
    };
    let length = path_value(found).len();
    let count = |pointer: &str| list(found, pointer).len();
    (kind, length, found.get("method").is_some(), count("/headers"), count("/queryParams"))
}

fn path_kind(found: &Value) -> &str {
    found.pointer("/path/type").and_then(Value::as_str).unwrap_or("PathPrefix")
}

fn path_value(found: &Value) -> &str {
    found.pointer("/path/value").and_then(Value::as_str).unwrap_or("/")
}

fn holds(asked: Asked<'_>, found: &Value) -> bool {
    let path = match path_kind(found) {
        "Exact" => asked.path() == path_value(found),
        "RegularExpression" => matches_whole(path_value(found), asked.path()),
        _ => is_below(path_value(found), asked.path()),
    };
    let method = text(found, "/method");
    let value_holds = |wanted: &Value, got: Option<&str>| {
        let value = text(wanted, "/value");
        got.is_some_and(|got| match text(wanted, "/type") {
            "RegularExpression" => matches_whole(value, got),
            _ => got == value,
        })
    };
    let headers = list(found, "/headers");
    let queries = list(found, "/queryParams");
    path && (method.is_empty() || method == asked.method())
        && headers.iter().all(|wanted| value_holds(wanted, asked.header(text(wanted, "/name"))))
        && queries.iter().all(|wanted| value_holds(wanted, asked.query(text(wanted, "/name"))))
}

struct Chosen<'o> {
    route: &'o Value,
    index: usize,
    rule: &'o Value,
    found: Option<&'o Value>,
}

impl Chosen<'_> {
    fn verdict(&self, asked: Asked<'_>, store: &Store) -> Verdict {
        let mut forward = Forward { rule: self.name(), ..Forward::default() };
        for filter in list(self.rule, "/filters") {
            match text(filter, "/type") {
                "RequestRedirect" => return self.redirect(asked, &filter["requestRedirect"]),
                "RequestMirror" => self.mirror(store, &filter["requestMirror"], &mut forward),
                _ => {
                    if !self.edit(asked, filter, &mut forward.edits) {
                        // A filter that cannot be honoured must not be passed over.
                        return Verdict::answer(
                            500,
                            "the route has a filter that the sandbox does not know\n",
                        );
                    }
                }
            }
        }
        let references = list(self.rule, "/backendRefs");
        forward.shares = references.iter().map(|reference| self.share(asked, store, reference)).collect();
        forward.timeout =
            duration::parse(text(self.rule, "/timeouts/request")).filter(|limit| !limit.is_zero());
        if forward.shares.iter().all(|share| share.weight == 0) {
            return Verdict::answer(500, "the rule has no backend with a weight\n");
        }
        Verdict::Forward(Box::new(forward))
    }

    fn name(&self) -> String {
        format!("httproute/{}/{}/{}", object::namespace(self.route), object::name(self.route), self.index)
    }

    fn share(&self, asked: Asked<'_>, store: &Store, reference: &Value) -> Share {
        let weight = integer(reference, "/weight").map_or(1, |weight| u32::try_from(weight).unwrap_or(0));
        let mut edits = Edits::default();
        for filter in list(reference, "/filters") {
            self.edit(asked, filter, &mut edits);
        }
        let target = match gateway::backend(store, self.route, reference) {
            Ok(backend) => Target::Backend(backend),
            Err(_) => Target::Broken(500),
        };
        Share { weight, target, edits }
    }

    /// Notes what a filter changes; whether it is one that is known.
    fn edit(&self, asked: Asked<'_>, filter: &Value, edits: &mut Edits) -> bool {
        match text(filter, "/type") {
            "RequestHeaderModifier" => {
                edits.request.extend(HeaderEdits::of_lists(&filter["requestHeaderModifier"]));
            }
            "ResponseHeaderModifier" => {
                edits.response.extend(HeaderEdits::of_lists(&filter["responseHeaderModifier"]));
            }
            "URLRewrite" => {
                let rewrite = &filter["urlRewrite"];
                edits.host =
                    rewrite.get("hostname").and_then(Value::as_str).map(str::to_owned).or(edits.host.take());
                let path = self.new_path(asked, &rewrite["path"]);
                edits.path = path.map(|path| path + &asked.query_text()).or(edits.path.take());
            }
            _ => return false,
        }
        true
    }

    fn mirror(&self, store: &Store, mirror: &Value, forward: &mut Forward) {
        let of_hundred = integer(mirror, "/percent").and_then(|percent| u32::try_from(percent).ok());
        let fraction = |name: &str| {
            integer(mirror, &format!("/fraction/{name}")).and_then(|part| u32::try_from(part).ok())
        };
        let fraction = fraction("numerator")
            .map(|part| 100.0 * f64::from(part) / f64::from(fraction("denominator").unwrap_or(100).max(1)));
        let percent = of_hundred.map(f64::from).or(fraction).unwrap_or(100.0);
        if let Ok(backend) = gateway::backend(store, self.route, &mirror["backendRef"]) {
            forward.mirrors.push((backend, percent));
        }
    }

    fn new_path(&self, asked: Asked<'_>, path: &Value) -> Option<String> {
        let field = |name: &str| path.get(name).and_then(Value::as_str);
        match text(path, "/type") {
            "ReplaceFullPath" => field("replaceFullPath").map(str::to_owned),
            "ReplacePrefixMatch" => {
                let prefix = self.found.map_or("/", path_value);
                Some(replace_prefix(asked.path(), prefix, field("replacePrefixMatch")?))
            }
            _ => None,
        }
    }

    fn redirect(&self, asked: Asked<'_>, redirect: &Value) -> Verdict {
        let scheme = redirect.get("scheme").and_then(Value::as_str).unwrap_or("http");
        let host =
            redirect.get("hostname").and_then(Value::as_str).map_or_else(|| asked.host(), str::to_owned);
        let default = if scheme == "https" { 443 } else { 80 };
        let port = integer(redirect, "/port").filter(|port| *port != default);
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let path = self.new_path(asked, redirect.get("path").unwrap_or(&json!({})));
        let path = path.unwrap_or_else(|| asked.path().to_owned());
        let status = integer(redirect, "/statusCode").and_then(|status| u16::try_from(status).ok());
        Verdict::Answer(Canned {
            status: status.unwrap_or(302),
            location: Some(format!("{scheme}://{host}{port}{path}{}", asked.query_text())),
            body: String::new(),
        })
    }
}

#[cfg(test)]
mod tests;
