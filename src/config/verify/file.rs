//! `verify:` as people write it.

use std::path::PathBuf;

use serde::Deserialize;

use crate::domain::entity::ObjectId;
use crate::domain::moment::Span;
use crate::entra::AppMark;
use crate::signature::{Digest, Encoding, KeyForm, TimeForm};

/// `verify:` as people write it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyFile {
    /// Standard Webhooks: HMAC-SHA256 (v1) or Ed25519 (v1a) over id, timestamp and body.
    StandardWebhooks(WebhooksFile),
    /// The same under the header names of Svix.
    Svix(WebhooksFile),
    /// `X-Hub-Signature-256`.
    Github(KeysFile),
    /// `X-Slack-Signature`.
    Slack(KeysFile),
    /// A Teams outgoing webhook.
    Teams(KeysFile),
    /// Stripe's manner.
    Stripe(KeysFile),
    /// HMAC in any other manner.
    Hmac(HmacFile),
    /// An access token of our tenant.
    EntraJwt(EntraFile),
    /// A secret in a header. Warned about: it proves nothing about the body.
    Header(HeaderFile),
    /// A secret as the password of basic authentication. Warned about, too.
    Basic(BasicFile),
}

/// Where the signing keys lie: one, or two while they are being rotated.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysFile {
    /// Files of mode 0600 that hold the secret. The stem is the key's id.
    pub secret_files: Vec<PathBuf>,
}

/// The keys of Standard Webhooks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhooksFile {
    /// Files of mode 0600 that hold `whsec_` and base64.
    #[serde(default)]
    pub secret_files: Vec<PathBuf>,
    /// Files that hold the sender's `whpk_` and base64.
    #[serde(default)]
    pub public_key_files: Vec<PathBuf>,
}

/// HMAC as a sender describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HmacFile {
    /// Files of mode 0600 that hold the secret; none where one manner is described by itself.
    #[serde(default)]
    pub secret_files: Vec<PathBuf>,
    /// What they hold: `whsec`, `text` or `base64`.
    #[serde(default)]
    pub key: KeyForm,
    /// `sha256` or `sha512`.
    #[serde(default)]
    pub algorithm: Digest,
    /// The header with the signature.
    pub header: String,
    /// `hex` or `base64`.
    pub encoding: Encoding,
    /// What stands before the code.
    pub prefix: Option<String>,
    /// The name of the code where the header is a list.
    pub entry: Option<String>,
    /// What is signed, with `{id}`, `{timestamp}` and `{body}`.
    pub signed: String,
    /// Where the time of sending stands.
    pub timestamp: Option<TimestampFile>,
    /// The header with the delivery's id.
    pub id: Option<String>,
}

/// Where the time of sending stands, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimestampFile {
    /// The header.
    pub header: Option<String>,
    /// Or its name in the signature's list.
    pub entry: Option<String>,
    /// `seconds`, `milliseconds` or `rfc3339`.
    #[serde(default)]
    pub format: TimeForm,
    /// How far it may lie from our clock; 300 s unless written.
    pub tolerance: Option<Span>,
}

/// Who may call with an access token of our tenant.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntraFile {
    /// The App ID URI or the client id, or both.
    pub audience: OneOrMore,
    /// Object ids of service principals.
    #[serde(default)]
    pub callers: Vec<ObjectId>,
    /// Ids of applications.
    #[serde(default)]
    pub applications: Vec<ObjectId>,
    /// App roles, any one of which is enough.
    #[serde(default)]
    pub roles: Vec<String>,
    /// `if_present` or `required`.
    #[serde(default)]
    pub idtyp: AppMark,
    /// A signature that is due besides: the token says who, and nothing about the body.
    pub signed: Option<Box<VerifyFile>>,
}

/// One value, or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// More.
    More(Vec<String>),
}

/// A secret in a header.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderFile {
    /// Its name.
    pub name: String,
    /// What stands before the secret, such as `Bearer `.
    #[serde(default)]
    pub prefix: String,
    /// Files of mode 0600 that hold the secret as text.
    pub secret_files: Vec<PathBuf>,
}

/// A secret as the password of basic authentication.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasicFile {
    /// The user name.
    pub user: String,
    /// Files of mode 0600 that hold the password as text.
    pub secret_files: Vec<PathBuf>,
}
