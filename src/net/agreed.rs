//! TLS to a server that may have a certificate which no authority vouches for: one that was agreed on by its
//! fingerprint. Whatever comes of it, the fingerprint that was seen can be shown to whoever is to agree.

use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::roots::system_roots;

/// The fingerprint of the certificate that a server showed, in lower-case hex.
pub type Seen = Arc<OnceLock<String>>;

/// TLS 1.2 and up as a client, that trusts the certificate with the `agreed` fingerprint and no other; without one,
/// those that the system's authorities vouch for.
///
/// # Errors
/// When the system has no authorities.
pub fn client_config(agreed: Option<String>, seen: Seen) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(default_provider());
    let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(system_roots().clone()), Arc::clone(&provider));
    let usual = usual.build().map_err(|error| rustls::Error::General(error.to_string()))?;
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let agreed = Arc::new(Agreed { usual, agreed, seen });
    Ok(Arc::new(builder.dangerous().with_custom_certificate_verifier(agreed).with_no_client_auth()))
}

#[derive(Debug)]
struct Agreed {
    usual: Arc<WebPkiServerVerifier>,
    agreed: Option<String>,
    seen: Seen,
}

impl ServerCertVerifier for Agreed {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, end_entity);
        let seen = self.seen.get_or_init(|| data_encoding::HEXLOWER.encode(digest.as_ref()));
        match &self.agreed {
            None => self.usual.verify_server_cert(end_entity, intermediates, name, ocsp, now),
            Some(agreed) if agreed == seen => Ok(ServerCertVerified::assertion()),
            Some(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}
