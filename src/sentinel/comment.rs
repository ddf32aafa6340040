//! A comment under a name of ours: written, and written over when there is more to say.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{Asking, Call, Error, unreadable};
use super::{API_VERSION, IncidentPath, Sentinel};

/// Longest comment (Sentinel: 30,000 characters).
const COMMENT_MAX: usize = 30_000;

#[derive(Deserialize)]
struct CommentJson {
    etag: Option<String>,
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    message: String,
}

impl Sentinel {
    /// Writes the comment of this name; over one that is there and says so, with its etag. Safe to
    /// repeat. Needs the role Microsoft Sentinel Responder.
    pub async fn comment(
        &self,
        incident: &IncidentPath,
        name: Uuid,
        (text, over): (&str, Option<&str>),
    ) -> Result<(), Error> {
        let text: String = text.chars().take(COMMENT_MAX).collect();
        let mut body = json!({ "properties": { "message": text } });
        if let Some(etag) = over {
            body["etag"] = Value::String(etag.to_owned());
        }
        let call = Call {
            method: Method::PUT,
            address: self.place(incident, &format!("/comments/{name}")),
            body: Some(body),
            spoken: "PUT Sentinel comment",
        };
        read(&call, self.asking().send(&call).await?.body()).map(drop)
    }

    /// The etag of the comment of this name.
    pub async fn comment_etag(&self, incident: &IncidentPath, name: Uuid) -> Result<String, Error> {
        let call = Call {
            method: Method::GET,
            address: self.place(incident, &format!("/comments/{name}")),
            body: None,
            spoken: "GET Sentinel comment",
        };
        let read = read(&call, self.asking().send(&call).await?.body())?;
        read.etag.ok_or_else(|| unreadable(call.spoken))
    }

    pub(super) fn asking(&self) -> Asking<'_> {
        Asking {
            transport: &self.transport,
            tokens: &self.tokens,
            clock: &self.clock,
        }
    }

    pub(super) fn place(&self, incident: &IncidentPath, below: &str) -> String {
        let host = self.base.as_str().trim_end_matches('/');
        format!("{host}{incident}{below}?api-version={API_VERSION}")
    }
}

fn read(call: &Call, body: &[u8]) -> Result<CommentJson, Error> {
    let read: Option<CommentJson> = serde_json::from_slice(body).ok();
    read.filter(|it| !it.properties.message.is_empty())
        .ok_or_else(|| unreadable(call.spoken))
}
