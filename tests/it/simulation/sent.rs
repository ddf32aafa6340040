//! A request as it left the process: what the watchers see of it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use estop::transport::Request;
use uuid::Uuid;

/// One way out of the process. Each is cut and healed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    Graph,
    Login,
    /// To the places where people are told, and where anchors are kept.
    Outward,
}

impl Link {
    pub const ALL: [Self; 3] = [Self::Graph, Self::Login, Self::Outward];
}

#[derive(Clone, Debug)]
pub struct Sent {
    pub link: Link,
    /// Which one it was, in the order in which they left.
    pub number: u64,
    pub method: String,
    pub path: String,
    pub body: String,
    /// Every header but the one that carries a token.
    pub headers: String,
    /// Whose run it belongs to.
    pub run: Option<Uuid>,
    /// The tenant its token is for.
    pub tenant: Option<Uuid>,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.method, self.path, self.body)
    }
}

impl Sent {
    pub fn of(request: &Request, (link, number): (Link, u64)) -> Self {
        let header = |name: &str| request.headers().get(name)?.to_str().ok();
        let others = request
            .headers()
            .iter()
            .filter(|(name, _)| *name != "authorization");
        let others =
            others.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("")));
        let path = request.uri().path_and_query();
        Self {
            link,
            number,
            method: request.method().to_string(),
            path: path.map(ToString::to_string).unwrap_or_default(),
            body: String::from_utf8_lossy(request.body()).into_owned(),
            headers: others.collect::<Vec<_>>().join("\n"),
            run: header("client-request-id").and_then(|it| it.parse().ok()),
            tenant: header("authorization").and_then(tenant_of),
        }
    }

    /// Could it change the tenant?
    pub fn writes(&self) -> bool {
        let reads = ["/getByIds", "/$batch", "/token"];
        let asks = self.method == "GET" || reads.iter().any(|it| self.path.contains(it));
        self.link == Link::Graph && !asks
    }

    pub fn opens(&self) -> bool {
        self.body.contains("\"accountEnabled\":true")
    }

    pub fn closes(&self) -> bool {
        self.body.contains("\"accountEnabled\":false")
    }

    /// The same for every try of the same write.
    pub fn intent(&self) -> (Option<Uuid>, String) {
        (self.run, self.to_string())
    }

    /// Whom a write is about.
    pub fn targets(&self) -> Vec<Uuid> {
        match ids(&self.path) {
            named if named.is_empty() => ids(&self.body),
            named => named,
        }
    }
}

fn ids(text: &str) -> Vec<Uuid> {
    let parts = text.split(|c: char| !(c.is_ascii_hexdigit() || c == '-'));
    parts.filter_map(|it| it.parse().ok()).collect()
}

/// The tenant in the payload of a bearer token.
fn tenant_of(bearer: &str) -> Option<Uuid> {
    let payload = bearer.split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let payload: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    payload["tid"].as_str()?.parse().ok()
}
