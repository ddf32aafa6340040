//! How a source's deliveries are verified: what was written, checked.

mod file;

use std::path::{Path, PathBuf};

use http::HeaderName;
use serde::Deserialize;

use super::BadConfig;
use super::file::strict;
use crate::entra::CallerRules;
use crate::signature::{Layout, Names, Scheme, Sent, TOLERANCE_SECONDS, TimePlace, TimeRule};

pub use file::{
    BasicFile, EntraFile, HeaderFile, HmacFile, KeysFile, OneOrMore, TimestampFile, VerifyFile,
    WebhooksFile,
};

/// Longest tolerance of a timestamp.
const TOLERANCE_MAX: std::time::Duration = std::time::Duration::from_secs(3600);

/// How a source's deliveries are verified, checked; no file of it is opened yet.
#[derive(Clone, Debug)]
pub enum VerifyConfig {
    /// By the signature, or by a secret.
    Signed(SignedConfig),
    /// By an access token of our tenant, and perhaps a signature besides.
    Entra(CallerRules, Option<SignedConfig>),
}

/// The ways that need files of keys.
#[derive(Clone, Debug)]
pub enum SignedConfig {
    /// Standard Webhooks under either name.
    Webhooks {
        /// The names of its headers.
        names: Names,
        /// Its secrets.
        secret_files: Vec<PathBuf>,
        /// Its public keys.
        public_key_files: Vec<PathBuf>,
    },
    /// HMAC in a sender's own manner.
    Hmac {
        /// Its secrets.
        secret_files: Vec<PathBuf>,
        /// The manner.
        scheme: Scheme,
    },
    /// A secret that is sent along.
    Shared {
        /// Its secrets.
        secret_files: Vec<PathBuf>,
        /// How it is sent.
        sent: Sent,
    },
}

impl VerifyConfig {
    /// The word for it where a configuration is shown.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Signed(signed) => signed.word(),
            Self::Entra(_, None) => "entra_jwt",
            Self::Entra(_, Some(_)) => "entra_jwt and a signature",
        }
    }

    /// What a person should know before relying on it.
    pub const fn warning(&self) -> Option<&'static str> {
        match self {
            Self::Signed(SignedConfig::Shared { .. }) => Some(
                "its secret is sent along with every delivery and proves nothing about the body: \
                 the weakest way; prefer a signature or entra_jwt",
            ),
            Self::Signed(_) | Self::Entra(_, _) => None,
        }
    }

    /// Whether a delivery carries what would open the door again.
    pub const fn carries_secret(&self) -> bool {
        match self {
            Self::Signed(SignedConfig::Shared { .. }) | Self::Entra(_, None) => true,
            Self::Signed(_) | Self::Entra(_, Some(_)) => false,
        }
    }

    /// The files that hold its secrets.
    pub fn secret_files(&self) -> &[PathBuf] {
        match self {
            Self::Signed(signed) | Self::Entra(_, Some(signed)) => signed.secret_files(),
            Self::Entra(_, None) => &[],
        }
    }
}

impl SignedConfig {
    const fn word(&self) -> &'static str {
        match self {
            Self::Webhooks {
                names: Names::Standard,
                ..
            } => "standard_webhooks",
            Self::Webhooks {
                names: Names::Svix, ..
            } => "svix",
            Self::Hmac { .. } => "hmac",
            Self::Shared { .. } => "a shared secret",
        }
    }

    fn has_a_key(&self) -> bool {
        let public = match self {
            Self::Webhooks {
                public_key_files, ..
            } => !public_key_files.is_empty(),
            Self::Hmac { .. } | Self::Shared { .. } => false,
        };
        public || !self.secret_files().is_empty()
    }

    fn secret_files(&self) -> &[PathBuf] {
        match self {
            Self::Webhooks { secret_files, .. }
            | Self::Hmac { secret_files, .. }
            | Self::Shared { secret_files, .. } => secret_files,
        }
    }
}

/// Checks one `verify:`; paths are relative to `base`.
pub(super) fn verify(base: &Path, file: VerifyFile) -> Result<VerifyConfig, String> {
    if let VerifyFile::EntraJwt(file) = file {
        return entra(base, file);
    }
    signed(base, file).map(VerifyConfig::Signed)
}

/// A way that has a key to hold deliveries against.
fn signed(base: &Path, file: VerifyFile) -> Result<SignedConfig, String> {
    let signed = described(base, file)?;
    if signed.has_a_key() {
        return Ok(signed);
    }
    let word = signed.word();
    Err(format!(
        "{word} needs `secret_files`: without a key nothing could be believed"
    ))
}

