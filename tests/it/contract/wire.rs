//! The same calls over real sockets: a name nobody has, a port that speaks no TLS, a redirect.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use estop::clock::Clock;
use estop::domain::moment::Moment;
use estop::sim::Entra;
use estop::transport::Transport;
use futures_util::future::join_all;

use super::calls::make;
use super::rows::{Kind, ROWS};
use super::table::{calls, priority};
use super::{Bench, End, furnished};

/// Every call towards this address, and what it was told.
async fn towards(base: &str) -> Vec<(&'static str, End)> {
    let transport = Transport::over_network().unwrap();
    join_all(calls().into_iter().map(|call| {
        let bench = bench(base, transport.clone());
        async move {
            let end = make(&bench, call, priority(call)).await;
            assert!(bench.entra.effects().is_empty(), "{call}");
            (call, end)
        }
    }))
    .await
}

/// One for each call, so that none waits in a lane behind the others: the hand is never moved, and
/// what limits these calls is the transport's own clock.
fn bench(base: &str, transport: Transport) -> Bench {
    let (clock, hand) = Clock::by_hand(Moment::from_millis(1_790_000_000_000));
    let (tenant, mut things) = furnished().clone();
    for runtime in [&mut things.runtime, &mut things.stopped] {
        runtime.project = format!("{base}/api/projects/p").parse().unwrap();
    }
    let entra = Entra::new(clock.clone(), tenant);
    let sent = Arc::new(Mutex::new(Vec::new()));
    Bench::of(
        (clock, hand),
        (transport, [base, base, base]),
        (entra, things, sent),
    )
}

/// A server that answers every connection with `reply` and hangs up, and how many came.
fn server(reply: String) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&came);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::SeqCst);
            let (mut stream, mut said) = (stream, [0; 4096]);
            let _ = stream.read(&mut said);
            let _ = stream.write_all(reply.as_bytes());
        }
    });
    (port, came)
}

#[tokio::test]
async fn g10_a_name_that_does_not_resolve_was_never_asked() {
    // Refused by the resolver itself, so that no name server is waited for.
    let name = format!("https://{}.invalid", "n".repeat(64));

    for (call, end) in towards(&name).await {
        assert_eq!(end, End::TryAgain, "{call}");
    }
}

#[tokio::test]
async fn g10_a_port_that_speaks_no_tls_gets_no_token_and_was_never_asked() {
    let (port, came) = server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_owned());

    for (call, end) in towards(&format!("https://127.0.0.1:{port}")).await {
        assert_eq!(end, End::TryAgain, "{call}");
    }

    assert!(came.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn g11_a_redirect_to_another_host_is_followed_by_no_call() {
    let (elsewhere, strangers) = server("HTTP/1.1 204 No Content\r\n\r\n".to_owned());
    let (port, came) = server(format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:{elsewhere}/\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n"
    ));

    let ends = towards(&format!("http://127.0.0.1:{port}")).await;

    for (call, end) in &ends {
        assert_eq!(*end, End::Unknown, "{call}");
    }
    assert_eq!(strangers.load(Ordering::SeqCst), 0);
    assert!(came.load(Ordering::SeqCst) >= ROWS.iter().filter(|it| it.kind == Kind::Write).count());
}
