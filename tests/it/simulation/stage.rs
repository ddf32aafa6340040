//! The whole play: one process, its disk, its network, its tenant and everyone about it, on one
//! thread and on time that is moved by hand.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use estop::app::{Ground, Parts, Service};
use estop::catalog::Catalog;
use estop::clock::{Clock, Hand};
use estop::command::Desk;
use estop::config::{Config, Overrides};
use estop::domain::id::RunId;
use estop::domain::moment::Moment;
use estop::domain::run::{Lane, Standing};
use estop::graph::Budgets;
use estop::signature::{Secret, sign};
use estop::sim::{Entra, Limits, Switch, Tenant};
use estop::store::{RunFilter, Store};
use estop::transport::{Failure, Transport};
use http::Request;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::acts::{Act, Said, Word, say};
use super::agenda::{Agenda, Event};
use super::chance::Dice;
use super::crew::Crew;
use super::disk::{Image, PlayedDisk};
use super::laws::{Broken, CAP, Laws, RESERVE};
use super::now;
use super::plot::{Cast, HOSTILE, Plot};
use super::trace::Trace;
use super::wire::{Sent, Wire, answered};
use super::{Planted, playbooks};

const NOW: i64 = 1_790_000_000;
/// Longest it may take until nobody is at work, once everything is whole.
const SETTLES_WITHIN: Duration = Duration::from_secs(1_500);
/// Most tasks at a time, and most turns they may take between two moments: beyond is a livelock.
const TASKS_MAX: usize = 500;
const TURNS_MAX: usize = 200_000;
/// How often a sender tries before it gives up.
const TRIES: usize = 8;

/// What the doors of a living service offer.
#[derive(Clone)]
pub struct Live {
    pub store: Store,
    pub desk: Desk,
    pub door: Router,
    pub wake: Arc<dyn Fn(RunId, Lane) + Send + Sync>,
    pub clock: Clock,
}

type Slot = Arc<Mutex<Option<Result<(Service, Live), String>>>>;
type Replies = Arc<Mutex<Vec<(usize, Reply)>>>;
type Words = Arc<Mutex<Vec<(Word, Said)>>>;

/// What a sender hears.
#[derive(Clone, Debug)]
enum Reply {
    Nothing,
    Status(u16, Option<String>),
}

pub struct Stage {
    plot: Plot,
    cast: Cast,
    dice: Dice,
    clock: Clock,
    hand: Hand,
    /// The tenant's own clock, which nobody puts forward.
    elsewhere: Hand,
    entra: Entra,
    crew: Crew,
    agenda: Agenda,
    disk: PlayedDisk,
    wire: Wire,
    folder: tempfile::TempDir,
    secret: Secret,
    slot: Slot,
    live: Option<Live>,
    starting: bool,
    other_set: bool,
    replies: Replies,
    words: Words,
    tried: Vec<usize>,
    put_forward: i64,
    awake_at: Duration,
    slept: Duration,
    seen_pages: u32,
    seen_effects: usize,
    planted: Option<Planted>,
    pub laws: Laws,
    pub trace: Trace,
}

impl Stage {
    pub fn set(seed: u64, planted: Option<Planted>) -> Self {
        let start = Moment::from_millis(NOW * 1_000);
        let (clock, hand) = Clock::by_hand(start);
        hand.draw_from(seed);
        let (its_clock, elsewhere) = Clock::by_hand(start);
        elsewhere.draw_from(seed ^ 0xE15E);
        let tenant = Tenant::contoso();
        let cast = Cast::of(&tenant);
        let entra = Entra::new(its_clock, tenant);
        let plot = Plot::of(seed, &cast, start);
        entra.set_limits(if plot.limits {
            Limits::published()
        } else {
            Limits::off()
        });
        let agenda = Agenda::new(clock.clone(), Dice::of(seed, 3));
        let disk = PlayedDisk::new(agenda.clone(), Dice::of(seed, 4));
        let wire = Wire::new(agenda.clone(), Dice::of(seed, 5), plot.weather);
        let secret = Secret::fresh(clock.random());
        let laws = Laws::new(cast.clone(), &entra, secret.reveal());
        let mut stage = Self {
            tried: vec![0; plot.letters.len()],
            trace: Trace::default(),
            cast,
            dice: Dice::of(seed, 6),
            clock,
            hand,
            elsewhere,
            entra,
            crew: Crew::default(),
            agenda,
            disk,
            wire,
            folder: folder(),
            secret,
            slot: Slot::default(),
            live: None,
            starting: false,
            other_set: false,
            replies: Replies::default(),
            words: Words::default(),
            put_forward: 0,
            awake_at: Duration::ZERO,
            slept: Duration::ZERO,
            seen_pages: 0,
            seen_effects: 0,
            planted,
            laws,
            plot,
        };
        stage.write_files();
        stage.plant();
        stage
    }

