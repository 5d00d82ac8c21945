//! Which protocol a client proposes for a connection, and the answer to that.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::websocket;
use crate::kube::status::{ApiError, ApiResult};

const SPDY: &str = "SPDY/3.1";
const WEBSOCKET: &str = "websocket";
const SPDY_PROTOCOL: HeaderName = HeaderName::from_static("x-stream-protocol-version");

const STREAMS_OF_COMMANDS: &str = "v4.channel.k8s.io";
const STREAMS_OF_PORTS: &str = "portforward.k8s.io";
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";
/// Channels, by whether a client may close one.
const CHANNELS: [(&str, bool); 2] = [("v5.channel.k8s.io", true), ("v4.channel.k8s.io", false)];

/// How both sides talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The streams of SPDY.
    Streams { protocol: &'static str },
    /// The same within a WebSocket.
    Tunnel,
    /// The channels of a WebSocket.
    Channels { protocol: &'static str, closable: bool },
}

/// The way of talking that a client proposes and the server knows: for ports, or else for commands.
///
/// # Errors
///
/// 400 for a request that proposes no connection, 403 for one that proposes unknown protocols.
pub(super) fn way(headers: &HeaderMap, ports: bool) -> ApiResult<Way> {
    let upgrade = headers.get(header::UPGRADE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if upgrade.eq_ignore_ascii_case(SPDY) {
        let protocol = if ports { STREAMS_OF_PORTS } else { STREAMS_OF_COMMANDS };
        let proposed = words(headers, &SPDY_PROTOCOL).any(|own| own == protocol);
        return proposed.then_some(Way::Streams { protocol }).ok_or_else(|| unknown(headers, &SPDY_PROTOCOL));
    }
    if !upgrade.eq_ignore_ascii_case(WEBSOCKET) || !headers.contains_key(header::SEC_WEBSOCKET_KEY) {
        return Err(ApiError::bad_request("Upgrade request required"));
    }
    let known = |own: &str| {
        if ports && own == TUNNEL {
            return Some(Way::Tunnel);
        }
        let found = CHANNELS.iter().find(|(protocol, _)| *protocol == own);
        found.map(|(protocol, closable)| Way::Channels { protocol, closable: *closable })
    };
    words(headers, &header::SEC_WEBSOCKET_PROTOCOL)
        .find_map(known)
        .ok_or_else(|| unknown(headers, &header::SEC_WEBSOCKET_PROTOCOL))
}

fn words<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn unknown(headers: &HeaderMap, name: &HeaderName) -> ApiError {
    let proposed: Vec<&str> = words(headers, name).collect();
    let message = format!("unable to upgrade: unable to negotiate protocol: client supports {proposed:?}");
    ApiError::status(403, "Forbidden", message)
}

/// The answer that agrees.
pub(super) fn agree(way: Way, asked: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    let (upgrade, name, protocol) = match way {
        Way::Streams { protocol } => (SPDY, SPDY_PROTOCOL, protocol),
        Way::Tunnel => (WEBSOCKET, header::SEC_WEBSOCKET_PROTOCOL, TUNNEL),
        Way::Channels { protocol, .. } => (WEBSOCKET, header::SEC_WEBSOCKET_PROTOCOL, protocol),
    };
    headers.insert(header::UPGRADE, HeaderValue::from_static(upgrade));
    headers.insert(name, HeaderValue::from_static(protocol));
    let key = asked.get(header::SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok());
    if let Some(accepted) = key.and_then(|key| HeaderValue::from_str(&websocket::accept(key)).ok()) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accepted);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposals() {
        let check = |upgrade: &str, protocols: &[&str], ports: bool, expect: Result<Way, u16>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::UPGRADE, HeaderValue::from_str(upgrade).unwrap());
            headers.insert(header::SEC_WEBSOCKET_KEY, HeaderValue::from_static("key"));
            for protocol in protocols {
                let value = HeaderValue::from_str(protocol).unwrap();
                headers.append(SPDY_PROTOCOL, value.clone());
                headers.append(header::SEC_WEBSOCKET_PROTOCOL, value);
            }
            let found = way(&headers, ports).map_err(|error| error.code());
            assert_eq!(found, expect, "{upgrade} {protocols:?} {ports}");
        };
        let five = Way::Channels { protocol: "v5.channel.k8s.io", closable: true };
        let four = Way::Channels { protocol: "v4.channel.k8s.io", closable: false };
        let streams = |protocol| Way::Streams { protocol };
        check("websocket", &["v5.channel.k8s.io, v4.channel.k8s.io"], false, Ok(five));
        check("WebSocket", &["v6.channel.k8s.io", "v4.channel.k8s.io"], false, Ok(four));
        check("websocket", &["channel.k8s.io"], false, Err(403));
        check("websocket", &[TUNNEL], false, Err(403));
        check("websocket", &[TUNNEL], true, Ok(Way::Tunnel));
        check("websocket", &["v4.channel.k8s.io"], true, Ok(four));
        check(
            "SPDY/3.1",
            &["v5.channel.k8s.io", "v4.channel.k8s.io"],
            false,
            Ok(streams("v4.channel.k8s.io")),
        );
        check("spdy/3.1", &["portforward.k8s.io"], true, Ok(streams("portforward.k8s.io")));
        check("SPDY/3.1", &["channel.k8s.io"], false, Err(403));
        check("SPDY/3.1", &["v4.channel.k8s.io"], true, Err(403));
        check("h2c", &["v4.channel.k8s.io"], false, Err(400));
    }
}
