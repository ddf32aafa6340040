//! Anyone, by a webhook signed as Standard Webhooks: `estop verify` checks it as any other.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use url::Url;

use super::Way;
use super::exchange::{Error, exchange, raw};
use super::page::Page;
use crate::domain::moment::Moment;
use crate::domain::notice::Urgency;
use crate::domain::telling::Word;
use crate::signature::{Secret, header, sign};
use crate::transport::Request;

/// One receiver of ours.
#[derive(Clone)]
pub struct Webhook {
    /// Where it listens.
    pub url: Url,
    /// What we sign with.
    pub secret: Arc<Secret>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        f.debug_struct("Webhook").field("host", &host).finish()
    }
}

impl Webhook {
    /// The body is the same on every attempt; time and signature are of the attempt.
    pub(super) fn request(&self, page: &Page, now: Moment) -> Result<Request, Error> {
        let id = format!("msg_{}", page.key.simple());
        self.signed(&id, body(page).to_string().into(), now)
    }

    /// Sends a body that is no page. Safe to repeat under the same id.
    pub async fn tell(&self, way: &Way, id: &str, body: Bytes) -> Result<(), Error> {
        let request = self.signed(id, body, way.clock.now())?;
        exchange(way, request).await.map(drop)
    }

    fn signed(&self, id: &str, body: Bytes, now: Moment) -> Result<Request, Error> {
        let at = now.as_seconds();
        let to = http::Request::post(self.url.as_str())
            .header(header::ID, id)
            .header(header::TIMESTAMP, at.to_string())
            .header(header::SIGNATURE, sign(&self.secret, id, at, &body));
        raw(to, body)
    }
}

fn body(page: &Page) -> serde_json::Value {
    let kind = match page.word {
        Word::Raise => "notice.raised",
        Word::Acknowledge => "notice.acknowledged",
        Word::Resolve => "notice.resolved",
    };
    let urgency = match page.urgency {
        Urgency::Page => "page",
        Urgency::Tell => "tell",
    };
    let mut data = json!({ "thread": page.thread, "urgency": urgency, "text": page.text });
    if let Some(run) = page.run {
        data["run"] = json!(run);
    }
    if let Some(link) = &page.link {
        data["link"] = json!(link);
    }
    if !page.sponsors.is_empty() {
        data["sponsors"] = json!(page.sponsors);
    }
    json!({ "type": kind, "timestamp": page.at, "data": data })
}