    fn plant(&mut self) {
        match self.planted {
            Some(Planted::DiskThatLies) => self.disk.lie(),
            Some(Planted::WritesGoAstray) => {
                let (from, to) = (self.cast.agents[0], self.cast.agents[1]);
                self.wire.misdirect(from.to_string(), to.to_string());
            }
            Some(Planted::ThanksBeforeDisk) => self.disk.hasten(),
            Some(Planted::NobodyIsProtected | Planted::NoCaps) | None => {}
        }
    }

    /// Plays the seed: what it has in store, then everything made whole, then the end.
    pub fn play(&mut self) -> Result<(), Broken> {
        self.trace
            .say(self.clock.elapsed(), format!("{:?}", self.plot.weather));
        for (when, act) in std::mem::take(&mut self.plot.acts) {
            self.agenda.put(when, Event::Happens(act));
        }
        self.start(false);
        let lasts = self.plot.lasts;
        self.go_on(lasts)?;
        self.heal()?;
        self.settle()?;
        self.probe()?;
        self.finish()
    }

    /// Lets everything happen until this moment.
    fn go_on(&mut self, until: Duration) -> Result<(), Broken> {
        loop {
            self.work()?;
            if let Some(event) = self.agenda.take_due() {
                self.let_happen(event)?;
                continue;
            }
            let here = self.clock.elapsed();
            if here >= until {
                return Ok(());
            }
            let asleep = (here < self.awake_at).then_some(self.awake_at);
            let timer = if asleep.is_some() {
                None
            } else {
                self.hand.next_due()
            };
            let next = [self.agenda.next_due(), timer, asleep, Some(until)];
            let next = next.into_iter().flatten().min().unwrap_or(until);
            let late = match self.plot.late {
                0 => Duration::ZERO,
                most => self.dice.span(0, most),
            };
            self.advance(next.max(here).saturating_sub(here) + late);
        }
    }

    fn advance(&mut self, span: Duration) {
        // A timer that is due at once still takes a moment.
        let span = span.max(Duration::from_micros(100));
        if self.clock.elapsed() < self.awake_at {
            self.slept += span;
        }
        self.hand.advance(span);
        self.elsewhere.advance(span);
    }

    /// Everyone who can go on does, in an order that is thrown.
    fn work(&mut self) -> Result<(), Broken> {
        if self.clock.elapsed() < self.awake_at {
            return Ok(());
        }
        for _ in 0..TURNS_MAX {
            if !self.crew.go_on(&mut self.dice) {
                self.hear();
                return self.watch();
            }
            if let Some(started) = self.started() {
                started?;
            }
            for sent in self.wire.take_sent() {
                self.on_sent(sent)?;
            }
        }
        Err("I12: it never comes to rest".to_owned())
    }

    /// Has the start ended?
    fn started(&mut self) -> Option<Result<(), Broken>> {
        if !self.starting {
            return None;
        }
        let live = match self.slot.lock().unwrap().as_ref()? {
            Ok((_, live)) => Ok(live.clone()),
            Err(why) => Err(format!("it does not start: {why}")),
        };
        self.starting = false;
        let live = match live {
            Ok(live) => live,
            Err(why) if why.contains("(played)") => {
                // The disk did not let it; somebody starts it again.
                self.trace.say(self.clock.elapsed(), why);
                self.slot.lock().unwrap().take();
                self.crew.die();
                let other_set = self.other_set;
                let again = Event::Happens(Act::Start { other_set });
                self.agenda.put(Duration::from_secs(2), again);
                return Some(Ok(()));
            }
            Err(why) => return Some(Err(why)),
        };
        self.trace.say(self.clock.elapsed(), "started".to_owned());
        self.live = Some(live.clone());
        let set = now(live.store.set_in_force()).ok().flatten();
        let wanted = catalog(self.other_set).digest();
        if set.map(|set| set.digest) != Some(wanted) {
            return Some(Err("I16: another set is in force than was given".to_owned()));
        }
        Some(self.laws.after_start(&live.store))
    }

