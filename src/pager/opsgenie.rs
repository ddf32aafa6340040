//! Opsgenie, Alert API: an alert with our alias, acknowledged and closed by it. It can be asked
//! whether somebody has it in hand.

use http::HeaderValue;
use http::header::{ACCEPT, AUTHORIZATION, USER_AGENT};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::Way;
use super::exchange::{Error, exchange, posted};
use super::page::Page;
use super::place::below;
use crate::domain::notice::Urgency;
use crate::domain::telling::Word;
use crate::transport::Request;

/// Longest message (Opsgenie: 130 characters).
const MESSAGE_MAX: usize = 130;
/// Longest description (Opsgenie: 15,000 characters).
const DESCRIPTION_MAX: usize = 15_000;

/// One Opsgenie integration.
#[derive(Clone, Debug)]
pub struct Opsgenie {
    /// `https://api.opsgenie.com`, or `https://api.eu.opsgenie.com`.
    pub base: Url,
    /// The key of an API integration.
    pub api_key: SecretString,
}

#[derive(Deserialize)]
struct Asked {
    data: Alert,
}

#[derive(Deserialize)]
struct Alert {
    status: String,
    acknowledged: bool,
}

impl Opsgenie {
    pub(super) fn request(&self, page: &Page) -> Result<Request, Error> {
        let alias = &page.thread;
        let (path, body) = match page.word {
            Word::Raise => ("/v2/alerts".to_owned(), raised(page)),
            Word::Acknowledge => (about(alias, "/acknowledge"), said(page)),
            Word::Resolve => (about(alias, "/close"), said(page)),
        };
        let to = http::Request::post(below(&self.base, &path));
        posted(to.header(AUTHORIZATION, self.key()?), &body)
    }

    /// Closed by hand over there counts as taken in hand, too.
    pub(super) async fn acknowledged(&self, way: &Way, alias: &str) -> Result<bool, Error> {
        let request = http::Request::get(below(&self.base, &about(alias, "")))
            .header(AUTHORIZATION, self.key()?)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("estop/", env!("CARGO_PKG_VERSION")))
            .body(bytes::Bytes::new())
            .map_err(|_| unfit())?;
        let answer = exchange(way, request).await?;
        let asked: Asked = serde_json::from_slice(answer.body()).map_err(|_| Error::Pointless {
            because: "an answer we cannot read".to_owned(),
        })?;
        Ok(asked.data.acknowledged || asked.data.status == "closed")
    }

    fn key(&self) -> Result<HeaderValue, Error> {
        let text = format!("GenieKey {}", self.api_key.expose_secret());
        let mut value = HeaderValue::from_str(&text).map_err(|_| unfit())?;
        value.set_sensitive(true);
        Ok(value)
    }
}

fn unfit() -> Error {
    Error::Mend {
        because: "its address or key cannot be sent".to_owned(),
    }
}

/// The alias is ours: hex digits and a dash.
fn about(alias: &str, verb: &str) -> String {
    format!("/v2/alerts/{alias}{verb}?identifierType=alias")
}

fn said(page: &Page) -> serde_json::Value {
    json!({ "source": "estop", "note": page.text_of(DESCRIPTION_MAX) })
}

fn raised(page: &Page) -> serde_json::Value {
    let priority = match page.urgency {
        Urgency::Page => "P1",
        Urgency::Tell => "P5",
    };
    let mut details = json!({ "key": page.key, "at": page.at });
    if let Some(run) = page.run {
        details["run"] = json!(run);
    }
    if let Some(link) = &page.link {
        details["link"] = json!(link);
    }
    json!({
        "message": page.text_of(MESSAGE_MAX),
        "alias": page.thread,
        "description": page.text_of(DESCRIPTION_MAX),
        "priority": priority,
        "source": "estop",
        "details": details,
    })
}
