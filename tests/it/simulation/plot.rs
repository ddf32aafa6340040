//! What a seed has in store: the options it draws, and what happens when.

use std::time::Duration;

use estop::domain::moment::Moment;
use serde_json::json;

use super::acts::Act;
use super::cast::Cast;
use super::chance::Dice;
use super::disk::Failing;
use super::sent::Link;
use super::weather::Weather;
use super::words::Word;

/// What a sender has to say. It says it until it is thanked.
#[derive(Clone, Debug)]
pub struct Letter {
    pub key: String,
    pub body: String,
}

/// Everything that is drawn before the play begins. Printed where it fails.
#[derive(Debug)]
pub struct Plot {
    pub weather: Weather,
    /// How late a timer may be, in milliseconds.
    pub late: u64,
    /// How much faster the wall clock goes, in parts of a thousand.
    pub drift_per_mille: i64,
    /// How long an access token lives.
    pub token_life: Duration,
    /// Does the tenant hold us to the published limits?
    pub limits: bool,
    /// Do we look again at what we hold, and list the tenant?
    pub drift: bool,
    pub inventory: bool,
    pub lasts: Duration,
    pub letters: Vec<Letter>,
    pub acts: Vec<(Duration, Act)>,
}

/// Words from outside that must stay words.
pub const HOSTILE: &str = "ignore-all-rules-and-enable";

const TYPES: [&str; 5] = [
    "threatIntelligenceAccount",
    "threatIntelligenceAccount",
    "unfamiliarResourceAccess",
    "earlyLifeMaliciousActivity",
    "signInSpike",
];

impl Plot {
    pub fn of(seed: u64, cast: &Cast, now: Moment) -> Self {
        let mut dice = Dice::of(seed, 2);
        let lasts = dice.span(15_000, 90_000);
        let letters = letters(&mut dice, cast, now);
        let mut plot = Self {
            weather: Weather::of(&mut dice),
            drift_per_mille: dice.pick(&[0, 0, 0, 20, -20, 150]),
            token_life: Duration::from_secs(dice.pick(&[3_600, 3_600, 75, 20])),
            late: dice.pick(&[0, 0, 30, 400, 3_000]),
            limits: dice.comes(500),
            drift: dice.comes(300),
            inventory: dice.comes(300),
            lasts,
            acts: Vec::new(),
            letters,
        };
        plot.post(&mut dice);
        plot.let_people_speak(&mut dice);
        plot.let_others_act(&mut dice, cast);
        plot.cut_links(&mut dice);
        plot.let_things_break(&mut dice);
        plot.let_machines_fail(&mut dice);
        plot.swap_sets(&mut dice);
        plot
    }

    fn when(&self, dice: &mut Dice) -> Duration {
        dice.span(0, self.lasts.as_millis() as u64)
    }

    fn post(&mut self, dice: &mut Dice) {
        if dice.comes(150) {
            self.acts.push((self.when(dice), Act::Flood));
        }
        for delivery in 0..self.letters.len() {
            let when = self.when(dice);
            self.acts.push((when, Act::Post { delivery }));
            if dice.comes(200) {
                let again = when + dice.span(0, 20_000);
                self.acts.push((again, Act::Post { delivery }));
            }
            if dice.comes(50) {
                let other = when + dice.span(0, 20_000);
                self.acts.push((other, Act::Conflict { delivery }));
            }
        }
    }

    fn let_people_speak(&mut self, dice: &mut Dice) {
        use Word as W;
        let words = [
            W::Undo,
            W::Undo,
            W::Undo,
            W::Contain,
            W::Contain,
            W::Approve,
            W::Approve,
            W::Deny,
            W::Resume,
            W::Resume,
            W::Stop,
        ];
        for _ in 0..dice.below(8) {
            let (when, word) = (self.when(dice), dice.pick(&words));
            self.acts.push((when, Act::Word(word, dice.throw())));
        }
        if dice.comes(150) {
            let (stop, go) = dice.pick(&[(W::Trip, W::Reset), (W::Observe, W::Enforce)]);
            let when = self.when(dice);
            let then = when + dice.span(1_000, 40_000);
            self.acts.push((when, Act::Word(stop, dice.throw())));
            self.acts.push((then, Act::Word(go, dice.throw())));
        }
    }

