//! Connections: accept, cap, shake hands, time out, drain.
//!
//! Knows: sockets, TLS and HTTP/1.1 framing.
//! Never: paths, bodies, who is asking.
//!
//! Laws
//! * A connection that is slow to shake hands or to say its headers is closed; more connections
//!   than the cap wait unaccepted, and more than its share from one address are closed at once.
//! * An address is what the socket says, never what a header says.
//! * HTTP/1.1 and nothing else, with TLS and without.
//! * Ending is graceful for as long as the drain limit says, and then it is an end.
//!
//! Read next: `tls`, then `peers`.

mod peers;
mod tls;

use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

use peers::Peers;
pub use tls::{Tls, Unusable};

/// Most headers of a request.
const HEADERS_MAX: usize = 64;
/// Most bytes that are read ahead of whoever reads the body; also bounds the headers.
const READ_AHEAD: usize = 32 * 1024;
/// How long to wait after an accept that failed, so that a lack of descriptors spins nothing.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);
/// How often such a failure is logged: whoever opens connections must not fill the log.
const SAID_EVERY: Duration = Duration::from_secs(10);

/// How much a listener bears.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; others wait in the kernel's queue.
    pub connections: usize,
    /// Connections at a time from one address; others are closed. A proxy is one address.
    pub connections_per_address: usize,
    /// How long a client may take for the TLS handshake.
    pub handshake: Duration,
    /// How long a client may take to say its headers, and may idle between requests.
    pub header: Duration,
    /// How long requests in flight may still take once asked to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_address: 512,
            handshake: Duration::from_secs(5),
            header: Duration::from_secs(10),
            drain: Duration::from_secs(20),
        }
    }
}

/// Where connections come in, and whether they are secured.
pub struct Socket {
    listener: TcpListener,
    tls: Option<Tls>,
}

impl From<TcpListener> for Socket {
    fn from(listener: TcpListener) -> Self {
        let tls = None;
        Self { listener, tls }
    }
}

impl Socket {
    /// The same, where TLS is spoken if there is one to speak it with.
    pub fn new(listener: TcpListener, tls: Option<Tls>) -> Self {
        Self { listener, tls }
    }
}

/// Serves HTTP/1.1 on this socket until `stop`, then drains. An `axum::Router` is such a service.
/// Dropping the future closes every connection.
pub async fn serve<S, B>(
    socket: impl Into<Socket>,
    service: S,
    limits: Limits,
    clock: Clock,
    stop: CancellationToken,
) where
    S: tower::Service<hyper::Request<Incoming>, Response = hyper::Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static,
{
    let Socket { listener, tls } = socket.into();
    let slots = Arc::new(Semaphore::new(limits.connections));
    let peers = Peers::new(limits.connections_per_address);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut said: Option<Duration> = None;
    while let Some(Ok(slot)) = unless(&stop, Arc::clone(&slots).acquire_owned()).await {
        while connections.try_join_next().is_some() {}
        match unless(&stop, listener.accept()).await {
            None => break,
            Some(Ok((socket, peer))) => {
                let Some(place) = peers.take(peer.ip()) else {
                    continue;
                };
                let (service, tls, clock) = (service.clone(), tls.clone(), clock.clone());
                let watcher = graceful.watcher();
                connections.spawn(async move {
                    if let Some(socket) = secured(socket, tls, (&clock, limits)).await {
                        talk(socket, service, limits, watcher).await;
                    }
                    drop((slot, place));
                });
            }
            Some(Err(why)) => {
                let now = clock.elapsed();
                if said.is_none_or(|said| now.saturating_sub(said) >= SAID_EVERY) {
                    said = Some(now);
                    tracing::warn!(%why, "connections could not be accepted; trying on");
                }
                unless(&stop, clock.sleep(ACCEPT_BACKOFF)).await;
            }
        }
    }
    drop(listener);
    if clock
        .within(limits.drain, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            open = connections.len(),
            "connections were cut at the drain limit"
        );
    }
}

/// What `work` gives, or `None` when told to stop first.
async fn unless<F: Future>(stop: &CancellationToken, work: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        output = work => Some(output),
    }
}

/// A stream of bytes, whatever carries it.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The connection once it is secured, where it is to be; `None` when the client did not manage in
/// time.
async fn secured(
    socket: TcpStream,
    tls: Option<Tls>,
    (clock, limits): (&Clock, Limits),
) -> Option<Box<dyn Stream>> {
    // Replies are small and whole, so waiting to fill a packet only costs time.
    let _ = socket.set_nodelay(true);
    let Some(tls) = tls else {
        return Some(Box::new(socket));
    };
    let shaken = clock.within(limits.handshake, tls.accept(socket)).await;
    // Why a stranger's handshake failed is the stranger's business.
    let secured = shaken.ok()?.ok()?;
    Some(Box::new(secured))
}

async fn talk<S, B>(socket: Box<dyn Stream>, service: S, limits: Limits, watcher: Watcher)
where
    S: tower::Service<hyper::Request<Incoming>, Response = hyper::Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_headers(HEADERS_MAX)
        .max_buf_size(READ_AHEAD)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service));
    // Why a stranger's connection ended is the stranger's business.
    let _ = watcher.watch(connection).await;
}

#[cfg(test)]
mod tests;