    fn on_sent(&mut self, sent: Sent) -> Result<(), Broken> {
        let Some(live) = self.live.clone() else {
            // While it starts it looks, and must not write.
            return match sent.writes() {
                true => Err(format!("it writes before it has started: {sent:?}")),
                false => Ok(()),
            };
        };
        if !sent.writes() {
            return Ok(());
        }
        let line = format!("sends {} {} {}", sent.method, sent.path, sent.body);
        self.trace.say(self.clock.elapsed(), line);
        self.read_on(&live)?;
        let awake = self.clock.elapsed() - self.slept;
        let place = (&live.store, self.clock.now());
        self.laws.on_sent(sent, place, awake)
    }

    fn read_on(&mut self, live: &Live) -> Result<(), Broken> {
        let before = self.laws.book.lines.len();
        let awake = self.clock.elapsed() - self.slept;
        let read = self.laws.catch_up(&live.store, &self.entra, awake);
        for line in &self.laws.book.lines[before.min(self.laws.book.lines.len())..] {
            self.trace.say(self.clock.elapsed(), line.line.clone());
        }
        read
    }

    /// Looks whether the laws hold, where anything was written since.
    fn watch(&mut self) -> Result<(), Broken> {
        if self.crew.len() > TASKS_MAX || self.agenda.len() > TASKS_MAX * 4 {
            return Err(format!("I12: {} tasks", self.crew.len()));
        }
        let written = self.disk.written();
        let Some(live) = self.live.clone() else {
            return Ok(());
        };
        if written == self.seen_pages {
            return Ok(());
        }
        self.seen_pages = written;
        self.read_on(&live)
    }

    fn let_happen(&mut self, event: Event) -> Result<(), Broken> {
        match event {
            Event::Reaches {
                request,
                fate,
                back,
            } => {
                let line = format!("reaches {} {}: {:?}", request.method(), request.uri(), fate);
                self.trace.say(self.clock.elapsed(), line);
                let sent = Sent::of(&request);
                let told = Box::new(answered(&self.entra, *request, &fate));
                self.agenda
                    .put(fate.way_back, Event::Returns { told, back });
                self.look_at_tenant(Some(&sent))
            }
            Event::Returns { told, back } => {
                let _ = back.send(*told);
                Ok(())
            }
            Event::Takes { may, writer } => {
                let _ = writer.send(may);
                Ok(())
            }
            Event::Keeps { pages, writer } => {
                self.disk.keeps(pages);
                let _ = writer.send(());
                self.note_kept(pages)
            }
            Event::Happens(act) => self.act(act),
        }
    }

    /// Notes which records are on the disk, where all that was written is.
    fn note_kept(&mut self, pages: u32) -> Result<(), Broken> {
        if let Some(live) = self.live.clone().filter(|_| pages == self.disk.written()) {
            self.read_on(&live)?;
            self.laws.durable = self.laws.book.lines.len();
        }
        Ok(())
    }

    /// Tells the watchers of every change of the tenant.
    fn look_at_tenant(&mut self, sent: Option<&Sent>) -> Result<(), Broken> {
        if sent.is_some_and(|sent| !sent.writes()) {
            return Ok(());
        }
        let effects = self.entra.effects();
        let fresh = &effects[self.seen_effects..];
        self.seen_effects = effects.len();
        for effect in fresh {
            let line = format!("changes {} {} by {}", effect.entity, effect.to, effect.by);
            self.trace.say(self.clock.elapsed(), line);
        }
        self.laws.on_effects(fresh, sent, self.clock.elapsed())
    }

