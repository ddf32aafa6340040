//! How a request leaves this process: over the network, or into a function.
//!
//! Knows: requests, answers, how long and how large they may be.
//! Never: tokens, paths, what an answer means.
//!
//! Laws
//! * No redirects and no retries of its own: who sent a request decides what happens next.
//! * An answer is cut off at its size limit, never read to the end of memory.
//! * What is meant for this machine never goes by a proxy, whatever the environment names: our own
//!   service's tokens, and those that the platform hands out to whoever runs here.
//! * A failure says whether the request may have taken effect.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;

/// Longest wait for a connection before the request is called not sent.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// Longest wait for a whole answer.
pub const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Largest answer that is read.
pub const ANSWER_LIMIT: usize = 8 * 1024 * 1024;

/// A request with its whole body.
pub type Request = http::Request<Bytes>;
/// An answer with its whole body.
pub type Answer = http::Response<Bytes>;

type Exchange = dyn Fn(Request) -> BoxFuture<'static, Result<Answer, Failure>> + Send + Sync;

/// Why there is no answer, sorted by what may have happened at the far end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No connection was made: the far end cannot have acted.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request may have arrived, and the answer was lost: nobody knows.
    #[error("answer lost: {0}")]
    Lost(String),
}

/// One way to the outside. Cheap to clone.
#[derive(Clone)]
pub struct Transport(Arc<Way>);

struct Clients {
    /// By the proxy of the environment, where there is one.
    outward: reqwest::Client,
    straight: reqwest::Client,
}

enum Way {
    Network(Box<Clients>),
    InProcess(Box<Exchange>),
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Way::Network(_) => "Transport::Network",
            Way::InProcess(_) => "Transport::InProcess",
        })
    }
}

impl Transport {
    /// Over the network by HTTPS (or plain HTTP where the address says so), with the system's
    /// trusted roots, and by its proxy if the environment names one. Fails when the machine has no
    /// roots.
    pub fn over_network() -> Result<Self, reqwest::Error> {
        let clients = Clients {
            outward: client(|it| it)?,
            straight: client(reqwest::ClientBuilder::no_proxy)?,
        };
        Ok(Self(Arc::new(Way::Network(Box::new(clients)))))
    }

    /// Into a function of this process, such as the router of the simulated tenant.
    pub fn in_process<F>(exchange: F) -> Self
    where
        F: Fn(Request) -> BoxFuture<'static, Result<Answer, Failure>> + Send + Sync + 'static,
    {
        Self(Arc::new(Way::InProcess(Box::new(exchange))))
    }

    /// Sends one request and reads its whole answer, whatever its status.
    pub async fn send(&self, request: Request) -> Result<Answer, Failure> {
        match &*self.0 {
            Way::Network(clients) if stays_here(request.uri().host()) => {
                over_the_wire(&clients.straight, request).await
            }
            Way::Network(clients) => over_the_wire(&clients.outward, request).await,
            Way::InProcess(exchange) => exchange(request).await,
        }
    }
}

/// The one way a network client is built: timeouts set, redirects and hidden retries off.
fn client(
    more: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<reqwest::Client, reqwest::Error> {
    more(reqwest::Client::builder())
        .connect_timeout(CONNECT_LIMIT)
        .timeout(CALL_LIMIT)
        .pool_idle_timeout(Duration::from_secs(90))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .user_agent(concat!("estop/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Is this host the machine itself, or what only it can reach (Azure's instance metadata service)?
fn stays_here(host: Option<&str>) -> bool {
    let Some(host) = host else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unicast_link_local(),
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

async fn over_the_wire(client: &reqwest::Client, request: Request) -> Result<Answer, Failure> {
    let (parts, body) = request.into_parts();
    let sent = client
        .request(parts.method, parts.uri.to_string())
        .headers(parts.headers)
        .body(body)
        .send()
        .await
        .map_err(failure)?;

    let mut answer = http::Response::new(Bytes::new());
    *answer.status_mut() = sent.status();
    *answer.headers_mut() = sent.headers().clone();
    *answer.body_mut() = bounded(sent).await?;
    Ok(answer)
}

async fn bounded(sent: reqwest::Response) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    let mut chunks = sent.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(failure)?;
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(Failure::Lost(format!(
                "the answer is larger than {ANSWER_LIMIT} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn failure(error: reqwest::Error) -> Failure {
    let nothing_left = error.is_connect() || error.is_builder();
    let said = error.without_url().to_string();
    if nothing_left {
        Failure::NotSent(said)
    } else {
        Failure::Lost(said)
    }
}

#[cfg(test)]
mod tests {
    use super::stays_here;

    #[test]
    fn only_this_machine_and_its_link_are_here() {
        for host in [
            "localhost",
            "LOCALHOST",
            "127.0.0.1",
            "127.8.8.8",
            "[::1]",
            "169.254.169.254",
            "169.254.129.2",
            "[fe80::1]",
        ] {
            assert!(stays_here(Some(host)), "{host}");
        }
        for host in [
            "graph.microsoft.com",
            "localhost.example",
            "10.0.0.1",
            "168.63.129.16",
            "[2001:db8::1]",
            "[::ffff:10.0.0.1]",
        ] {
            assert!(!stays_here(Some(host)), "{host}");
        }
        assert!(!stays_here(None));
    }
}
