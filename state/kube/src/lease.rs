//! The lock as a Lease: the document in an annotation, and what it says where `kubectl get lease` shows it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use crate::names::{self, MARK, NAME, Part};
use crate::secret::{Writing, annotation};

/// The annotation with the document.
const DOCUMENT: &str = "meshform.dev/document";
/// The same in base64, if it is no text.
const DOCUMENT_BYTES: &str = "meshform.dev/document-base64";
/// What annotations may have together (256 KiB), less what else is there.
const DOCUMENT_MAX: usize = 180 << 10;
/// After how long without a sign of life a lease is dead, unless the document says otherwise.
const DURATION_SECONDS: i64 = 30;

/// The Lease of a document, in the place of the one before.
///
/// # Errors
/// When the document is too large to be a lock's.
pub(crate) fn lease(writing: &Writing<'_>, document: &[u8], before: Option<&Json>) -> Result<Json, String> {
    if document.len() > DOCUMENT_MAX {
        return Err(format!("a lock has at most {DOCUMENT_MAX} bytes"));
    }
    let (key, text) = match str::from_utf8(document) {
        Ok(text) => (DOCUMENT, text.to_owned()),
        Err(_) => (DOCUMENT_BYTES, STANDARD.encode(document)),
    };
    let mut lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {
            "name": writing.object(),
            "labels": names::labels(writing.stack, writing.name, Part::Blob),
            "annotations": { NAME: writing.name, MARK: writing.mark, key: text },
        },
        "spec": spec(document, before),
    });
    if !writing.base.is_empty() {
        lease["metadata"]["resourceVersion"] = writing.base.into();
    }
    Ok(lease)
}

/// The document of a Lease.
///
/// # Errors
/// When it holds none.
pub(crate) fn document(lease: &Json) -> Result<Vec<u8>, String> {
    let annotations = &lease["metadata"]["annotations"];
    if let Some(text) = annotations.get(DOCUMENT).and_then(Json::as_str) {
        return Ok(text.as_bytes().to_vec());
    }
    let bytes = annotations.get(DOCUMENT_BYTES).and_then(Json::as_str);
    bytes.and_then(|text| STANDARD.decode(text).ok()).ok_or_else(|| "it holds no lock".to_owned())
}

/// What the document says. One that is sealed, or of another form, says nothing, and works as well.
fn spec(document: &[u8], before: Option<&Json>) -> Json {
    let document: Json = serde_json::from_slice(document).unwrap_or_default();
    let mut spec = Map::new();
    spec.insert("leaseTransitions".into(), transitions(&document, before).into());
    let lease = &document["body"]["lease"];
    let Some(holder) = lease["holder"].as_str().filter(|holder| !holder.is_empty()) else {
        return spec.into();
    };
    let process = lease["process"]["pid"].as_u64().map(|pid| format!(" (process {pid})")).unwrap_or_default();
    spec.insert("holderIdentity".into(), format!("{holder}{process}").into());
    spec.insert("leaseDurationSeconds".into(), DURATION_SECONDS.into());
    let since = lease["since"].as_str().and_then(|since| since.parse::<Timestamp>().ok());
    let beat = lease["heartbeat_ms"].as_i64().and_then(|at| Timestamp::from_millisecond(at).ok());
    let times = [("acquireTime", since), ("renewTime", beat)];
    spec.extend(times.into_iter().filter_map(|(key, at)| Some((key.to_owned(), micro_time(at?).into()))));
    spec.into()
}

/// How often the holder has changed: with every new token.
fn transitions(document: &Json, before: Option<&Json>) -> i32 {
    let Some(before) = before else { return 0 };
    let count = before["spec"]["leaseTransitions"].as_i64().and_then(|count| i32::try_from(count).ok());
    let count = count.unwrap_or(0).max(0);
    let former: Json = serde_json::from_str(annotation(before, DOCUMENT)).unwrap_or_default();
    let token = &document["body"]["token"];
    let is_new = token.is_u64() && *token != former["body"]["token"];
    if is_new { count.saturating_add(1) } else { count }
}

/// `metav1.MicroTime`: RFC 3339 in UTC with exactly six decimals.
fn micro_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(token: u64, holder: Option<&str>) -> Vec<u8> {
        let lease = holder.map(|holder| {
            json!({ "holder": holder, "process": { "pid": 12 }, "since": "2026-11-24T10:00:00.5Z", "heartbeat_ms": 1_000 })
        });
        json!({ "body": { "token": token, "lease": lease } }).to_string().into_bytes()
    }

    fn made(content: &[u8], before: Option<&Json>) -> Json {
        let writing = Writing { stack: "web", name: "lock", mark: "m", base: "" };
        lease(&writing, content, before).unwrap()
    }

    #[test]
    fn a_lease_shows_the_holder() {
        let first = made(&lock(1, Some("ann@laptop")), None);
        let expect = json!({
            "holderIdentity": "ann@laptop (process 12)", "leaseDurationSeconds": 30, "leaseTransitions": 0,
            "acquireTime": "2026-11-24T10:00:00.500000Z", "renewTime": "1970-01-01T00:00:01.000000Z",
        });
        assert_eq!(first["spec"], expect);
        let beat = made(&lock(1, Some("ann@laptop")), Some(&first));
        assert_eq!(beat["spec"]["leaseTransitions"], 0);
        let free = made(&lock(1, None), Some(&beat));
        assert_eq!(free["spec"], json!({ "leaseTransitions": 0 }));
        assert_eq!(made(&lock(2, Some("bob@desk")), Some(&free))["spec"]["leaseTransitions"], 1);
    }

    #[test]
    fn every_document_comes_back() {
        for content in [lock(1, Some("ann")), b"".to_vec(), b"{".to_vec(), vec![0xff, 0]] {
            assert_eq!(document(&made(&content, None)), Ok(content));
        }
        assert_eq!(document(&json!({})), Err("it holds no lock".into()));
        let writing = Writing { stack: "web", name: "lock", mark: "m", base: "" };
        assert!(lease(&writing, &vec![b'x'; DOCUMENT_MAX + 1], None).is_err());
    }
}
