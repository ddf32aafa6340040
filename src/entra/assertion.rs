//! Who we are, signed with our certificate's key: a PS256 client assertion.
//!
//! Our own, because the credential crate would bring a second TLS library and signs RS256 with a
//! SHA-1 thumbprint.

use std::path::PathBuf;
use std::time::Duration;

use aws_lc_rs::rsa;
use aws_lc_rs::signature::KeyPair as _;
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::certificate::Certificate;
use super::{Authority, Error, private};
use crate::clock::Clock;
use crate::domain::entity::ObjectId;
use crate::domain::moment::Moment;

/// How long one assertion is good for (Microsoft: five to ten minutes at most).
const LIFE: Duration = Duration::from_secs(300);
/// How long before its end a certificate is warned about.
const WARN_BEFORE: Duration = Duration::from_secs(30 * 24 * 3600);

/// A certificate and its key, in PEM files. Both are read anew for every request, so that they can
/// be replaced while estop runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The private RSA key, PKCS#8 or PKCS#1, mode 0600.
    pub key: PathBuf,
    /// The certificate whose public part the application registration has.
    pub certificate: PathBuf,
}

/// How a certificate stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// When it ends.
    pub ends: Moment,
    /// What a person should do soon, if anything.
    pub warning: Option<String>,
}

/// A key that goes with its certificate.
struct Pair {
    key: EncodingKey,
    certificate: Certificate,
}

impl CertificateFiles {
    /// Can we sign with them at `now`? [`Error::Misconfigured`] says why not.
    pub fn check(&self, now: Moment) -> Result<Standing, Error> {
        let ends = self.read(now)?.certificate.ends;
        let soon = now.plus(WARN_BEFORE) >= ends;
        let warning = soon.then(|| {
            format!(
                "the certificate {} ends at {ends}: put a new one in its place, and into the \
                 application registration before that",
                self.certificate.display()
            )
        });
        Ok(Standing { ends, warning })
    }

    fn read(&self, now: Moment) -> Result<Pair, Error> {
        let shown = self.certificate.display();
        let text = private::open_text_in(&self.certificate, "the certificate")?;
        let certificate = Certificate::in_pem(&text)
            .ok_or_else(|| Error::misconfigured(format!("{shown} holds no PEM certificate")))?;
        if certificate.ends <= now {
            let ends = certificate.ends;
            return Err(Error::misconfigured(format!("{shown} has ended at {ends}")));
        }
        let text = private::text_in(&self.key, "the certificate's key")?;
        let key = EncodingKey::from_rsa_pem(text.expose_secret().as_bytes());
        let pair = key.ok().and_then(|key| {
            let public = rsa::KeyPair::from_der(key.as_bytes()).ok()?;
            Some((key, public))
        });
        let Some((key, public)) = pair else {
            let shown = self.key.display();
            return Err(Error::misconfigured(format!(
                "{shown} holds no PEM private RSA key of 2048 bits or more without a password"
            )));
        };
        if public.public_key().as_ref() != certificate.public_key {
            return Err(Error::misconfigured(format!(
                "the key in {} does not belong to the certificate {shown}",
                self.key.display()
            )));
        }
        Ok(Pair { key, certificate })
    }
}

/// Signs one assertion for every request that asks.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) files: CertificateFiles,
    pub(super) client: ObjectId,
    pub(super) authority: Authority,
    pub(super) clock: Clock,
}

impl Signer {
    /// A fresh assertion. Claims as Microsoft lists them (certificate credentials).
    pub(super) fn assertion(&self) -> Result<String, Error> {
        let now = self.clock.now();
        let pair = self.files.read(now)?;
        let header = Header {
            x5t_s256: Some(pair.certificate.thumbprint),
            ..Header::new(Algorithm::PS256)
        };
        let claims = json!({
            "aud": self.authority.token_url(),
            "iss": self.client,
            "sub": self.client,
            "jti": self.clock.uuid(),
            "iat": now.as_seconds(),
            "nbf": now.as_seconds(),
            "exp": now.plus(LIFE).as_seconds(),
        });
        jsonwebtoken::encode(&header, &claims, &pair.key)
            .map_err(|error| Error::misconfigured(format!("no assertion could be signed: {error}")))
    }
}

#[async_trait::async_trait]
impl ClientAssertion for Signer {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.assertion().map_err(|error| {
            azure_core::Error::new(azure_core::error::ErrorKind::Credential, error)
        })
    }
}
