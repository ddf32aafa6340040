//! Anchors read back: a file of them, each with its signature, and the last one against a store.

use std::io::BufRead;
use std::path::Path;

use super::chain::{Bad, Noted, cut, head};
use super::place::last_in;
use crate::domain::anchor::{Anchor, statement};
use crate::signature::PublicKey;
use crate::store::Store;

/// Longest line of a file of anchors that is read, in bytes.
const LINE_MAX: u64 = 4 * 1024;

/// What a file of anchors says, and who signed it.
#[derive(Clone, Debug)]
pub struct Anchors {
    list: Vec<Anchor>,
    /// Who signed them all; `None` for none.
    pub signer: Option<PublicKey>,
}

impl Anchors {
    /// Reads a file of anchors. Each must be signed by `key`; without one, all by the same key.
    pub fn read(mut file: impl BufRead, key: Option<PublicKey>) -> Result<Self, Bad> {
        let mut list = Vec::new();
        let (mut signer, mut text) = (key, Vec::new());
        for line in 1.. {
            text.clear();
            let read = std::io::Read::take(&mut file, LINE_MAX).read_until(b'\n', &mut text);
            if read.map_err(|why| Bad::Unreadable(why.to_string()))? == 0 {
                break;
            }
            let bad = |why: String| Bad::Anchor { line, why };
            let anchor: Anchor =
                serde_json::from_slice(&text).map_err(|why| bad(why.to_string()))?;
            let by: PublicKey = anchor.key.parse().map_err(bad)?;
            let wanted = *signer.get_or_insert(by);
            if wanted != by {
                return Err(bad(format!("it is signed by {by}, not by {wanted}")));
            }
            if !holds(&anchor, &by) {
                return Err(bad("its signature does not hold".to_owned()));
            }
            list.push(anchor);
        }
        Ok(Self { list, signer })
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// What a chain is held against: these, beside what a person noted.
    pub fn beside(&self, noted: Noted) -> Result<Noted, Bad> {
        noted.and_anchors(&self.list)
    }
}

fn holds(anchor: &Anchor, key: &PublicKey) -> bool {
    let said = statement(anchor.number, anchor.seal, anchor.at);
    key.holds(said.as_bytes(), &anchor.signature)
}

/// Holds a store against the last line of its file of anchors. `Some` says why it is not the store
/// that was anchored there.
///
/// # Errors
/// When the file or the store cannot be read.
pub async fn against_last(
    store: &Store,
    (file, key): (&Path, &PublicKey),
) -> Result<Option<String>, String> {
    let last = last_in(file).await.map_err(|why| why.to_string())?;
    let Some(last) = last else { return Ok(None) };
    let anchor: Anchor =
        serde_json::from_value(last).map_err(|why| format!("its last line is no anchor: {why}"))?;
    if anchor.key != key.to_string() || !holds(&anchor, key) {
        return Ok(Some(format!(
            "the last anchor in {} is not signed by our key",
            file.display()
        )));
    }
    let read = async {
        let ends = head(store).await?;
        let begins = cut(store).await?.map_or(0, |cut| cut.number);
        let line = store.sealed_lines(anchor.number - 1, 1).await?;
        Ok::<_, crate::store::Error>((ends, begins, line))
    };
    let (ends, begins, line) = read.await.map_err(|why| why.to_string())?;
    let Anchor { number, at, .. } = anchor;
    if number > ends.number {
        return Ok(Some(format!(
            "the record ends at {}, and record {number} was anchored at {at}: this is an older copy",
            ends.number
        )));
    }
    let fits = line.first().is_some_and(|line| line.seal == anchor.seal);
    if number > begins && !fits {
        return Ok(Some(format!(
            "record {number} is sealed otherwise than was anchored at {at}: the record was written anew"
        )));
    }
    Ok(None)
}
