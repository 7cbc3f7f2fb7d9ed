//! DKIM signatures on the mails we send (RFC 6376, 8301, 8463): making keys, and signing.
//!
//! Both kinds of key sign each mail, relaxed on headers and body, never with `l=`. The fields that readers see are
//! named once more than they stand there, so that none can be added under a signature that still holds.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair as RsaPair, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use mail_auth::common::crypto::{DkimKey, Ed25519Key, RsaKey, Sha256};
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::{DkimSigner, Done};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::domain::mail_domain::DkimAlgorithm;

/// Fields that are signed and may not be added to.
const OVERSIGNED: [&str; 9] =
    ["From", "To", "Cc", "Subject", "Date", "Reply-To", "In-Reply-To", "References", "Message-ID"];
/// Fields that are signed when they are there.
const SIGNED: [&str; 5] =
    ["MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Auto-Submitted", "List-Unsubscribe"];

/// Why a key cannot be made or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a DKIM key cannot be made or used")]
pub struct DkimError;

/// A new key: the public half as its DNS record has it (decoded), the private half as PKCS #8. Takes a quarter of a
/// second for RSA.
///
/// # Errors
/// When the system gives no randomness.
pub fn generate(algorithm: DkimAlgorithm) -> Result<(Vec<u8>, Vec<u8>), DkimError> {
    match algorithm {
        DkimAlgorithm::Rsa2048 => {
            let pair = RsaPair::generate(KeySize::Rsa2048).map_err(|_| DkimError)?;
            let public = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).map_err(|_| DkimError)?;
            let private = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).map_err(|_| DkimError)?;
            Ok((public.as_ref().to_vec(), private.as_ref().to_vec()))
        }
        DkimAlgorithm::Ed25519 => {
            let pair = Ed25519KeyPair::generate().map_err(|_| DkimError)?;
            let private = pair.to_pkcs8().map_err(|_| DkimError)?;
            Ok((pair.public_key().as_ref().to_vec(), private.as_ref().to_vec()))
        }
    }
}

/// Signs for one domain.
pub struct Signer {
    signers: Vec<DkimSigner<DkimKey, Done>>,
}

impl Signer {
    /// A signer with keys of `domain`: selector, kind and PKCS #8 of each.
    ///
    /// # Errors
    /// When one of them is no key.
    pub fn new<'k>(
        domain: &str,
        keys: impl IntoIterator<Item = (&'k str, DkimAlgorithm, &'k [u8])>,
    ) -> Result<Signer, DkimError> {
        let names = || OVERSIGNED.iter().flat_map(|name| [*name, *name]).chain(SIGNED);
        let signer = |(selector, algorithm, der): (&str, DkimAlgorithm, &[u8])| {
            let key: DkimKey = match algorithm {
                DkimAlgorithm::Rsa2048 => {
                    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der));
                    RsaKey::<Sha256>::from_key_der(der).map_err(|_| DkimError)?.into()
                }
                DkimAlgorithm::Ed25519 => Ed25519Key::from_pkcs8_der(der).map_err(|_| DkimError)?.into(),
            };
            Ok(DkimSigner::from_key(key).domain(domain).selector(selector).headers(names()))
        };
        Ok(Signer { signers: keys.into_iter().map(signer).collect::<Result<_, _>>()? })
    }

    /// The message with its signatures in front.
    ///
    /// # Errors
    /// When it has no header.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, DkimError> {
        let mut out = Vec::with_capacity(message.len() + 1024);
        for signer in &self.signers {
            let signature = signer.sign(message).map_err(|_| DkimError)?;
            out.extend_from_slice(signature.to_header().as_bytes());
        }
        out.extend_from_slice(message);
        Ok(out)
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({} keys)", self.signers.len())
    }
}
