//! What a sender proves itself with, in its own manner.

use std::path::{Path, PathBuf};

use http::HeaderName;
use http::header::AUTHORIZATION;
use url::Url;

use super::answers::Failure;
use super::args::Manner;
use super::server::{is_here, private_text};
use crate::domain::moment::Moment;
use crate::signature::{
    BadScheme, KeyForm, KeyId, KeyRing, Names, Profile, Scheme, Secret, Sent, SigningKey, Unusable,
    Webhooks, header, sign, sign_v1a,
};

/// A key, and how it is used.
pub(super) enum Pen {
    Webhooks(Names, Secret),
    Private(SigningKey),
    Hmac(Box<Scheme>, Secret),
    /// What is sent along: a header's name and its value. It signs nothing.
    Carried(HeaderName, String),
}

impl Pen {
    pub(super) fn open(manner: &Manner, file: &Path) -> Result<Self, Failure> {
        let secret = |form| Secret::from_file_as(file, form).map_err(unusable);
        match kind(manner)? {
            Kind::Webhooks(names) => Ok(Self::Webhooks(names, secret(KeyForm::Whsec)?)),
            Kind::Hmac(scheme) => {
                let secret = secret(scheme.key)?;
                Ok(Self::Hmac(Box::new(scheme), secret))
            }
            Kind::Private => {
                let text = private_text(file)?;
                let key = SigningKey::parse(&text);
                key.map(Self::Private)
                    .map_err(|why| Failure::usage(format!("{}: {why}", file.display())))
            }
            Kind::Carried(sent) => {
                let value = String::from_utf8(sent.value(&secret(KeyForm::Text)?));
                let value = value.map_err(|_| Failure::usage("the secret is no text"))?;
                Ok(Self::Carried(sent.header(), value))
            }
            Kind::Token => {
                let token = private_text(file)?;
                Ok(Self::Carried(
                    AUTHORIZATION,
                    format!("Bearer {}", token.trim()),
                ))
            }
        }
    }

    /// Whether it signs, so that what it writes may be shown and a changed body is found out.
    pub(super) const fn signs(&self) -> bool {
        !matches!(self, Self::Carried(_, _))
    }

    /// Whether what it writes may go there: what is no signature is worth as much to whoever sees it.
    pub(super) fn may_go_to(&self, address: &Url) -> Result<(), Failure> {
        if self.signs() || address.scheme() == "https" || is_here(address) {
            return Ok(());
        }
        Err(
            Failure::usage("the credential itself would go over plain http")
                .fix("send it by https, or to this machine"),
        )
    }

    /// The headers of a delivery that is sent at this moment under this id.
    pub(super) fn sign(&self, id: &str, at: Moment, body: &[u8]) -> Vec<(HeaderName, String)> {
        let seconds = at.as_seconds();
        let (names, signature) = match self {
            Self::Hmac(scheme, secret) => return scheme.sign(secret, (id, at), body),
            Self::Carried(name, value) => {
                let id = (HeaderName::from_static(header::ID), id.to_owned());
                return vec![id, (name.clone(), value.clone())];
            }
            Self::Webhooks(names, secret) => (*names, sign(secret, id, seconds, body)),
            Self::Private(key) => (Names::Standard, sign_v1a(key, id, seconds, body)),
        };
        let [id_name, time_name, signature_name] = names.all();
        vec![
            (id_name, id.to_owned()),
            (time_name, seconds.to_string()),
            (signature_name, signature),
        ]
    }
}

