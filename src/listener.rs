//! Connections: accept, cap, time out, drain.
//!
//! Knows: sockets and HTTP/1.1 framing.
//! Never: paths, bodies, who is asking.
//!
//! Laws
//! * A connection that is slow to say its headers is closed; more connections than the cap wait
//!   unaccepted.
//! * Ending is graceful for as long as the drain limit says, and then it is an end.

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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

/// Most headers of a request.
const HEADERS_MAX: usize = 64;
/// Most bytes that are read ahead of whoever reads the body; also bounds the headers.
const READ_AHEAD: usize = 32 * 1024;
/// How long to wait after an accept that failed, so that a lack of descriptors spins nothing.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// How much a listener bears.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; others wait in the kernel's queue.
    pub connections: usize,
    /// How long a client may take to say its headers, and may idle between requests.
    pub header: Duration,
    /// How long requests in flight may still take once asked to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2048,
            header: Duration::from_secs(10),
            drain: Duration::from_secs(20),
        }
    }
}

/// Serves HTTP/1.1 on this socket until `stop`, then drains. An `axum::Router` is such a service.
/// Dropping the future closes every connection.
pub async fn serve<S, B>(
    listener: TcpListener,
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
    let slots = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    while let Some(Ok(slot)) = unless(&stop, Arc::clone(&slots).acquire_owned()).await {
        while connections.try_join_next().is_some() {}
        match unless(&stop, listener.accept()).await {
            None => break,
            Some(Ok((socket, _peer))) => {
                let talk = talk(socket, service.clone(), limits, graceful.watcher());
                connections.spawn(async move {
                    talk.await;
                    drop(slot);
                });
            }
            Some(Err(why)) => {
                tracing::warn!(%why, "a connection could not be accepted");
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

async fn talk<S, B>(socket: TcpStream, service: S, limits: Limits, watcher: Watcher)
where
    S: tower::Service<hyper::Request<Incoming>, Response = hyper::Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static,
{
    // Replies are small and whole, so waiting to fill a packet only costs time.
    let _ = socket.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_headers(HEADERS_MAX)
        .max_buf_size(READ_AHEAD)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service));
    // Why a stranger's connection ended is the stranger's business.
    let _ = watcher.watch(connection).await;
}
