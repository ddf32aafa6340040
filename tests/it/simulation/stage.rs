//! The whole play: one process, its disk, its network, its tenant and everyone about it, on one
//! thread and on time that is moved by hand.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use estop::clock::{Clock, Hand};
use estop::signature::Secret;
use estop::sim::Entra;

use super::agenda::{Agenda, Event};
use super::cast::Cast;
use super::chance::Dice;
use super::crew::Crew;
use super::disk::PlayedDisk;
use super::doors::{Replies, Words};
use super::far::Far;
use super::laws::{Broken, Laws};
use super::life::{Live, Slot};
use super::logins::Logins;
use super::planted::Planted;
use super::plot::Plot;
use super::sets::{Folder, Settings};
use super::tally::{Kind, Tally};
use super::trace::Trace;
use super::wire::Wire;

/// When the play begins.
pub const NOW: i64 = 1_790_000_000;
/// Most turns between two moments: beyond is a livelock.
const TURNS_MAX: usize = 200_000;

pub struct Stage {
    pub plot: Plot,
    pub cast: Cast,
    pub dice: Dice,
    pub clock: Clock,
    pub hand: Hand,
    /// The tenant's own clock, which nobody puts forward.
    pub elsewhere: Hand,
    pub entra: Entra,
    pub far: Far,
    pub crew: Crew,
    pub agenda: Agenda,
    pub disk: PlayedDisk,
    pub wire: Wire,
    pub logins: Logins,
    pub folder: Folder,
    pub secret: Secret,
    pub settings: Settings,
    pub slot: Slot,
    pub live: Option<Live>,
    pub starting: bool,
    pub other_set: bool,
    pub replies: Replies,
    pub words: Words,
    pub tried: Vec<usize>,
    pub put_forward: i64,
    pub drifts: Duration,
    pub awake_at: Duration,
    pub slept: Duration,
    pub seen_pages: u32,
    pub seen_effects: usize,
    pub reached: u64,
    pub planted: Option<Planted>,
    pub tally: Tally,
    pub laws: Laws,
    pub trace: Trace,
}

/// What a play came to.
pub struct Played {
    pub ended: Result<(), Broken>,
    pub trace: Trace,
    pub tally: Tally,
}

/// Plays one seed; a panic is a broken law, too.
pub fn play(seed: u64, planted: Option<Planted>) -> Played {
    let mut stage = Stage::set(seed, planted);
    let ended = catch_unwind(AssertUnwindSafe(|| stage.play()));
    let ended = ended.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(format!("a panic: {}", text.unwrap_or_default()))
    });
    Played {
        ended,
        trace: std::mem::take(&mut stage.trace),
        tally: stage.tally.clone(),
    }
}

impl Stage {
    /// Plays the seed: what it has in store, then everything made whole, then the end.
    fn play(&mut self) -> Result<(), Broken> {
        let weather = format!("{:?}", self.plot.weather);
        self.trace.say(self.clock.elapsed(), weather);
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

    pub fn pass(&mut self, span: Duration) -> Result<(), Broken> {
        let until = self.clock.elapsed() + span;
        self.go_on(until)
    }

    /// Lets everything happen until this moment.
    pub fn go_on(&mut self, until: Duration) -> Result<(), Broken> {
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
            if late > Duration::ZERO && timer == Some(next) {
                self.tally.count(Kind::LateTimers);
            }
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
        self.drift(span);
    }

    /// The wall clock goes a little faster or slower than time.
    fn drift(&mut self, span: Duration) {
        self.drifts += span;
        let millis = self.drifts.as_millis() as i64 * self.plot.drift_per_mille / 1_000;
        if millis != 0 {
            self.tally.count(Kind::ClockDrift);
            self.drifts = Duration::ZERO;
            self.put_forward(millis);
        }
    }

    pub fn put_forward(&mut self, millis: i64) {
        self.hand.put_forward(millis);
        self.put_forward += millis;
    }

    /// Everyone who can go on does, in an order that is thrown.
    fn work(&mut self) -> Result<(), Broken> {
        if self.clock.elapsed() < self.awake_at {
            return Ok(());
        }
        for _ in 0..TURNS_MAX {
            if !self.crew.go_on(&mut self.dice) {
                self.hear()?;
                return self.watch();
            }
            self.started()?;
            for sent in self.wire.take_sent() {
                self.on_sent(sent)?;
            }
        }
        Err("I12: it never comes to rest".to_owned())
    }

    fn let_happen(&mut self, event: Event) -> Result<(), Broken> {
        match event {
            Event::Reaches {
                sent,
                request,
                fate,
                back,
            } => {
                let told = self.reach((*sent, *request), &fate)?;
                let told = Box::new(told);
                self.agenda
                    .put(fate.way_back, Event::Returns { told, back });
            }
            Event::Returns { told, back } => drop(back.send(*told)),
            Event::Takes { may, writer } => drop(writer.send(may)),
            Event::Keeps {
                pages,
                kept,
                writer,
            } => {
                let is_kept = kept.is_ok();
                if is_kept {
                    self.disk.keeps(pages);
                }
                let _ = writer.send(kept);
                if is_kept {
                    self.note_kept(pages)?;
                }
            }
            Event::Ends => {
                self.trace
                    .say(self.clock.elapsed(), "it ends by itself".to_owned());
                let power = self.dice.comes(300);
                self.die(power, Duration::from_secs(2));
            }
            Event::Happens(act) => self.act(act)?,
        }
        Ok(())
    }
}