/// What a service would verify such deliveries with.
pub(super) fn profile(manner: &Manner, files: &[PathBuf]) -> Result<Profile, Failure> {
    let ring = |form| KeyRing::from_files_as(files, form).map_err(unusable);
    match kind(manner)? {
        Kind::Webhooks(names) => webhooks(names, ring(KeyForm::Whsec)?),
        Kind::Hmac(scheme) => Ok(Profile::Hmac(ring(scheme.key)?, scheme)),
        Kind::Carried(sent) => Ok(Profile::Shared(ring(KeyForm::Text)?, sent)),
        Kind::Token => Err(not_here()),
        Kind::Private => {
            let keys = files
                .iter()
                .map(|file| crate::signature::public_key_in(file));
            let keys = keys.collect::<Result<_, _>>().map_err(unusable)?;
            let webhooks = Webhooks::new(Names::Standard, None, keys);
            webhooks.map(Profile::Webhooks).map_err(unusable)
        }
    }
}

/// A secret in the form that a sender of this manner has it.
pub(super) fn drawn(manner: &Manner, drawn: [u8; 32]) -> Result<String, Failure> {
    let text = Secret::fresh(drawn).reveal();
    let bare = || text.trim_start_matches("whsec_").to_owned();
    match kind(manner)? {
        Kind::Webhooks(_) => Ok(text),
        Kind::Hmac(scheme) => match scheme.key {
            KeyForm::Whsec => Ok(text),
            KeyForm::Text | KeyForm::Base64 => Ok(bare()),
        },
        Kind::Carried(_) => Ok(bare()),
        Kind::Token => Err(not_here()),
        Kind::Private => Err(Failure::usage("v1a is verified by the sender's public key")
            .fix("name its file with --key")),
    }
}

/// What verifies deliveries of this manner by one secret, given as its text.
pub(super) fn profile_of(manner: &Manner, name: &str, text: &str) -> Result<Profile, Failure> {
    let ring = |form| {
        let bad = |why: &dyn std::fmt::Display| Failure::usage(format!("the secret: {why}"));
        let id = KeyId::new(name).ok_or_else(|| bad(&"it has no name"))?;
        let secret = Secret::parse_as(text, form).map_err(|why| bad(&why))?;
        KeyRing::new(vec![(id, secret)]).map_err(unusable)
    };
    match kind(manner)? {
        Kind::Webhooks(names) => webhooks(names, ring(KeyForm::Whsec)?),
        Kind::Hmac(scheme) => Ok(Profile::Hmac(ring(scheme.key)?, scheme)),
        Kind::Carried(sent) => Ok(Profile::Shared(ring(KeyForm::Text)?, sent)),
        Kind::Token => Err(not_here()),
        Kind::Private => Err(Failure::usage("v1a has no shared secret")),
    }
}

fn webhooks(names: Names, ring: KeyRing) -> Result<Profile, Failure> {
    let webhooks = Webhooks::new(names, Some(ring), Vec::new());
    webhooks.map(Profile::Webhooks).map_err(unusable)
}

fn not_here() -> Failure {
    Failure::usage("an access token is believed by the tenant's keys, which only a service has")
        .fix("send it to a service, and watch with `estop listen`")
}

enum Kind {
    Webhooks(Names),
    Private,
    Hmac(Scheme),
    Carried(Sent),
    Token,
}

fn kind(manner: &Manner) -> Result<Kind, Failure> {
    let scheme: Result<Scheme, BadScheme> = match manner {
        Manner::StandardWebhooks => return Ok(Kind::Webhooks(Names::Standard)),
        Manner::Svix => return Ok(Kind::Webhooks(Names::Svix)),
        Manner::V1a => return Ok(Kind::Private),
        Manner::Github => Scheme::github(),
        Manner::Slack => Scheme::slack(),
        Manner::Stripe => Scheme::stripe(),
        Manner::Teams => Scheme::teams(),
        Manner::Hmac(scheme) => return Ok(Kind::Hmac((**scheme).clone())),
        Manner::Carried(sent) => return Ok(Kind::Carried(sent.clone())),
        Manner::Token => return Ok(Kind::Token),
    };
    scheme
        .map(Kind::Hmac)
        .map_err(|bad| Failure::usage(bad.to_string()))
}

fn unusable(why: Unusable) -> Failure {
    Failure::usage(why.what.clone()).fix(why.fix)
}
