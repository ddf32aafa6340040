//! One request to a far end, and what its answer means for who sent it.

use std::time::Duration;

use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::request::Builder;

use super::Way;
use crate::transport::{Answer, Request};

/// Longest wait for one answer.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Longest pause a far end may ask for.
const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);

/// Why it was not taken, sorted by what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The same again, after a pause where the far end named one. It may have been taken.
    #[error("not now: {because}")]
    TryAgain {
        /// The pause it asked for.
        after: Option<Duration>,
        /// What was heard.
        because: String,
    },
    /// The same again when a person has mended the key, the address or the right.
    #[error("refused: {because}")]
    Mend {
        /// What was heard.
        because: String,
    },
    /// Never again like this.
    #[error("not understood: {because}")]
    Pointless {
        /// What was heard.
        because: String,
    },
}

/// A request with a JSON body, ready to be sent.
pub(super) fn posted(to: Builder, body: &serde_json::Value) -> Result<Request, Error> {
    raw(to, body.to_string().into())
}

pub(super) fn raw(to: Builder, body: bytes::Bytes) -> Result<Request, Error> {
    to.header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("estop/", env!("CARGO_PKG_VERSION")))
        .body(body)
        // An address or a key of ours that is no header: its text stays out of the words.
        .map_err(|_| Error::Mend {
            because: "its address or key cannot be sent".to_owned(),
        })
}

/// Sends it, and says what was heard.
pub(super) async fn spoken(way: &Way, request: Request) -> Result<String, Error> {
    let answer = exchange(way, request).await?;
    Ok(format!("HTTP {}", answer.status().as_u16()))
}

/// Sends it; any 2xx is a yes.
pub(super) async fn exchange(way: &Way, request: Request) -> Result<Answer, Error> {
    let sent = way.transport.send(request);
    let again = |because: String| Error::TryAgain {
        after: None,
        because,
    };
    match way.clock.within(CALL_LIMIT, sent).await {
        Ok(Ok(answer)) => sorted(answer),
        Ok(Err(failure)) => Err(again(failure.to_string())),
        Err(late) => Err(again(late.to_string())),
    }
}

fn sorted(answer: Answer) -> Result<Answer, Error> {
    let status = answer.status().as_u16();
    let because = format!("HTTP {status}");
    match status {
        200..=299 => Ok(answer),
        // It would go to an address nobody configured.
        300..=399 => Err(Error::Mend {
            because: format!("{because}, a redirect, which is not followed"),
        }),
        401 | 403 => Err(Error::Mend { because }),
        // Not there yet, or no longer: what is made elsewhere may take a moment.
        404 | 408 | 409 | 425 | 429 | 500..=599 => Err(Error::TryAgain {
            after: pause(&answer),
            because,
        }),
        _ => Err(Error::Pointless { because }),
    }
}

fn pause(answer: &Answer) -> Option<Duration> {
    let said = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let seconds: u64 = said.parse().ok()?;
    Some(Duration::from_secs(seconds).min(PAUSE_MAX))
}