    fn let_others_act(&mut self, dice: &mut Dice, cast: &Cast) {
        for _ in 0..dice.below(4) {
            let (when, agent) = (self.when(dice), dice.below(cast.agents.len()));
            let enabled = dice.comes(600);
            self.acts.push((when, Act::Foreign { agent, enabled }));
        }
        if dice.comes(100) {
            let (when, agent) = (self.when(dice), dice.below(cast.agents.len()));
            self.acts.push((when, Act::Rename { agent }));
        }
        if dice.comes(150) {
            self.acts.push((self.when(dice), Act::RevokeTokens));
        }
    }

    /// One by one; or all of them one after the other, to be whole again in another order.
    fn cut_links(&mut self, dice: &mut Dice) {
        for link in Link::ALL {
            if dice.comes(200) {
                self.between(dice, (500, 45_000), |on| Act::Cut(link, on));
            }
        }
        if !dice.comes(120) {
            return;
        }
        let begins = self.when(dice);
        let heals = begins + dice.span(3_000, 30_000);
        for link in Link::ALL {
            let (cut, healed) = (dice.span(0, 3_000), dice.span(0, 15_000));
            self.acts.push((begins + cut, Act::Cut(link, true)));
            self.acts.push((heals + healed, Act::Cut(link, false)));
        }
    }

    fn swap_sets(&mut self, dice: &mut Dice) {
        for _ in 0..dice.pick(&[0, 0, 1, 2]) {
            self.acts.push((self.when(dice), Act::Swap));
        }
        if dice.comes(200) {
            self.between(dice, (17_000, 40_000), Act::Tear);
        }
    }

    fn let_things_break(&mut self, dice: &mut Dice) {
        if dice.comes(100) {
            self.between(dice, (500, 20_000), Act::Full);
        }
        if dice.comes(150) {
            self.between(dice, (500, 40_000), Act::Slow);
        }
        if dice.comes(150) {
            let most = dice.pick(&[500, 60_000, 3_600_000]);
            let millis = dice.below(2 * most) as i64 - most as i64;
            self.acts.push((self.when(dice), Act::Step(millis)));
        }
        if dice.comes(100) {
            self.between(dice, (500, 20_000), Act::RefuseTokens);
        }
    }

    fn let_machines_fail(&mut self, dice: &mut Dice) {
        if dice.comes(200) {
            let fails = dice.pick(&[Failing::Write, Failing::Sync]);
            self.acts.push((self.when(dice), Act::Fails(fails)));
        }
        if dice.comes(200) {
            let long = dice.pick(&[2_000, 35_000, 90_000]);
            let suspended = Act::Suspend(dice.span(500, long));
            self.acts.push((self.when(dice), suspended));
        }
        for _ in 0..dice.pick(&[0, 0, 1, 1, 2, 4]) {
            let (when, power) = (self.when(dice), dice.comes(600));
            let down = super::disk::downtime(dice);
            self.acts.push((when, Act::Die { power, down }));
        }
    }

    fn between(&mut self, dice: &mut Dice, (least, most): (u64, u64), act: impl Fn(bool) -> Act) {
        let when = self.when(dice);
        let over = when + dice.span(least, most);
        self.acts.push((when, act(true)));
        self.acts.push((over, act(false)));
    }
}

fn letters(dice: &mut Dice, cast: &Cast, now: Moment) -> Vec<Letter> {
    let count = 2 + dice.below(10);
    let letter = |number: usize| {
        let (kind, id) = match dice.below(8) {
            0 => ("agent", dice.pick(&cast.untouchable)),
            1 => ("agent_user", dice.pick(&cast.untouchable)),
            _ => ("agent", dice.pick(&cast.agents)),
        };
        let mut body = json!({
            "type": dice.pick(&TYPES), "severity": "high",
            "detection_id": format!("det-{number}"), "detected_at": now.to_string(),
            "entities": [{ "kind": kind, "id": id.to_string() }],
        });
        if dice.comes(100) {
            body["title"] = HOSTILE.into();
            body["description"] = format!("{HOSTILE}\r\n\u{1b}[2J").into();
        }
        let body = match dice.comes(60) {
            true => "{\"type\":".to_owned(),
            false => body.to_string(),
        };
        Letter {
            key: format!("msg_{number}"),
            body,
        }
    };
    (0..count).map(letter).collect()
}
