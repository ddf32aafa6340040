//! What an answer says about when to come back.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use jiff::fmt::rfc2822;

use crate::domain::moment::Moment;

/// Longest pause we let a header ask for.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The pause a `Retry-After` asks for, as seconds or as a date. `None` when it is absent, zero,
/// negative, past or unreadable: then our own backoff counts (threat G01).
pub(super) fn retry_after(headers: &HeaderMap, now: Moment) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let asked = match seconds(text) {
        Some(seconds) => Duration::from_secs(seconds),
        // The sender's own clock says how far its date is away, where it says what time it is.
        None => date(text)?.since(sent_at(headers).unwrap_or(now)),
    };
    (!asked.is_zero()).then(|| asked.min(LONGEST))
}

fn seconds(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than fit are a very long time, not a short one.
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// When an answer was sent, by the sender's own clock.
pub(in crate::graph) fn sent_at(headers: &HeaderMap) -> Option<Moment> {
    date(headers.get(DATE)?.to_str().ok()?)
}

fn date(text: &str) -> Option<Moment> {
    let parsed = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Moment::from_millis(parsed.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, HeaderValue};

    use super::{LONGEST, retry_after};
    use crate::domain::moment::Moment;

    #[test]
    fn g01_both_forms_of_retry_after_are_read_and_nonsense_is_not() {
        let now = Moment::parse("2026-11-21T10:00:00Z").unwrap();
        let cases = [
            (Some("7"), Some(7)),
            (Some(" 7 "), Some(7)),
            (Some("0"), None),
            (Some("-5"), None),
            (Some("1.5"), None),
            (Some(""), None),
            (Some("soon"), None),
            (Some("1000000000"), Some(LONGEST.as_secs())),
            (Some("99999999999999999999999"), Some(LONGEST.as_secs())),
            (Some("Sat, 21 Nov 2026 10:00:30 GMT"), Some(30)),
            (Some("Sat, 21 Nov 2026 09:00:00 GMT"), None),
            (None, None),
        ];

        for (text, wanted) in cases {
            let mut headers = HeaderMap::new();
            if let Some(text) = text {
                headers.insert("retry-after", HeaderValue::from_str(text).unwrap());
            }

            let read = retry_after(&headers, now);

            assert_eq!(read, wanted.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn g01_a_date_is_measured_by_the_senders_clock() {
        let now = Moment::parse("2026-11-21T11:00:00Z").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(
            "date",
            HeaderValue::from_static("Sat, 21 Nov 2026 10:00:00 GMT"),
        );
        headers.insert(
            "retry-after",
            HeaderValue::from_static("Sat, 21 Nov 2026 10:00:12 GMT"),
        );

        assert_eq!(retry_after(&headers, now), Some(Duration::from_secs(12)));
    }
}
