//! The network between the process and the tenant, on its bad days.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use estop::domain::moment::Span;
use estop::entra::{AccessToken, Error, TokenSource};
use estop::sim::{Entra, Fault, Garbage, Lag, On, RetryAfter, What};
use estop::transport::{Failure, Request, Transport};
use tokio::sync::oneshot;

use super::agenda::{Agenda, Event, Told};
use super::chance::Dice;

/// One way out of the process. Each is cut and healed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    Graph,
    Login,
}

/// What becomes of one request at the tenant and on the way back.
#[derive(Clone, Debug, Default)]
pub struct Fate {
    pub fault: Option<What>,
    pub loses_answer: bool,
    pub way_back: Duration,
}

/// How bad the day is, each in so many of a thousand requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    pub not_sent: u32,
    pub loses_request: u32,
    pub loses_answer: u32,
    pub slow: u32,
    pub doubled: u32,
    /// The tenant itself misbehaves.
    pub faulty: u32,
    /// Every write is performed, and its first answer lost: each step is done twice.
    pub twice: bool,
}

/// A request as it left the process.
#[derive(Clone, Debug)]
pub struct Sent {
    pub method: String,
    pub path: String,
    pub body: String,
    /// Whose run it belongs to.
    pub correlation: Option<String>,
}

/// Cheap to clone; every clone is the same network.
#[derive(Clone)]
pub struct Wire(Arc<Mutex<State>>);

struct State {
    agenda: Agenda,
    dice: Dice,
    weather: Weather,
    cut: BTreeMap<Link, bool>,
    sent: Vec<Sent>,
    lost_once: BTreeMap<String, u32>,
    /// Plays a network that changes what is sent.
    misdirects: Option<(String, String)>,
}

impl Wire {
    pub fn new(agenda: Agenda, dice: Dice, weather: Weather) -> Self {
        Self(Arc::new(Mutex::new(State {
            agenda,
            dice,
            weather,
            cut: BTreeMap::new(),
            sent: Vec::new(),
            lost_once: BTreeMap::new(),
            misdirects: None,
        })))
    }

    pub fn cut(&self, link: Link, cut: bool) {
        self.0.lock().unwrap().cut.insert(link, cut);
    }

    pub fn clear_up(&self) {
        let mut state = self.0.lock().unwrap();
        state.weather = Weather::default();
        state.cut.clear();
    }

    /// Writes to `from` reach `to` instead.
    pub fn misdirect(&self, from: String, to: String) {
        self.0.lock().unwrap().misdirects = Some((from, to));
    }

    /// Everything that left since this was last asked.
    pub fn take_sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.0.lock().unwrap().sent)
    }

    pub fn transport(&self) -> Transport {
        let wire = self.clone();
        Transport::in_process(move |request| {
            let back = wire.send(request);
            Box::pin(async move {
                let lost = || Err(Failure::Lost("the machine is gone (played)".to_owned()));
                back.await.unwrap_or_else(|_| lost())
            })
        })
    }

    fn send(&self, request: Request) -> oneshot::Receiver<Told> {
        let (back, told) = oneshot::channel();
        let mut state = self.0.lock().unwrap();
        let sent = Sent::of(&request);
        state.send(&sent, request, back);
        state.sent.push(sent);
        told
    }

    /// Access tokens, asked for over a link of their own.
    pub fn tokens(&self, entra: &Entra, resource: &'static str) -> TokenSource {
        let (wire, entra) = (self.clone(), entra.clone());
        let clock = self.0.lock().unwrap().agenda.clock();
        let now = clock.clone();
        TokenSource::fetching(clock, move |_| {
            let (wire, entra, now) = (wire.clone(), entra.clone(), now.clone());
            Box::pin(async move {
                let pause = wire.0.lock().unwrap().dice.span(5, 300);
                now.sleep(pause).await;
                if wire.0.lock().unwrap().is_cut(Link::Login) {
                    let because = "no way to the authority (played)".to_owned();
                    return Err(Error::TryAgain { because });
                }
                let text = entra.access_token_for(resource).unwrap_or_default();
                AccessToken::new(&text.into(), now.now().plus(Duration::from_secs(3_600)))
            })
        })
    }
}

impl Sent {
    pub fn of(request: &Request) -> Self {
        let header = request.headers().get("client-request-id");
        let path = request.uri().path_and_query();
        Self {
            method: request.method().to_string(),
            path: path.map(ToString::to_string).unwrap_or_default(),
            body: String::from_utf8_lossy(request.body()).into_owned(),
            correlation: header.and_then(|it| it.to_str().ok()).map(str::to_owned),
        }
    }

    /// Could it change the tenant?
    pub fn writes(&self) -> bool {
        let reads = ["/getByIds", "/$batch", "/token"];
        self.method != "GET" && !reads.iter().any(|it| self.path.contains(it))
    }
}

