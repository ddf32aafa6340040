//! Where Graph and the token authority are, per national cloud.

use url::{Host, Url};

/// A Microsoft cloud. Tokens of one are worth nothing in another (Microsoft: national clouds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// The worldwide cloud, GCC included.
    Global,
    /// US Government L4, also called GCC High.
    UsGov,
    /// US Government L5 (DoD).
    UsGovDod,
    /// China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// Every cloud.
    pub const ALL: [Self; 4] = [Self::Global, Self::UsGov, Self::UsGovDod, Self::China];

    /// The word for it in `estop.yaml`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::UsGov => "usgov",
            Self::UsGovDod => "usgov_dod",
            Self::China => "china",
        }
    }

    /// The cloud a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cloud| cloud.word() == word)
    }

    /// Does it have ID Protection for agents? The reference page of `riskyAgent` names the
    /// worldwide cloud only.
    pub const fn knows_agent_risk(self) -> bool {
        match self {
            Self::Global => true,
            Self::UsGov | Self::UsGovDod | Self::China => false,
        }
    }

    const fn graph(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::UsGov => "https://graph.microsoft.us",
            Self::UsGovDod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }

    /// Where its tokens come from, which is also what its v2 tokens name as their issuer.
    pub const fn login(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::UsGov | Self::UsGovDod => "https://login.microsoftonline.us",
            Self::China => "https://login.chinacloudapi.cn",
        }
    }
}

/// The addresses of one cloud, or of a stand-in for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// Which cloud, for what it lacks.
    pub cloud: Cloud,
    graph: Url,
    login: Url,
}

/// This address must not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an address for Graph or its login: {1}")]
pub struct BadEndpoint(String, &'static str);

impl Endpoints {
    /// The addresses of `cloud`; `graph_url` and `login_url` replace them. Only https is taken, or
    /// plain http on loopback.
    pub fn of(
        cloud: Cloud,
        graph_url: Option<&str>,
        login_url: Option<&str>,
    ) -> Result<Self, BadEndpoint> {
        Ok(Self {
            cloud,
            graph: checked(graph_url.unwrap_or(cloud.graph()))?,
            login: checked(login_url.unwrap_or(cloud.login()))?,
        })
    }

    /// Where Graph is, without a version.
    pub fn graph(&self) -> &Url {
        &self.graph
    }

    /// Where tokens come from.
    pub fn login(&self) -> &Url {
        &self.login
    }

    /// What the token must be for. It names the real cloud even where a stand-in answers.
    pub fn scope(&self) -> String {
        format!("{}/.default", self.cloud.graph())
    }
}

fn checked(text: &str) -> Result<Url, BadEndpoint> {
    let bad = |why| BadEndpoint(text.chars().take(200).collect(), why);
    let url = Url::parse(text).map_err(|_| bad("it cannot be read"))?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(bad("it names no host")),
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => return Err(bad("it must be https, or http on loopback")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it holds credentials"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(bad(
            "it must be a host alone, without path, query or fragment",
        ));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::{Cloud, Endpoints};

    #[test]
    fn plain_http_is_taken_on_loopback_only() {
        for good in [
            "http://127.0.0.1:9100",
            "http://[::1]:1",
            "https://graph.example",
        ] {
            assert!(
                Endpoints::of(Cloud::Global, Some(good), None).is_ok(),
                "{good}"
            );
        }
        for bad in [
            "http://graph.example",
            "http://127.0.0.1.example",
            "ftp://127.0.0.1",
            "https://me:pw@graph.example",
            "https://graph.example/v1.0",
            "https://graph.example?x",
            "graph.example",
        ] {
            assert!(
                Endpoints::of(Cloud::Global, Some(bad), None).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn every_cloud_has_addresses_of_its_own() {
        for cloud in Cloud::ALL {
            let endpoints = Endpoints::of(cloud, None, None).unwrap();

            assert_eq!(Cloud::from_word(cloud.word()), Some(cloud));
            assert!(endpoints.scope().starts_with(endpoints.graph().as_str()));
        }
    }
}
