//! PagerDuty, Events API v2: one call for all three words, matched by `dedup_key`.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::exchange::{Error, posted};
use super::page::Page;
use super::place::below;
use crate::domain::notice::Urgency;
use crate::domain::telling::Word;
use crate::transport::Request;

/// Longest summary (PagerDuty: 1,024 characters).
const SUMMARY_MAX: usize = 1024;

/// Where the events of one PagerDuty service go.
#[derive(Clone, Debug)]
pub struct PagerDuty {
    /// `https://events.pagerduty.com`, or the service region's own.
    pub base: Url,
    /// The integration key.
    pub routing_key: SecretString,
}

impl PagerDuty {
    pub(super) fn request(&self, page: &Page) -> Result<Request, Error> {
        let to = http::Request::post(below(&self.base, "/v2/enqueue"));
        posted(to, &self.body(page))
    }

    fn body(&self, page: &Page) -> Value {
        let action = match page.word {
            Word::Raise => "trigger",
            Word::Acknowledge => "acknowledge",
            Word::Resolve => "resolve",
        };
        let mut body = json!({
            "routing_key": self.routing_key.expose_secret(),
            "event_action": action,
            "dedup_key": page.thread,
        });
        if page.word != Word::Raise {
            return body;
        }
        body["payload"] = json!({
            "summary": page.text_of(SUMMARY_MAX),
            "source": "estop",
            "severity": severity(page.urgency),
            "timestamp": page.at,
            "component": page.run,
            "custom_details": { "text": page.text, "key": page.key },
        });
        if let Some(link) = &page.link {
            body["links"] = json!([{ "href": link, "text": "estop" }]);
        }
        body["client"] = json!("estop");
        body
    }
}

const fn severity(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Page => "critical",
        Urgency::Tell => "info",
    }
}
