//! The same door behind real sockets, where bytes are counted.

use std::net::SocketAddr;
use std::time::Duration;

use estop::clock::Clock;
use estop::listener::{Limits, serve};
use estop::signature::sign;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::house::{BODY, House, NOW};

/// Small kernel buffers, so that bytes written are bytes read, give or take.
const BUFFER: u32 = 16 * 1024;
/// What the kernel and the server's read-ahead may hold on the way.
const SLACK: usize = 256 * 1024;

struct Server {
    house: House,
    address: SocketAddr,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let house = House::new().await;
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(BUFFER).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(64).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = serve(
            listener,
            house.router.clone(),
            limits,
            Clock::system(),
            stop.clone(),
        );
        #[expect(clippy::disallowed_methods, reason = "the test stands in for the roof")]
        let serving = tokio::spawn(serving);
        Self {
            house,
            address,
            stop,
            serving,
        }
    }

    async fn connect(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(BUFFER).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    async fn end(self) -> House {
        self.stop.cancel();
        self.serving.await.unwrap();
        self.house
    }
}

fn head(extra: &str) -> String {
    format!(
        "POST /v1/ingest/lab HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{extra}\r\n"
    )
}

/// Writes until the server will take no more, and says how many bytes it took.
async fn pour(stream: &mut TcpStream, piece: &[u8], most: usize) -> usize {
    let mut poured = 0;
    while poured < most {
        match stream.write(piece).await {
            Ok(n) => poured += n,
            Err(_) => break,
        }
    }
    poured
}

async fn reply(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // The server closes with our bytes unread, so the end may be a reset; what came before counts.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn w13_a_compressed_body_is_refused_before_it_is_read() {
    let server = Server::start(Limits::default()).await;

    for encoding in ["gzip", "br", "zstd", "deflate", "identity", "gzip, gzip"] {
        let mut stream = server.connect().await;
        let head = head(&format!(
            "content-encoding: {encoding}\r\ncontent-length: 10000000\r\n"
        ));
        stream.write_all(head.as_bytes()).await.unwrap();

        // Not one byte of the body was sent, so the answer cannot have waited for it.
        let reply = reply(&mut stream).await;

        assert!(reply.starts_with("HTTP/1.1 415"), "{encoding}: {reply}");
    }

    assert_eq!(server.end().await.asked(), 0);
}

