//! How the door for senders is secured and bounded, as people write it and checked.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::BadConfig;
use super::settings::Config;
use crate::ingress::PerSecond;
use crate::listener::Limits;

/// Most connections that may be configured.
const CONNECTIONS_MAX: usize = 100_000;

/// `tls:` as people write it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsFile {
    certificate_file: PathBuf,
    key_file: PathBuf,
}

/// `limits:` as people write it.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsFile {
    connections: Option<usize>,
    connections_per_address: Option<usize>,
    source_per_second: Option<NonZeroU32>,
    total_per_second: Option<NonZeroU32>,
}

/// Which certificate the door for senders shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// PEM chain, the server's own first.
    pub certificate_file: PathBuf,
    /// PEM private key, mode 0600.
    pub key_file: PathBuf,
}

/// What a person should know about a door that strangers reach without TLS: a secret or an access
/// token on it can be read by whoever sits on the way.
pub(super) fn warned(config: &Config) -> Option<String> {
    let listen = config.listen;
    let bare = config.tls.is_none() && !listen.ip().is_loopback();
    let mut carried = config
        .sources
        .iter()
        .filter(|(_, source)| source.verify.carries_secret());
    let (name, _) = carried.next().filter(|_| bare)?;
    Some(format!(
        "`listen: {listen}` takes deliveries without TLS, and `sources.{name}` sends a secret or \
         an access token with each: configure `tls`, or listen on loopback behind a proxy that \
         speaks TLS"
    ))
}

impl TlsFile {
    pub(super) fn checked(self, base: &Path) -> TlsConfig {
        TlsConfig {
            certificate_file: base.join(self.certificate_file),
            key_file: base.join(self.key_file),
        }
    }
}

impl LimitsFile {
    pub(super) fn checked(self) -> Result<(Limits, PerSecond), BadConfig> {
        let usual = Limits::default();
        let connections = self.connections.unwrap_or(usual.connections);
        let share = self.connections_per_address;
        let share = share.unwrap_or(usual.connections_per_address.min(connections));
        if !(1..=CONNECTIONS_MAX).contains(&connections) || !(1..=connections).contains(&share) {
            return Err(BadConfig(format!(
                "`limits`: `connections` is 1 to {CONNECTIONS_MAX}, and \
                 `connections_per_address` no more than that"
            )));
        }
        let usually = PerSecond::default();
        let per_second = PerSecond {
            source: self.source_per_second.unwrap_or(usually.source),
            total: self.total_per_second.unwrap_or(usually.total),
        };
        let limits = Limits {
            connections,
            connections_per_address: share,
            ..usual
        };
        Ok((limits, per_second))
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::File;
    use crate::listener::Limits;

    fn read(limits: &str) -> Result<Limits, String> {
        let text = format!(
            "tenant:\n  id: 3f9e88bf-86f1-41af-91ab-2d7cd01177aa\n  credential: managed_identity\n\
             limits: {limits}\n"
        );
        let file = File::parse("estop.yaml", &text).map_err(|bad| bad.to_string())?;
        let checked = file.limits.checked();
        checked
            .map(|(limits, _)| limits)
            .map_err(|bad| bad.to_string())
    }

    #[test]
    fn limits_are_more_than_nothing_and_an_address_has_no_more_than_all() {
        let usual = Limits::default();
        assert_eq!(read("{}").unwrap().connections, usual.connections);
        let few = read("{ connections: 10 }").unwrap();
        assert_eq!((few.connections, few.connections_per_address), (10, 10));
        for bad in [
            "{ connections: 0 }",
            "{ connections: 10, connections_per_address: 11 }",
            "{ connections_per_address: 0 }",
            "{ connections: 1000000 }",
            "{ source_per_second: 0 }",
            "{ per_second: 1 }",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
