//! Why a delivery was refused, for the one who connects its sender and holds the key anyway.
//!
//! Tries the usual mistakes: each trial is one more code over the body, so a door asks only while
//! somebody watches.

use http::HeaderMap;

use super::keyring::KeyRing;
use super::profile::Profile;
use super::refusal::Refusal;
use super::secret::{KeyForm, Secret};
use super::webhook::Webhooks;
use crate::domain::moment::Moment;

/// Most bytes of a body that is tried in other forms.
const BODY_MAX: usize = 256 * 1024;

impl Profile {
    /// What to look at, in a sentence; none when the delivery is genuine.
    pub fn hint(&self, headers: &HeaderMap, body: &[u8], now: Moment) -> Option<String> {
        let refusal = self.verify(headers, body, now).err()?;
        if matches!(refusal, Refusal::TooOld | Refusal::TooNew)
            && let Some((age, allowed)) = self.age(headers, now)
        {
            let when = if age < 0 { "ahead" } else { "old" };
            return Some(format!(
                "its time is {} s {when}, and {allowed} s are allowed: check the sender's clock and \
                 ours",
                age.unsigned_abs()
            ));
        }
        let worth_trying = refusal == Refusal::WrongSignature && body.len() <= BODY_MAX;
        let usual = worth_trying
            .then(|| self.mistake(headers, body, now))
            .flatten();
        Some(usual.unwrap_or_else(|| refusal.advice()))
    }

    /// How many seconds ago it was sent by its own word; less than none when that is ahead of us.
    pub fn skew(&self, headers: &HeaderMap, now: Moment) -> Option<i64> {
        self.age(headers, now).map(|(age, _)| age)
    }

    fn age(&self, headers: &HeaderMap, now: Moment) -> Option<(i64, u64)> {
        match self {
            Self::Webhooks(webhooks) => webhooks.age(headers, now),
            Self::Hmac(_, scheme) => scheme.age(headers, now),
            Self::Shared(_, _) => None,
        }
    }

    fn mistake(&self, headers: &HeaderMap, body: &[u8], now: Moment) -> Option<String> {
        for (changed, what) in changed(body) {
            if changed != body && self.verify(headers, &changed, now).is_ok() {
                return Some(format!(
                    "{} bytes were signed and {} came: {what}. Sign the raw bytes that are sent",
                    changed.len(),
                    body.len()
                ));
            }
        }
        self.with_keys_misread()
            .filter(|other| other.verify(headers, body, now).is_ok())
            .map(|_| {
                "the secret was taken in another form: for Standard Webhooks it is decoded from \
                 base64 after `whsec_`, for GitHub, Slack and Stripe its text is the key"
                    .to_owned()
            })
    }

    /// The same with every key in the form it is most often mistaken for.
    fn with_keys_misread(&self) -> Option<Self> {
        let ring = |keys: &KeyRing| keys.each(Secret::misread);
        match self {
            Self::Webhooks(webhooks) => {
                let keys = ring(webhooks.secrets()?)?;
                let names = webhooks.names();
                Webhooks::new(names, Some(keys), Vec::new())
                    .ok()
                    .map(Self::Webhooks)
            }
            Self::Hmac(keys, scheme) => Some(Self::Hmac(ring(keys)?, scheme.clone())),
            Self::Shared(_, _) => None,
        }
    }
}

impl Refusal {
    /// What a sender should look at. Told only to whoever holds the key.
    pub fn advice(&self) -> String {
        let said = match self {
            Self::Missing(name) => return format!("the header `{name}` is missing"),
            Self::Repeated(name) => return format!("the header `{name}` stands there twice"),
            Self::BadId => "the id has 1 to 128 letters, digits, `-` and `_`",
            Self::BadTimestamp => "the timestamp is not in its form, such as plain Unix seconds",
            Self::TooOld => "the timestamp is too old; check the sender's clock and ours",
            Self::TooNew => "the timestamp is ahead; check the sender's clock and ours",
            Self::BadSignature => {
                "the signature is not in its form: `v1,` and base64 for Standard Webhooks, at most \
                 five of them"
            }
            Self::WrongSignature => {
                "another key, or the body was changed after signing: sign the raw bytes, before \
                 any proxy or formatter"
            }
            Self::WrongSecret => "the secret that was sent is not the one in the file",
        };
        said.to_owned()
    }
}

/// What senders and proxies do to a body, and what it was before.
fn changed(body: &[u8]) -> [(Vec<u8>, &'static str); 4] {
    let trimmed = body.trim_ascii_end().to_vec();
    let mut longer = body.to_vec();
    longer.push(b'\n');
    let mut crlf = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => crlf.extend_from_slice(&[line, b"\r\n"].concat()),
            None => crlf.extend_from_slice(line),
        }
    }
    [
        (trimmed, "white space was added at the end after signing"),
        (longer, "the last newline was cut after signing"),
        (compact(body), "a formatter spread the JSON after signing"),
        (crlf, "line ends were changed after signing"),
    ]
}

