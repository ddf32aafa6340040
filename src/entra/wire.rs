//! The credential crate's requests, sent through our own [`Transport`].
//!
//! That gives them our limits, lets them reach a simulated authority without a socket, and lets
//! us add the `claims` of a challenge, for which the crate has no door.

use std::sync::{Arc, Mutex, PoisonError};

use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::request::{Body, Request as Asked};
use azure_core::http::{AsyncRawResponse, HttpClient};
use bytes::Bytes;
use http::StatusCode;
use url::{Url, form_urlencoded};

use super::Error;
use crate::transport::{Answer, Request, Transport};

/// What the authority said last, for sorting the crate's error.
#[derive(Clone, Debug, Default)]
pub(super) struct Said(Arc<Mutex<Option<Heard>>>);

#[derive(Clone, Debug)]
enum Heard {
    Answer { status: u16, aadsts: Option<String> },
    Nothing(String),
}

/// One credential's way to its authority.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) transport: Transport,
    pub(super) login: Url,
    /// The claims parameter of every request to the authority, where it takes one.
    pub(super) claims: Option<String>,
    pub(super) said: Said,
}

impl Said {
    fn note(&self, heard: Heard) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(heard);
    }

    /// Sorts a failed request: what the authority said counts, not how the crate worded it.
    pub(super) fn sorted(&self, worded: &azure_core::Error) -> Error {
        let heard = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match heard {
            Some(Heard::Answer {
                status: status @ (400 | 401 | 403),
                aadsts,
            }) => Error::Refused {
                code: aadsts.unwrap_or_else(|| format!("HTTP {status}")),
            },
            Some(Heard::Answer { status, .. }) => {
                Error::try_again(format!("the authority answered {status}"))
            }
            Some(Heard::Nothing(why)) => Error::try_again(why),
            // Nothing was sent: the crate itself found the credential wanting.
            None => Error::misconfigured(worded.to_string()),
        }
    }
}

#[async_trait::async_trait]
impl HttpClient for Wire {
    async fn execute_request(&self, asked: &Asked) -> azure_core::Result<AsyncRawResponse> {
        let request = self.request(asked)?;
        match self.transport.send(request).await {
            Ok(answer) => {
                self.said.note(Heard::Answer {
                    status: answer.status().as_u16(),
                    aadsts: aadsts_in(answer.body()),
                });
                Ok(handed_over(answer))
            }
            Err(failure) => {
                self.said.note(Heard::Nothing(failure.to_string()));
                // Of this kind nothing is tried again by the crate.
                Err(azure_core::Error::new(
                    azure_core::error::ErrorKind::Other,
                    failure,
                ))
            }
        }
    }
}

impl Wire {
    fn request(&self, asked: &Asked) -> azure_core::Result<Request> {
        let mut url = asked.url().clone();
        let to_login = url.host_str() == self.login.host_str()
            && url.port_or_known_default() == port_as_https(&self.login);
        if to_login && self.login.scheme() == "http" {
            // The crate speaks https only; a simulated authority on loopback has none.
            let port = self.login.port_or_known_default();
            let _ = url.set_scheme("http");
            let _ = url.set_port(port);
        }
        let mut request = http::Request::builder()
            .method(asked.method().as_str())
            .uri(url.as_str());
        for (name, value) in asked.headers().iter() {
            // The length is the transport's to say, once the claims are added.
            if !name.as_str().eq_ignore_ascii_case("content-length") {
                request = request.header(name.as_str(), value.as_str());
            }
        }
        let body = match asked.body() {
            Body::Bytes(bytes) => bytes.clone(),
            Body::SeekableStream(_) => Bytes::new(),
        };
        request
            .body(self.with_claims(to_login, body))
            .map_err(|error| azure_core::Error::new(azure_core::error::ErrorKind::Other, error))
    }

    fn with_claims(&self, to_login: bool, form: Bytes) -> Bytes {
        match &self.claims {
            Some(claims) if to_login && !form.is_empty() => {
                let claims: String = form_urlencoded::byte_serialize(claims.as_bytes()).collect();
                let mut form = form.to_vec();
                form.extend_from_slice(b"&claims=");
                form.extend_from_slice(claims.as_bytes());
                form.into()
            }
            Some(_) | None => form,
        }
    }
}

/// The address the crate is given: https always, because it refuses anything else.
pub(super) fn as_https(login: &Url) -> Url {
    let mut url = login.clone();
    if url.scheme() == "http" {
        let port = login.port_or_known_default();
        let _ = url.set_scheme("https");
        let _ = url.set_port(port);
    }
    url
}

fn port_as_https(login: &Url) -> Option<u16> {
    as_https(login).port_or_known_default()
}

/// For a virtual machine the crate tries many answers again for over a minute, whatever it is told
/// about retries. What was said is noted already, so it hears no more than yes or no.
fn handed_over(answer: Answer) -> AsyncRawResponse {
    let (parts, body) = answer.into_parts();
    let status = if parts.status.is_success() {
        parts.status
    } else {
        StatusCode::BAD_REQUEST
    };
    let mut headers = Headers::new();
    for (name, value) in &parts.headers {
        if let Ok(value) = value.to_str() {
            headers.insert(
                HeaderName::from(name.as_str().to_owned()),
                HeaderValue::from(value.to_owned()),
            );
        }
    }
    AsyncRawResponse::from_bytes(status.as_u16().into(), headers, body)
}

/// The first `AADSTS` code in an error answer. A code is an identifier; the message is not read.
fn aadsts_in(body: &[u8]) -> Option<String> {
    const MARK: &[u8] = b"AADSTS";
    let start = body.windows(MARK.len()).position(|window| window == MARK)?;
    let digits: String = body[start + MARK.len()..]
        .iter()
        .take(12)
        .take_while(|byte| byte.is_ascii_digit())
        .map(|byte| char::from(*byte))
        .collect();
    (!digits.is_empty()).then(|| format!("AADSTS{digits}"))
}
