//! One request, taken apart once: path segments, query, headers, body.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::moment::Moment;
use crate::sim::calls::refusal::Refusal;
use crate::transport::Request;

/// A request on its way through the model.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Call {
    /// Becomes `request-id`.
    pub(in crate::sim) id: Uuid,
    /// When it came in.
    pub(in crate::sim) at: Moment,
    pub(in crate::sim) method: Method,
    /// The path with its escapes resolved.
    pub(in crate::sim) path: String,
    /// The path and query as they were sent.
    pub(in crate::sim) sent: String,
    /// Scheme and host, for links in answers.
    pub(in crate::sim) base: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    pub(in crate::sim) body: Bytes,
}

impl Call {
    pub(in crate::sim) fn read(request: Request, id: Uuid, at: Moment) -> Self {
        let (parts, body) = request.into_parts();
        let host = parts
            .headers
            .get(http::header::HOST)
            .and_then(|it| it.to_str().ok());
        let base = match (parts.uri.scheme_str(), parts.uri.authority(), host) {
            (Some(scheme), Some(authority), _) => format!("{scheme}://{authority}"),
            (_, _, host) => format!("http://{}", host.unwrap_or("localhost")),
        };
        let query = parts.uri.query().unwrap_or_default();
        Self {
            id,
            at,
            method: parts.method,
            path: unescaped(parts.uri.path()),
            sent: parts
                .uri
                .path_and_query()
                .map_or_else(String::new, ToString::to_string),
            base,
            query: pairs(query.as_bytes()),
            headers: parts.headers,
            body,
        }
    }

    pub(in crate::sim) fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|it| !it.is_empty()).collect()
    }

    pub(in crate::sim) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|it| it.to_str().ok())
    }

    pub(in crate::sim) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    pub(in crate::sim) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The fields of a form body.
    pub(in crate::sim) fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    /// Nothing may be said where nothing is asked: what would be passed over in silence may be a
    /// caller's mistake.
    pub(in crate::sim) fn without_body(&self) -> Result<(), Refusal> {
        if self.body.is_empty() || &*self.body == b"{}" {
            return Ok(());
        }
        Err(Refusal::bad_request("This call takes no body."))
    }

    /// The JSON object in the body. Graph wants its content type, and `OData-Version` where the
    /// body names a type.
    pub(in crate::sim) fn json(&self) -> Result<Map<String, Value>, Refusal> {
        let kind = self.header("content-type").unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("application/json") {
            return Err(Refusal::bad_request(
                "Write requests must contain the Content-Type header declaration.",
            ));
        }
        let Ok(Value::Object(body)) = serde_json::from_slice(&self.body) else {
            return Err(Refusal::bad_request("Unable to read JSON request payload."));
        };
        if body.contains_key("@odata.type") && self.header("odata-version") != Some("4.0") {
            return Err(Refusal::bad_request(
                "A body with @odata.type must come with the header OData-Version: 4.0.",
            ));
        }
        Ok(body)
    }
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

fn unescaped(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let escape = if *first == b'%' {
            tail.get(..2).and_then(hex_byte)
        } else {
            None
        };
        plain.push(escape.unwrap_or(*first));
        rest = if escape.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    hex::decode(digits).ok()?.first().copied()
}

/// A GUID as Graph writes it. Other spellings are no ids.
pub(in crate::sim) fn guid(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| text.parse().ok()).flatten()
}
