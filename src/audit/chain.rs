//! The chain, walked from its beginning.

use std::fmt;
use std::str::FromStr;

use crate::domain::record::{Broken, Chain, Seal, SealedLine};
use crate::store::{Error, Store};

use super::export::PAGE;

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
        let number = number.parse().map_err(|_| wrong())?;
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
    /// The store or the file could not be read to its end; nothing is known of the rest.
    #[error("it could not be read to its end: {0}")]
    Unreadable(String),
}

impl From<Error> for Bad {
    fn from(error: Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// A chain being walked, with a head it must pass, if one was noted.
#[derive(Debug, Default)]
pub struct Walk {
    chain: Chain,
    noted: Option<Head>,
}

impl Walk {
    /// A walk from the first record.
    pub fn noted(noted: Option<Head>) -> Self {
        Self {
            chain: Chain::default(),
            noted,
        }
    }

    /// Checks the next record.
    pub fn follow(&mut self, next: &SealedLine) -> Result<(), Bad> {
        self.chain.follow(next).map_err(Bad::Record)?;
        match self.noted {
            Some(noted) if noted.number == next.number && noted.seal != next.seal => {
                Err(Bad::OtherSeal {
                    number: next.number,
                })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The number that is due next.
    pub fn due(&self) -> i64 {
        self.chain.head().0 + 1
    }

    /// Ends the walk: the head, if the noted one was passed.
    pub fn end(self) -> Result<Head, Bad> {
        let (number, seal) = self.chain.head();
        match self.noted {
            Some(noted) if noted.number > number => Err(Bad::Shorter {
                found: number,
                noted: noted.number,
            }),
            Some(_) | None => Ok(Head { number, seal }),
        }
    }
}

/// Walks the whole chain of a store, page by page, telling how far it has come.
pub async fn verify_store(
    store: &Store,
    noted: Option<Head>,
    mut progress: impl FnMut(i64),
) -> Result<Head, Bad> {
    let mut walk = Walk::noted(noted);
    loop {
        let page = store.sealed_lines(walk.due() - 1, PAGE).await?;
        if page.is_empty() {
            return walk.end();
        }
        for line in &page {
            walk.follow(line)?;
        }
        progress(walk.due() - 1);
    }
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
