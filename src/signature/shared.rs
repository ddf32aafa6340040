//! A secret that is simply sent along. The weakest way: it proves nothing about the body, and
//! whoever sees one request can send any other. For senders that can do nothing better.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use subtle::ConstantTimeEq as _;

use super::keyring::{KeyId, KeyRing};
use super::read::only;
use super::refusal::Refusal;
use super::secret::Secret;

/// Longest user name of basic authentication.
const USER_MAX: usize = 128;

/// How the secret is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// In a header of this name, after this text.
    Header {
        /// The header.
        name: HeaderName,
        /// What stands before the secret, such as `Bearer `; may be empty.
        prefix: String,
    },
    /// As the password of HTTP basic authentication.
    Basic {
        /// The user name.
        user: String,
    },
}

impl Sent {
    /// Whether the user name can be sent at all.
    pub fn is_fit(&self) -> bool {
        match self {
            Self::Header { .. } => true,
            Self::Basic { user } => {
                let plain = |c: char| c.is_ascii_graphic() && c != ':';
                (1..=USER_MAX).contains(&user.len()) && user.chars().all(plain)
            }
        }
    }

    /// The header a request carries it in.
    pub fn header(&self) -> HeaderName {
        match self {
            Self::Header { name, .. } => name.clone(),
            Self::Basic { .. } => AUTHORIZATION,
        }
    }

    /// The value of that header with this secret.
    pub fn value(&self, secret: &Secret) -> Vec<u8> {
        match self {
            Self::Header { prefix, .. } => [prefix.as_bytes(), secret.bytes()].concat(),
            Self::Basic { user } => {
                let pair = [user.as_bytes(), b":", secret.bytes()].concat();
                format!("Basic {}", STANDARD.encode(pair)).into_bytes()
            }
        }
    }

    /// Which secret was sent, compared whole and in constant time.
    pub(super) fn verify(&self, keys: &KeyRing, headers: &HeaderMap) -> Result<KeyId, Refusal> {
        let sent = only(headers, &self.header())?;
        let mut all = keys.keys();
        let key = all.find(|(_, key)| self.value(key).ct_eq(sent).into());
        key.map(|(key, _)| key.clone()).ok_or(Refusal::WrongSecret)
    }
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{KeyRing, Refusal, Secret, Sent, USER_MAX};
    use crate::signature::{KeyForm, KeyId};

    fn key(seed: u8) -> Secret {
        let drawn = std::array::from_fn::<u8, 16, _>(|n| (n as u8).wrapping_mul(89) ^ seed);
        Secret::parse_as(&hex::encode(drawn), KeyForm::Text).unwrap()
    }

    fn in_header() -> Sent {
        Sent::Header {
            name: HeaderName::from_static("x-token"),
            prefix: "Bearer ".to_owned(),
        }
    }

    fn basic(user: &str) -> Sent {
        Sent::Basic {
            user: user.to_owned(),
        }
    }

    #[test]
    fn a_secret_is_believed_whole_and_where_it_belongs_only() {
        let named = |seed: u8| (KeyId::new(&format!("k{seed}")).unwrap(), key(seed));
        let ring = KeyRing::new(vec![named(1), named(2)]).unwrap();
        for sent in [in_header(), basic("soc")] {
            let verdict = |value: &[u8]| {
                let mut headers = HeaderMap::new();
                headers.insert(sent.header(), HeaderValue::from_bytes(value).unwrap());
                let said = sent.verify(&ring, &headers);
                said.map(|key| key.as_str().to_owned())
            };
            let right = sent.value(&key(2));

            assert_eq!(verdict(&right).unwrap(), "k2");
            assert_eq!(verdict(&right[1..]), Err(Refusal::WrongSecret));
            assert_eq!(
                verdict(&right[..right.len() - 1]),
                Err(Refusal::WrongSecret)
            );
            assert_eq!(verdict(&sent.value(&key(3))), Err(Refusal::WrongSecret));
            assert_eq!(verdict(b""), Err(Refusal::WrongSecret));
            assert_eq!(
                sent.verify(&ring, &HeaderMap::new()).map(drop),
                Err(Refusal::Missing(sent.header()))
            );
        }
    }

    /// The vector of RFC 7617.
    #[test]
    fn a_secret_is_sent_as_the_sender_would() {
        let secret = Secret::of_bytes(b"open sesame");

        assert_eq!(in_header().value(&secret), b"Bearer open sesame");
        assert_eq!(in_header().header(), "x-token");
        assert_eq!(
            basic("Aladdin").value(&secret),
            b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert_eq!(basic("Aladdin").header(), AUTHORIZATION);
    }

    #[test]
    fn a_user_name_that_no_request_could_carry_is_unfit() {
        let longest = "u".repeat(USER_MAX);
        for good in ["soc", longest.as_str()] {
            assert!(basic(good).is_fit(), "{good}");
        }
        for bad in ["", "a:b", "a b", "é", &format!("{longest}u")] {
            assert!(!basic(bad).is_fit(), "{bad}");
        }
        assert!(in_header().is_fit());
    }
}
