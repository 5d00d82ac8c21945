//! How far the server is trusted, as libpq's `sslmode` means it.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use meshform_engine::ports::BoxFuture;
use meshform_state::SettingsProblem;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use thiserror::Error as ThisError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Who may answer.
#[derive(Clone)]
pub(crate) enum Trust {
    /// Whoever does: what is said is kept from listeners only.
    Anyone,
    /// Who has a certificate of one of these.
    Signed(Roots),
    /// Who has one for the very name that was called.
    Named(Roots),
}

/// Whose signatures count.
#[derive(Clone)]
pub(crate) enum Roots {
    /// These.
    Given(Arc<RootCertStore>),
    /// Those of the system, as they are when it comes to it.
    System,
}

/// Why no encrypted connection came about.
#[derive(Debug, ThisError)]
#[error("{0}")]
pub(crate) struct TlsProblem(String);

impl Trust {
    /// Trust in a signature of one of the certificates in a PEM text, or of the system's.
    ///
    /// # Errors
    /// When the text holds none.
    pub(crate) fn signed(ca: Option<&str>) -> Result<Self, SettingsProblem> {
        Ok(Self::Signed(Roots::new(ca)?))
    }

    /// The same in a name.
    ///
    /// # Errors
    /// When the text holds no certificate.
    pub(crate) fn named(ca: Option<&str>) -> Result<Self, SettingsProblem> {
        Ok(Self::Named(Roots::new(ca)?))
    }

    /// Whether certificates do not count.
    #[cfg(test)]
    pub(crate) fn is_anyone(&self) -> bool {
        matches!(self, Self::Anyone)
    }

    /// What makes connections of this trust.
    ///
    /// # Errors
    /// When the system's certificates cannot be had.
    pub(crate) fn connector(&self) -> Result<Tls, TlsProblem> {
        let provider = Arc::new(ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let config = config.map_err(|error| TlsProblem(error.to_string()))?.dangerous();
        let config = config.with_custom_certificate_verifier(self.verifier(provider)?).with_no_client_auth();
        Ok(Tls { connector: TlsConnector::from(Arc::new(config)) })
    }

    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, TlsProblem> {
        let web = |roots: &Roots, provider| {
            let built = WebPkiServerVerifier::builder_with_provider(roots.store()?, provider).build();
            built.map_err(|error| TlsProblem(error.to_string()))
        };
        Ok(match self {
            Self::Anyone => Arc::new(AnyCertificate(provider)),
            Self::Signed(roots) => Arc::new(AnyName(web(roots, provider)?)),
            Self::Named(roots) => web(roots, provider)?,
        })
    }
}

impl Roots {
    fn new(ca: Option<&str>) -> Result<Self, SettingsProblem> {
        let Some(text) = ca else { return Ok(Self::System) };
        let none = || SettingsProblem::new("ca", "holds no certificate in PEM form");
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
        let mut store = RootCertStore::empty();
        let (added, _) = store.add_parsable_certificates(certificates.map_err(|_| none())?);
        if added == 0 { Err(none()) } else { Ok(Self::Given(Arc::new(store))) }
    }

    fn store(&self) -> Result<Arc<RootCertStore>, TlsProblem> {
        if let Self::Given(store) = self {
            return Ok(store.clone());
        }
        let mut store = RootCertStore::empty();
        let (added, _) = store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        match added {
            0 => Err(TlsProblem("the system has no certificates to trust: give `ca`".into())),
            _ => Ok(Arc::new(store)),
        }
    }
}

/// Lets every certificate pass, if its owner has answered.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Lets every certificate pass that is signed as it must be, for whatever name.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The name is looked at last, when all else is in order.
        match self.0.verify_server_cert(certificate, chain, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Makes encrypted connections for the driver.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: TlsConnector,
}

/// One that is to be made.
pub(crate) struct Handshake {
    connector: TlsConnector,
    host: String,
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Encrypted;
    type TlsConnect = Handshake;
    type Error = TlsProblem;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, TlsProblem> {
        // Also asked for where no TLS is spoken: the name is read when it is.
        Ok(Handshake { connector: self.connector.clone(), host: host.to_owned() })
    }
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Encrypted;
    type Error = TlsProblem;
    type Future = BoxFuture<'static, Result<Encrypted, TlsProblem>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.host)
                .map_err(|_| TlsProblem("the host is not a name that a certificate could have".into()))?;
            let stream = self.connector.connect(name, socket).await;
            stream.map(Encrypted).map_err(|error| TlsProblem(error.to_string()))
        })
    }
}

/// An encrypted connection.
pub(crate) struct Encrypted(TlsStream<Socket>);

impl tokio_postgres::tls::TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Anyone => "Anyone",
            Self::Signed(_) => "Signed",
            Self::Named(_) => "Named",
        })
    }
}
