//! Where a page may go: https, or http on this machine.

use url::{Host, Url};

/// This is no address a page would be sent to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is no place for a page: {why}")]
pub struct BadPlace {
    shown: String,
    why: &'static str,
}

/// Takes https, or http on loopback; no credentials and no fragment.
pub fn checked(place: &Url) -> Result<(), BadPlace> {
    let bad = |why| {
        // A path may hold what only the receiver should know: the host is enough to find the line.
        let shown = place.host_str().unwrap_or("?").to_owned();
        Err(BadPlace { shown, why })
    };
    let loopback = match place.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return bad("it names no host"),
    };
    match place.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => return bad("it must be https, or http on loopback"),
    }
    if !place.username().is_empty() || place.password().is_some() {
        return bad("it holds credentials");
    }
    if place.fragment().is_some() {
        return bad("it has a fragment");
    }
    Ok(())
}

/// The base without its last slash, and a path behind it.
pub(super) fn below(base: &Url, path: &str) -> String {
    format!("{}{path}", base.as_str().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn a_page_goes_over_tls_or_stays_on_this_machine() {
        for good in [
            "https://x.example/hook?a=1",
            "http://127.0.0.1:9/",
            "http://[::1]:9/",
        ] {
            assert!(checked(&good.parse().unwrap()).is_ok(), "{good}");
        }
        for bad in [
            "http://x.example/hook",
            "https://me:pw@x.example/",
            "https://x.example/#part",
            "ftp://x.example/",
            "http://127.0.0.1.example/",
        ] {
            let refused = checked(&bad.parse().unwrap()).unwrap_err();
            assert!(!refused.to_string().contains("pw"), "{refused}");
        }
    }
}
