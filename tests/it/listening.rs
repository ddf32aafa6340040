//! `estop listen` without a service: the real program on a port of its own.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use estop::clock::Clock;
use estop::listener;
use estop::signature::{Secret, sign};
use estop::transport::{Answer, Transport};
use http::{HeaderMap, Uri};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Longest wait for a word of the program.
const PATIENCE: Duration = Duration::from_secs(40);

/// The program, and what it says.
struct Ear {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    talk: Lines<BufReader<ChildStderr>>,
    /// Where it takes deliveries.
    url: String,
}

impl Ear {
    async fn new(words: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_estop"));
        command.args(["listen", "--on", "127.0.0.1:0"]).args(words);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let talk = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut ear = Self {
            child,
            output,
            talk,
            url: String::new(),
        };
        let ready = said(&mut ear.talk).await;
        let url = ready
            .split(' ')
            .find(|word| word.starts_with("http://"))
            .unwrap();
        ear.url = url.split("/v1/").next().unwrap().to_owned();
        ear
    }

    async fn line(&mut self) -> Value {
        serde_json::from_str(&said(&mut self.output).await).unwrap()
    }

    /// Posts bytes with headers to the source `lab`.
    async fn deliver(&self, headers: &[(&str, String)], body: &[u8]) -> Answer {
        let mut request = http::Request::post(format!("{}/v1/ingest/lab", self.url))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Bytes::copy_from_slice(body)).unwrap();
        Transport::over_network()
            .unwrap()
            .send(request)
            .await
            .unwrap()
    }

    async fn ends(&mut self) -> i32 {
        let ended = Clock::system().within(PATIENCE, self.child.wait()).await;
        ended.unwrap().unwrap().code().unwrap()
    }
}

async fn said<R: tokio::io::AsyncBufRead + Unpin>(lines: &mut Lines<R>) -> String {
    let line = Clock::system().within(PATIENCE, lines.next_line()).await;
    line.unwrap().unwrap().expect("it ended early")
}

fn signed(key: &str, body: &[u8]) -> Vec<(&'static str, String)> {
    let now = Clock::system().now().as_seconds();
    let secret = Secret::parse(key.trim()).unwrap();
    vec![
        ("webhook-id", "msg_1".to_owned()),
        ("webhook-timestamp", now.to_string()),
        ("webhook-signature", sign(&secret, "msg_1", now, body)),
        ("x-sender", "one".to_owned()),
        ("x-sender", "two".to_owned()),
    ]
}

type Posted = Arc<Mutex<Vec<(Uri, HeaderMap, Vec<u8>)>>>;

/// An address of this machine that keeps what is posted to it.
async fn far_end() -> (String, Posted, JoinSet<()>) {
    async fn keep(
        State(posted): State<Posted>,
        uri: Uri,
        headers: HeaderMap,
        body: Bytes,
    ) -> &'static str {
        posted.lock().unwrap().push((uri, headers, body.to_vec()));
        "kept"
    }
    let posted = Posted::default();
    let router = Router::new().fallback(keep).with_state(Arc::clone(&posted));
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", door.local_addr().unwrap());
    let mut serving = JoinSet::new();
    serving.spawn(listener::serve(
        door,
        router,
        listener::Limits::default(),
        Clock::system(),
        CancellationToken::new(),
    ));
    (url, posted, serving)
}

/// Types `estop listen` with these words, and waits for its end: exit code, output, talk.
async fn listen(words: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_estop"));
    let ended = command
        .arg("listen")
        .args(words)
        .stdin(Stdio::null())
        .output();
    let ended = Clock::system()
        .within(PATIENCE, ended)
        .await
        .unwrap()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        ended.status.code().unwrap(),
        text(ended.stdout),
        text(ended.stderr),
    )
}

