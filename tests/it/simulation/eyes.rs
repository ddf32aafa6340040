//! How the watchers see: every request, every record, every change of the tenant.

use estop::sim::{Entra, Fault, On};
use estop::transport::{Failure, Request};

use super::agenda::Told;
use super::laws::{Broken, Sizes};
use super::life::Live;
use super::sent::{Link, Sent};
use super::stage::Stage;
use super::tally::Kind;
use super::weather::Fate;

impl Stage {
    /// A request is about to leave.
    pub fn on_sent(&mut self, sent: Sent) -> Result<(), Broken> {
        let Some(live) = self.live.clone() else {
            // While it starts it looks, and must not write.
            return match sent.writes() {
                true => Err(format!("it writes before it has started: {sent}")),
                false => Ok(()),
            };
        };
        if sent.writes() {
            self.trace
                .say(self.clock.elapsed(), format!("sends {sent}"));
            self.read_on(&live)?;
        }
        let awake = self.clock.elapsed() - self.slept;
        let place = (&live.store, self.clock.now());
        self.laws.on_sent(sent, place, awake)
    }

    /// A request reaches its far end, which answers.
    pub fn reach(&mut self, (sent, request): (Sent, Request), fate: &Fate) -> Result<Told, Broken> {
        if sent.number < self.reached {
            self.tally.count(Kind::Reordered);
        }
        self.reached = self.reached.max(sent.number);
        let line = format!(
            "reaches {:?} {} {}: {fate:?}",
            sent.link, sent.method, sent.path
        );
        self.trace.say(self.clock.elapsed(), line);
        if sent.link == Link::Outward {
            let told = self.far.answer(&sent, fate);
            self.laws.anchored.clone_from(&self.far.anchors);
            return Ok(told);
        }
        let request = self.wire.arriving(&sent, request);
        let told = answered(&self.entra, request, fate);
        let open = self.laws.on_answer(&sent, &told);
        self.let_owners_close(&open);
        self.look_at_tenant(Some(&sent))?;
        Ok(match fate.loses_answer {
            true => Err(Failure::Lost("the answer was lost (played)".to_owned())),
            false => told,
        })
    }

    pub fn read_on(&mut self, live: &Live) -> Result<(), Broken> {
        let before = self.laws.book.lines.len();
        let awake = self.clock.elapsed() - self.slept;
        let read = self.laws.catch_up(&live.store, &self.entra, awake);
        for line in &self.laws.book.lines[before.min(self.laws.book.lines.len())..] {
            let mut told = line.line.clone();
            if told.contains("\"playbooks.refused\"") {
                self.tally.count(Kind::SetTorn);
                // It names the folder, which is another one each time.
                "playbooks.refused".clone_into(&mut told);
            }
            self.trace.say(self.clock.elapsed(), told);
        }
        read
    }

    /// Looks whether the laws hold, where anything was written since.
    pub fn watch(&mut self) -> Result<(), Broken> {
        self.laws.i12_nothing_piles_up(Sizes {
            tasks: self.crew.len(),
            under_way: self.agenda.len(),
            metrics: 0,
        })?;
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

    /// Notes which records are on the disk, where all that was written is.
    pub fn note_kept(&mut self, pages: u32) -> Result<(), Broken> {
        if let Some(live) = self.live.clone().filter(|_| pages == self.disk.written()) {
            self.read_on(&live)?;
            self.laws.durable = self.laws.book.lines.len();
        }
        Ok(())
    }

    /// Tells the watchers of every change of the tenant.
    pub fn look_at_tenant(&mut self, sent: Option<&Sent>) -> Result<(), Broken> {
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
}

/// Lets the tenant answer now, in the way that was thrown for this request.
fn answered(entra: &Entra, request: Request, fate: &Fate) -> Told {
    use futures_util::FutureExt as _;
    if let Some(fault) = &fate.fault {
        entra.push_fault(Fault::new(On::any(), fault.clone()));
    }
    let told = entra.exchange(request).now_or_never();
    told.expect("a tenant without latency answers at once")
}
