//! The stage as it is before the play begins.

use std::time::Duration;

use estop::clock::Clock;
use estop::domain::moment::Moment;
use estop::signature::Secret;
use estop::sim::{Entra, Limits, Tenant};
use uuid::Uuid;

use super::agenda::Agenda;
use super::cast::Cast;
use super::chance::Dice;
use super::crew::Crew;
use super::disk::PlayedDisk;
use super::doors::{Replies, Words};
use super::far::Far;
use super::laws::{CAP, Known, Laws};
use super::life::Slot;
use super::logins::Logins;
use super::meddling::Meddling;
use super::planted::Planted;
use super::plot::Plot;
use super::sets::{Folder, Settings, catalog};
use super::stage::{NOW, Stage};
use super::tally::Tally;
use super::trace::Trace;
use super::wire::Wire;

impl Stage {
    /// Sets the stage for this seed.
    pub fn set(seed: u64, planted: Option<Planted>) -> Self {
        let start = Moment::from_millis(NOW * 1_000);
        let (clock, hand) = Clock::by_hand(start);
        hand.draw_from(seed);
        let (its_clock, elsewhere) = Clock::by_hand(start);
        elsewhere.draw_from(seed ^ 0xE15E);
        let tenant = Tenant::contoso();
        let (cast, id) = (Cast::of(&tenant), tenant.id);
        let entra = Entra::new(its_clock, tenant);
        let plot = Plot::of(seed, &cast, start);
        entra.set_limits(if plot.limits {
            Limits::published()
        } else {
            Limits::off()
        });
        let tally = Tally::default();
        let counted = |part| (Dice::of(seed, part), tally.clone());
        let agenda = Agenda::new(clock.clone(), Dice::of(seed, 3));
        let wire = Wire::new(agenda.clone(), counted(5), plot.weather);
        let authority = (Dice::of(seed, 7), plot.token_life);
        let heard = (clock.clone(), tally.clone());
        let settings = settings((&plot, &cast), id, planted);
        let secret = Secret::fresh(clock.random());
        let mut stage = Self {
            tried: vec![0; plot.letters.len()],
            trace: Trace::default(),
            laws: Laws::new(known(&cast, settings)),
            dice: Dice::of(seed, 6),
            disk: PlayedDisk::new(agenda.clone(), counted(4)),
            logins: Logins::new(wire.clone(), entra.clone(), heard, authority),
            far: Far::default(),
            crew: Crew::default(),
            folder: Folder::new(),
            slot: Slot::default(),
            live: None,
            starting: false,
            other_set: false,
            replies: Replies::default(),
            words: Words::default(),
            put_forward: 0,
            drifts: Duration::ZERO,
            awake_at: Duration::ZERO,
            slept: Duration::ZERO,
            seen_pages: 0,
            seen_effects: 0,
            reached: 0,
            cast,
            clock,
            hand,
            elsewhere,
            entra,
            agenda,
            wire,
            secret,
            settings,
            planted,
            tally,
            plot,
        };
        stage.write_keys();
        stage.plant();
        stage
    }

    fn write_keys(&mut self) {
        let mut keys = vec![("lab.key", self.secret.reveal())];
        for name in ["page.key", "anchors.key"] {
            keys.push((name, Secret::fresh(self.clock.random()).reveal()));
        }
        for (name, key) in keys {
            self.folder.put_key(name, &key);
            self.laws.keep_secret(key);
        }
    }

    fn plant(&mut self) {
        let Some(planted) = self.planted else {
            return;
        };
        if planted == Planted::DiskThatLies {
            self.disk.lie();
        }
        if planted == Planted::ThanksBeforeDisk {
            self.disk.hasten();
        }
        if planted == Planted::SecretIsTold {
            self.laws.keep_secret("lab".to_owned());
        }
        self.wire.meddle(Meddling::new(planted, self.cast.clone()));
    }
}

fn settings((plot, cast): (&Plot, &Cast), tenant: Uuid, planted: Option<Planted>) -> Settings {
    let is = |one| planted == Some(one);
    Settings {
        tenant,
        protected: (!is(Planted::NobodyIsProtected)).then_some(cast.protected),
        cap: if is(Planted::NoCaps) { 100 } else { CAP },
        inventory: plot.inventory,
        drift: plot.drift,
    }
}

fn known(cast: &Cast, settings: Settings) -> Known {
    Known {
        cast: cast.clone(),
        tenant: settings.tenant,
        secrets: Vec::new(),
        sets: [false, true].map(|other| catalog(other).digest()).into(),
    }
}