    fn act(&mut self, act: Act) -> Result<(), Broken> {
        let here = self.clock.elapsed();
        if !matches!(act, Act::Post { .. }) {
            self.trace.say(here, format!("{act:?}"));
        }
        match act {
            Act::Post { delivery } => self.post(delivery, None),
            Act::Conflict { delivery } => {
                let other = format!("{{\"type\":\"signInSpike\",\"title\":\"{HOSTILE}\"}}");
                self.post(delivery, Some(other));
            }
            Act::Word(word, drawn) => self.speak(word, drawn),
            Act::Foreign { agent, enabled } => {
                let (id, to) = (self.cast.agents[agent], Switch::from(enabled));
                self.entra.foreign_write(|tenant| tenant.switch(id, to));
                return self.look_at_tenant(None);
            }
            Act::Rename { agent } => {
                let id = self.cast.agents[agent];
                self.entra.foreign_write(|tenant| {
                    if let Some(agent) = tenant.agents.get_mut(&id) {
                        HOSTILE.clone_into(&mut agent.display_name);
                    }
                });
            }
            Act::RevokeTokens => self.entra.revoke_access_tokens(),
            Act::Cut(link, cut) => self.wire.cut(link, cut),
            Act::Full(full) => self.disk.fill(full),
            Act::Slow(slow) => self.disk.slow_down(slow),
            Act::Step(millis) => {
                self.hand.put_forward(millis);
                self.put_forward += millis;
            }
            Act::Suspend(span) => self.awake_at = self.awake_at.max(here + span),
            Act::Die { power, down } => self.die(power, down),
            Act::Start { other_set } => {
                if self.live.is_none() && !self.starting {
                    self.start(other_set);
                }
            }
        }
        Ok(())
    }

    fn die(&mut self, power: bool, down: Duration) {
        let store = self.folder.path().join("estop.db");
        let image = Image::of(&store, power.then(|| self.disk.kept_bytes()));
        self.live = None;
        self.starting = false;
        self.crew.die();
        let ended = self.slot.lock().unwrap().take();
        drop(ended);
        let disks = |event: &Event| matches!(event, Event::Takes { .. } | Event::Keeps { .. });
        self.agenda.forget(disks);
        image.restore(&store);
        self.hear();
        let other_set = self.dice.comes(200) != self.other_set;
        let again = Event::Happens(Act::Start { other_set });
        self.agenda.put(down, again);
    }

    fn start(&mut self, other_set: bool) {
        self.other_set = other_set;
        self.starting = true;
        self.seen_pages = 0;
        let (parts, slot) = (self.parts(), Arc::clone(&self.slot));
        let disk = self.disk.clone();
        self.crew.take(Box::pin(async move {
            disk.opened();
            let started = Service::start(parts).await.map_err(|why| why.to_string());
            let opened = started.and_then(|service| {
                let public = "https://estop.example".parse().unwrap();
                let door = service.ingress(public).map_err(|why| why.to_string())?;
                let live = Live {
                    store: service.store.clone(),
                    desk: service.desk(),
                    door,
                    wake: Arc::clone(&service.wake_workers),
                    clock: service.clock.clone(),
                };
                Ok((service, live))
            });
            *slot.lock().unwrap() = Some(opened);
        }));
    }

    fn post(&mut self, delivery: usize, other: Option<String>) {
        let letter = self.plot.letters[delivery].clone();
        let counts = other.is_none();
        let body = other.unwrap_or(letter.body);
        let Some(live) = self.live.clone() else {
            if counts {
                self.replies
                    .lock()
                    .unwrap()
                    .push((delivery, Reply::Nothing));
            }
            return;
        };
        let at = NOW + i64::try_from(self.clock.elapsed().as_secs()).unwrap();
        let signature = sign(&self.secret, &letter.key, at, body.as_bytes());
        let request = Request::post("/v1/ingest/lab")
            .header("content-type", "application/json")
            .header("webhook-id", &letter.key)
            .header("webhook-timestamp", at.to_string())
            .header("webhook-signature", signature)
            .body(Body::from(body))
            .unwrap();
        // Dropped with the process, it tells the sender that nobody answered.
        let mut answer = Answer {
            to: Arc::clone(&self.replies),
            delivery,
            reply: Reply::Nothing,
            counts,
        };
        self.crew.take(Box::pin(async move {
            let reply = live.door.oneshot(request).await.unwrap();
            let (parts, body) = reply.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
            let id = body["id"].as_str().map(str::to_owned);
            answer.is(Reply::Status(parts.status.as_u16(), id));
        }));
    }

    fn speak(&mut self, word: Word, drawn: u64) {
        let Some(live) = self.live.clone() else {
            return;
        };
        let (words, agents) = (Arc::clone(&self.words), self.cast.agents.clone());
        self.crew.take(Box::pin(async move {
            let said = say(live, (word, drawn), agents).await;
            words.lock().unwrap().push((word, said));
        }));
    }