fn described(base: &Path, file: VerifyFile) -> Result<SignedConfig, String> {
    let all = |files: Vec<PathBuf>| files.iter().map(|file| base.join(file)).collect();
    let by_code = |keys: KeysFile, scheme: Result<Scheme, _>| {
        Ok(SignedConfig::Hmac {
            secret_files: all(keys.secret_files),
            scheme: scheme.map_err(|bad: crate::signature::BadScheme| bad.to_string())?,
        })
    };
    let webhooks = |names, keys: WebhooksFile| SignedConfig::Webhooks {
        names,
        secret_files: all(keys.secret_files),
        public_key_files: all(keys.public_key_files),
    };
    let shared = |sent: Sent, files| {
        if !sent.is_fit() {
            return Err("`user` is 1 to 128 visible characters without a colon".to_owned());
        }
        let secret_files = all(files);
        Ok(SignedConfig::Shared { secret_files, sent })
    };
    match file {
        VerifyFile::StandardWebhooks(keys) => Ok(webhooks(Names::Standard, keys)),
        VerifyFile::Svix(keys) => Ok(webhooks(Names::Svix, keys)),
        VerifyFile::Github(keys) => by_code(keys, Scheme::github()),
        VerifyFile::Slack(keys) => by_code(keys, Scheme::slack()),
        VerifyFile::Teams(keys) => by_code(keys, Scheme::teams()),
        VerifyFile::Stripe(keys) => by_code(keys, Scheme::stripe()),
        VerifyFile::Hmac(file) => {
            let secret_files = all(file.secret_files.clone());
            let scheme = scheme(file)?;
            Ok(SignedConfig::Hmac {
                secret_files,
                scheme,
            })
        }
        VerifyFile::Header(file) => {
            let (name, prefix) = (header(&file.name)?, file.prefix);
            shared(Sent::Header { name, prefix }, file.secret_files)
        }
        VerifyFile::Basic(file) => shared(Sent::Basic { user: file.user }, file.secret_files),
        VerifyFile::EntraJwt(_) => Err("`entra_jwt.signed` is a signature, not a token".to_owned()),
    }
}

/// One manner, described in the words of the configuration and without its keys:
/// `hmac: { header: X-Sig, encoding: hex, signed: "{body}" }`.
pub fn hmac_scheme(text: &str) -> Result<Scheme, String> {
    let Described { hmac } = strict("hmac", text).map_err(|bad| bad.0)?;
    if !hmac.secret_files.is_empty() {
        return Err("the secret's file is named beside it, not in `secret_files`".to_owned());
    }
    scheme(hmac)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    hmac: HmacFile,
}

fn scheme(file: HmacFile) -> Result<Scheme, String> {
    let layout = match (file.prefix, file.entry) {
        (prefix, None) => Layout::Whole {
            prefix: prefix.unwrap_or_default(),
        },
        (None, Some(name)) => Layout::List { name },
        (Some(_), Some(_)) => return Err("write `prefix` or `entry`, not both".to_owned()),
    };
    let time = file.timestamp.map(time).transpose()?;
    let scheme = Scheme {
        digest: file.algorithm,
        header: header(&file.header)?,
        layout,
        encoding: file.encoding,
        time,
        id: file.id.as_deref().map(header).transpose()?,
        signed: file.signed.parse().map_err(said)?,
        key: file.key,
    };
    scheme.checked().map_err(said)
}

fn said(bad: crate::signature::BadScheme) -> String {
    bad.to_string()
}

fn time(file: TimestampFile) -> Result<TimeRule, String> {
    let place = match (file.header, file.entry) {
        (Some(name), None) => TimePlace::Header(header(&name)?),
        (None, Some(name)) => TimePlace::Entry(name),
        (_, _) => return Err("`timestamp` needs `header` or `entry`, one of them".to_owned()),
    };
    let usual = std::time::Duration::from_secs(TOLERANCE_SECONDS);
    let tolerance = file.tolerance.map_or(usual, |span| span.0);
    if tolerance.is_zero() || tolerance > TOLERANCE_MAX {
        return Err("`timestamp.tolerance` is more than nothing and at most 1h".to_owned());
    }
    Ok(TimeRule {
        place,
        form: file.format,
        tolerance,
    })
}

fn header(name: &str) -> Result<HeaderName, String> {
    name.parse()
        .map_err(|_| format!("`{name}` is not the name of a header"))
}

fn entra(base: &Path, file: EntraFile) -> Result<VerifyConfig, String> {
    let audiences = match file.audience {
        OneOrMore::One(one) => vec![one],
        OneOrMore::More(all) => all,
    };
    let rules = CallerRules {
        audiences,
        callers: file.callers,
        applications: file.applications,
        roles: file.roles,
        idtyp: file.idtyp,
    };
    let rules = rules.checked().map_err(|bad| bad.to_string())?;
    let besides = file.signed.map(|file| signed(base, *file)).transpose()?;
    let is_shared = |besides: &SignedConfig| matches!(besides, SignedConfig::Shared { .. });
    if besides.as_ref().is_some_and(is_shared) {
        return Err("`entra_jwt.signed` must sign the body; a secret does not".to_owned());
    }
    let takes_header = |besides: &SignedConfig| match besides {
        SignedConfig::Hmac { scheme, .. } => scheme.header == http::header::AUTHORIZATION,
        SignedConfig::Webhooks { .. } | SignedConfig::Shared { .. } => false,
    };
    if besides.as_ref().is_some_and(takes_header) {
        return Err("`entra_jwt.signed` cannot use the Authorization header, too".to_owned());
    }
    Ok(VerifyConfig::Entra(rules, besides))
}

/// Where the configuration names what is wrong.
pub(super) fn at(name: &str, what: String) -> BadConfig {
    BadConfig(format!("`sources.{name}.verify`: {what}"))
}

#[cfg(test)]
mod tests;
