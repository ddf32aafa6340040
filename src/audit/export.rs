//! The chain as a file: one record a line, each with the exact bytes that were sealed.

use std::io::BufRead;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::chain::{Bad, Head, Noted, Verified, Walk};
use crate::domain::record::{Seal, SealedLine};

/// Records read at a time.
pub const PAGE: u32 = 500;
/// Longest line of an export that is read, in bytes.
pub const LINE_MAX: usize = 4 * 1024 * 1024;

/// One line of an export. `record` is kept as text, so that its bytes survive.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    number: i64,
    seal: String,
    #[serde(borrow)]
    record: &'a RawValue,
}

/// A record whose bytes are no JSON any more: it was damaged, and is carried as a text so that
/// the damage can be seen.
#[derive(Serialize)]
struct Damaged<'a> {
    number: i64,
    seal: String,
    damaged: &'a str,
}

/// One line of an export, without its line break.
pub fn line(sealed: &SealedLine) -> String {
    let (number, seal) = (sealed.number, sealed.seal.hex());
    let one_line = !sealed.line.contains(['\n', '\r']);
    let written = match serde_json::from_str::<&RawValue>(&sealed.line) {
        // The parser drops white space around a value; then the bytes would not survive.
        Ok(record) if one_line && record.get() == sealed.line => serde_json::to_string(&Line {
            number,
            seal,
            record,
        }),
        Ok(_) | Err(_) => serde_json::to_string(&Damaged {
            number,
            seal,
            damaged: &sealed.line,
        }),
    };
    // Numbers and texts always serialize.
    written.unwrap_or_default()
}

/// The first line of an export whose beginning was cut off: the last record that is not in it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Begins {
    cut: String,
}

/// That line, without its line break.
pub fn cut_line(cut: Head) -> String {
    let begins = Begins {
        cut: cut.to_string(),
    };
    // A text always serializes.
    serde_json::to_string(&begins).unwrap_or_default()
}

/// Walks an export from its first line, without server or store.
pub fn verify_export(mut export: impl BufRead, noted: Noted) -> Result<Verified, Bad> {
    let mut walk = Walk::from(None, noted.clone())?;
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        let limit = u64::try_from(LINE_MAX).unwrap_or(u64::MAX);
        let read = std::io::Read::take(&mut export, limit)
            .read_until(b'\n', &mut text)
            .map_err(|why| Bad::Unreadable(why.to_string()))?;
        if read == 0 {
            break;
        }
        let bad = |why: String| Bad::Line {
            line: number,
            due: walk.due(),
            why,
        };
        if text.len() >= LINE_MAX {
            return Err(bad(format!("it is longer than {LINE_MAX} bytes")));
        }
        if number == 1
            && let Ok(begins) = serde_json::from_slice::<Begins>(&text)
        {
            let cut: Head = begins.cut.parse().map_err(bad)?;
            walk = Walk::from(Some(cut), noted.clone())?;
            continue;
        }
        let sealed = read_line(&text).map_err(bad)?;
        walk.follow(&sealed)?;
    }
    walk.end()
}

fn read_line(text: &[u8]) -> Result<SealedLine, String> {
    let text = str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
    let line: Line<'_> = serde_json::from_str(text.trim_end()).map_err(|why| why.to_string())?;
    Ok(SealedLine {
        number: line.number,
        line: line.record.get().to_owned(),
        seal: Seal::from_hex(&line.seal).ok_or("its seal is not 64 hex digits")?,
    })
}