/// JSON without the white space between its parts.
fn compact(body: &[u8]) -> Vec<u8> {
    let (mut kept, mut quoted, mut escaped) = (Vec::with_capacity(body.len()), false, false);
    for byte in body {
        if quoted || !byte.is_ascii_whitespace() {
            kept.push(*byte);
        }
        match (byte, escaped) {
            (b'"', false) => quoted = !quoted,
            (b'\\', false) if quoted => {
                escaped = true;
                continue;
            }
            (_, _) => {}
        }
        escaped = false;
    }
    kept
}

impl Secret {
    /// The same secret as somebody would read it who mistook its form.
    fn misread(&self) -> Option<Self> {
        match str::from_utf8(self.bytes()) {
            // Its text is the key, and it was decoded.
            Ok(text) if text.starts_with("whsec_") => Self::parse_as(text, KeyForm::Whsec).ok(),
            Ok(text) if Self::parse_as(text, KeyForm::Base64).is_ok() => {
                Self::parse_as(text, KeyForm::Base64).ok()
            }
            // It was to be decoded, and its text was the key.
            Ok(_) | Err(_) => Self::parse_as(&self.reveal(), KeyForm::Text).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::{KeyRing, Profile, Secret, compact};
    use crate::domain::moment::Moment;
    use crate::signature::{KeyForm, KeyId, Names, Scheme, Webhooks, sign};

    const NOW: i64 = 1_790_000_000;
    const BODY: &[u8] = b"{\"a\": \"x \\\" y\", \"b\":\t[1, 2]}\n";

    fn headers(signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", "msg_1".parse().unwrap());
        headers.insert("webhook-timestamp", NOW.to_string().parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        headers
    }

    fn hint(signature: &str) -> Option<String> {
        let ring = KeyRing::new(vec![(KeyId::new("lab").unwrap(), key())]).unwrap();
        let webhooks = Webhooks::new(Names::Standard, Some(ring), Vec::new()).unwrap();
        let now = Moment::from_millis(NOW * 1000);
        Profile::Webhooks(webhooks).hint(&headers(signature), BODY, now)
    }

    fn key() -> Secret {
        Secret::fresh(std::array::from_fn(|n| (n as u8).wrapping_mul(91) ^ 0xC3))
    }

    #[test]
    fn the_usual_mistakes_are_named() {
        let as_text = Secret::parse_as(&key().reveal(), KeyForm::Text).unwrap();
        let signed = |key: &Secret, body: &[u8]| sign(key, "msg_1", NOW, body);
        for (signature, word) in [
            (signed(&key(), BODY.trim_ascii_end()), "at the end"),
            (signed(&key(), &[BODY, b"\n"].concat()), "newline was cut"),
            (signed(&key(), &compact(BODY)), "a formatter"),
            (signed(&as_text, BODY), "another form"),
            (signed(&key(), b"{}"), "another key"),
        ] {
            let said = hint(&signature).unwrap();
            assert!(said.contains(word), "{word}: {said}");
        }
        assert_eq!(hint(&signed(&key(), BODY)), None);
    }

    #[test]
    fn how_far_a_clock_is_off_is_said() {
        let ring = KeyRing::new(vec![(KeyId::new("lab").unwrap(), key())]).unwrap();
        let webhooks = Webhooks::new(Names::Standard, Some(ring), Vec::new()).unwrap();
        let profile = Profile::Webhooks(webhooks);
        let sent = headers(&sign(&key(), "msg_1", NOW, BODY));
        let said = |seconds: i64| {
            let now = Moment::from_millis((NOW + seconds) * 1000);
            profile.hint(&sent, BODY, now).unwrap()
        };

        assert!(said(412).starts_with("its time is 412 s old, and 300 s are allowed"));
        assert!(said(-3600).starts_with("its time is 3600 s ahead"));
    }

    #[test]
    fn a_secret_that_was_decoded_although_its_text_is_the_key_is_named() {
        let text = key().reveal();
        let right = Secret::parse_as(&text, KeyForm::Text).unwrap();
        let ring = KeyRing::new(vec![(KeyId::new("s").unwrap(), right)]).unwrap();
        let scheme = Scheme::stripe().unwrap();
        let now = Moment::from_millis(NOW * 1000);
        let sent = scheme.sign(&key(), ("", now), BODY);
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.insert(name, value.parse().unwrap());
        }

        let said = Profile::Hmac(ring, scheme)
            .hint(&headers, BODY, now)
            .unwrap();

        assert!(said.contains("another form"), "{said}");
    }

    #[test]
    fn white_space_inside_texts_stays() {
        assert_eq!(compact(BODY), b"{\"a\":\"x \\\" y\",\"b\":[1,2]}");
    }
}