    /// Notes what senders and people were told.
    fn hear(&mut self) {
        let here = self.clock.elapsed();
        for (delivery, reply) in std::mem::take(&mut *self.replies.lock().unwrap()) {
            self.trace
                .say(here, format!("letter {delivery}: {reply:?}"));
            if let Reply::Status(202, Some(id)) = reply {
                // A delivery and what it becomes share one number.
                self.laws.thanked.insert(id.replacen("det_", "dlv_", 1));
                continue;
            }
            self.tried[delivery] += 1;
            if self.tried[delivery] < TRIES {
                let after = self.dice.span(2_000, 20_000);
                self.agenda
                    .put(after, Event::Happens(Act::Post { delivery }));
            }
        }
        for (word, said) in std::mem::take(&mut *self.words.lock().unwrap()) {
            self.trace.say(here, format!("{word:?}: {said:?}"));
            if let Ok((_, order)) = said {
                self.laws.taken.insert(order.to_string());
            }
        }
    }

    /// Everything is whole again, and nobody stops anything.
    fn heal(&mut self) -> Result<(), Broken> {
        self.trace
            .say(self.clock.elapsed(), "everything is whole".to_owned());
        self.agenda.forget(|event| {
            let Event::Happens(act) = event else {
                return false;
            };
            !matches!(act, Act::Post { .. } | Act::Start { .. })
        });
        self.wire.clear_up();
        self.entra.clear_faults();
        self.disk.fill(false);
        self.disk.slow_down(false);
        self.hand.put_forward(-self.put_forward);
        self.awake_at = Duration::ZERO;
        self.plot.late = self.plot.late.max(1_500);
        self.pass(Duration::from_secs(40))?;
        for (word, drawn) in [(Word::Reset, 1), (Word::Enforce, 2)] {
            self.speak(word, drawn);
            self.pass(Duration::from_secs(1))?;
        }
        Ok(())
    }

    fn pass(&mut self, span: Duration) -> Result<(), Broken> {
        let until = self.clock.elapsed() + span;
        self.go_on(until)
    }

    /// Liveness: once everything is whole, nobody stays at work.
    fn settle(&mut self) -> Result<(), Broken> {
        let until = self.clock.elapsed() + SETTLES_WITHIN;
        while self.clock.elapsed() < until {
            self.pass(Duration::from_secs(8))?;
            if self.is_settled()? {
                return Ok(());
            }
            // Nothing but time is needed now.
            self.plot.late = 3_000;
        }
        Err(format!("I14: it does not settle: {}", self.at_work()?))
    }

    fn is_settled(&self) -> Result<bool, Broken> {
        let Some(live) = &self.live else {
            return Ok(false);
        };
        let later = self.clock.now().plus(Duration::from_secs(10));
        let unread = now(live.store.unread(later, 1)).map_err(|why| why.to_string())?;
        Ok(unread.is_empty() && self.at_work()?.is_empty())
    }

    fn at_work(&self) -> Result<String, Broken> {
        let Some(live) = &self.live else {
            return Ok("no service".to_owned());
        };
        let filter = RunFilter {
            limit: 500,
            ..RunFilter::default()
        };
        let runs = now(live.store.runs(filter)).map_err(|why| why.to_string())?;
        let at_work = runs
            .iter()
            .filter(|run| run.state.standing() == Standing::AtWork);
        let shown: Vec<_> = at_work
            .map(|run| format!("{} {}", run.id, run.state))
            .collect();
        Ok(shown.join(", "))
    }

    /// I6: a kill that is asked for now strikes within seconds.
    fn probe(&mut self) -> Result<(), Broken> {
        let spare = self.cast.spare;
        self.plot.late = 0;
        let Some(live) = self.live.clone() else {
            return Err("there is no service at the end".to_owned());
        };
        let words = Arc::clone(&self.words);
        self.crew.take(Box::pin(async move {
            let word = (Word::Contain, 77);
            let said = say(live, word, vec![spare]).await;
            words.lock().unwrap().push((Word::Contain, said));
        }));
        self.pass(Duration::from_secs(10))?;
        let closed = self
            .entra
            .agent(spare)
            .is_some_and(|it| !it.account_enabled);
        if !closed {
            return Err("I6: a kill did not strike within ten seconds".to_owned());
        }
        self.settle()
    }

