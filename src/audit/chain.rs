//! The chain, walked from its beginning.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::domain::anchor::Anchor;
use crate::domain::id::RunId;
use crate::domain::record::{Broken, Chain, Seal, SealedLine};
use crate::store::{Cut, Error, Store};

use super::export::PAGE;
use super::rows::rows_agree;

/// The end of a chain: how many records, and the seal of the last. Written `NUMBER:SEAL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last record; 0 for none.
    pub number: i64,
    /// Its seal.
    pub seal: Seal,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.seal.hex())
    }
}

impl FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a head is written NUMBER:SEAL, with 64 hex digits".to_owned();
        let (number, seal) = text.split_once(':').ok_or_else(wrong)?;
        // Behind the last number there is no other, and before the first none.
        let number: i64 = number.parse().map_err(|_| wrong())?;
        if !(0..i64::MAX).contains(&number) {
            return Err(wrong());
        }
        let seal = Seal::from_hex(seal).ok_or_else(wrong)?;
        Ok(Self { number, seal })
    }
}

/// What is wrong with a chain, at the first place where something is.
#[derive(Debug, thiserror::Error)]
pub enum Bad {
    /// A record does not fit the chain.
    #[error("{0}")]
    Record(Broken),
    /// A line of an export is not one.
    #[error("line {line} is where record {due} is due, and it cannot be read: {why}")]
    Line {
        /// The line of the file, from 1.
        line: u64,
        /// The record that is due there.
        due: i64,
        /// What is wrong with it.
        why: String,
    },
    /// The chain ends before the head that was noted.
    #[error("the chain ends at record {found}, and record {noted} was noted: its end is missing")]
    Shorter {
        /// The last record there is.
        found: i64,
        /// The record that was noted.
        noted: i64,
    },
    /// The chain was written anew since the head was noted.
    #[error("record {number} is sealed otherwise than was noted: the chain was written anew")]
    OtherSeal {
        /// The record that was noted.
        number: i64,
    },
    /// The record begins behind a place that no anchor names.
    #[error(
        "the record begins behind {number}, and no anchor names that: its beginning is missing"
    )]
    BeginsElsewhere {
        /// The last record that is not there.
        number: i64,
    },
    /// Everything that was noted lies before the place where the record begins.
    #[error(
        "the record begins behind {begins}, and what was noted ends at {noted}: nothing of it is \
         proved; hold the anchors against it, or a newer head"
    )]
    NotedBefore {
        /// The last record that is not there.
        begins: i64,
        /// The last record that was noted.
        noted: i64,
    },
    /// A line of a file of anchors is not one, or is not signed by whom it should be.
    #[error("line {line} of the anchors: {why}")]
    Anchor {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// What is stored of a run is not what was sealed of it.
    #[error("every record fits, but what is stored of {run} is not what they say: {what}")]
    Rows {
        /// The first such run.
        run: RunId,
        /// What of it.
        what: String,
    },
    /// The store or the file could not be read to its end; nothing is known of the rest.
    #[error("it could not be read to its end: {0}")]
    Unreadable(String),
}

