//! A line to the database that a test cuts where it likes: between the services and the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The type of a message that carries plain words.
const WORDS: u8 = b'Q';
/// What a message begins with: its type, and its length without the type.
const HEAD: usize = 5;

/// The line. It ends with its test.
pub struct Line {
    pub port: u16,
    rules: Arc<Rules>,
    held: watch::Sender<bool>,
    _carrying: JoinSet<()>,
}

#[derive(Default)]
struct Rules {
    /// Every so manieth commit is carried to the server, and its answer is not carried back. None
    /// where it is 0.
    cut_every: AtomicUsize,
    commits: AtomicUsize,
    cuts: AtomicUsize,
    /// Where it would lose an answer it carries that one back, and hangs up right behind it.
    hangs_up: AtomicBool,
    /// Whoever wants to listen is cut off.
    deaf: AtomicBool,
    made: AtomicUsize,
}

impl Line {
    /// To the server at this port of this machine.
    pub async fn to(server: u16) -> Self {
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = door.local_addr().unwrap().port();
        let rules = Arc::new(Rules::default());
        let (held, holding) = watch::channel(false);
        let mut carrying = JoinSet::new();
        let known = Arc::clone(&rules);
        carrying.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = door.accept().await {
                known.made.fetch_add(1, Ordering::Relaxed);
                let (known, holding) = (Arc::clone(&known), holding.clone());
                connections.spawn(async move {
                    let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                    carry(client, server, &known, holding).await;
                });
            }
        });
        Self {
            port,
            rules,
            held,
            _carrying: carrying,
        }
    }

    /// From now on the answer to every so manieth commit is lost, and the connection with it.
    pub fn cut_every(&self, commits: usize) {
        self.rules.commits.store(0, Ordering::Relaxed);
        self.rules.cut_every.store(commits, Ordering::Relaxed);
    }

    /// From now on it hangs up right behind the answer to every so manieth commit.
    pub fn hang_up_every(&self, commits: usize) {
        self.rules.hangs_up.store(true, Ordering::Relaxed);
        self.cut_every(commits);
    }

    /// How many commits lost their answer, or the connection behind it.
    pub fn cuts(&self) -> usize {
        self.rules.cuts.load(Ordering::Relaxed)
    }

    /// How many connections were made by it.
    pub fn made(&self) -> usize {
        self.rules.made.load(Ordering::Relaxed)
    }

    /// From now on nobody may listen by it.
    pub fn deafen(&self) {
        self.rules.deaf.store(true, Ordering::Relaxed);
    }

    /// Holds every answer back, or lets them come again.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }
}

impl Rules {
    fn loses_this_commit(&self) -> bool {
        let every = self.cut_every.load(Ordering::Relaxed);
        let number = self.commits.fetch_add(1, Ordering::Relaxed) + 1;
        every > 0 && number.is_multiple_of(every)
    }
}

/// One connection, until either end closes it or it is cut.
async fn carry(
    client: TcpStream,
    server: TcpStream,
    rules: &Rules,
    mut holding: watch::Receiver<bool>,
) {
    // One message at a time must not wait for the next.
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = async {
        let mut some = [0; 8192];
        while let Ok(length @ 1..) = from_server.read(&mut some).await {
            let free = holding.wait_for(|held| !held).await.is_ok();
            if !free || to_client.write_all(&some[..length]).await.is_err() {
                return;
            }
        }
    };
    let lost = tokio::select! {
        lost = questions(&mut from_client, &mut to_server, rules) => lost,
        () = answers => None,
    };
    if let Some(commit) = lost {
        rules.cuts.fetch_add(1, Ordering::Relaxed);
        let _ = to_server.write_all(&commit).await;
        // It is done once the server says so, if only to us.
        let mut answer = [0; 64];
        let length = from_server.read(&mut answer).await.unwrap_or_default();
        if rules.hangs_up.load(Ordering::Relaxed) {
            let _ = to_client.write_all(&answer[..length]).await;
        }
    }
}

/// Carries questions to the server, up to a commit whose answer is to be lost.
async fn questions(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    rules: &Rules,
) -> Option<Vec<u8>> {
    // The first one has no type.
    let mut message = vec![0; HEAD - 1];
    loop {
        from.read_exact(&mut message).await.ok()?;
        let at = message.len() - 4;
        let length = u32::from_be_bytes(message[at..].try_into().unwrap());
        message.resize(at + usize::try_from(length).unwrap(), 0);
        from.read_exact(&mut message[at + 4..]).await.ok()?;
        let words = message.get(HEAD..).filter(|_| message[0] == WORDS);
        match words {
            Some(b"commit\0") if rules.loses_this_commit() => return Some(message),
            Some(words) if words.starts_with(b"listen") && rules.deaf.load(Ordering::Relaxed) => {
                return None;
            }
            Some(_) | None => to.write_all(&message).await.ok()?,
        }
        message.clear();
        message.resize(HEAD, 0);
    }
}
