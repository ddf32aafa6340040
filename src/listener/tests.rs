//! TLS and the end, over real sockets with a clock moved by hand.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Full, StreamBody};
use hyper::Request;
use hyper::body::{Frame, Incoming};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
};
use tokio_util::sync::CancellationToken;

use super::{Limits, Socket, Tls, serve};
use crate::clock::{Clock, Hand};
use crate::domain::moment::Moment;
use crate::entra::minted::{Minted, private};

/// Takes any certificate: what is looked at here is which one is shown.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PKCS1_SHA256,
        ]
    }
}

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn holding(minted: &Minted) -> Self {
        let files = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        files.replace(minted);
        files
    }

    fn replace(&self, minted: &Minted) {
        let [certificate, key] = self.paths();
        std::fs::write(&certificate, &minted.certificate_pem).unwrap();
        std::fs::write(&key, &minted.key_pem).unwrap();
        private(&key, 0o600);
    }

    fn paths(&self) -> [PathBuf; 2] {
        ["tls.pem", "tls.key"].map(|name| self.folder.path().join(name))
    }

    fn open(&self) -> Result<Tls, super::Unusable> {
        let [certificate, key] = self.paths();
        Tls::open(&certificate, &key)
    }
}

struct Server {
    address: std::net::SocketAddr,
    hand: Hand,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Server {
    async fn start(tls: Option<Tls>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let (clock, hand) = Clock::by_hand(Moment::from_millis(0));
        let stop = CancellationToken::new();
        let hello = tower::service_fn(|_: Request<Incoming>| async {
            Ok::<_, Infallible>(hyper::Response::new(Full::new(Bytes::from_static(
                b"hello",
            ))))
        });
        let socket = Socket::new(socket, tls);
        let serving = serve(socket, hello, Limits::default(), clock, stop.clone());
        Self {
            address,
            hand,
            stop,
            serving: spawn(serving),
        }
    }

    /// The certificate shown to a client that offers these protocols, the protocol that was
    /// agreed on, and what is answered to a request.
    async fn shown(&self, offers: &[&[u8]]) -> std::io::Result<(Vec<u8>, String, String)> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone))
            .with_no_client_auth();
        config.alpn_protocols = offers.iter().map(|offer| offer.to_vec()).collect();
        let socket = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("estop.example").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, socket).await?;
        let (_, session) = stream.get_ref();
        let shown = session.peer_certificates().unwrap()[0].to_vec();
        let agreed = String::from_utf8_lossy(session.alpn_protocol().unwrap_or_default());
        let agreed = agreed.into_owned();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await?;
        let mut reply = String::new();
        let _ = stream.read_to_string(&mut reply).await;
        Ok((shown, agreed, reply))
    }

    async fn end(self) {
        self.stop.cancel();
        self.serving.await.unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "the test stands in for the roof")]
fn spawn(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(work)
}

fn until(ends: &str) -> Minted {
    Minted::until(ends)
}

#[tokio::test]
async fn w30_over_tls_http_1_1_is_spoken_and_nothing_else() {
    let files = Files::holding(&until("400101000000Z"));
    let server = Server::start(Some(files.open().unwrap())).await;

    let (_, agreed, reply) = server.shown(&[b"h2", b"http/1.1"]).await.unwrap();
    let (_, none, plain) = server.shown(&[]).await.unwrap();
    let only_h2 = server.shown(&[b"h2"]).await;

    assert_eq!(agreed, "http/1.1");
    assert!(reply.ends_with("hello"), "{reply}");
    assert!(none.is_empty() && plain.ends_with("hello"), "{plain}");
    assert!(only_h2.is_err());
    server.end().await;
}

#[tokio::test]
async fn a_new_certificate_is_served_without_a_restart_and_a_bad_one_is_not() {
    let files = Files::holding(&until("400101000000Z"));
    let tls = files.open().unwrap();
    let server = Server::start(Some(tls.clone())).await;
    let (first, _, _) = server.shown(&[]).await.unwrap();

    assert_eq!(tls.reload(), Ok(false));
    files.replace(&Minted::stranger("410101000000Z"));
    assert_eq!(tls.reload(), Ok(true));
    let (second, _, reply) = server.shown(&[]).await.unwrap();
    let [certificate, key] = files.paths();
    std::fs::write(&certificate, "-----BEGIN NOTHING-----").unwrap();
    assert!(tls.reload().is_err());
    files.replace(&until("400101000000Z"));
    std::fs::write(&key, &Minted::stranger("410101000000Z").key_pem).unwrap();
    assert!(tls.reload().is_err());
    let (third, _, _) = server.shown(&[]).await.unwrap();

    assert_ne!(first, second);
    assert_eq!(second, third);
    assert!(reply.ends_with("hello"), "{reply}");
    server.end().await;
}

#[test]
fn a_key_that_others_may_read_secures_nothing() {
    let files = Files::holding(&until("400101000000Z"));
    let [_, key] = files.paths();
    private(&key, 0o644);

    let said = files.open().unwrap_err().to_string();

    assert!(said.contains("chmod 600"), "{said}");
    assert!(Tls::open(Path::new("/nowhere.pem"), &key).is_err());
}

#[tokio::test]
async fn w28_a_client_that_is_slow_to_shake_hands_is_let_go() {
    let files = Files::holding(&until("400101000000Z"));
    let server = Server::start(Some(files.open().unwrap())).await;
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    // The beginning of a ClientHello, and then nothing.
    slow.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
    // Whoever was accepted later is served, so the slow one is waited for by now.
    server.shown(&[]).await.unwrap();

    server.hand.advance(Limits::default().handshake);

    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    server.end().await;
}

#[tokio::test]
async fn w30_the_preface_of_http_2_is_no_request() {
    let server = Server::start(None).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();

    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply).await;

    let reply = String::from_utf8_lossy(&reply);
    assert!(!reply.contains("hello"), "{reply}");
    server.end().await;
}

#[tokio::test]
async fn a_stream_that_never_ends_is_cut_at_the_drain_limit() {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let (clock, hand) = Clock::by_hand(Moment::from_millis(0));
    let stop = CancellationToken::new();
    let endless = tower::service_fn(|_: Request<Incoming>| async {
        let first = futures_util::stream::once(async {
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"first")))
        });
        let all = futures_util::StreamExt::chain(first, futures_util::stream::pending());
        Ok::<_, Infallible>(hyper::Response::new(StreamBody::new(all)))
    });
    let limits = Limits::default();
    let serving = spawn(serve(socket, endless, limits, clock, stop.clone()));
    let mut open = TcpStream::connect(address).await.unwrap();
    open.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut heard = String::new();
    while !heard.contains("first") {
        let mut piece = [0; 256];
        let n = open.read(&mut piece).await.unwrap();
        heard.push_str(&String::from_utf8_lossy(&piece[..n]));
    }

    stop.cancel();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let waiting = !serving.is_finished();
    hand.advance(limits.drain.saturating_sub(Duration::from_secs(1)));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let still = !serving.is_finished();
    hand.advance(Duration::from_secs(1));
    serving.await.unwrap();

    assert!(waiting && still);
    let mut rest = Vec::new();
    let _ = open.read_to_end(&mut rest).await;
}
