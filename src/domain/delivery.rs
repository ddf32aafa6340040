//! One signed POST, from stranger's bytes to something stored.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::detection::SourceName;
use super::id::DeliveryId;
use super::moment::Moment;

/// Largest body that is taken, in bytes.
pub const BODY_MAX: usize = 1024 * 1024;

/// SHA-256 of the exact bytes received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BodyDigest(pub [u8; 32]);

impl BodyDigest {
    /// The digest of these bytes.
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    /// 64 lower-case hex digits.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Stored, not yet read.
    Received,
    /// Became a detection, or joined one.
    Read,
    /// Authentic and understood, and on purpose nothing follows.
    Ignored,
    /// Authentic and not understood: kept, shown, replayable after a fix.
    Quarantined,
}

impl DeliveryState {
    /// The word for it in JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Read => "read",
            Self::Ignored => "ignored",
            Self::Quarantined => "quarantined",
        }
    }

    /// The state a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Received, Self::Read, Self::Ignored, Self::Quarantined]
            .into_iter()
            .find(|state| state.word() == word)
    }
}

/// A verified delivery on its way into the store. Only `ingress` makes one, from a
/// `VerifiedDelivery`, and `watch`, from what Graph itself answered.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Fixed at receipt; the detection will share it.
    pub id: DeliveryId,
    /// Whose path and key it came by.
    pub source: SourceName,
    /// Finds transport repeats within the source (design §2).
    pub key: String,
    /// Of the exact bytes.
    pub digest: BodyDigest,
    /// The key that verified it: the secret file's stem.
    pub key_id: String,
    /// The headers that mattered, as JSON: an object of lower-case name to value. No secrets.
    pub headers: String,
    /// The exact bytes.
    pub body: bytes::Bytes,
    /// By our clock.
    pub received_at: Moment,
}

impl NewDelivery {
    /// As the store keeps it once it is taken for the first time.
    pub fn received(&self) -> Delivery {
        Delivery {
            id: self.id,
            source: self.source.clone(),
            state: DeliveryState::Received,
            why: None,
            body: self.body.clone(),
            digest: self.digest,
            key_id: self.key_id.clone(),
            headers: self.headers.clone(),
            received_at: self.received_at,
        }
    }
}

/// A delivery as the store keeps it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its name.
    pub id: DeliveryId,
    /// Who sent it.
    pub source: SourceName,
    /// Where it stands.
    pub state: DeliveryState,
    /// Why it stands there, for people.
    pub why: Option<String>,
    /// The exact bytes.
    pub body: bytes::Bytes,
    /// Of the exact bytes.
    pub digest: BodyDigest,
    /// The key that verified it.
    pub key_id: String,
    /// The headers that mattered, as JSON.
    pub headers: String,
    /// When it came.
    pub received_at: Moment,
}
