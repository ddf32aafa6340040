//! A delivery that was heard, posted on with its own bytes and headers.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use serde_json::{Value, json};
use url::Url;

use crate::cli::Room;
use crate::cli::answers::Failure;
use crate::cli::server::is_here;
use crate::transport::{CALL_LIMIT, Transport};

/// Headers of one connection; the next has its own.
const OF_THE_CONNECTION: [&str; 3] = ["keep-alive", "proxy-connection", "proxy-authorization"];

/// Where deliveries go on to.
pub(super) struct Onward {
    to: Url,
    transport: Transport,
}

impl Onward {
    /// Takes addresses of this machine only: a delivery may carry a credential.
    pub(super) fn new(to: Url, transport: Transport) -> Result<Self, Failure> {
        let web = matches!(to.scheme(), "http" | "https");
        if !web || !is_here(&to) {
            return Err(
                Failure::usage("--forward-to is no address of this machine").fix(
                    "a delivery may carry a credential; give it to 127.0.0.1, [::1] or localhost",
                ),
            );
        }
        Ok(Self { to, transport })
    }

    /// Posts it, and says what came of it: `status` and `millis`, or `error`.
    pub(super) async fn post(&self, room: &Room, headers: HeaderMap, body: Bytes) -> Value {
        let mut request = http::Request::new(body);
        *request.method_mut() = http::Method::POST;
        let Ok(uri) = self.to.as_str().parse() else {
            return json!({ "error": "the address cannot be called" });
        };
        *request.uri_mut() = uri;
        *request.headers_mut() = kept(headers);
        let begun = room.clock.elapsed();
        let answer = room.clock.within(CALL_LIMIT, self.transport.send(request));
        match answer.await {
            Ok(Ok(answer)) => {
                let took: Duration = room.clock.elapsed().saturating_sub(begun);
                let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                json!({ "status": answer.status().as_u16(), "millis": millis })
            }
            Ok(Err(failure)) => json!({ "error": failure.to_string() }),
            Err(_) => json!({ "error": "no answer in time" }),
        }
    }
}

fn kept(mut headers: HeaderMap) -> HeaderMap {
    for name in [
        HOST,
        CONNECTION,
        CONTENT_LENGTH,
        EXPECT,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ] {
        headers.remove(name);
    }
    for name in OF_THE_CONNECTION {
        headers.remove(name);
    }
    headers
}
