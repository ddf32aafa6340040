//! What every way of signing reads from headers: one value, a plain id, a moment near ours.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use serde::Deserialize;

use super::refusal::Refusal;
use crate::domain::moment::Moment;

/// Most characters of an id.
const ID_MAX: usize = 128;
/// Most digits of a timestamp in seconds.
const SECONDS_DIGITS: usize = 12;
/// Most digits of a timestamp in milliseconds.
const MILLIS_DIGITS: usize = 15;
/// Most characters of a timestamp in words.
const WORDS_MAX: usize = 35;

/// How a timestamp is written. There is one spelling of each moment, or two signed texts could
/// mean the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeForm {
    /// Unix seconds in plain digits.
    #[default]
    Seconds,
    /// Unix milliseconds in plain digits.
    Milliseconds,
    /// RFC 3339, such as `2026-09-20T14:02:07Z`.
    Rfc3339,
}

/// The one value of a header: with two, a proxy and we might each believe another (threat W05).
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a [u8], Refusal> {
    let mut values = headers.get_all(name).iter();
    let first = values
        .next()
        .ok_or_else(|| Refusal::Missing(name.clone()))?;
    match values.next() {
        Some(_) => Err(Refusal::Repeated(name.clone())),
        None => Ok(first.as_bytes()),
    }
}

/// An id without a dot, or it could shift the border between id, timestamp and body (threat W10).
pub(super) fn plain_id(value: &[u8]) -> Result<&str, Refusal> {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let fits = (1..=ID_MAX).contains(&value.len()) && value.iter().all(plain);
    let id = fits.then(|| str::from_utf8(value).ok()).flatten();
    id.ok_or(Refusal::BadId)
}

impl TimeForm {
    /// The text of a timestamp that lies within `tolerance` of now, either way.
    pub(super) fn fresh(
        self,
        value: &[u8],
        now: Moment,
        tolerance: Duration,
    ) -> Result<&str, Refusal> {
        let text = str::from_utf8(value).map_err(|_| Refusal::BadTimestamp)?;
        let sent = self.millis(text).ok_or(Refusal::BadTimestamp)?;
        // Whole seconds are compared where whole seconds are sent.
        let ours = match self {
            Self::Seconds => now.as_seconds().checked_mul(1000),
            Self::Milliseconds | Self::Rfc3339 => Some(now.as_millis()),
        };
        let age = ours.and_then(|ours| ours.checked_sub(sent));
        let tolerance = u64::try_from(tolerance.as_millis()).unwrap_or(u64::MAX);
        match age.ok_or(Refusal::BadTimestamp)? {
            age if age.unsigned_abs() <= tolerance => Ok(text),
            age if age > 0 => Err(Refusal::TooOld),
            _ => Err(Refusal::TooNew),
        }
    }

    /// How many seconds before now this timestamp lies; negative where it lies ahead.
    pub(super) fn age(self, value: &[u8], now: Moment) -> Option<i64> {
        let sent = self.millis(str::from_utf8(value).ok()?)?;
        Some(now.as_millis().checked_sub(sent)? / 1000)
    }

    /// How a moment is written so.
    pub(super) fn write(self, at: Moment) -> String {
        match self {
            Self::Seconds => at.as_seconds().to_string(),
            Self::Milliseconds => at.as_millis().to_string(),
            Self::Rfc3339 => at.to_string(),
        }
    }

    fn millis(self, text: &str) -> Option<i64> {
        match self {
            Self::Seconds => digits(text, SECONDS_DIGITS)?.checked_mul(1000),
            Self::Milliseconds => digits(text, MILLIS_DIGITS),
            Self::Rfc3339 => {
                let fits = text.len() <= WORDS_MAX && text.is_ascii();
                fits.then(|| Moment::parse(text))
                    .flatten()
                    .map(Moment::as_millis)
            }
        }
    }
}

fn digits(text: &str, most: usize) -> Option<i64> {
    let digits = (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let plain = digits && (text.len() == 1 || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}