impl State {
    fn is_cut(&self, link: Link) -> bool {
        self.cut.get(&link).copied().unwrap_or(false)
    }

    fn send(&mut self, sent: &Sent, request: Request, back: oneshot::Sender<Told>) {
        let weather = self.weather;
        let not_sent = || Failure::NotSent("no way (played)".to_owned());
        let lost = || Failure::Lost("broken on the way (played)".to_owned());
        let failure = if self.is_cut(Link::Graph) {
            Some(if self.dice.comes(700) {
                not_sent()
            } else {
                lost()
            })
        } else if self.dice.comes(weather.not_sent) {
            Some(not_sent())
        } else if self.dice.comes(weather.loses_request) {
            Some(lost())
        } else {
            None
        };
        if let Some(failure) = failure {
            let after = self.dice.span(1, 3_000);
            let told = Box::new(Err(failure));
            return self.agenda.put(after, Event::Returns { told, back });
        }
        let request = self.redirected(request);
        let fate = self.fate(sent);
        // What takes longer than a call may take is given up by then, and arrives all the same.
        let (slow, quick) = (self.dice.span(500, 9_000), self.dice.span(1, 60));
        let after = if self.dice.comes(weather.slow) {
            slow
        } else {
            quick
        };
        if sent.writes() && self.dice.comes(weather.doubled) {
            // Somebody on the way sends it twice; nobody waits for the answer to the first.
            let (fate, (back, _)) = (Fate::default(), oneshot::channel());
            let request = Box::new(request.clone());
            let event = Event::Reaches {
                request,
                fate,
                back,
            };
            self.agenda.put(after / 2, event);
        }
        let request = Box::new(request);
        self.agenda.put(
            after,
            Event::Reaches {
                request,
                fate,
                back,
            },
        );
    }

    fn fate(&mut self, sent: &Sent) -> Fate {
        let weather = self.weather;
        let first = weather.twice && sent.writes() && {
            let times = self.lost_once.entry(format!("{sent:?}")).or_insert(0);
            *times += 1;
            *times == 1
        };
        let fault = self.dice.comes(weather.faulty).then(|| self.fault(sent));
        let way_back = match self.dice.comes(weather.slow) {
            true => self.dice.span(500, 12_000),
            false => self.dice.span(1, 60),
        };
        Fate {
            fault,
            loses_answer: first || self.dice.comes(weather.loses_answer),
            way_back,
        }
    }

    fn fault(&mut self, sent: &Sent) -> What {
        let retry_after = match self.dice.below(5) {
            0 | 1 => None,
            2 => Some(RetryAfter::Seconds(self.dice.throw() % 20)),
            3 => Some(RetryAfter::DateIn(Span(self.dice.span(0, 9_000)))),
            _ => Some(RetryAfter::Text("-1".to_owned())),
        };
        let status = |status, code: &str| What::Status {
            status,
            code: code.to_owned(),
        };
        if !sent.writes() && self.dice.comes(300) {
            return What::Garbage(match self.dice.below(4) {
                0 => Garbage::Truncated,
                1 => Garbage::Html,
                2 => Garbage::Empty,
                _ => Garbage::Body("{\"accountEnabled\":\"no\"}".to_owned()),
            });
        }
        match self.dice.below(12) {
            0..=3 => What::Throttle { retry_after },
            4 => status(500, "InternalServerError"),
            5 => status(503, "ServiceUnavailable"),
            6 => status(504, "GatewayTimeout"),
            7 => status(409, "Conflict"),
            8 => What::ClaimsChallenge,
            9 if self.dice.comes(300) => status(403, "Authorization_RequestDenied"),
            10 if self.dice.comes(300) => status(404, "Request_ResourceNotFound"),
            _ => What::StaleReads(match self.dice.below(3) {
                0 => Lag::Reads(1 + self.dice.below(4) as u32),
                1 => Lag::For(Span(self.dice.span(100, 20_000))),
                _ => Lag::Flapping(1 + self.dice.below(5) as u32),
            }),
        }
    }

    fn redirected(&self, request: Request) -> Request {
        let Some((from, to)) = &self.misdirects else {
            return request;
        };
        if request.method() != http::Method::PATCH {
            return request;
        }
        let (mut parts, body) = request.into_parts();
        parts.uri = parts.uri.to_string().replace(from, to).parse().unwrap();
        Request::from_parts(parts, body)
    }
}

/// Lets the tenant answer now, in the way that was thrown for this request.
pub fn answered(entra: &Entra, request: Request, fate: &Fate) -> Told {
    use futures_util::FutureExt as _;
    if let Some(fault) = &fate.fault {
        entra.push_fault(Fault::new(On::any(), fault.clone()));
    }
    let told = entra.exchange(request).now_or_never();
    let told = told.expect("a tenant without latency answers at once");
    match fate.loses_answer {
        true => Err(Failure::Lost("the answer was lost (played)".to_owned())),
        false => told,
    }
}
