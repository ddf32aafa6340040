//! What an answer says besides its content: challenges, refusals, ids.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderName};
use serde::Deserialize;

use super::error::{Error, Receipt};
use crate::entra::Claims;

/// Longest part of Graph's message that is kept for people.
const MESSAGE_LIMIT: usize = 300;
/// Longest code or id that is kept.
const WORD_LIMIT: usize = 128;

/// The claims of a 401, if it is a claims challenge. Without them a fresh token is still tried.
pub(super) fn challenge(headers: &HeaderMap) -> Option<Claims> {
    headers.get_all(WWW_AUTHENTICATE).iter().find_map(|value| {
        let text = value.to_str().ok()?;
        let (_, rest) = text.split_once("claims=\"")?;
        Claims::decode(rest.split_once('"')?.0)
    })
}

#[derive(Deserialize)]
struct Wrapped {
    error: Told,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Does an error speak as Graph does, with an `error` object (Microsoft: error responses)?
pub(super) fn is_graphs_own(body: &[u8]) -> bool {
    serde_json::from_slice::<Wrapped>(body).is_ok()
}

/// A refusal in Graph's own code and words; the words are for people, nothing branches on them.
pub(super) fn refusal(receipt: &Receipt, body: &[u8]) -> Error {
    let told = serde_json::from_slice::<Wrapped>(body).map(|wrapped| wrapped.error);
    let (code, message) = told.map_or_else(
        |_| (String::new(), String::new()),
        |told| {
            (
                plain(&told.code, WORD_LIMIT),
                plain(&told.message, MESSAGE_LIMIT),
            )
        },
    );
    Error::Refused {
        code: if code.is_empty() {
            format!("HTTP {}", receipt.status)
        } else {
            code
        },
        status: Some(receipt.status),
        because: if message.is_empty() {
            receipt.to_string()
        } else {
            format!("{receipt}: {message}")
        },
    }
}

fn plain(text: &str, most: usize) -> String {
    text.chars()
        .filter(|letter| !letter.is_control())
        .take(most)
        .collect()
}

/// A header of one word, such as `request-id`.
pub(super) fn word(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?;
    Some(plain(text, WORD_LIMIT))
}
