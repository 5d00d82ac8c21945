//! Addresses, ranges of addresses and URLs.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::text::key;
use crate::cel::evaluate::{Failure, Outcome};
use crate::cel::network::{Cidr, address_of};
use crate::cel::url::Url;
use crate::cel::value::{Key, Value};

pub(super) fn call(name: &str, arguments: &[Value]) -> Option<Outcome> {
    Some(match (name, arguments) {
        ("isIP", [Value::Text(text)]) => Ok(Value::Bool(address_of(text).is_some())),
        ("ip", [Value::Text(text)]) => address(text).map(Value::Ip),
        ("ip.isCanonical", [Value::Text(text)]) => {
            address(text).map(|address| Value::Bool(address.to_string() == **text))
        }
        ("isCIDR", [Value::Text(text)]) => Ok(Value::Bool(Cidr::parse(text).is_some())),
        ("cidr", [Value::Text(text)]) => range(text).map(Value::Cidr),
        ("isURL", [Value::Text(text)]) => Ok(Value::Bool(Url::parse(text).is_some())),
        ("url", [Value::Text(text)]) => {
            let url = Url::parse(text).map(|url| Value::Url(Arc::new(url)));
            url.ok_or_else(|| {
                Failure::new(format!(
                    "URL parse error during conversion from string: parse {text:?}: invalid URI for request"
                ))
            })
        }
        (_, [Value::Ip(address)]) => return of_address(name, *address),
        (_, [Value::Cidr(range), rest @ ..]) => return of_range(name, *range, rest),
        (_, [Value::Url(url)]) => return of_url(name, url),
        _ => return None,
    })
}

fn address(text: &str) -> Result<IpAddr, Failure> {
    address_of(text)
        .ok_or_else(|| Failure::new(format!("IP Address {text:?} parse error during conversion from string")))
}

fn range(text: &str) -> Result<Cidr, Failure> {
    Cidr::parse(text).ok_or_else(|| Failure::new("network address parse error during conversion from string"))
}

fn of_address(name: &str, address: IpAddr) -> Option<Outcome> {
    let v4 = match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    };
    let v6 = match address {
        IpAddr::V6(address) => Some(address),
        IpAddr::V4(_) => None,
    };
    let is_link_local = v4.is_some_and(|address| address.is_link_local())
        || v6.is_some_and(|address| address.is_unicast_link_local());
    let truth = match name {
        "family" => return Some(Ok(Value::Int(if address.is_ipv4() { 4 } else { 6 }))),
        "isUnspecified" => address.is_unspecified(),
        "isLoopback" => address.is_loopback(),
        "isLinkLocalMulticast" => {
            v4.is_some_and(|address| address.octets().starts_with(&[224, 0, 0]))
                || v6.is_some_and(|address| {
                    address.segments().first().is_some_and(|first| first & 0xff0f == 0xff02)
                })
        }
        "isLinkLocalUnicast" => is_link_local,
        "isGlobalUnicast" => {
            let broadcast = v4.is_some_and(|address| address.is_broadcast());
            !(address.is_unspecified()
                || address.is_loopback()
                || address.is_multicast()
                || is_link_local
                || broadcast)
        }
        _ => return None,
    };
    Some(Ok(Value::Bool(truth)))
}

fn of_range(name: &str, own: Cidr, rest: &[Value]) -> Option<Outcome> {
    Some(match (name, rest) {
        ("containsIP", [Value::Ip(address)]) => Ok(Value::Bool(own.contains(*address))),
        ("containsIP", [Value::Text(text)]) => {
            address(text).map(|address| Value::Bool(own.contains(address)))
        }
        ("containsCIDR", [Value::Cidr(other)]) => Ok(Value::Bool(own.contains_range(*other))),
        ("containsCIDR", [Value::Text(text)]) => {
            range(text).map(|other| Value::Bool(own.contains_range(other)))
        }
        ("ip", []) => Ok(Value::Ip(own.address)),
        ("masked", []) => Ok(Value::Cidr(own.masked())),
        ("prefixLength", []) => Ok(Value::Int(i64::from(own.length))),
        _ => return None,
    })
}

fn of_url(name: &str, url: &Url) -> Option<Outcome> {
    let text = match name {
        "getScheme" => url.scheme.as_str(),
        "getHost" => url.host.as_str(),
        "getHostname" => url.host_name(),
        "getPort" => url.port(),
        "getEscapedPath" => url.path.as_str(),
        "getQuery" => {
            let mut query: BTreeMap<Key, Vec<Value>> = BTreeMap::new();
            for (name, value) in &url.query {
                query.entry(key(name)).or_default().push(Value::text(value));
            }
            let query = query.into_iter().map(|(name, values)| (name, Value::list(values)));
            return Some(Ok(Value::Map(Arc::new(query.collect()))));
        }
        _ => return None,
    };
    Some(Ok(Value::text(text)))
}
