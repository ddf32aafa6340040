//! The manners of known senders, each from its maker's documentation and checked against its
//! published vectors where there are some.

use std::time::Duration;

use http::HeaderName;
use http::header::AUTHORIZATION;

use super::template::Template;
use super::{BadScheme, Digest, Encoding, KeyForm, Layout, Scheme, TimeForm, TimePlace, TimeRule};

/// How far the senders that say a time may be off.
const TOLERANCE: Duration = Duration::from_secs(300);

impl Scheme {
    /// GitHub: `X-Hub-Signature-256: sha256=` and hex over the body. It says no time and signs no
    /// id, so the bytes alone find a repeat, for as long as deliveries are kept.
    pub fn github() -> Result<Self, BadScheme> {
        let header = HeaderName::from_static("x-hub-signature-256");
        Self::over_body(header, "sha256=", (Encoding::Hex, KeyForm::Text))
    }

    /// Slack: `X-Slack-Signature: v0=` and hex over `v0:{timestamp}:{body}`.
    pub fn slack() -> Result<Self, BadScheme> {
        Self {
            digest: Digest::Sha256,
            header: HeaderName::from_static("x-slack-signature"),
            layout: Layout::Whole {
                prefix: "v0=".to_owned(),
            },
            encoding: Encoding::Hex,
            time: Some(TimeRule {
                place: TimePlace::Header(HeaderName::from_static("x-slack-request-timestamp")),
                form: TimeForm::Seconds,
                tolerance: TOLERANCE,
            }),
            id: None,
            signed: "v0:{timestamp}:{body}".parse::<Template>()?,
            key: KeyForm::Text,
        }
        .checked()
    }

    /// Stripe's manner: a list `t=…,v1=…` with hex over `{timestamp}.{body}`; the whole secret is
    /// the key, `whsec_` included.
    pub fn stripe() -> Result<Self, BadScheme> {
        Self {
            digest: Digest::Sha256,
            header: HeaderName::from_static("stripe-signature"),
            layout: Layout::List {
                name: "v1".to_owned(),
            },
            encoding: Encoding::Hex,
            time: Some(TimeRule {
                place: TimePlace::Entry("t".to_owned()),
                form: TimeForm::Seconds,
                tolerance: TOLERANCE,
            }),
            id: None,
            signed: "{timestamp}.{body}".parse::<Template>()?,
            key: KeyForm::Text,
        }
        .checked()
    }

    /// A Teams outgoing webhook: `Authorization: HMAC ` and base64 over the body, by a base64 key.
    /// It says no time, so the bytes alone find a repeat.
    pub fn teams() -> Result<Self, BadScheme> {
        Self::over_body(AUTHORIZATION, "HMAC ", (Encoding::Base64, KeyForm::Base64))
    }

    fn over_body(
        header: HeaderName,
        prefix: &str,
        (encoding, key): (Encoding, KeyForm),
    ) -> Result<Self, BadScheme> {
        Self {
            digest: Digest::Sha256,
            header,
            layout: Layout::Whole {
                prefix: prefix.to_owned(),
            },
            encoding,
            time: None,
            id: None,
            signed: "{body}".parse::<Template>()?,
            key,
        }
        .checked()
    }
}
