//! Where an agent's runtime is: a project's address from the configuration, and a plain name.

use url::{Host, Url};

use crate::domain::found::Runtime;

/// This is no project endpoint that we would send a token to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no Foundry project: {1}")]
pub struct BadProject(String, &'static str);

/// Takes a project's endpoint: https, or http on loopback; no credentials, query or fragment.
pub fn checked(project: &Url) -> Result<(), BadProject> {
    let bad = |why| {
        let mut shown = project.clone();
        // Credentials in an address are not for any log; a failure leaves an address without any.
        let _ = shown.set_password(None);
        Err(BadProject(shown.to_string(), why))
    };
    let loopback = match project.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return bad("it names no host"),
    };
    match project.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => return bad("it must be https, or http on loopback"),
    }
    if !project.username().is_empty() || project.password().is_some() {
        return bad("it holds credentials");
    }
    if project.query().is_some() || project.fragment().is_some() {
        return bad("it must end with its path");
    }
    Ok(())
}

/// The address of one verb on one agent.
pub(super) fn of(runtime: &Runtime, verb: &str, api_version: &str) -> String {
    let project = runtime.project.as_str().trim_end_matches('/');
    let version = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("api-version", api_version)
        .finish();
    format!("{project}/agents/{}:{verb}?{version}", runtime.name)
}

#[cfg(test)]
mod tests {
    use super::{checked, of};
    use crate::domain::found::{OpaqueId, Runtime};

    #[test]
    fn a_token_for_foundry_goes_over_tls_or_stays_on_this_machine() {
        for good in [
            "https://x.services.ai.azure.com/api/projects/p",
            "http://127.0.0.1:9100/api/projects/p",
            "http://localhost/api/projects/p",
        ] {
            assert!(checked(&good.parse().unwrap()).is_ok(), "{good}");
        }
        for bad in [
            "http://x.services.ai.azure.com/api/projects/p",
            "https://me:pw@x.example/api/projects/p",
            "https://x.example/api/projects/p?x",
            "ftp://127.0.0.1/p",
            "data:x",
        ] {
            let refused = checked(&bad.parse().unwrap()).unwrap_err();
            assert!(!refused.to_string().contains("pw"), "{refused}");
        }
    }

    #[test]
    fn a_version_cannot_bend_the_address() {
        let runtime = Runtime {
            project: "https://x.example/api/projects/p/".parse().unwrap(),
            name: OpaqueId::new("invoice-bot").unwrap(),
        };

        let address = of(&runtime, "disable", "v1&x=/../y");

        assert_eq!(
            address,
            "https://x.example/api/projects/p/agents/invoice-bot:disable?api-version=v1%26x%3D%2F..%2Fy"
        );
    }
}