impl From<Error> for Bad {
    fn from(error: Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// What a chain is held against: a head that a person noted, anchors.
#[derive(Clone, Debug, Default)]
pub struct Noted {
    seals: BTreeMap<i64, Seal>,
    anchored: bool,
}

impl Noted {
    /// A head that a person noted.
    pub fn head(head: Option<Head>) -> Self {
        let mut noted = Self::default();
        if let Some(head) = head {
            noted.seals.insert(head.number, head.seal);
        }
        noted
    }

    /// The same, and anchors. Where two name a record, the first stands: the other does not fit it.
    pub(super) fn and_anchors(mut self, anchors: &[Anchor]) -> Result<Self, Bad> {
        self.anchored = true;
        for Anchor { number, seal, .. } in anchors {
            let known = *self.seals.entry(*number).or_insert(*seal);
            if known != *seal {
                return Err(Bad::OtherSeal { number: *number });
            }
        }
        Ok(self)
    }

    /// Is there anything to hold a chain against?
    pub fn is_nothing(&self) -> bool {
        self.seals.is_empty()
    }

    fn fits(&self, head: Head) -> Result<(), Bad> {
        match self.seals.get(&head.number) {
            Some(seal) if *seal != head.seal => Err(Bad::OtherSeal {
                number: head.number,
            }),
            Some(_) | None => Ok(()),
        }
    }
}

/// A chain that was walked to its end, and holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its end.
    pub head: Head,
    /// Where it begins, if what came before was cut off.
    pub cut: Option<Head>,
}

/// A chain being walked, and what it must pass.
#[derive(Debug, Default)]
pub struct Walk {
    chain: Chain,
    cut: Option<Head>,
    noted: Noted,
}

impl Walk {
    /// A walk from the first record, or from where the rest was cut off.
    pub fn from(cut: Option<Head>, noted: Noted) -> Result<Self, Bad> {
        let Some(begin) = cut else {
            return Ok(Self {
                noted,
                ..Self::default()
            });
        };
        noted.fits(begin)?;
        if noted.anchored && !noted.seals.contains_key(&begin.number) {
            return Err(Bad::BeginsElsewhere {
                number: begin.number,
            });
        }
        match noted.seals.last_key_value() {
            Some((last, _)) if *last < begin.number => {
                return Err(Bad::NotedBefore {
                    begins: begin.number,
                    noted: *last,
                });
            }
            Some(_) | None => {}
        }
        Ok(Self {
            chain: Chain::behind(begin.number, begin.seal),
            cut,
            noted,
        })
    }

    /// Checks the next record.
    pub fn follow(&mut self, next: &SealedLine) -> Result<(), Bad> {
        self.chain.follow(next).map_err(Bad::Record)?;
        self.noted.fits(Head {
            number: next.number,
            seal: next.seal,
        })
    }

    /// The number that is due next.
    pub fn due(&self) -> i64 {
        self.chain.head().0 + 1
    }

    /// Ends the walk: where the chain ends, if everything that was noted was passed.
    pub fn end(self) -> Result<Verified, Bad> {
        let (number, seal) = self.chain.head();
        match self.noted.seals.last_key_value() {
            Some((noted, _)) if *noted > number => Err(Bad::Shorter {
                found: number,
                noted: *noted,
            }),
            Some(_) | None => Ok(Verified {
                head: Head { number, seal },
                cut: self.cut,
            }),
        }
    }
}

/// Walks the whole chain of a store, page by page, telling how far it has come.
pub async fn verify_store(
    store: &Store,
    noted: Noted,
    mut progress: impl FnMut(i64),
) -> Result<Verified, Bad> {
    let mut begin = cut(store).await?;
    let mut walk = Walk::from(begin, noted.clone())?;
    loop {
        let page = store.sealed_lines(walk.due() - 1, PAGE).await?;
        let now = cut(store).await?;
        if now != begin {
            // What was old was cut off meanwhile.
            begin = now;
            walk = Walk::from(begin, noted.clone())?;
            continue;
        }
        if page.is_empty() {
            let verified = walk.end()?;
            rows_agree(store).await?;
            return Ok(verified);
        }
        for line in &page {
            walk.follow(line)?;
        }
        progress(walk.due() - 1);
    }
}

/// Where the record of a store begins, if it was cut.
pub async fn cut(store: &Store) -> Result<Option<Head>, Error> {
    let cut = store.record_cut().await?;
    Ok(cut.map(|Cut { number, seal }| Head { number, seal }))
}

/// The records after number `after`, at most so many.
pub async fn page(store: &Store, after: i64, limit: u32) -> Result<Vec<SealedLine>, Error> {
    store.sealed_lines(after, limit.min(PAGE)).await
}

/// The end of a store's chain, as it stands.
pub async fn head(store: &Store) -> Result<Head, Error> {
    let last = store.last_sealed().await?;
    Ok(last.map_or(
        Head {
            number: 0,
            seal: Seal::GENESIS,
        },
        |line| Head {
            number: line.number,
            seal: line.seal,
        },
    ))
}
