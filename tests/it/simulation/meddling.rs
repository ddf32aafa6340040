//! What somebody on the way does to requests, so that it is seen whether the watchers watch.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use estop::transport::Request;
use uuid::Uuid;

use super::cast::Cast;
use super::planted::Planted;
use super::plot::HOSTILE;
use super::sent::Sent;

/// A tenant that is not ours.
const STRANGERS: Uuid = Uuid::from_u128(0xBAD);
/// Longer than a kill may take.
const CRAWL: Duration = Duration::from_secs(14);
/// Sooner than anybody looks again.
const SOON: Duration = Duration::from_millis(200);
/// Longer than an undo waits for what may still be on its way.
const LATE: Duration = Duration::from_secs(50);

#[derive(Debug)]
pub struct Meddling {
    planted: Planted,
    cast: Cast,
    arrived: BTreeSet<(Option<Uuid>, String)>,
}

impl Meddling {
    pub fn new(planted: Planted, cast: Cast) -> Self {
        Self {
            planted,
            cast,
            arrived: BTreeSet::new(),
        }
    }

    /// Changes a request before anybody sees it leave.
    pub fn leaving(&self, request: Request) -> Request {
        if request.method() == http::Method::GET || request.uri().path().contains("getByIds") {
            return request;
        }
        let is = |planted| self.planted == planted;
        if is(Planted::NobodysWrites) {
            let nobody = Uuid::from_u128(0xFEED).to_string();
            return with_header(request, "client-request-id", nobody);
        }
        if is(Planted::ForeignToken) {
            let payload = format!("{{\"tid\":\"{STRANGERS}\"}}");
            let token = format!("Bearer e30.{}.", URL_SAFE_NO_PAD.encode(payload));
            return with_header(request, "authorization", token);
        }
        if is(Planted::KillsOpen) {
            return with_body(request, |body| body.replace(":false", ":true"));
        }
        if is(Planted::WordsBecomeOrders) {
            let ordered = format!("{{\"note\":\"{HOSTILE}\",");
            return with_body(request, |body| body.replacen('{', &ordered, 1));
        }
        request
    }

    /// Changes a request before it arrives.
    pub fn arriving(&mut self, sent: &Sent, request: Request) -> Request {
        if self.planted == Planted::WritesGoAstray && sent.writes() {
            let [from, to] = [0, 1].map(|place| self.cast.agents[place].to_string());
            let (mut parts, body) = request.into_parts();
            parts.uri = parts.uri.to_string().replace(&from, &to).parse().unwrap();
            return Request::from_parts(parts, body);
        }
        let again = self.planted == Planted::SecondTurnsBack && !self.arrived.insert(sent.intent());
        if again && sent.writes() {
            return with_body(request, turned);
        }
        request
    }

    /// How much longer it takes.
    pub fn slower(&self, sent: &Sent) -> Duration {
        match self.planted == Planted::WritesCrawl && sent.writes() {
            true => CRAWL,
            false => Duration::ZERO,
        }
    }

    /// After how long a copy arrives.
    pub fn copies(&self, sent: &Sent) -> Option<Duration> {
        let kills = sent.writes() && sent.body.contains("\"accountEnabled\":false");
        if kills && self.planted == Planted::LateKills {
            return Some(LATE);
        }
        (kills && self.planted == Planted::SecondTurnsBack).then_some(SOON)
    }
}

fn turned(body: &str) -> String {
    match body.contains(":false") {
        true => body.replace(":false", ":true"),
        false => body.replace(":true", ":false"),
    }
}

fn with_header(mut request: Request, name: &'static str, value: String) -> Request {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

fn with_body(request: Request, change: impl Fn(&str) -> String) -> Request {
    let (parts, body) = request.into_parts();
    let body = change(&String::from_utf8_lossy(&body));
    Request::from_parts(parts, body.into())
}
