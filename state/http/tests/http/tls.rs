//! Whom the client trusts, and who it says that it is.

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use meshform_state::Storage;
use meshform_state_http::HttpStorage;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

use crate::server::Server;

/// An authority with a server's and a client's certificates, as PEM files.
fn certificates() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(&folder).stderr(Stdio::null());
        assert!(command.status().unwrap().success(), "{arguments}");
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.crt -subj /CN=authority"));
    for name in ["server", "client"] {
        openssl(&format!(
            "req -x509 {key} -keyout {name}.key -out {name}.crt -subj /CN={name} -CA ca.crt -CAkey ca.key \
             -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE"
        ));
    }
    folder
}

/// What a server answers with: its certificate, to everyone or to clients of the same authority.
fn acceptor(folder: &Path, wants_clients: bool) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = if wants_clients {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(folder.join("ca.crt")).unwrap()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let chain = vec![CertificateDer::from_pem_file(folder.join("server.crt")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()))
}

/// Reading succeeds, or fails because of what is expected.
async fn check(server: &Server, settings: &[(&str, &str)], expect: Result<(), &str>) {
    let mut all = server.settings();
    all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let storage = HttpStorage::new(&all, &BTreeMap::new()).unwrap();
    match (storage.read("a").await.map_err(|error| error.to_string()), expect) {
        (Ok(read), Ok(())) => assert_eq!(read, None),
        (Err(found), Err(expect)) => assert!(found.contains(expect), "{found}"),
        (found, _) => panic!("{found:?}"),
    }
}

#[tokio::test]
async fn only_whom_the_authority_has_signed_is_trusted() {
    let (folder, other) = (certificates(), certificates());
    let server = Server::secure(acceptor(folder.path(), false)).await;
    let ca = |folder: &TempDir| read_to_string(folder.path().join("ca.crt")).unwrap();
    check(&server, &[("client_ca_certificate_pem", &ca(&folder))], Ok(())).await;
    check(&server, &[("client_ca_certificate_pem", &ca(&other))], Err("invalid peer certificate")).await;
    let elsewhere = server.url.replace("localhost", "127.0.0.1");
    let settings = [("client_ca_certificate_pem", ca(&folder)), ("address", format!("{elsewhere}/state"))];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    check(&server, &settings, Err("not valid for name")).await;
}

#[tokio::test]
async fn a_server_may_want_to_know_its_clients() {
    let folder = certificates();
    let server = Server::secure(acceptor(folder.path(), true)).await;
    let pem = |name: &str| read_to_string(folder.path().join(name)).unwrap();
    let (ca, certificate, key) = (pem("ca.crt"), pem("client.crt"), pem("client.key"));
    let settings = [
        ("client_ca_certificate_pem", ca.as_str()),
        ("client_certificate_pem", &certificate),
        ("client_private_key_pem", &key),
    ];
    check(&server, &settings, Ok(())).await;
    check(&server, &settings[..1], Err("/state: ")).await;
}
