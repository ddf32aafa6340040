//! The end of a play: everything is made whole, and then it must come to rest.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use estop::domain::run::Standing;
use estop::store::{RunFilter, Store};

use super::acts::Act;
use super::agenda::Event;
use super::laws::{Broken, Sizes};
use super::now;
use super::planted::Planted;
use super::sent::Link;
use super::stage::Stage;
use super::tally::Kind;
use super::words::Word;

/// Longest it may take until nobody is at work, once everything is whole.
const SETTLES_WITHIN: Duration = Duration::from_secs(1_500);
/// Longest it may take to start.
const STARTS_WITHIN: Duration = Duration::from_secs(40);
/// Longest it may take until people are answered.
const HEARD_WITHIN: Duration = Duration::from_secs(60);
/// More runs than any play makes.
const ALL_RUNS: u32 = 100_000;
/// Longest a kill may take.
const STRIKES_WITHIN: Duration = Duration::from_secs(10);

impl Stage {
    /// Everything is whole again, and nobody stops anything.
    pub fn heal(&mut self) -> Result<(), Broken> {
        self.trace
            .say(self.clock.elapsed(), "everything is whole".to_owned());
        self.agenda.forget(|event| {
            let Event::Happens(act) = event else {
                return false;
            };
            !matches!(act, Act::Post { .. } | Act::Start { .. })
        });
        self.wire.clear_up();
        if self.planted == Some(Planted::NothingHeals) {
            self.wire.cut(Link::Graph, true);
        }
        self.logins.refuse(false);
        self.entra.clear_faults();
        self.disk.fill(false);
        self.disk.slow_down(false);
        self.disk.fail(None);
        self.folder.tear(false);
        self.hand.put_forward(-self.put_forward);
        self.plot.drift_per_mille = 0;
        self.awake_at = Duration::ZERO;
        self.plot.late = self.plot.late.max(1_500);
        self.come_back()?;
        self.hear_out()?;
        for (word, drawn) in [(Word::Reset, 1), (Word::Enforce, 2)] {
            self.speak(word, drawn);
            self.pass(Duration::from_secs(1))?;
        }
        Ok(())
    }

    /// Waits until there is a service again.
    fn come_back(&mut self) -> Result<(), Broken> {
        let until = self.clock.elapsed() + STARTS_WITHIN;
        while self.live.is_none() && self.clock.elapsed() < until {
            self.pass(Duration::from_secs(1))?;
        }
        match self.live {
            Some(_) => Ok(()),
            None => Err("I14: it does not start again".to_owned()),
        }
    }

    /// Waits until whoever was speaking has been heard: what is said after that is the last word.
    fn hear_out(&mut self) -> Result<(), Broken> {
        let until = self.clock.elapsed() + HEARD_WITHIN;
        // Whoever speaks has a share of it, until he is answered or dies with the service.
        while Arc::strong_count(&self.words) > 1 && self.clock.elapsed() < until {
            self.pass(Duration::from_millis(500))?;
        }
        Ok(())
    }

    /// I14: once everything is whole, nobody stays at work.
    pub fn settle(&mut self) -> Result<(), Broken> {
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
        let unread =
            now(live.store.unread((later, Duration::ZERO), 1)).map_err(|why| why.to_string())?;
        Ok(unread.is_empty() && !self.agenda.holds(is_news) && self.at_work()?.is_empty())
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

    /// I6: a kill that is asked for now strikes within seconds, whatever else there is to do.
    pub fn probe(&mut self) -> Result<(), Broken> {
        let spare = self.cast.spare;
        self.plot.late = 0;
        self.flood(Kind::Flood);
        self.say((Word::Contain, 77), vec![spare]);
        let until = self.clock.elapsed() + STRIKES_WITHIN;
        while self.is_enabled() && self.clock.elapsed() < until {
            self.pass(Duration::from_millis(500))?;
        }
        match self.is_enabled() {
            true => Err("I6: a kill did not strike within ten seconds".to_owned()),
            false => self.settle(),
        }
    }

    fn is_enabled(&self) -> bool {
        let spare = self.entra.agent(self.cast.spare);
        spare.is_some_and(|it| it.account_enabled)
    }

    pub fn finish(&mut self) -> Result<(), Broken> {
        let Some(live) = self.live.clone() else {
            return Err("there is no service at the end".to_owned());
        };
        self.read_on(&live)?;
        self.laws.at_the_end(&live.store, &self.entra)?;
        self.laws.i12_nothing_piles_up(Sizes {
            tasks: self.crew.len(),
            under_way: self.agenda.len(),
            metrics: live.metrics.text().lines().count(),
        })?;
        drop(live);
        // Whatever was told is on the disk: the power goes once more, and all of it is there.
        self.die(true, Duration::from_secs(1));
        self.come_back()?;
        // What nobody was told yet is done again.
        self.settle()?;
        let live = self.live.clone().ok_or("it does not start again")?;
        self.laws.at_the_end(&live.store, &self.entra)?;
        self.rows_agree(live.store.clone())
    }

    /// I9: what is stored of each run is what was sealed of it, whatever happened to it.
    fn rows_agree(&mut self, store: Store) -> Result<(), Broken> {
        let found = Arc::new(Mutex::new(None));
        let tell = Arc::clone(&found);
        self.crew.take(Box::pin(async move {
            let judged = disagreement(&store).await;
            *tell.lock().unwrap() = Some(judged.map_err(|why| why.to_string()));
        }));
        let until = self.clock.elapsed() + SETTLES_WITHIN;
        while self.clock.elapsed() < until {
            self.pass(Duration::from_secs(1))?;
            if let Some(judged) = found.lock().unwrap().take() {
                return match judged? {
                    None => Ok(()),
                    Some(what) => Err(format!("I9: the rows against the records: {what}")),
                };
            }
        }
        Err("I9: the rows could not be held against the records".to_owned())
    }
}

/// The first run of which something else is stored than was sealed, and what.
async fn disagreement(store: &Store) -> Result<Option<String>, estop::store::Error> {
    for run in store.runs_after(None, ALL_RUNS).await? {
        if let Some(what) = store.differs(run).await? {
            return Ok(Some(format!("{run}: {what}")));
        }
    }
    Ok(None)
}

/// Will somebody still say something?
fn is_news(event: &Event) -> bool {
    matches!(event, Event::Happens(Act::Post { .. }))
}
