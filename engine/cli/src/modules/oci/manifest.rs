//! What a registry says about a package: its manifest and its tags. See the OCI image specification, "Image Manifest", and the distribution
//! specification, "Content Discovery".

use serde_json::Value as Json;

use crate::modules::source::is_digest;
use crate::modules::unpack::Form;

/// What is asked for and taken: one manifest, no index of several.
pub(super) const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const ARTIFACT_TYPE: &str = "application/vnd.opentofu.modulepkg";
const ZIP: &str = "archive/zip";
const TAR_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// The largest archive that is fetched.
pub(super) const LAYER_MAX: u64 = 256 << 20;

/// The archive of a package.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layer {
    pub(super) digest: String,
    pub(super) size: u64,
    pub(super) form: Form,
}

impl Layer {
    /// The one layer of a module's manifest. The error reads after "holds no module:".
    pub(super) fn of(manifest: &[u8]) -> Result<Self, String> {
        let manifest: Json =
            serde_json::from_slice(manifest).map_err(|_| "its manifest is no JSON".to_owned())?;
        let text = |name: &str| manifest.get(name).and_then(Json::as_str);
        if text("mediaType").is_some_and(|it| it != MEDIA_TYPE) {
            return Err("it is no single manifest, but an index of several or something else".to_owned());
        }
        match text("artifactType") {
            Some(ARTIFACT_TYPE) => {}
            Some(other) => return Err(format!("it is of the type {other:?}, not {ARTIFACT_TYPE:?}")),
            None => return Err(format!("it has no type, and a module's is {ARTIFACT_TYPE:?}")),
        }
        let layers = manifest.get("layers").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        match layers {
            [layer] => Self::described(layer),
            _ => Err(format!("it has {} layers, and a module has one", layers.len())),
        }
    }

    fn described(layer: &Json) -> Result<Self, String> {
        let text = |name: &str| layer.get(name).and_then(Json::as_str).unwrap_or_default();
        let form = match text("mediaType") {
            ZIP => Form::Zip,
            TAR_GZIP => Form::TarGzip,
            other => return Err(format!("its layer is {other:?}, not {ZIP:?} or {TAR_GZIP:?}")),
        };
        let digest = Some(text("digest")).filter(|digest| is_digest(digest));
        let digest = digest.ok_or("its layer has no SHA-256 digest")?.to_owned();
        let size = layer.get("size").and_then(Json::as_u64).ok_or("its layer has no size")?;
        match size {
            ..=LAYER_MAX => Ok(Self { digest, size, form }),
            _ => Err(format!("its layer is larger than {} MiB", LAYER_MAX >> 20)),
        }
    }
}

/// The tags on a page of them.
pub(super) fn tags(page: &[u8]) -> Option<Vec<String>> {
    let page: Json = serde_json::from_slice(page).ok()?;
    let tags = page.get("tags")?;
    // A repository without any may say so by null.
    if tags.is_null() {
        return Some(Vec::new());
    }
    tags.as_array()?.iter().map(|tag| tag.as_str().map(str::to_owned)).collect()
}

/// Where the next page is, by a `Link` header (RFC 8288): a path at the same registry.
pub(super) fn next_page(link: &str) -> Option<&str> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = parameters.split(';').any(|it| matches!(it.trim(), "rel=\"next\"" | "rel=next"));
    let path = match target.split_once("://") {
        Some((_, rest)) => &rest[rest.find('/')?..],
        None => target,
    };
    Some(path).filter(|path| is_next && path.starts_with("/v2/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest() -> Json {
        json!({
            "schemaVersion": 2, "mediaType": MEDIA_TYPE, "artifactType": ARTIFACT_TYPE,
            "layers": [{ "mediaType": ZIP, "digest": format!("sha256:{}", "0a".repeat(32)), "size": 12 }],
        })
    }

    #[test]
    fn a_module_is_told_from_other_things() {
        let layer = Layer::of(manifest().to_string().as_bytes()).unwrap();
        assert_eq!((layer.size, layer.form), (12, Form::Zip));
        let check = |path: &str, value: Json, expect: &str| {
            let mut manifest = manifest();
            *manifest.pointer_mut(path).unwrap() = value;
            let error = Layer::of(manifest.to_string().as_bytes()).unwrap_err();
            assert!(error.contains(expect), "{path}: {error}");
        };
        check("/mediaType", json!("application/vnd.oci.image.index.v1+json"), "index");
        check("/artifactType", json!("application/vnd.opentofu.provider"), "of the type");
        check("/artifactType", Json::Null, "no type");
        check("/layers", json!([]), "0 layers");
        check("/layers/0/mediaType", json!("text/plain"), "its layer is");
        check("/layers/0/digest", json!("sha512:00"), "no SHA-256");
        check("/layers/0/size", json!(-1), "no size");
        check("/layers/0/size", json!(LAYER_MAX + 1), "larger than 256 MiB");
        assert!(Layer::of(b"<html>").is_err());
    }

    #[test]
    fn pages_of_tags() {
        assert_eq!(
            tags(br#"{"name":"x","tags":["1.0.0","latest"]}"#),
            Some(vec!["1.0.0".into(), "latest".into()])
        );
        assert_eq!(tags(br#"{"tags":null}"#), Some(vec![]));
        assert_eq!(tags(b"{}"), None);
        let check = |link: &str, expect: Option<&str>| assert_eq!(next_page(link), expect, "{link}");
        check("</v2/x/tags/list?last=a&n=2>; rel=\"next\"", Some("/v2/x/tags/list?last=a&n=2"));
        check("<https://evil.example/v2/x/tags/list?last=a>; rel=\"next\"", Some("/v2/x/tags/list?last=a"));
        check("</v2/x>; rel=\"prev\"", None);
        check("<//evil.example/v2/>; rel=\"next\"", None);
        check("", None);
    }
}
