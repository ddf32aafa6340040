//! In whose manner a delivery proves itself, as it is typed.

use std::str::FromStr;

use http::HeaderName;

use crate::config::hmac_scheme;
use crate::signature::{Scheme, Sent};

/// What can be typed after `--scheme`, for help and for whoever mistypes.
const WORDS: &str = "standard_webhooks, v1a, svix, github, slack, stripe, teams, header:NAME, \
                     basic:USER, token, or `hmac: { … }` in the words of the configuration";

/// In whose manner a delivery proves itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// webhook-id, webhook-timestamp, webhook-signature; HMAC.
    StandardWebhooks,
    /// The same with a private key, whsk_ and base64.
    V1a,
    /// The same under the names of Svix.
    Svix,
    /// X-Hub-Signature-256.
    Github,
    /// X-Slack-Signature.
    Slack,
    /// Stripe-Signature.
    Stripe,
    /// Authorization: HMAC, of a Teams outgoing webhook.
    Teams,
    /// HMAC in any other manner.
    Hmac(Box<Scheme>),
    /// The secret itself, in a header or as a password.
    Carried(Sent),
    /// An access token of the tenant, as it was issued.
    Token,
}

impl FromStr for Manner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "standard_webhooks" => Self::StandardWebhooks,
            "v1a" => Self::V1a,
            "svix" => Self::Svix,
            "github" => Self::Github,
            "slack" => Self::Slack,
            "stripe" => Self::Stripe,
            "teams" => Self::Teams,
            "token" => Self::Token,
            other if other.trim_start().starts_with("hmac:") => {
                Self::Hmac(Box::new(hmac_scheme(other)?))
            }
            other => Self::Carried(carried(other).ok_or_else(|| format!("write {WORDS}"))?),
        })
    }
}

/// `header:X-Api-Key`, `header:Authorization=Bearer ` with what stands before the secret, and
/// `basic:splunk`.
fn carried(text: &str) -> Option<Sent> {
    let sent = match text.split_once(':')? {
        ("header", rest) => {
            let (name, prefix) = rest.split_once('=').unwrap_or((rest, ""));
            let name: HeaderName = name.parse().ok()?;
            let prefix = prefix.to_owned();
            Sent::Header { name, prefix }
        }
        ("basic", user) => Sent::Basic {
            user: user.to_owned(),
        },
        _ => return None,
    };
    sent.is_fit().then_some(sent)
}

#[cfg(test)]
mod tests {
    use super::{Manner, Sent};

    #[test]
    fn a_way_is_a_word_or_says_where_the_secret_goes() {
        let read = |text: &str| text.parse::<Manner>();
        let header = |name, prefix: &str| {
            let prefix = prefix.to_owned();
            let name = http::HeaderName::from_static(name);
            Ok(Manner::Carried(Sent::Header { name, prefix }))
        };
        let user = "splunk".to_owned();

        assert_eq!(read("svix"), Ok(Manner::Svix));
        assert_eq!(read("header:X-Api-Key"), header("x-api-key", ""));
        assert_eq!(
            read("header:Authorization=Bearer "),
            header("authorization", "Bearer ")
        );
        assert_eq!(
            read("basic:splunk"),
            Ok(Manner::Carried(Sent::Basic { user }))
        );
        for bad in ["", "Svix", "header:", "header:a b", "basic:", "basic:a:b"] {
            assert!(read(bad).unwrap_err().contains("basic:USER"), "{bad}");
        }
    }

    #[test]
    fn a_manner_of_ones_own_is_described_as_in_the_configuration() {
        let read = |text: &str| text.parse::<Manner>();
        let own = read("hmac: { key: text, header: X-Sig, encoding: hex, signed: '{body}' }");

        assert!(matches!(own, Ok(Manner::Hmac(scheme)) if scheme.header == "x-sig"));
        for (bad, why) in [
            ("hmac: {}", "header"),
            ("hmac:x", "hmac"),
            ("hmac: { header: X, encoding: hex, signed: '' }", "{body}"),
            ("hmac: { header: X, encoding: hx, signed: '{body}' }", "hx"),
            (
                "hmac: { header: X, encoding: hex, signed: '{body}', secret_files: [a] }",
                "secret_files",
            ),
        ] {
            let said = read(bad).unwrap_err();
            assert!(said.contains(why), "{bad}: {said}");
        }
    }
}
