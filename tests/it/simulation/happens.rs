//! What everybody about the process does to it, one act at a time.

use std::time::Duration;

use estop::sim::Switch;
use uuid::Uuid;

use super::acts::Act;
use super::agenda::Event;
use super::chance::Dice;
use super::laws::Broken;
use super::plot::HOSTILE;
use super::stage::Stage;
use super::tally::Kind;

/// A suspension beyond this outlives a lease.
const LEASE: Duration = Duration::from_secs(30);

impl Stage {
    /// Lets somebody do something.
    pub fn act(&mut self, act: Act) -> Result<(), Broken> {
        let here = self.clock.elapsed();
        if !matches!(act, Act::Post { .. }) {
            self.trace.say(here, format!("{act:?}"));
        }
        match act {
            Act::Post { delivery } => self.post(delivery, None),
            Act::Flood => self.flood(Kind::Flood),
            Act::Conflict { delivery } => {
                self.tally.count(Kind::SameKeyOtherBody);
                let other = format!("{{\"type\":\"signInSpike\",\"title\":\"{HOSTILE}\"}}");
                self.post(delivery, Some(other));
            }
            Act::Word(word, drawn) => self.speak(word, drawn),
            Act::Foreign { agent, enabled } => return self.turn(agent, enabled),
            Act::Rename { agent } => self.rename(agent),
            Act::RevokeTokens => {
                self.tally.count(Kind::TokensRevoked);
                self.entra.revoke_access_tokens();
            }
            Act::RefuseTokens(refused) => self.logins.refuse(refused),
            Act::Cut(link, cut) => self.wire.cut(link, cut),
            Act::Full(full) => self.disk.fill(full),
            Act::Slow(slow) => self.disk.slow_down(slow),
            Act::Fails(failing) => self.disk.fail(Some(failing)),
            Act::Step(millis) => {
                self.tally.count(Kind::ClockStep);
                self.put_forward(millis);
            }
            Act::Suspend(span) => {
                self.tally.count(if span > LEASE {
                    Kind::Zombie
                } else {
                    Kind::Pause
                });
                self.awake_at = self.awake_at.max(here + span);
            }
            Act::Die { power, down } => self.die(power, down),
            Act::Start { others } => self.start_again(others),
            Act::Swap => self.swap_set(),
            Act::Tear(torn) => self.folder.tear(torn),
        }
        Ok(())
    }

    fn swap_set(&mut self) {
        self.other_set = !self.other_set;
        self.folder.put_set(self.other_set);
    }

    /// Somebody else turns an agent's switch.
    fn turn(&mut self, agent: usize, enabled: bool) -> Result<(), Broken> {
        let (id, to) = (self.cast.agents[agent], Switch::from(enabled));
        if enabled {
            self.tally.count(Kind::OwnerReenables);
        }
        self.entra.foreign_write(|tenant| tenant.switch(id, to));
        self.look_at_tenant(None)
    }

    /// Their owner may turn off what we were told to turn off later.
    pub fn let_owners_close(&mut self, open: &[Uuid]) {
        // Dice of its own for each request: whoever is left alone plays on as before.
        let mut dice = Dice::of(self.reached, 11);
        for id in open {
            let agent = self.cast.agents.iter().position(|it| it == id);
            if let Some(agent) = agent.filter(|_| dice.comes(300)) {
                self.tally.count(Kind::OwnerCloses);
                let enabled = false;
                let turns = Event::Happens(Act::Foreign { agent, enabled });
                self.agenda.put(dice.span(0, 1_500), turns);
            }
        }
    }

    fn rename(&mut self, agent: usize) {
        self.tally.count(Kind::Rename);
        let id = self.cast.agents[agent];
        self.entra.foreign_write(|tenant| {
            if let Some(agent) = tenant.agents.get_mut(&id) {
                HOSTILE.clone_into(&mut agent.display_name);
            }
        });
    }
}
