//! Whom a client trusts, and who it says that it is.

use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt as _;
use meshform_state::SettingsProblem;
use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

/// A setting's name and its value: PEM.
pub type Pem<'a> = (&'static str, &'a str);

/// A client's certificate and the key that belongs to it.
pub type Identity<'a> = (Pem<'a>, Pem<'a>);

/// How TLS is spoken.
///
/// The servers' certificates are those that `ca` has signed; without it, those that the system trusts, if `is_needed`: reading them costs
/// more than a request. The variables `SSL_CERT_FILE` and `SSL_CERT_DIR` name other ones, as for most programs.
///
/// # Errors
/// When a certificate or a key cannot be read; `server` is the setting to name when there is none to trust it by.
pub fn config(
    server: &'static str,
    ca: Option<Pem<'_>>,
    identity: Option<Identity<'_>>,
    is_needed: bool,
) -> Result<ClientConfig, SettingsProblem> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| SettingsProblem::new(server, error.to_string()))?;
    let builder = match ca {
        Some(ca) => builder.with_root_certificates(roots(ca)?),
        None if is_needed => builder.with_native_roots().map_err(|error| {
            SettingsProblem::new(server, format!("cannot be reached by HTTPS from this machine: {error}"))
        })?,
        None => builder.with_root_certificates(RootCertStore::empty()),
    };
    match identity {
        Some(identity) => identified(builder, identity),
        None => Ok(builder.with_no_client_auth()),
    }
}

fn roots((setting, text): Pem<'_>) -> Result<RootCertStore, SettingsProblem> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates((setting, text))? {
        roots
            .add(certificate)
            .map_err(|_| SettingsProblem::new(setting, "holds a certificate that cannot be read"))?;
    }
    Ok(roots)
}

fn identified(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    (certificate, (key_setting, key)): Identity<'_>,
) -> Result<ClientConfig, SettingsProblem> {
    let setting = certificate.0;
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|_| SettingsProblem::new(key_setting, "holds no private key in PEM form"))?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|_| SettingsProblem::new(setting, format!("does not go with `{key_setting}`")))
}

fn certificates((setting, text): Pem<'_>) -> Result<Vec<CertificateDer<'static>>, SettingsProblem> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    chain
        .ok()
        .filter(|chain| !chain.is_empty())
        .ok_or_else(|| SettingsProblem::new(setting, "holds no certificate in PEM form"))
}
