//! TLS with a certificate that can be replaced while we serve.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, version};
use tokio_rustls::server::TlsStream;

use crate::clock::Clock;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Largest file that is read.
const FILE_MAX: usize = 256 * 1024;
/// Most certificates of a chain.
const CHAIN_MAX: usize = 16;
/// The only protocol that is offered: framing has one reading in HTTP/1.1 here, and what attacks
/// HTTP/2 finds nothing (threat W30).
const PROTOCOL: &[u8] = b"http/1.1";

/// The certificate cannot be used. Says which file and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("TLS: {0}")]
pub struct Unusable(String);

/// How connections are secured. Cheap to clone; every clone serves the newest certificate.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    certificate: PathBuf,
    key: PathBuf,
    held: ArcSwap<Held>,
}

struct Held {
    config: Arc<ServerConfig>,
    digest: [u8; 32],
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({})", self.0.certificate.display())
    }
}

impl Tls {
    /// Reads a PEM chain, the server's own certificate first, and its private key in PEM, which
    /// only we may read.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, Unusable> {
        let held = read(certificate, key)?;
        Ok(Self(Arc::new(Inner {
            certificate: certificate.to_path_buf(),
            key: key.to_path_buf(),
            held: ArcSwap::from_pointee(held),
        })))
    }

    /// Looks whether the files have changed, and serves what they hold now. Files that cannot be
    /// used change nothing. Says whether anything was replaced.
    pub fn reload(&self) -> Result<bool, Unusable> {
        let held = read(&self.0.certificate, &self.0.key)?;
        let changed = held.digest != self.0.held.load().digest;
        if changed {
            self.0.held.store(Arc::new(held));
        }
        Ok(changed)
    }

    /// Looks every minute, for ever: the roof spawns it and drops it.
    pub async fn reload_loop(self, clock: Clock) {
        loop {
            clock.sleep(LOOK_EVERY).await;
            match self.reload() {
                Ok(false) => {}
                Ok(true) => tracing::info!("a new certificate is served"),
                Err(error) => {
                    tracing::warn!(%error, "the certificate files cannot be used; the old ones serve on");
                }
            }
        }
    }

    pub(super) async fn accept(&self, socket: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let config = Arc::clone(&self.0.held.load().config);
        TlsAcceptor::from(config).accept(socket).await
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Held, Unusable> {
    let chain_text = bytes_of(certificate)?;
    only_ours(key)?;
    let key_text = bytes_of(key)?;
    let unfit = |path: &Path, why: &str| Unusable(format!("{}: {why}", path.display()));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain_text).collect();
    let chain = chain.map_err(|_| unfit(certificate, "it holds no PEM certificates"))?;
    if chain.is_empty() || chain.len() > CHAIN_MAX {
        return Err(unfit(
            certificate,
            "it holds none or more than 16 certificates",
        ));
    }
    let private = PrivateKeyDer::from_pem_slice(&key_text)
        .map_err(|_| unfit(key, "it holds no PEM private key without a password"))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(|error| Unusable(error.to_string()))?;
    let mut config = builder
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| {
            unfit(
                certificate,
                &format!("it does not go with its key: {error}"),
            )
        })?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    let mut hash = Sha256::new();
    hash.update(&chain_text);
    hash.update(&key_text);
    Ok(Held {
        config: Arc::new(config),
        digest: hash.finalize().into(),
    })
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, Unusable> {
    let unread = |why: String| Unusable(format!("{} cannot be read: {why}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| unread(error.to_string()))?;
    if bytes.len() > FILE_MAX {
        return Err(unread(format!("it has more than {FILE_MAX} bytes")));
    }
    Ok(bytes)
}

fn only_ours(path: &Path) -> Result<(), Unusable> {
    use std::os::unix::fs::PermissionsExt as _;

    let shown = path.display();
    let meta = std::fs::metadata(path)
        .map_err(|error| Unusable(format!("{shown} cannot be read: {error}")))?;
    if meta.permissions().mode() & 0o077 != 0 {
        return Err(Unusable(format!(
            "{shown} may be read by others. Run: chmod 600 {shown}"
        )));
    }
    Ok(())
}
