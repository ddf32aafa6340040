//! The network between the process and everybody else, on its bad days.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use estop::transport::{Failure, Request, Transport};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::agenda::{Agenda, Event, Told};
use super::chance::Dice;
use super::meddling::Meddling;
use super::sent::{Link, Sent};
use super::tally::{Kind, Tally};
use super::weather::{Fate, Weather};

/// Cheap to clone; every clone is the same network.
#[derive(Clone)]
pub struct Wire(Arc<Mutex<State>>);

struct State {
    agenda: Agenda,
    dice: Dice,
    tally: Tally,
    weather: Weather,
    cut: BTreeSet<Link>,
    left: u64,
    sent: Vec<Sent>,
    tried: BTreeMap<(Option<Uuid>, String), u32>,
    meddling: Option<Meddling>,
}

impl Wire {
    pub fn new(agenda: Agenda, (dice, tally): (Dice, Tally), weather: Weather) -> Self {
        Self(Arc::new(Mutex::new(State {
            agenda,
            dice,
            tally,
            weather,
            cut: BTreeSet::new(),
            left: 0,
            sent: Vec::new(),
            tried: BTreeMap::new(),
            meddling: None,
        })))
    }

    pub fn cut(&self, link: Link, cut: bool) {
        let mut state = self.0.lock().unwrap();
        match cut {
            true => state.cut.insert(link),
            false => state.cut.remove(&link),
        };
        if state.cut.len() == Link::ALL.len() {
            state.tally.count(Kind::Swizzle);
        }
    }

    pub fn is_cut(&self, link: Link) -> bool {
        self.0.lock().unwrap().cut.contains(&link)
    }

    pub fn clear_up(&self) {
        let mut state = self.0.lock().unwrap();
        state.weather = Weather::default();
        state.cut.clear();
    }

    pub fn meddle(&self, meddling: Meddling) {
        self.0.lock().unwrap().meddling = Some(meddling);
    }

    /// Everything that left since this was last asked.
    pub fn take_sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.0.lock().unwrap().sent)
    }

    /// The request as it arrives.
    pub fn arriving(&self, sent: &Sent, request: Request) -> Request {
        match &mut self.0.lock().unwrap().meddling {
            Some(meddling) => meddling.arriving(sent, request),
            None => request,
        }
    }

    /// The way out over this link.
    pub fn transport(&self, link: Link) -> Transport {
        let wire = self.clone();
        Transport::in_process(move |request| {
            let (back, told) = oneshot::channel();
            wire.0.lock().unwrap().send(request, (link, back));
            Box::pin(async move {
                let lost = || Err(Failure::Lost("the machine is gone (played)".to_owned()));
                told.await.unwrap_or_else(|_| lost())
            })
        })
    }
}

impl State {
    fn send(&mut self, mut request: Request, (link, back): (Link, oneshot::Sender<Told>)) {
        if let Some(meddling) = self.meddling.as_ref().filter(|_| link == Link::Graph) {
            request = meddling.leaving(request);
        }
        self.left += 1;
        let sent = Sent::of(&request, (link, self.left));
        self.sent.push(sent.clone());
        if let Some(failure) = self.stopped(link) {
            let after = self.dice.span(1, 3_000);
            let told = Box::new(Err(failure));
            return self.agenda.put(after, Event::Returns { told, back });
        }
        let mut after = self.weather.way_there((&mut self.dice, &self.tally));
        if let Some(meddling) = &self.meddling {
            after += meddling.slower(&sent);
        }
        let tried = self.tried.entry(sent.intent()).or_default();
        *tried += 1;
        let is_first = *tried == 1;
        let fate = self
            .weather
            .fate((&sent, is_first), (&mut self.dice, &self.tally));
        self.copy(&sent, &request, after);
        self.put(after, (sent, request), (fate, back));
    }

    /// What ends a request before it arrives.
    fn stopped(&mut self, link: Link) -> Option<Failure> {
        let lost = || Failure::Lost("broken on the way (played)".to_owned());
        if self.cut.contains(&link) {
            self.tally.count(match link {
                Link::Graph => Kind::GraphCut,
                Link::Login => Kind::LoginCut,
                Link::Outward => Kind::OutwardCut,
            });
            return Some(match self.dice.comes(700) {
                true => Failure::NotSent("no way (played)".to_owned()),
                false => lost(),
            });
        }
        if self.dice.comes(self.weather.nameless) {
            self.tally.count(Kind::NameUnknown);
            return Some(Failure::NotSent("no such host (played)".to_owned()));
        }
        self.dice.comes(self.weather.loses_request).then(|| {
            self.tally.count(Kind::RequestLost);
            lost()
        })
    }

    /// Somebody on the way sends it twice; nobody waits for the answer to the other.
    fn copy(&mut self, sent: &Sent, request: &Request, after: Duration) {
        let doubled = sent.writes() && self.dice.comes(self.weather.doubled);
        let late = self.meddling.as_ref().and_then(|it| it.copies(sent));
        let when = match (doubled, late) {
            (_, Some(late)) => after + late,
            (true, None) => after / 2,
            (false, None) => return,
        };
        self.tally.count(Kind::Doubled);
        let (back, _) = oneshot::channel();
        self.put(
            when,
            (sent.clone(), request.clone()),
            (Fate::default(), back),
        );
    }

    fn put(
        &mut self,
        after: Duration,
        (sent, request): (Sent, Request),
        (fate, back): (Fate, oneshot::Sender<Told>),
    ) {
        let (sent, request) = (Box::new(sent), Box::new(request));
        let event = Event::Reaches {
            sent,
            request,
            fate,
            back,
        };
        self.agenda.put(after, event);
    }
}
