//! Everything that is known of one run as one signed file.
//!
//! One line of JSON: what it is, the public key, the signature, and the content whose exact bytes
//! are signed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::clock::Clock;
use crate::domain::evidence::{Evidence, EvidencePart, KeptPart, PartState};
use crate::domain::id::RunId;
use crate::domain::moment::Moment;
use crate::domain::record::{Seal, SealedLine};
use crate::domain::run::Run;
use crate::domain::step::Step;
use crate::signature::{PublicKey, SigningKey};
use crate::store::{Error, Store};

/// Name of the format.
pub(super) const FORMAT: &str = "estop-evidence";
/// Its version.
pub(super) const VERSION: u32 = 1;
/// Most records of one run that are carried; it has a few dozen.
const RECORDS_MAX: u32 = 5_000;

/// Hands evidence out. Cheap to clone.
#[derive(Clone)]
pub struct Binder {
    store: Store,
    key: Arc<SigningKey>,
    clock: Clock,
}

/// What is gathered for a run so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shown {
    /// How far it has come; `None` where the run never struck.
    pub evidence: Option<Evidence>,
    /// What is kept, in the order of reading.
    pub parts: Vec<PartShown>,
    /// The public key of bundles.
    pub key: String,
}

/// One part, for people and programs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartShown {
    /// Which.
    pub part: EvidencePart,
    /// What became of it.
    pub state: PartState,
    /// Why it is not here.
    pub why: Option<String>,
    /// When it was read.
    pub read_at: Moment,
    /// SHA-256 of its text, as it stands in the record chain.
    pub digest: Option<String>,
    /// What was read.
    pub body: serde_json::Value,
}

#[derive(Serialize)]
struct Content<'a> {
    exported_at: Moment,
    estop: &'static str,
    run: &'a Run,
    steps: &'a [Step],
    evidence: Option<Evidence>,
    parts: Vec<PartWritten>,
    records: Vec<RecordWritten>,
}

/// A part or record whose text is no JSON any more was damaged in the store: it is left out here,
/// and whoever verifies finds that it is missing.
#[derive(Serialize)]
struct PartWritten {
    part: EvidencePart,
    state: PartState,
    why: Option<String>,
    read_at: Moment,
    body: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct RecordWritten {
    number: i64,
    before: String,
    seal: String,
    record: Option<Box<RawValue>>,
}

impl Binder {
    /// Bundles are signed with this key.
    pub fn new(store: Store, key: SigningKey, clock: Clock) -> Self {
        Self {
            store,
            key: Arc::new(key),
            clock,
        }
    }

    /// What verifies our bundles.
    pub fn public(&self) -> PublicKey {
        self.key.public()
    }

    /// What is gathered for a run; `None` when there is no such run.
    pub async fn show(&self, id: RunId) -> Result<Option<Shown>, Error> {
        if self.store.run(id).await?.is_none() {
            return Ok(None);
        }
        let parts = self.store.evidence_parts(id).await?;
        Ok(Some(Shown {
            evidence: self.store.evidence(id).await?,
            parts: parts.into_iter().map(shown).collect(),
            key: self.public().to_string(),
        }))
    }

    /// The signed bundle of a run, with its last line break; `None` when there is no such run.
    pub async fn bundle(&self, id: RunId) -> Result<Option<String>, Error> {
        let Some(run) = self.store.run(id).await? else {
            return Ok(None);
        };
        let steps = self.store.steps(id).await?;
        let parts = self.store.evidence_parts(id).await?;
        let records = self.store.sealed_lines_of(id, RECORDS_MAX).await?;
        let content = Content {
            exported_at: self.clock.now(),
            estop: env!("CARGO_PKG_VERSION"),
            run: &run,
            steps: &steps,
            evidence: self.store.evidence(id).await?,
            parts: parts.into_iter().map(part).collect(),
            records: records.into_iter().map(record).collect(),
        };
        let content = to_raw_value(&content);
        let content = content.map_err(|error| Error::Damaged(error.to_string()))?;
        let key = self.public().to_string();
        let signature = self.key.sign(&message(&key, content.get()));
        Ok(Some(envelope((&key, &signature), content.get())))
    }
}

/// The exact bytes of a bundle. There is one way to write it, so that any other byte is seen.
pub(super) fn envelope((key, signature): (&str, &str), content: &str) -> String {
    format!(
        "{{\"format\":\"{FORMAT}\",\"version\":{VERSION},\"key\":\"{key}\",\
         \"signature\":\"{signature}\",\"content\":{content}}}\n"
    )
}

/// The bytes that are signed.
pub(super) fn message(key: &str, content: &str) -> Vec<u8> {
    format!("{FORMAT}-{VERSION}\n{key}\n{content}").into_bytes()
}

fn shown(kept: KeptPart) -> PartShown {
    let body = kept.body.as_deref().map(serde_json::from_str);
    PartShown {
        part: kept.part,
        state: kept.state,
        digest: kept.digest(),
        read_at: kept.at,
        body: body.and_then(Result::ok).unwrap_or_default(),
        why: kept.why,
    }
}

fn part(kept: KeptPart) -> PartWritten {
    PartWritten {
        part: kept.part,
        state: kept.state,
        why: kept.why,
        read_at: kept.at,
        body: kept.body.and_then(|text| RawValue::from_string(text).ok()),
    }
}

fn record((before, sealed): (Seal, SealedLine)) -> RecordWritten {
    RecordWritten {
        number: sealed.number,
        before: before.hex(),
        seal: sealed.seal.hex(),
        record: RawValue::from_string(sealed.line).ok(),
    }
}
