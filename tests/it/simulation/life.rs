//! The process: how it starts, how it dies, and what is left of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use estop::app::{Ground, Parts, Service};
use estop::catalog::Catalog;
use estop::clock::Clock;
use estop::command::Desk;
use estop::config::{Config, Overrides};
use estop::domain::id::RunId;
use estop::domain::run::Lane;
use estop::graph::Budgets;
use estop::store::Store;
use estop::telemetry::Metrics;

use super::acts::Act;
use super::agenda::Event;
use super::disk::Image;
use super::laws::{Broken, Shown};
use super::now;
use super::planted::Planted;
use super::sent::Link;
use super::sets::catalog;
use super::stage::Stage;
use super::tally::Kind;

/// What the doors of a living service offer.
#[derive(Clone)]
pub struct Live {
    pub store: Store,
    pub desk: Desk,
    pub door: Router,
    pub wake: Arc<dyn Fn(RunId, Lane) + Send + Sync>,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub planted: Option<Planted>,
    pub shown: Shown,
}

pub type Slot = Arc<Mutex<Option<Result<(Service, Live), String>>>>;

impl Stage {
    pub fn start(&mut self, other_set: bool) {
        self.other_set = other_set;
        self.starting = true;
        self.seen_pages = 0;
        self.folder.put_set(other_set);
        self.folder.configure(self.settings);
        let (parts, slot) = (self.parts(), Arc::clone(&self.slot));
        let (disk, planted) = (self.disk.clone(), self.planted);
        let shown = Arc::clone(&self.laws.shown);
        self.crew.take(Box::pin(async move {
            disk.opened();
            let started = Service::start(parts).await.map_err(|why| why.to_string());
            let opened = started.and_then(|service| {
                let live = live(&service, (planted, shown))?;
                Ok((service, live))
            });
            *slot.lock().unwrap() = Some(opened);
        }));
    }

    /// Starts it, if it is down; perhaps with other playbooks and another configuration.
    pub fn start_again(&mut self, others: bool) {
        if self.live.is_some() || self.starting {
            return;
        }
        if others {
            self.tally.count(Kind::ConfigurationSwapped);
            self.settings.drift = !self.settings.drift;
            self.settings.inventory = !self.settings.inventory;
        }
        self.start(self.other_set != others);
    }

    /// Has the start ended?
    pub fn started(&mut self) -> Result<(), Broken> {
        if !self.starting {
            return Ok(());
        }
        let live = match self.slot.lock().unwrap().as_ref() {
            None => return Ok(()),
            Some(Ok((_, live))) => Ok(live.clone()),
            Some(Err(why)) => Err(why.clone()),
        };
        self.starting = false;
        match live {
            Ok(live) => self.began(live),
            Err(why) if why.contains("(played)") => {
                // The disk did not let it; somebody starts it again.
                self.trace.say(self.clock.elapsed(), why);
                self.slot.lock().unwrap().take();
                self.crew.die();
                let again = Event::Happens(Act::Start { others: false });
                self.agenda.put(Duration::from_secs(2), again);
                Ok(())
            }
            Err(why) => Err(format!("it does not start: {why}")),
        }
    }

    fn began(&mut self, live: Live) -> Result<(), Broken> {
        self.trace.say(self.clock.elapsed(), "started".to_owned());
        self.live = Some(live.clone());
        let set = now(live.store.set_in_force()).ok().flatten();
        self.laws
            .i16_a_set_is_in_force_whole(&set.map(|set| set.digest).unwrap_or_default())?;
        self.laws.after_start(&live.store)?;
        if self.dice.comes(300) {
            self.flood(Kind::RestartHerd);
        }
        Ok(())
    }

    /// The process is gone. With `power`, what was not on the disk is gone with it.
    pub fn die(&mut self, power: bool, down: Duration) {
        let store = self.folder.store();
        let image = Image::of(&store, power.then(|| self.disk.kept_bytes()));
        self.count_death(power);
        self.live = None;
        self.starting = false;
        self.crew.die();
        self.laws.on_death();
        let ended = self.slot.lock().unwrap().take();
        drop(ended);
        self.disk.fail(None);
        self.agenda.forget(|event| {
            matches!(
                event,
                Event::Takes { .. } | Event::Keeps { .. } | Event::Ends
            )
        });
        image.restore(&store);
        self.rewrite_record();
        let others = self.dice.comes(200);
        self.agenda.put(down, Event::Happens(Act::Start { others }));
    }

    fn count_death(&self, power: bool) {
        if power {
            self.tally.count(Kind::PowerFails);
        }
        if self
            .agenda
            .holds(|event| matches!(event, Event::Takes { .. }))
        {
            self.tally.count(Kind::DiesBeforeCommit);
        }
        if self
            .agenda
            .holds(|event| matches!(event, Event::Keeps { .. }))
        {
            self.tally.count(Kind::DiesAfterCommit);
        }
    }

    /// Somebody with the rights to the store changes what was written down.
    fn rewrite_record(&self) {
        if self.planted != Some(Planted::RecordRewritten) {
            return;
        }
        if let Ok(store) = rusqlite::Connection::open(self.folder.store()) {
            let change =
                "update record set line = replace(line, 'estop', 'nobody') where number = 2";
            let _ = store.execute(change, []);
        }
    }

    fn parts(&self) -> Parts {
        let config = Config::read(&self.folder.configuration(), &Overrides::default()).unwrap();
        let crew = self.crew.clone();
        Parts {
            config,
            clock: self.clock.clone(),
            transport: self.wire.transport(Link::Graph),
            outward: self.wire.transport(Link::Outward),
            tokens: Some(self.logins.tokens()),
            foundry_tokens: None,
            azure_tokens: None,
            table_tokens: None,
            budgets: Budgets::default(),
            catalog: self.catalog(),
            ground: Ground::Played {
                take: Arc::new(move |work| crew.take(work)),
                disk: Arc::new(self.disk.clone()),
            },
        }
    }

    fn catalog(&self) -> Catalog {
        let whole = catalog(self.other_set);
        if self.planted != Some(Planted::HalfASet) {
            return whole;
        }
        let files: Vec<_> = whole.all().take(2).collect();
        let files = files
            .iter()
            .map(|it| (format!("{}.yaml", it.playbook.name), it.text.to_string()));
        let files: Vec<_> = files.collect();
        Catalog::of_texts(
            files
                .iter()
                .map(|(file, text)| (file.as_str(), text.as_str())),
        )
        .unwrap()
    }
}

fn live(service: &Service, (planted, shown): (Option<Planted>, Shown)) -> Result<Live, String> {
    let public = "https://estop.example".parse().unwrap();
    Ok(Live {
        store: service.store.clone(),
        desk: service.desk().unwrap(),
        door: service.ingress(public).map_err(|why| why.to_string())?,
        wake: Arc::clone(&service.wake_workers),
        clock: service.clock.clone(),
        metrics: Arc::clone(&service.metrics),
        planted,
        shown,
    })
}
