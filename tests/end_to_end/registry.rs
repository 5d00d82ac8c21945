//! An OCI registry on loopback: as much of it as pulling needs, and the lies that a bad one tells.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Who may read, by `docker login`.
pub(crate) const LOGIN: &str = "reader:pa55word";
const TOKEN: &str = "t0ken";
/// How many tags are on a page.
const PAGE: usize = 2;

/// What it holds and how it behaves.
#[derive(Default)]
struct Content {
    /// Manifests and layers by digest.
    blobs: BTreeMap<String, Vec<u8>>,
    tags: BTreeMap<String, String>,
    /// Whether it wants a token.
    is_private: bool,
    /// Where layers are in truth.
    moved_to: Option<String>,
    /// The first line of each request, and who asked.
    log: Vec<String>,
}

/// A registry with one repository, `acme/net`. Its thread ends with the tests.
#[derive(Clone)]
pub(crate) struct Registry {
    content: Arc<Mutex<Content>>,
    pub(crate) port: u16,
}

impl Registry {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let registry = Self { content: Arc::default(), port };
        let server = registry.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever goes away in the middle has seen enough.
                let _ = server.answer(stream);
            }
        });
        registry
    }

    /// How a module's source names the repository.
    pub(crate) fn source(&self) -> String {
        format!("oci://127.0.0.1:{}/acme/net", self.port)
    }

    /// Publishes an archive under a tag, as `oras push` does. Gives the manifest's digest.
    pub(crate) fn publish(&self, tag: &str, media_type: &str, archive: &[u8]) -> String {
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "application/vnd.opentofu.modulepkg",
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2 },
            "layers": [{ "mediaType": media_type, "digest": digest(archive), "size": archive.len() }],
        });
        self.put(archive);
        self.publish_manifest(tag, &manifest)
    }

    /// Publishes any manifest under a tag.
    pub(crate) fn publish_manifest(&self, tag: &str, manifest: &Value) -> String {
        let digest = self.put(manifest.to_string().as_bytes());
        self.content.lock().unwrap().tags.insert(tag.to_owned(), digest.clone());
        digest
    }

    fn put(&self, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        self.content.lock().unwrap().blobs.insert(digest.clone(), bytes.to_vec());
        digest
    }

    /// From now on it wants a token, which only who has logged in gets.
    pub(crate) fn lock_up(&self) {
        self.content.lock().unwrap().is_private = true;
    }

    /// From now on layers are at another server.
    pub(crate) fn move_layers_to(&self, other: &Self) {
        self.content.lock().unwrap().moved_to = Some(format!("http://127.0.0.1:{}", other.port));
        let blobs = self.content.lock().unwrap().blobs.clone();
        other.content.lock().unwrap().blobs = blobs;
    }

    /// Something else comes in the place of a manifest or layer.
    pub(crate) fn forge(&self, digest: &str, bytes: &[u8]) {
        self.content.lock().unwrap().blobs.insert(digest.to_owned(), bytes.to_vec());
    }

    /// What it was asked for since the last time, and by whom.
    pub(crate) fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.content.lock().unwrap().log)
    }

    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(&stream).lines();
        let first = lines.next().unwrap_or(Ok(String::new()))?;
        let mut login = String::new();
        for line in lines {
            let line = line?;
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("authorization: ") {
                login = line[line.len() - value.len()..].to_owned();
            }
            if line.is_empty() {
                break;
            }
        }
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        self.content.lock().unwrap().log.push(format!("{path} {login}").trim().to_owned());
        let (status, headers, body) = self.reply(&path, &login);
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
        )?;
        stream.write_all(&body)
    }

    fn reply(&self, path: &str, login: &str) -> (&'static str, String, Vec<u8>) {
        let content = self.content.lock().unwrap();
        let not_found = || ("404 Not Found", String::new(), b"{}".to_vec());
        if path.starts_with("/token?") {
            let known = login == format!("Basic {}", STANDARD.encode(LOGIN));
            return match known && path.contains("scope=repository:acme/net:pull") {
                true => ("200 OK", String::new(), json!({ "token": TOKEN }).to_string().into_bytes()),
                false => ("401 Unauthorized", String::new(), Vec::new()),
            };
        }
        if content.is_private && login != format!("Bearer {TOKEN}") {
            let header = format!(
                "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:{}/token\",service=\"test\",scope=\"repository:acme/net:pull\"\r\n",
                self.port
            );
            return ("401 Unauthorized", header, Vec::new());
        }
        let Some(rest) = path.strip_prefix("/v2/acme/net/") else { return not_found() };
        let (kind, name) = rest.split_once('/').unwrap_or_default();
        match (kind, name.split('?').next().unwrap_or_default()) {
            ("manifests", name) => {
                let digest = content.tags.get(name).map_or(name, String::as_str);
                let bytes = content.blobs.get(digest);
                bytes.map_or_else(not_found, |bytes| ("200 OK", String::new(), bytes.clone()))
            }
            ("blobs", digest) => match (&content.moved_to, content.blobs.get(digest)) {
                (Some(place), _) => {
                    ("307 Temporary Redirect", format!("Location: {place}{path}\r\n"), Vec::new())
                }
                (None, Some(bytes)) => ("200 OK", String::new(), bytes.clone()),
                (None, None) => not_found(),
            },
            ("tags", "list") => {
                let last = name.split("last=").nth(1).unwrap_or_default();
                let tags: Vec<_> = content.tags.keys().filter(|tag| tag.as_str() > last).collect();
                let page: Vec<_> = tags.iter().take(PAGE).collect();
                let more = (tags.len() > PAGE).then(|| {
                    let last = page[PAGE - 1];
                    format!("Link: </v2/acme/net/tags/list?n={PAGE}&last={last}>; rel=\"next\"\r\n")
                });
                let body = json!({ "name": "acme/net", "tags": page }).to_string().into_bytes();
                ("200 OK", more.unwrap_or_default(), body)
            }
            _ => not_found(),
        }
    }
}

/// A digest as registries write it.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    format!("sha256:{}", hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