#[tokio::test]
async fn what_is_heard_is_posted_on_with_its_own_bytes_and_headers_genuine_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("dev.key");
    let (far, posted, _serving) = far_end().await;
    let to = format!("{far}/hook?tap=1");
    let words = [
        "--key",
        key.to_str().unwrap(),
        "--forward-to",
        &to,
        "--json",
    ];
    let mut ear = Ear::new(&words).await;
    let secret = std::fs::read_to_string(&key).unwrap();
    // Bytes that a parser would not give back.
    let body = b"{ \"a\" : 1.0,\r\n \"a\":2 }\n";

    let genuine = ear.deliver(&signed(&secret, body), body).await;
    let first = ear.line().await;
    let changed = ear
        .deliver(&signed(&secret, body), &body[..body.len() - 1])
        .await;
    let second = ear.line().await;

    assert_eq!(
        (genuine.status().as_u16(), changed.status().as_u16()),
        (200, 401)
    );
    assert_eq!(
        (&first["verdict"], &first["key"]),
        (&"genuine".into(), &"dev".into())
    );
    assert_eq!(
        (&first["source"], &first["bytes"]),
        (&"lab".into(), &body.len().into())
    );
    assert_eq!(first["forwarded"]["status"], 200);
    assert_eq!(second["verdict"], "wrong_signature");
    assert!(
        second["hint"].as_str().unwrap().contains("newline was cut"),
        "{second}"
    );
    let posted = posted.lock().unwrap();
    assert_eq!(posted.len(), 2);
    assert_eq!(posted[0].0, "/hook?tap=1");
    assert_eq!(
        (&posted[0].2[..], &posted[1].2[..]),
        (&body[..], &body[..body.len() - 1])
    );
    for (_, headers, body) in posted.iter() {
        assert_eq!(headers["webhook-id"], "msg_1");
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["content-length"], body.len().to_string().as_str());
        assert_eq!(headers["host"], far.trim_start_matches("http://"));
        assert_eq!(
            headers.get_all("x-sender").iter().collect::<Vec<_>>(),
            ["one", "two"]
        );
    }
    assert_eq!(
        posted[0].1["webhook-signature"].len(),
        posted[1].1["webhook-signature"].len()
    );
}

#[tokio::test]
async fn a_secret_is_drawn_for_the_occasion_and_the_exit_code_says_whether_it_was_used() {
    for genuine in [true, false] {
        let mut ear = Ear::new(&["--once"]).await;
        let shown = said(&mut ear.talk).await;
        let secret = shown.rsplit(' ').next().unwrap();
        let body = b"{}";
        let sent: &[u8] = if genuine { body } else { b"{} " };

        let answer = ear.deliver(&signed(secret, body), sent).await;

        assert_eq!(answer.status().as_u16(), if genuine { 200 } else { 401 });
        assert_eq!(ear.ends().await, i32::from(!genuine));
    }
}

#[tokio::test]
async fn a_secret_is_made_once_kept_private_and_printed_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hub.key");
    let key = file.to_str().unwrap();
    let words = ["--scheme", "github", "--key", key, "--print-secret"];

    let (first, again) = (listen(&words).await, listen(&words).await);
    let (unnamed, _, _) = listen(&["--print-secret"]).await;

    assert_eq!((first.0, first.1.lines().count()), (0, 1), "{first:?}");
    assert_eq!(first.1, again.1);
    assert_eq!(first.1, std::fs::read_to_string(&file).unwrap());
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(unnamed, 2);
}

#[tokio::test]
async fn it_neither_hears_for_others_nor_posts_to_them() {
    for words in [
        ["--on", "0.0.0.0:0"],
        ["--forward-to", "https://example.com/hook"],
        ["--forward-to", "http://127.0.0.1.example.com/"],
        ["--forward-to", "ftp://127.0.0.1/"],
        ["--scheme", "v1a"],
    ] {
        let (code, output, talk) = listen(&words).await;

        assert_eq!((code, output.as_str()), (2, ""), "{words:?} {talk}");
    }
}
