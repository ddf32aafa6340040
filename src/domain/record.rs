//! The permanent record: one sealed line of what happened and who decided.
//!
//! Each line's seal covers the line before it, so that a change, a deletion, a swap or an insertion
//! breaks every seal after it. `store` seals inside the transaction that makes the change; `audit`
//! lists, exports and verifies.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::id::{DeliveryId, DetectionId, OrderId, RunId};
use super::moment::Moment;

/// SHA-256 over the seal before it and the line's own bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal(pub [u8; 32]);

impl Seal {
    /// The seal before the first line.
    pub const GENESIS: Self = Self([0; 32]);

    /// 64 lower-case hex digits.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Reads 64 hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

/// Who did it: `estop`, `source:NAME` or an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(pub String);

impl Actor {
    /// estop itself.
    pub fn ourselves() -> Self {
        Self("estop".to_owned())
    }
}

/// What one line says. Serialized field by field in this order; absent fields are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When, by our clock.
    pub at: Moment,
    /// What happened: `delivery.stored`, `run.begun`, `step.ended`, `order.taken`, …
    pub what: String,
    /// Who did it.
    pub who: Actor,
    /// About which delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryId>,
    /// About which detection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detection: Option<DetectionId>,
    /// About which run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// By which order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// Everything else a reader needs.
    pub detail: serde_json::Value,
}

impl Record {
    /// A record of something estop did, about nothing yet.
    pub fn new(at: Moment, what: &str, detail: serde_json::Value) -> Self {
        Self {
            at,
            what: what.to_owned(),
            who: Actor::ourselves(),
            delivery: None,
            detection: None,
            run: None,
            order: None,
            detail,
        }
    }

    /// The same record, done by someone else.
    #[must_use]
    pub fn by(mut self, who: Actor) -> Self {
        self.who = who;
        self
    }

    /// The same record, about this run.
    #[must_use]
    pub fn about_run(mut self, run: RunId) -> Self {
        self.run = Some(run);
        self
    }

    /// The exact bytes that are sealed and stored.
    pub fn line(&self) -> String {
        // Every part is a string, a number or a JSON value with string keys: it serializes.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Seals one line onto a chain.
pub fn seal(before: Seal, line: &str) -> Seal {
    let mut hash = Sha256::new();
    hash.update(b"estop-record-1\n");
    hash.update(before.0);
    hash.update(line.as_bytes());
    Seal(hash.finalize().into())
}

/// One sealed line, as the store keeps it and an export carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedLine {
    /// Its place, from 1, without gaps.
    pub number: i64,
    /// The exact bytes.
    pub line: String,
    /// Its seal.
    pub seal: Seal,
}

/// Where a chain breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A line is missing, doubled or out of place.
    #[error(
        "record {found} stands where record {expected} is due: a record is missing, doubled or out of place"
    )]
    OutOfPlace {
        /// The number due.
        expected: i64,
        /// The number found.
        found: i64,
    },
    /// A line or the one before it was changed.
    #[error("record {number} does not fit its seal: it, or what came before it, was changed")]
    Changed {
        /// The first bad record.
        number: i64,
    },
}

/// Walks a chain from its beginning, line by line.
#[derive(Clone, Copy, Debug)]
pub struct Chain {
    number: i64,
    seal: Seal,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            number: 0,
            seal: Seal::GENESIS,
        }
    }
}

impl Chain {
    /// A chain that goes on behind this record.
    pub fn behind(number: i64, seal: Seal) -> Self {
        Self { number, seal }
    }

    /// Checks the next line. The first error names the first bad record.
    pub fn follow(&mut self, next: &SealedLine) -> Result<(), Broken> {
        let expected = self.number + 1;
        if next.number != expected {
            return Err(Broken::OutOfPlace {
                expected,
                found: next.number,
            });
        }
        if seal(self.seal, &next.line) != next.seal {
            return Err(Broken::Changed { number: expected });
        }
        self.number = expected;
        self.seal = next.seal;
        Ok(())
    }