    fn finish(&mut self) -> Result<(), Broken> {
        let Some(live) = self.live.clone() else {
            return Err("there is no service at the end".to_owned());
        };
        self.read_on(&live)?;
        self.laws.at_the_end(&live.store, &self.entra)?;
        drop(live);
        // Whatever was told is on the disk: the power goes once more, and all of it is there.
        self.die(true, Duration::from_secs(1));
        self.pass(Duration::from_secs(20))?;
        let live = self.live.clone().ok_or("it does not start again")?;
        self.laws.at_the_end(&live.store, &self.entra)
    }

    fn parts(&self) -> Parts {
        let path = self.folder.path().join("estop.yaml");
        let config = Config::read(&path, &Overrides::default()).unwrap();
        let tokens = |resource| self.wire.tokens(&self.entra, resource);
        let crew = self.crew.clone();
        Parts {
            config,
            clock: self.clock.clone(),
            transport: self.wire.transport(),
            outward: Transport::in_process(|_| {
                let nobody = Failure::NotSent("nobody is there".to_owned());
                Box::pin(std::future::ready(Err(nobody)))
            }),
            tokens: tokens("https://graph.microsoft.com"),
            foundry_tokens: None,
            azure_tokens: None,
            table_tokens: None,
            budgets: Budgets::default(),
            catalog: catalog(self.other_set),
            ground: Ground::Played {
                take: Arc::new(move |work| crew.take(work)),
                disk: Arc::new(self.disk.clone()),
            },
        }
    }

    fn write_files(&self) {
        use std::os::unix::fs::OpenOptionsExt as _;
        let is_planted = |it| self.planted == Some(it);
        let protected = match is_planted(Planted::NobodyIsProtected) {
            true => String::new(),
            false => self.cast.protected.to_string(),
        };
        let cap = if is_planted(Planted::NoCaps) {
            100
        } else {
            CAP
        };
        let often = |on: bool, every| if on { every } else { "0s" };
        let text = format!(
            "mode: enforce\nprotected: [{protected}]\n\
             caps: {{ tenant: {cap}, source: {cap}, reserve: {RESERVE}, fleet_percent: 100 }}\n\
             inventory: {{ every: {} }}\ndrift: {{ every: {} }}\nevidence: {{ within: 0s }}\n\
             tenant: {{ id: {}, credential: managed_identity }}\n\
             sources:\n  lab:\n    reader: estop\n    \
             verify: {{ standard_webhooks: {{ secret_files: [lab.key] }} }}\n    \
             may: {{ entities: [agent, agent_user], mode: enforce }}\n",
            often(self.plot.inventory, "1m"),
            often(self.plot.drift, "30s"),
            self.entra.tenant().id,
        );
        std::fs::write(self.folder.path().join("estop.yaml"), text).unwrap();
        let mut options = std::fs::OpenOptions::new();
        let key = options.create(true).truncate(true).write(true).mode(0o600);
        let mut key = key.open(self.folder.path().join("lab.key")).unwrap();
        std::io::Write::write_all(&mut key, self.secret.reveal().as_bytes()).unwrap();
    }
}

/// What a sender waits for. Whatever ends the waiting, it hears.
struct Answer {
    to: Replies,
    delivery: usize,
    reply: Reply,
    counts: bool,
}

impl Answer {
    fn is(&mut self, reply: Reply) {
        self.reply = reply;
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if self.counts {
            let told = (self.delivery, self.reply.clone());
            self.to.lock().unwrap().push(told);
        }
    }
}

/// The shipped way of playing a seed: a panic is a broken law, too.
pub fn play(seed: u64, planted: Option<Planted>) -> (Result<(), Broken>, Trace) {
    let mut stage = Stage::set(seed, planted);
    let played = catch_unwind(AssertUnwindSafe(|| stage.play()));
    let played = played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(format!("a panic: {}", text.unwrap_or_default()))
    });
    let trace = std::mem::take(&mut stage.trace);
    (played, trace)
}

fn catalog(other: bool) -> Catalog {
    let files = playbooks(other);
    Catalog::of_texts(files.iter().map(|(file, text)| (*file, text.as_str()))).unwrap()
}

/// In memory where there is such a place.
fn folder() -> tempfile::TempDir {
    let memory = PathBuf::from("/dev/shm");
    let made = memory.is_dir().then(|| tempfile::tempdir_in(memory).ok());
    made.flatten()
        .unwrap_or_else(|| tempfile::tempdir().unwrap())
}