#[tokio::test]
async fn w14_a_length_above_the_limit_is_refused_before_the_body_is_read() {
    let server = Server::start(Limits::default()).await;
    let mut stream = server.connect().await;
    let head = head("content-length: 1048577\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();

    let reply = reply(&mut stream).await;

    assert!(reply.starts_with("HTTP/1.1 413"), "{reply}");
    assert_eq!(server.end().await.asked(), 0);
}

#[tokio::test]
async fn w14_an_endless_chunked_body_is_cut_at_the_limit() {
    let server = Server::start(Limits::default()).await;
    let mut stream = server.connect().await;
    let head = head("transfer-encoding: chunked\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(b"6400000\r\n").await.unwrap();

    let poured = pour(&mut stream, &[b' '; 8192], 100 * 1024 * 1024).await;

    assert!(poured >= 1024 * 1024, "cut too early: {poured}");
    assert!(poured <= 1024 * 1024 + 64 * 1024 + SLACK, "{poured}");
    assert_eq!(server.end().await.asked(), 0);
}

#[tokio::test]
async fn w11_a_request_of_uncertain_length_is_refused_and_its_tail_is_never_routed() {
    let server = Server::start(Limits::default()).await;
    let signed = format!(
        "webhook-id: msg_1\r\nwebhook-timestamp: {NOW}\r\nwebhook-signature: {}\r\n",
        sign(&server.house.lab, "msg_1", NOW, b"{}")
    );
    let tail = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    let chunked = "2\r\n{}\r\n0\r\n\r\n";
    let vectors = [
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            chunked,
        ),
        ("transfer-encoding: chunked, identity\r\n", chunked),
        ("transfer-encoding: gzip, chunked\r\n", chunked),
        ("transfer-encoding: xchunked\r\n", chunked),
        ("transfer-encoding: identity\r\ncontent-length: 2\r\n", "{}"),
        ("content-length: 2\r\ncontent-length: 3\r\n", "{}"),
        ("content-length: 2, 3\r\n", "{}"),
        ("content-length: +2\r\n", "{}"),
        ("content-length: 0x2\r\n", "{}"),
        ("content-length: -2\r\n", "{}"),
        ("content-length : 2\r\n", "{}"),
        (
            "transfer-encoding: chunked\r\n",
            "FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n",
        ),
        ("transfer-encoding: chunked\r\n", "2;a=b\n{}\r\n0\r\n\r\n"),
        ("transfer-encoding: chunked\r\n", "-2\r\n{}\r\n0\r\n\r\n"),
        ("transfer-encoding: chunked\r\n", "+2\r\n{}\r\n0\r\n\r\n"),
        ("transfer-encoding: chunked\r\n", "0x2\r\n{}\r\n0\r\n\r\n"),
        ("transfer-encoding: chunked\r\n", "2 2\r\n{}\r\n0\r\n\r\n"),
        ("transfer-encoding: chunked\r\n", "\r\n{}\r\n0\r\n\r\n"),
        ("transfer-encoding: chunked\r\n", "g\r\n{}\r\n0\r\n\r\n"),
        ("transfer-encoding: chunked\r\n", "2\r\n{}XX0\r\n\r\n"),
        ("transfer-encoding:\r\n chunked\r\n", chunked),
        ("transfer-encoding : chunked\r\n", chunked),
        ("transfer-encoding: \x0bchunked\r\n", chunked),
        ("transfer-encoding: chunked;q=1\r\n", chunked),
        ("content-length: 99999999999999999999\r\n", "{}"),
        ("content-length: \r\n", "{}"),
        ("content-length: 2 2\r\n", "{}"),
        ("content-length: 2\r\nx-bent: a\0b\r\n", "{}"),
        ("content-length: 2\r\nx-folded: a\r\n b\r\n", "{}"),
    ];

    for (framing, body) in vectors {
        let mut stream = server.connect().await;
        let request = format!("{}{body}{tail}", head(&format!("{signed}{framing}")));
        stream.write_all(request.as_bytes()).await.unwrap();

        let reply = reply(&mut stream).await;

        assert!(!reply.starts_with("HTTP/1.1 2"), "{framing}: {reply}");
        assert!(!reply.contains("HTTP/1.1 404"), "{framing}: {reply}");
    }
    assert_eq!(server.end().await.asked(), 0);
}

/// Hyper follows RFC 9112: with both headers the chunks count, and the connection ends.
#[tokio::test]
async fn w11_with_two_lengths_the_connection_ends_before_the_tail() {
    let server = Server::start(Limits::default()).await;
    let signed = format!(
        "webhook-id: msg_1\r\nwebhook-timestamp: {NOW}\r\nwebhook-signature: {}\r\n",
        sign(&server.house.lab, "msg_1", NOW, b"{}")
    );
    let tail = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";

    for framing in [
        "content-length: 2\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 2\r\n",
    ] {
        let mut stream = server.connect().await;
        let chunks = "2\r\n{}\r\n0\r\n\r\n";
        let request = format!("{}{chunks}{tail}", head(&format!("{signed}{framing}")));
        stream.write_all(request.as_bytes()).await.unwrap();

        let reply = reply(&mut stream).await;

        assert_eq!(reply.matches("HTTP/1.1").count(), 1, "{framing}: {reply}");
    }
    server.end().await;
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_taken() {
    let server = Server::start(Limits::default()).await;
    let body = vec![b' '; 1024 * 1024];
    let signature = sign(&server.house.lab, "msg_1", NOW, &body);
    let head = head(&format!(
        "connection: close\r\nwebhook-id: msg_1\r\nwebhook-timestamp: {NOW}\r\n\
         webhook-signature: {signature}\r\ncontent-length: {}\r\n",
        body.len()
    ));
    let mut stream = server.connect().await;

    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();

    let reply = reply(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 202"), "{reply}");
    assert_eq!(server.end().await.kept().await.len(), 1);
}

#[tokio::test]
async fn w25_on_the_wire_too_every_refusal_is_the_same_bytes() {
    let server = Server::start(Limits::default()).await;
    let length = format!("content-length: {}\r\n", BODY.len());
    let unknown = head(&length).replace("/lab ", "/unknown ");
    let unsigned = head(&length);
    let wrong = head(&format!(
        "{length}webhook-id: a\r\nwebhook-timestamp: {NOW}\r\nwebhook-signature: v1,AAAA\r\n"
    ));

    let mut replies = Vec::new();
    for head in [unknown, unsigned, wrong] {
        let mut stream = server.connect().await;
        let request = [head.as_bytes(), BODY].concat();
        stream.write_all(&request).await.unwrap();
        let reply = reply(&mut stream).await;
        let dated = |line: &&str| !line.starts_with("date:");
        replies.push(reply.lines().filter(dated).collect::<Vec<_>>().join("\n"));
    }

    assert!(replies[0].starts_with("HTTP/1.1 401"), "{}", replies[0]);
    assert_eq!(replies[0], replies[1]);
    assert_eq!(replies[1], replies[2]);
    server.end().await;
}

#[tokio::test]
async fn w28_a_client_that_is_slow_to_say_its_headers_is_let_go() {
    let limits = Limits {
        header: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"POST /v1/ingest/lab HTTP/1.1\r\nx-slow: ")
        .await
        .unwrap();

    // Ends only because the server closes.
    let reply = reply(&mut stream).await;

    assert!(!reply.contains("202"), "{reply}");
    server.end().await;
}

#[tokio::test]
async fn connections_above_the_cap_wait_their_turn() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut first = server.connect().await;
    first
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut byte = [0];
    first.read_exact(&mut byte).await.unwrap();
    let mut second = server.connect().await;
    second
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();

    let early = futures_util::poll!(Box::pin(second.readable())).is_ready();
    drop(first);
    let reply = reply(&mut second).await;

    assert!(!early);
    assert!(reply.starts_with("HTTP/1.1 404"), "{reply}");
    server.end().await;
}

#[tokio::test]
async fn a_stopped_listener_lets_a_request_in_flight_finish() {
    let server = Server::start(Limits::default()).await;
    let signature = sign(&server.house.lab, "msg_1", NOW, BODY);
    let head = head(&format!(
        "expect: 100-continue\r\nwebhook-id: msg_1\r\nwebhook-timestamp: {NOW}\r\n\
         webhook-signature: {signature}\r\ncontent-length: {}\r\n",
        BODY.len()
    ));
    let mut stream = server.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut told = [0; 25];
    stream.read_exact(&mut told).await.unwrap();
    assert!(told.starts_with(b"HTTP/1.1 100"));

    server.stop.cancel();
    stream.write_all(BODY).await.unwrap();

    let reply = reply(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 202"), "{reply}");
    assert_eq!(server.end().await.kept().await.len(), 1);
}

/// An extension of a chunk may not be used to make us read for ever.
#[tokio::test]
async fn w11_an_endless_chunk_extension_is_cut() {
    let server = Server::start(Limits::default()).await;
    let mut stream = server.connect().await;
    let head = head("transfer-encoding: chunked\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(b"2;").await.unwrap();

    let poured = pour(&mut stream, &[b'x'; 8192], 64 * 1024 * 1024).await;

    assert!(poured <= 64 * 1024 + SLACK, "{poured}");
    assert_eq!(server.end().await.asked(), 0);
}

/// HTTP/1.0 knows no chunks, and an upgrade to anything is not offered.
#[tokio::test]
async fn w11_an_old_version_with_chunks_and_an_upgrade_are_no_way_in() {
    let server = Server::start(Limits::default()).await;
    let chunked = head("transfer-encoding: chunked\r\n").replace("HTTP/1.1", "HTTP/1.0");
    let upgrade = head("connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 2\r\n");
    for request in [
        format!("{chunked}2\r\n{{}}\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"),
        format!("{upgrade}{{}}PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ] {
        let mut stream = server.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();

        let reply = reply(&mut stream).await;

        let taken = reply.starts_with("HTTP/1.1 2") || reply.starts_with("HTTP/1.0 2");
        assert!(!taken, "{reply}");
        assert!(
            !reply.contains("101 Switching") && !reply.contains("404"),
            "{reply}"
        );
    }
    assert_eq!(server.end().await.asked(), 0);
}

/// The check is a property of what a path leads to; no way of writing a path leads around it.
#[tokio::test]
async fn w12_no_way_of_writing_host_or_path_leads_around_the_check() {
    let server = Server::start(Limits::default()).await;
    let lines = [
        "POST //v1/ingest/lab",
        "POST /v1//ingest/lab",
        "POST /v1/ingest//lab",
        "POST /v1/ingest/lab/",
        "POST /v1/ingest/./lab",
        "POST /v1/ingest/x/../lab",
        "POST /v1/ingest/..%2flab",
        "POST /v1/ingest/%2e%2e/lab",
        "POST /v1/ingest/lab;x=1",
        "POST /v1/ingest;x/lab",
        "POST /v1/ingest/l%61b",
        "POST /v1/ingest/LAB",
        "POST /v1/ingest/lab%00",
        "POST /v1/ingest/lab%20",
        "POST /v1/ingest/lab?source=other",
        "POST /v1/ingest/lab%3fx",
        "POST /v1/ingest/lab%23x",
        "POST /V1/ingest/lab",
        "POST /v1/ingest/%6c%61%62",
        "POST /v1\\ingest\\lab",
        "POST v1/ingest/lab",
        "POST http://evil.example/v1/ingest/lab",
        "POST https://evil.example:1/v1/ingest/lab",
        "POST http://evil.example@127.0.0.1/v1/ingest/lab",
        "GET /v1/ingest/lab",
        "PUT /v1/ingest/lab",
        "HEAD /v1/ingest/lab",
        "OPTIONS *",
        "OPTIONS /v1/ingest/lab",
        "CONNECT 127.0.0.1:1",
        "TRACE /v1/ingest/lab",
        "POST /healthz",
        "GET /metrics",
        "GET /v1/detections/../../v1/audit",
        "GET /sim/tenant",
    ];
    for line in lines {
        for extra in [
            "host: x\r\n",
            "host: evil.example\r\nx-original-url: /v1/ingest/lab\r\n",
            "host: x\r\nx-rewrite-url: /healthz\r\nx-forwarded-prefix: /v1\r\n",
        ] {
            let mut stream = server.connect().await;
            let request = format!(
                "{line} HTTP/1.1\r\n{extra}content-type: application/json\r\n\
                 content-length: 2\r\nconnection: close\r\n\r\n{{}}"
            );
            stream.write_all(request.as_bytes()).await.unwrap();

            let reply = reply(&mut stream).await;

            assert!(!reply.starts_with("HTTP/1.1 2"), "{line} {extra}: {reply}");
        }
    }
    assert_eq!(server.end().await.asked(), 0);
}

/// Nothing here is keyed by what a header says about an address.
#[tokio::test]
async fn w31_what_a_header_says_about_an_address_changes_nothing() {
    let server = Server::start(Limits::default()).await;
    let plain = {
        let mut stream = server.connect().await;
        let head = head("content-length: 2\r\n");
        stream
            .write_all(format!("{head}{{}}").as_bytes())
            .await
            .unwrap();
        undated(&reply(&mut stream).await)
    };
    for header in [
        "x-forwarded-for: 127.0.0.1",
        "x-forwarded-for: 10.0.0.1, 127.0.0.1",
        "x-forwarded-for: ::1",
        "forwarded: for=127.0.0.1",
        "x-real-ip: 127.0.0.1",
        "x-client-ip: 127.0.0.1",
        "cf-connecting-ip: 127.0.0.1",
        "true-client-ip: 127.0.0.1",
        "x-forwarded-host: 127.0.0.1",
        "x-forwarded-proto: https",
    ] {
        let mut stream = server.connect().await;
        let head = head(&format!("{header}\r\ncontent-length: 2\r\n"));
        stream
            .write_all(format!("{head}{{}}").as_bytes())
            .await
            .unwrap();

        assert_eq!(undated(&reply(&mut stream).await), plain, "{header}");
    }
    server.end().await;
}

#[tokio::test]
async fn w28_a_body_that_does_not_come_is_waited_for_only_so_long() {
    let server = Server::start(Limits::default()).await;
    let mut stream = server.connect().await;
    let head = head("content-length: 100\r\nexpect: 100-continue\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut told = [0; 25];
    stream.read_exact(&mut told).await.unwrap();
    assert!(told.starts_with(b"HTTP/1.1 100"));
    stream.write_all(b"{").await.unwrap();

    server.house.hand.advance(Duration::from_secs(11));

    let reply = reply(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 408"), "{reply}");
    assert_eq!(server.end().await.asked(), 0);
}

/// The slow ones take the share of their address; whoever comes from another is served at once.
#[tokio::test]
async fn w28_two_thousand_slow_clients_of_one_address_keep_nobody_else_out() {
    let limits = Limits {
        connections: 64,
        connections_per_address: 32,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut slow = Vec::new();
    for n in 0..2000 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let _ = stream
            .write_all(b"POST /v1/ingest/lab HTTP/1.1\r\nx: ")
            .await;
        // What was closed at once is let go, so that this process keeps few descriptors.
        if n < 64 {
            slow.push(stream);
        }
    }

    let elsewhere = TcpSocket::new_v4().unwrap();
    elsewhere.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut good = elsewhere.connect(server.address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    good.write_all(request).await.unwrap();

    let reply = reply(&mut good).await;
    assert!(reply.starts_with("HTTP/1.1 404"), "{reply}");
    drop(slow);
    server.end().await;
}

fn undated(reply: &str) -> String {
    let lines = reply.lines().filter(|line| !line.starts_with("date:"));
    lines.collect::<Vec<_>>().join("\n")
}
