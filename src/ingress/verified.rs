//! From stranger to witness.

use bytes::Bytes;
use http::HeaderMap;

use crate::domain::delivery::{BodyDigest, NewDelivery};
use crate::domain::detection::SourceName;
use crate::domain::id::DeliveryId;
use crate::domain::moment::Moment;
use crate::signature::{Repeat, header};

use super::sources::Source;
use super::verifier::{Proof, Unbelieved};

/// The Logic App run that sent it, the same on every retry of one action.
const WORKFLOW_RUN: &str = "x-ms-workflow-run-id";
/// The action of that run.
const WORKFLOW_ACTION: &str = "x-ms-workflow-operation-name";
/// Headers worth keeping in a dispute (threat W33). None of them is a secret.
const KEPT_HEADERS: [&str; 17] = [
    header::ID,
    header::TIMESTAMP,
    header::SIGNATURE,
    "svix-id",
    "svix-timestamp",
    "svix-signature",
    "x-hub-signature-256",
    "x-github-delivery",
    "x-slack-signature",
    "x-slack-request-timestamp",
    "stripe-signature",
    WORKFLOW_RUN,
    WORKFLOW_ACTION,
    "x-ms-workflow-id",
    "x-ms-client-tracking-id",
    "content-type",
    "user-agent",
];
/// Longest header value that is kept or that makes a key, in characters.
const VALUE_MAX: usize = 512;

/// Bytes a stranger sent. Nothing in here may be believed.
pub struct RawDelivery {
    /// As they came.
    pub headers: HeaderMap,
    /// As it came.
    pub body: Bytes,
}

/// A delivery whose signature we checked. [`VerifiedDelivery::verify`] is the only way to make
/// one, so whoever takes one cannot be handed unchecked bytes (threat W08):
///
/// ```compile_fail,E0451
/// use estop::domain::{delivery::BodyDigest, detection::SourceName};
/// use estop::ingress::{RawDelivery, VerifiedDelivery};
///
/// fn forge(source: SourceName, key_id: String, key: String, digest: BodyDigest, raw: RawDelivery) {
///     let forged = VerifiedDelivery { source, key_id, key, digest, raw };
/// }
/// ```
///
/// ```compile_fail
/// let raw = estop::ingress::RawDelivery { headers: http::HeaderMap::new(), body: bytes::Bytes::new() };
/// let forged: estop::ingress::VerifiedDelivery = raw.into();
/// ```
///
/// ```
/// let raw = estop::ingress::RawDelivery { headers: http::HeaderMap::new(), body: bytes::Bytes::new() };
/// assert!(raw.body.is_empty());
/// ```
pub struct VerifiedDelivery {
    source: SourceName,
    key_id: String,
    key: String,
    digest: BodyDigest,
    raw: RawDelivery,
}

impl VerifiedDelivery {
    /// Believes the bytes when the source proves itself by its own keys or rules.
    pub async fn verify(
        raw: RawDelivery,
        source: &Source,
        now: Moment,
    ) -> Result<Self, (RawDelivery, Unbelieved)> {
        let proof = source.verifier.verify(&raw.headers, &raw.body, now).await;
        let proof = proof.map(|Proof { key_id, repeat }| {
            let digest = BodyDigest::of(&raw.body);
            let key = delivery_key(&raw.headers, repeat, digest);
            (key_id, key, digest)
        });
        match proof {
            Ok((key_id, key, digest)) => Ok(Self {
                source: source.name.clone(),
                key_id,
                key,
                digest,
                raw,
            }),
            Err(why) => Err((raw, why)),
        }
    }

    /// Which key verified it, and how long it is: for whoever watches.
    pub(super) fn shown(&self) -> (String, usize) {
        (self.key_id.clone(), self.raw.body.len())
    }

    /// What the store keeps of it.
    pub fn into_new(self, id: DeliveryId, received_at: Moment) -> NewDelivery {
        NewDelivery {
            id,
            key: self.key,
            digest: self.digest,
            key_id: self.key_id,
            headers: kept_headers(&self.raw.headers),
            source: self.source,
            body: self.raw.body,
            received_at,
        }
    }
}

/// What finds a transport repeat: the sender's signed id for the delivery; else, where headers may
/// be believed, its id, or the workflow run and action; else the bytes. The prefix keeps one kind
/// from posing as another.
fn delivery_key(headers: &HeaderMap, repeat: Repeat<'_>, digest: BodyDigest) -> String {
    let bytes = || format!("sha256:{}", digest.hex());
    match repeat {
        Repeat::Signed(id) => format!("id:{id}"),
        Repeat::Bytes => bytes(),
        Repeat::Headers => said_key(headers).unwrap_or_else(bytes),
    }
}

fn said_key(headers: &HeaderMap) -> Option<String> {
    let value = |name| {
        let text = headers.get(name)?.to_str().ok()?;
        (!text.is_empty() && text.len() <= VALUE_MAX).then_some(text)
    };
    if let Some(id) = value(header::ID) {
        return Some(format!("id:{id}"));
    }
    let (run, action) = (value(WORKFLOW_RUN)?, value(WORKFLOW_ACTION)?);
    Some(format!("run:{run}/{action}"))
}

fn kept_headers(headers: &HeaderMap) -> String {
    let mut kept = serde_json::Map::new();
    for name in KEPT_HEADERS {
        if let Some(value) = headers.get(name) {
            let text = String::from_utf8_lossy(value.as_bytes());
            let text: String = text.chars().take(VALUE_MAX).collect();
            kept.insert(name.to_owned(), text.into());
        }
    }
    serde_json::Value::Object(kept).to_string()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::{BodyDigest, Repeat, delivery_key, kept_headers};

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = list
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        pairs.collect()
    }

    #[test]
    fn a_repeat_is_found_by_id_then_by_workflow_run_then_by_bytes() {
        let digest = BodyDigest::of(b"{}");
        let run = [
            ("x-ms-workflow-run-id", "085"),
            ("x-ms-workflow-operation-name", "Contain_agent"),
        ];
        let id = [("webhook-id", "msg_1"), run[0], run[1]];

        let bytes = format!("sha256:{}", digest.hex());
        let key =
            |list: &[(&'static str, &str)], repeat| delivery_key(&headers(list), repeat, digest);

        assert_eq!(key(&id, Repeat::Headers), "id:msg_1");
        assert_eq!(key(&run, Repeat::Headers), "run:085/Contain_agent");
        assert_eq!(key(&run[..1], Repeat::Headers), bytes);
        assert_eq!(key(&[], Repeat::Headers), bytes);
        assert_eq!(key(&run, Repeat::Signed("evt_2")), "id:evt_2");
        // With an unsigned header a captured delivery could be made to look new.
        assert_eq!(key(&id, Repeat::Bytes), bytes);
    }

    #[test]
    fn credentials_are_not_kept_with_the_headers() {
        let sent = headers(&[
            ("authorization", "Bearer x"),
            ("cookie", "a=b"),
            ("webhook-id", "msg_1"),
        ]);

        assert_eq!(kept_headers(&sent), r#"{"webhook-id":"msg_1"}"#);
    }
}
