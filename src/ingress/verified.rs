//! From stranger to witness.

use bytes::Bytes;
use http::HeaderMap;

use crate::domain::delivery::{BodyDigest, NewDelivery};
use crate::domain::detection::SourceName;
use crate::domain::id::DeliveryId;
use crate::domain::moment::Moment;
use crate::signature::{self, KeyId, Refusal, header};

use super::sources::Source;

/// The Logic App run that sent it, the same on every retry of one action.
const WORKFLOW_RUN: &str = "x-ms-workflow-run-id";
/// The action of that run.
const WORKFLOW_ACTION: &str = "x-ms-workflow-operation-name";
/// Headers worth keeping in a dispute (threat W33). None of them is a secret.
const KEPT_HEADERS: [&str; 9] = [
    header::ID,
    header::TIMESTAMP,
    header::SIGNATURE,
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
/// ```compile_fail
/// let raw = bytes::Bytes::new();
/// let forged = estop::ingress::VerifiedDelivery { body: raw };
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
    key_id: KeyId,
    digest: BodyDigest,
    raw: RawDelivery,
}

impl VerifiedDelivery {
    /// Believes the bytes when one of the source's own keys signed them.
    pub fn verify(raw: RawDelivery, source: &Source, now: Moment) -> Result<Self, Refusal> {
        let key_id = signature::verify(&source.keys, &raw.headers, &raw.body, now)?;
        Ok(Self {
            source: source.name.clone(),
            key_id,
            digest: BodyDigest::of(&raw.body),
            raw,
        })
    }

    /// What the store keeps of it.
    pub fn into_new(self, id: DeliveryId, received_at: Moment) -> NewDelivery {
        NewDelivery {
            id,
            key: delivery_key(&self.raw.headers, self.digest),
            digest: self.digest,
            key_id: self.key_id.as_str().to_owned(),
            headers: kept_headers(&self.raw.headers),
            source: self.source,
            body: self.raw.body,
            received_at,
        }
    }
}

/// What finds a transport repeat: the sender's id for the delivery; else the workflow run and
/// action; else the bytes. The prefix keeps one kind from posing as another.
fn delivery_key(headers: &HeaderMap, digest: BodyDigest) -> String {
    let value = |name| {
        let text = headers.get(name)?.to_str().ok()?;
        (!text.is_empty() && text.len() <= VALUE_MAX).then_some(text)
    };
    if let Some(id) = value(header::ID) {
        return format!("id:{id}");
    }
    match (value(WORKFLOW_RUN), value(WORKFLOW_ACTION)) {
        (Some(run), Some(action)) => format!("run:{run}/{action}"),
        (_, _) => format!("sha256:{}", digest.hex()),
    }
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

    use super::{BodyDigest, delivery_key, kept_headers};

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

        assert_eq!(delivery_key(&headers(&id), digest), "id:msg_1");
        assert_eq!(
            delivery_key(&headers(&run), digest),
            "run:085/Contain_agent"
        );
        let bytes = format!("sha256:{}", digest.hex());
        assert_eq!(delivery_key(&headers(&run[..1]), digest), bytes);
        assert_eq!(delivery_key(&headers(&[]), digest), bytes);
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
