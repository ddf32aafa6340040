//! Senders: keep-alive connections that write whole requests and read whole replies.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

/// Largest reply head that is read.
const REPLY_MAX: usize = 16 * 1024;
/// How long who dawdles waits before a new connection: slow ones are measured, not a flood of new ones.
const PAUSE: Duration = Duration::from_secs(1);

/// One connection.
pub struct Sender {
    address: String,
    socket: TcpStream,
    read: Vec<u8>,
}

impl Sender {
    /// Connects to `host:port`.
    pub async fn to(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            socket: connected(address).await,
            read: vec![0; REPLY_MAX],
        }
    }

    /// Sends one request and answers the HTTP status of its whole reply.
    pub async fn send(&mut self, request: &[u8]) -> u16 {
        self.ask(request).await.status
    }

    /// Sends one request and reads its whole reply. A connection that was closed while it idled is
    /// opened anew, once, as every client does that keeps connections.
    pub async fn ask(&mut self, request: &[u8]) -> Reply {
        if let Some(reply) = self.try_to_ask(request).await {
            return reply;
        }
        self.socket = connected(&self.address).await;
        let again = self.try_to_ask(request).await;
        again.expect("a new connection was closed before its answer")
    }

    async fn try_to_ask(&mut self, request: &[u8]) -> Option<Reply> {
        self.socket.write_all(request).await.ok()?;
        let mut filled = 0;
        loop {
            let more = self.socket.read(&mut self.read[filled..]).await.ok()?;
            assert!(more > 0 || filled == 0, "a reply was broken off");
            if more == 0 {
                return None;
            }
            filled += more;
            if let Some(reply) = whole(&self.read[..filled]) {
                return Some(reply);
            }
        }
    }
}

async fn connected(address: &str) -> TcpStream {
    let socket = TcpStream::connect(address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

/// What a reply says.
#[derive(Clone, Copy, Debug)]
pub struct Reply {
    /// Its HTTP status.
    pub status: u16,
    /// Does it carry `Retry-After`?
    pub asks_to_wait: bool,
}

/// The reply, once head and body are there.
fn whole(read: &[u8]) -> Option<Reply> {
    let end = read.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&read[..end]).ok()?.to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1)?;
    let length: usize = length.split("\r\n").next()?.parse().ok()?;
    let status = head[9..12].parse().ok()?;
    let asks_to_wait = head.contains("\r\nretry-after: ");
    (read.len() >= end + length).then_some(Reply {
        status,
        asks_to_wait,
    })
}

/// Sends all requests over so many connections, as fast as they are answered. Says how long it
/// took and how many were not answered with `expected`.
pub async fn flood(
    address: &str,
    requests: &Arc<Vec<Vec<u8>>>,
    connections: usize,
    expected: u16,
) -> (Duration, usize) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut senders = Vec::new();
    for _ in 0..connections {
        senders.push(Sender::to(address).await);
    }
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for mut sender in senders {
        let (next, requests) = (Arc::clone(&next), Arc::clone(requests));
        tasks.spawn(async move {
            let mut wrong = 0;
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                wrong += usize::from(sender.send(request).await != expected);
            }
            wrong
        });
    }
    let mut wrong = 0;
    while let Some(of_one) = tasks.join_next().await {
        wrong += of_one.unwrap();
    }
    (began.elapsed(), wrong)
}

/// Sends the requests at a steady rate, whatever the replies do, over at most so many
/// connections. `sent` is told the number and the moment just before each request is written. Says
/// how many were not answered with 202.
pub async fn pace(
    address: &str,
    requests: &Arc<Vec<Vec<u8>>>,
    rate: (u32, usize),
    sent: impl Fn(usize, Instant) + Send + Sync + 'static,
) -> usize {
    let requests = Arc::clone(requests);
    let made = move |number: usize| requests.get(number).cloned();
    not_taken(&stream(address, rate, made, sent).await)
}

/// How often each HTTP status was answered.
pub type Told = BTreeMap<u16, usize>;

/// How many were answered with anything but 202.
pub fn not_taken(told: &Told) -> usize {
    let others = told.iter().filter(|(status, _)| **status != 202);
    others.map(|(_, count)| count).sum()
}

/// The same with requests that are made when they are due, until none is made.
pub async fn stream(
    address: &str,
    (per_second, connections): (u32, usize),
    make: impl Fn(usize) -> Option<Vec<u8>> + Send + Sync + 'static,
    sent: impl Fn(usize, Instant) + Send + Sync + 'static,
) -> Told {
    let (make, sent) = (Arc::new(make), Arc::new(sent));
    let next = Arc::new(AtomicUsize::new(0));
    let mut senders = Vec::new();
    for _ in 0..connections {
        senders.push(Sender::to(address).await);
    }
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for mut sender in senders {
        let (next, make, sent) = (Arc::clone(&next), Arc::clone(&make), Arc::clone(&sent));
        tasks.spawn(async move {
            let mut told = Told::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = make(number) else {
                    return told;
                };
                let due = began + Duration::from_secs_f64(number as f64 / f64::from(per_second));
                tokio::time::sleep_until(due.into()).await;
                sent(number, Instant::now());
                let status = sender.send(&request).await;
                *told.entry(status).or_default() += 1;
            }
        });
    }
    let mut told = Told::new();
    while let Some(of_one) = tasks.join_next().await {
        for (status, count) in of_one.unwrap() {
            *told.entry(status).or_default() += count;
        }
    }
    told
}

/// Connections that begin a request and never end it, one byte a second. Whoever is cut comes
/// again. For as long as the set lives.
///
/// They come from an address of their own: of one address only so many connections are borne, and
/// whoever else comes from it shares them.
pub fn dawdle(address: &str, connections: usize) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let address = address.to_owned();
        tasks.spawn(async move {
            loop {
                if let Ok(mut socket) = elsewhere(&address).await {
                    let begun = socket
                        .write_all(b"POST /v1/ingest/bench HTTP/1.1\r\nx: ")
                        .await;
                    let mut going = begun.is_ok();
                    while going {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        going = socket.write_all(b"y").await.is_ok();
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
    tasks
}

/// Connects from another address of this machine than everybody else does.
async fn elsewhere(address: &str) -> std::io::Result<TcpStream> {
    let from = TcpSocket::new_v4()?;
    from.bind((Ipv4Addr::new(127, 0, 0, 2), 0).into())?;
    let to = address.parse().map_err(std::io::Error::other)?;
    from.connect(to).await
}