    /// How many lines were checked, and the seal of the last.
    pub fn head(&self) -> (i64, Seal) {
        (self.number, self.seal)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::{Actor, Broken, Chain, Record, Seal, SealedLine, seal};
    use crate::domain::id::RunId;
    use crate::domain::moment::Moment;

    fn chain(lines: &[&str]) -> Vec<SealedLine> {
        let mut before = Seal::GENESIS;
        (1..)
            .zip(lines)
            .map(|(number, line)| {
                before = seal(before, line);
                SealedLine {
                    number,
                    line: (*line).to_owned(),
                    seal: before,
                }
            })
            .collect()
    }

    fn walk(lines: &[SealedLine]) -> Result<(), Broken> {
        let mut chain = Chain::default();
        lines.iter().try_for_each(|line| chain.follow(line))
    }

    #[test]
    fn an_untouched_chain_holds() {
        assert_eq!(walk(&chain(&["a", "b", "c"])), Ok(()));
    }

    /// A line says who and about what, in this order: its bytes are what is sealed.
    #[test]
    fn a_line_says_who_did_it_and_about_which_run() {
        let ours = Record::new(Moment::from_millis(0), "run.begun", json!({ "n": 1 }));
        let run = RunId::from_uuid(Uuid::nil());
        let theirs = ours.clone().by(Actor("dana".to_owned())).about_run(run);

        assert_eq!(
            ours.line(),
            r#"{"at":"1970-01-01T00:00:00.000Z","what":"run.begun","who":"estop","detail":{"n":1}}"#
        );
        assert_eq!(
            theirs.line(),
            format!(
                r#"{{"at":"1970-01-01T00:00:00.000Z","what":"run.begun","who":"dana","run":"{run}","detail":{{"n":1}}}}"#
            )
        );
    }

    /// Anyone can compute it: the words, 32 bytes of the seal before, the line.
    #[test]
    fn a_seal_is_this_and_is_read_back_from_its_digits() {
        let first = seal(Seal::GENESIS, "a");

        assert_eq!(
            first.hex(),
            "757ac0a973ad4c61b22e359fb9fe7e80afc5f3c3a8f2aec249a2ba59241b2963"
        );
        assert_eq!(Seal::from_hex(&first.hex()), Some(first));
        assert_eq!(Seal::from_hex(&first.hex()[2..]), None);
        assert_eq!(Seal::from_hex("x"), None);
    }

    #[test]
    fn a_chain_goes_on_behind_what_was_checked() {
        let lines = chain(&["a", "b", "c"]);
        let mut whole = Chain::default();
        assert_eq!(whole.head(), (0, Seal::GENESIS));
        whole.follow(&lines[0]).unwrap();
        assert_eq!(whole.head(), (1, lines[0].seal));

        let mut rest = Chain::behind(1, lines[0].seal);
        lines[1..]
            .iter()
            .try_for_each(|line| rest.follow(line))
            .unwrap();
        assert_eq!(rest.head(), (3, lines[2].seal));

        let mut elsewhere = Chain::behind(1, Seal::GENESIS);
        assert_eq!(
            elsewhere.follow(&lines[1]),
            Err(Broken::Changed { number: 2 })
        );
    }

    #[test]
    fn d03_a_changed_line_is_named() {
        let mut lines = chain(&["a", "b", "c"]);
        lines[1].line = "x".to_owned();

        assert_eq!(walk(&lines), Err(Broken::Changed { number: 2 }));
    }

    #[test]
    fn d03_a_deleted_or_swapped_line_is_named() {
        let mut deleted = chain(&["a", "b", "c"]);
        deleted.remove(1);
        let mut swapped = chain(&["a", "b", "c"]);
        swapped.swap(0, 1);

        assert_eq!(
            walk(&deleted),
            Err(Broken::OutOfPlace {
                expected: 2,
                found: 3
            })
        );
        assert_eq!(
            walk(&swapped),
            Err(Broken::OutOfPlace {
                expected: 1,
                found: 2
            })
        );
    }
}
