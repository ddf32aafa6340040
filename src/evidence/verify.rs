//! Does a bundle hold? Needs no server: the file, and a public key noted elsewhere.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::bundle::{FORMAT, VERSION, envelope, message};
use crate::domain::evidence::{EvidencePart, PartState, digest};
use crate::domain::moment::Moment;
use crate::domain::record::{Record, Seal, seal};
use crate::signature::PublicKey;

/// Longest bundle that is read, in bytes.
pub const FILE_MAX: u64 = 64 * 1024 * 1024;

/// The first thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It is no bundle, or was written by another hand.
    #[error("it is not written as estop writes a bundle: {0}")]
    Form(String),
    /// A version we do not know.
    #[error("it is version {0} of the format, and version {VERSION} is known here")]
    Version(u32),
    /// Signed with another key than the one that was named.
    #[error("it carries the key {found}, and {wanted} was named: somebody else signed it")]
    OtherKey {
        /// In the bundle.
        found: PublicKey,
        /// Named by who verifies.
        wanted: PublicKey,
    },
    /// The content is not what was signed.
    #[error("the signature does not fit: the content or the signature was changed")]
    Signature,
    /// A record does not fit its seal.
    #[error("record {0} does not fit its seals: the store was changed before this was exported")]
    Record(i64),
    /// A part is not what was recorded when it was read.
    #[error("part `{part}`: {why}")]
    Part {
        /// Its word.
        part: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// What holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Who signed it.
    pub key: PublicKey,
    /// The run's name.
    pub run: String,
    /// When it was written.
    pub exported_at: Moment,
    /// How many records it carries.
    pub records: usize,
    /// How many parts were read.
    pub parts: usize,
    /// Parts that are not there, each with why.
    pub missing: Vec<(EvidencePart, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    format: &'a str,
    version: u32,
    key: &'a str,
    signature: &'a str,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
struct Content<'a> {
    exported_at: Moment,
    run: Named,
    #[serde(borrow)]
    parts: Vec<PartRead<'a>>,
    #[serde(borrow)]
    records: Vec<RecordRead<'a>>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct PartRead<'a> {
    part: EvidencePart,
    state: PartState,
    why: Option<String>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RecordRead<'a> {
    number: i64,
    before: &'a str,
    seal: &'a str,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
}

/// Checks form, key, signature, records and parts, in this order, and names the first that does
/// not hold. Without a key only a change is found, not another signer.
pub fn verify(file: &[u8], wanted: Option<PublicKey>) -> Result<Verified, Broken> {
    let form = |why: &dyn std::fmt::Display| Broken::Form(why.to_string());
    let text = str::from_utf8(file).map_err(|why| form(&why))?;
    let envelope_read: Envelope<'_> = serde_json::from_str(text).map_err(|why| form(&why))?;
    let Envelope {
        format,
        version,
        key,
        signature,
        content,
    } = envelope_read;
    if format != FORMAT {
        return Err(form(&format!("its format is not {FORMAT}")));
    }
    if version != VERSION {
        return Err(Broken::Version(version));
    }
    if envelope((key, signature), content.get()) != text {
        return Err(form(&"there is another order, or white space"));
    }
    let found: PublicKey = key.parse().map_err(|why: String| form(&why))?;
    if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
        return Err(Broken::OtherKey { found, wanted });
    }
    if !found.holds(&message(key, content.get()), signature) {
        return Err(Broken::Signature);
    }
    let content: Content<'_> = serde_json::from_str(content.get()).map_err(|why| form(&why))?;
    let recorded = records(&content.records)?;
    let (parts, missing) = parts(&content.parts, &recorded)?;
    Ok(Verified {
        key: found,
        run: content.run.id,
        exported_at: content.exported_at,
        records: content.records.len(),
        parts,
        missing,
    })
}

/// Checks every record, and answers the digest that was recorded for each part.
fn records(all: &[RecordRead<'_>]) -> Result<BTreeMap<EvidencePart, Option<String>>, Broken> {
    let mut recorded = BTreeMap::new();
    let mut last: Option<(i64, Seal)> = None;
    for one in all {
        let broken = || Broken::Record(one.number);
        let before = Seal::from_hex(one.before).ok_or_else(broken)?;
        let line = one.record.ok_or_else(broken)?.get();
        let next = seal(before, line);
        let in_order = last.is_none_or(|(number, seal)| {
            one.number > number && (one.number != number + 1 || seal == before)
        });
        if next.hex() != one.seal || !in_order {
            return Err(broken());
        }
        last = Some((one.number, next));
        let record: Record = serde_json::from_str(line).map_err(|_| broken())?;
        if record.what == "evidence.kept" {
            let word = record.detail["part"].as_str().unwrap_or_default();
            let part = EvidencePart::from_word(word).ok_or_else(broken)?;
            let digest = record.detail["digest"].as_str().map(str::to_owned);
            recorded.insert(part, digest);
        }
    }
    Ok(recorded)
}

type Told = (usize, Vec<(EvidencePart, String)>);

fn parts(
    all: &[PartRead<'_>],
    recorded: &BTreeMap<EvidencePart, Option<String>>,
) -> Result<Told, Broken> {
    let bad = |part: EvidencePart, why| Broken::Part {
        part: part.word(),
        why,
    };
    let mut missing = Vec::new();
    for one in all {
        let wanted = recorded
            .get(&one.part)
            .ok_or_else(|| bad(one.part, "no record says that it was read"))?;
        if one.body.map(|body| digest(body.get())) != *wanted {
            return Err(bad(one.part, "it is not what was read: its digest differs"));
        }
        if one.state != PartState::Read {
            missing.push((one.part, one.why.clone().unwrap_or_default()));
        }
    }
    for part in recorded.keys() {
        if !all.iter().any(|one| one.part == *part) {
            return Err(bad(*part, "it was read and is not here"));
        }
    }
    Ok((all.len() - missing.len(), missing))
}
