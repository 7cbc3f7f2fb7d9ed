//! Mails that their senders' servers signed.

use std::io::Write;
use std::process::{Command, Stdio};

use data_encoding::BASE64;
use frontdesk::domain::mail_domain::DkimAlgorithm;
use frontdesk::mail::dkim;
use mail_auth::common::crypto::{Ed25519Key, RsaKey, Sha256, SigningKey};
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::{DkimSigner, Done};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::Dns;

/// A domain that signs its mail, with its key in the domain name system.
pub struct SigningDomain {
    domain: String,
    algorithm: DkimAlgorithm,
    private: Vec<u8>,
}

impl SigningDomain {
    /// Makes a key and publishes it.
    pub fn publish(dns: &Dns, domain: &str, algorithm: DkimAlgorithm) -> SigningDomain {
        let (public, private) = dkim::generate(algorithm).unwrap();
        let kind = match algorithm {
            DkimAlgorithm::Rsa2048 => "rsa",
            DkimAlgorithm::Ed25519 => "ed25519",
        };
        dns.txt(&format!("s1._domainkey.{domain}"), &format!("v=DKIM1; k={kind}; p={}", BASE64.encode(&public)));
        SigningDomain { domain: domain.to_owned(), algorithm, private }
    }

    /// The mail with a signature over From, To and Subject.
    pub fn sign(&self, mail: &str) -> String {
        self.sign_over(mail, &["From", "To", "Subject"], false)
    }

    /// The same, made by dkimpy, which knows nothing of us.
    pub fn sign_elsewhere(&self, mail: &str) -> String {
        let script = "import sys, base64, dkim\n\
            selector, domain, kind, key = (one.encode() for one in sys.argv[1:])\n\
            sys.stdout.buffer.write(dkim.sign(sys.stdin.buffer.read(), selector, domain, key, signature_algorithm=kind,\n\
                canonicalize=(b'relaxed', b'simple')))";
        let (kind, key) = match self.algorithm {
            DkimAlgorithm::Rsa2048 => {
                let pem = BASE64.encode(&self.private);
                ("rsa-sha256", format!("-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----\n"))
            }
            // The seed stands where RFC 8410 has it.
            DkimAlgorithm::Ed25519 => ("ed25519-sha256", BASE64.encode(&self.private[16..48])),
        };
        // The system's own Python has the packages that are installed with it.
        let mut python = Command::new("/usr/bin/python3");
        python.args(["-c", script, "s1", &self.domain, kind, &key]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = super::process::start(&mut python).unwrap();
        child.stdin.take().unwrap().write_all(mail.as_bytes()).unwrap();
        let made = child.wait_with_output().unwrap();
        assert!(made.status.success(), "python3-dkim is needed");
        String::from_utf8(made.stdout).unwrap() + mail
    }

    /// The mail with a signature over some fields, and with the length of its body where that is asked for.
    pub fn sign_over(&self, mail: &str, fields: &[&str], length: bool) -> String {
        match self.algorithm {
            DkimAlgorithm::Rsa2048 => {
                let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.private.as_slice()));
                self.with(RsaKey::<Sha256>::from_key_der(der).unwrap(), mail, fields, length)
            }
            DkimAlgorithm::Ed25519 => {
                self.with(Ed25519Key::from_pkcs8_der(&self.private).unwrap(), mail, fields, length)
            }
        }
    }

    fn with<T: SigningKey>(&self, key: T, mail: &str, fields: &[&str], length: bool) -> String {
        let signer: DkimSigner<T, Done> = DkimSigner::from_key(key)
            .domain(self.domain.as_str())
            .selector("s1")
            .headers(fields.iter().copied())
            .body_length(length);
        signer.sign(mail.as_bytes()).unwrap().to_header() + mail
    }
}
