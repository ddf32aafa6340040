//! Where a waiting workflow is called back, and to whom we may speak at all.
//!
//! The address comes from outside and carries a secret: whoever has it can answer. So it must lie on
//! a host that the configuration names (threat S06), and it is never shown.

use std::fmt;

use url::{Host, Url};

/// Longest address that is taken, in bytes.
const ADDRESS_MAX: usize = 2048;
/// Most hosts that may be named.
const HOSTS_MAX: usize = 64;
/// Fewest labels after a `*.`: a whole top-level domain is nobody's own.
const LABELS_MIN: usize = 3;

/// An address on a host that may be called. Not shown by anything.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackAddress(Url);

/// The hosts that may be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallbackHosts(Vec<String>);

/// Why nobody is called back there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// Not `https`, too long, with a user or fragment, or no host name.
    #[error("it is no plain https address")]
    Unfit,
    /// The host is not on the list.
    #[error("its host {0} is not under `callback_hosts`")]
    Host(String),
}

impl CallbackHosts {
    /// Takes host names, each whole or with a leading `*.` for every name below it.
    pub fn new(names: Vec<String>) -> Result<Self, String> {
        if names.len() > HOSTS_MAX {
            return Err(format!("at most {HOSTS_MAX} hosts may be named"));
        }
        for name in &names {
            let bare = name.strip_prefix("*.").unwrap_or(name);
            let labels = bare.split('.').count();
            let plain =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
            let is_name = matches!(Host::parse(bare), Ok(Host::Domain(_)));
            if !is_name || !bare.chars().all(plain) || (bare != name && labels < LABELS_MIN) {
                return Err(format!(
                    "`{name}` is no host name in lower case; a leading `*.` wants {LABELS_MIN} \
                     labels behind it"
                ));
            }
        }
        Ok(Self(names))
    }

    /// The address, when we may speak to its host.
    pub fn admit(&self, text: &str) -> Result<CallbackAddress, NotAdmitted> {
        if text.len() > ADDRESS_MAX {
            return Err(NotAdmitted::Unfit);
        }
        let url = Url::parse(text).map_err(|_| NotAdmitted::Unfit)?;
        let bare = url.scheme() == "https"
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
            && url.port().is_none();
        let Some(Host::Domain(host)) = url.host().filter(|_| bare) else {
            return Err(NotAdmitted::Unfit);
        };
        let named = |name: &String| match name.strip_prefix('*') {
            Some(end) => host.len() > end.len() && host.ends_with(end),
            None => host == name,
        };
        if self.0.iter().any(named) {
            return Ok(CallbackAddress(url));
        }
        Err(NotAdmitted::Host(host.to_owned()))
    }
}

impl CallbackAddress {
    /// The whole address, for the store and the call.
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }

    /// An address that was admitted before, as the store kept it.
    pub fn kept(text: &str) -> Option<Self> {
        Url::parse(text).ok().map(Self)
    }

    /// What may be said of it.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl fmt::Debug for CallbackAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallbackAddress({}/…)", self.host())
    }
}

#[cfg(test)]
mod tests {
    use super::{ADDRESS_MAX, CallbackAddress, CallbackHosts, HOSTS_MAX, NotAdmitted};

    fn hosts(names: &[&str]) -> Result<CallbackHosts, String> {
        CallbackHosts::new(names.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn s06_only_a_named_host_is_called() {
        let hosts = hosts(&[
            "prod-12.westeurope.logic.azure.com",
            "*.apps.contoso.example",
        ])
        .unwrap();
        let good = [
            "https://prod-12.westeurope.logic.azure.com:443/workflows/x/callback?sig=y",
            "https://PROD-12.westeurope.logic.azure.com/x",
            "https://a.apps.contoso.example/x",
            "https://a.b.apps.contoso.example/x",
        ];
        let bad = [
            "http://prod-12.westeurope.logic.azure.com/x",
            "https://prod-13.westeurope.logic.azure.com/x",
            "https://prod-12.westeurope.logic.azure.com.evil.example/x",
            "https://evil.example/prod-12.westeurope.logic.azure.com",
            "https://prod-12.westeurope.logic.azure.com@evil.example/x",
            "https://u:p@prod-12.westeurope.logic.azure.com/x",
            "https://prod-12.westeurope.logic.azure.com:8443/x",
            "https://prod-12.westeurope.logic.azure.com/x#y",
            "https://apps.contoso.example/x",
            "https://.apps.contoso.example/x",
            "https://evilapps.contoso.example/x",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://0x7f000001/x",
            "https://2130706433/x",
            "https://169.254.169.254/metadata",
            "https://localhost/x",
            "file:///etc/passwd",
            "ftp://prod-12.westeurope.logic.azure.com/x",
            "//prod-12.westeurope.logic.azure.com/x",
            "prod-12.westeurope.logic.azure.com",
            "",
            "https://prod-12.westeurope.logic.azure.com%2eevil.example/x",
            "https://prod-12.westeurope.logic.azure.com.:443/x",
            "https://prod-12.westeurope.logic.azure.com:80/x",
            "https://[::ffff:127.0.0.1]/x",
            "https://017700000001/x",
            "https://127.1/x",
            "javascript:alert(1)",
        ];

        for address in good {
            assert!(hosts.admit(address).is_ok(), "{address}");
        }
        for address in bad {
            assert!(hosts.admit(address).is_err(), "{address}");
        }
        let long = format!("{}{}", good[1], "a".repeat(2100));
        assert_eq!(hosts.admit(&long), Err(NotAdmitted::Unfit));
    }

    #[test]
    fn nobody_is_called_where_nobody_is_named() {
        let none = CallbackHosts::default();

        assert!(
            none.admit("https://prod-12.westeurope.logic.azure.com/x")
                .is_err()
        );
        for bad in [
            "*.com",
            "*.example.com",
            "*",
            "10.0.0.1",
            "a/b",
            "A.example.com",
            "",
            "*.",
        ] {
            assert!(hosts(&[bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_most_that_is_taken_is_taken() {
        let start = "https://a.logic.azure.com/";
        let of = |bytes: usize| format!("{start}{}", "a".repeat(bytes - start.len()));
        let hosts = hosts(&["a.logic.azure.com"]).unwrap();
        assert!(hosts.admit(&of(ADDRESS_MAX)).is_ok());
        assert_eq!(hosts.admit(&of(ADDRESS_MAX + 1)), Err(NotAdmitted::Unfit));

        let many = |count| CallbackHosts::new(vec!["a.example.com".to_owned(); count]);
        assert!(many(HOSTS_MAX).is_ok());
        assert!(many(HOSTS_MAX + 1).is_err());
    }

    /// What the store kept is called as it was admitted, and no other text is an address.
    #[test]
    fn an_address_is_kept_whole() {
        let hosts = hosts(&["a.logic.azure.com"]).unwrap();
        let admitted = hosts.admit("https://a.logic.azure.com/w?sig=y").unwrap();

        assert_eq!(admitted.host(), "a.logic.azure.com");
        assert_eq!(admitted.expose(), "https://a.logic.azure.com/w?sig=y");
        assert_eq!(CallbackAddress::kept(admitted.expose()), Some(admitted));
        assert_eq!(CallbackAddress::kept("w?sig=y"), None);
    }

    #[test]
    fn an_address_is_not_shown() {
        let hosts = hosts(&["a.logic.azure.com"]).unwrap();
        let address = hosts.admit("https://a.logic.azure.com/w?sig=hush").unwrap();

        assert_eq!(
            format!("{address:?}"),
            "CallbackAddress(a.logic.azure.com/…)"
        );
    }
}
