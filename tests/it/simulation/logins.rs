//! The authority that hands out tokens, over a link of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use estop::clock::Clock;
use estop::domain::moment::Moment;
use estop::entra::{AccessToken, Error, TokenSource};
use estop::sim::Entra;

use super::chance::Dice;
use super::sent::Link;
use super::tally::{Kind, Tally};
use super::wire::Wire;

/// Cheap to clone; every clone is the same authority.
#[derive(Clone)]
pub struct Logins {
    wire: Wire,
    entra: Entra,
    clock: Clock,
    tally: Tally,
    state: Arc<Mutex<State>>,
}

struct State {
    dice: Dice,
    /// How long a token lives.
    life: Duration,
    refuses: bool,
    ends: Option<Moment>,
}

impl Logins {
    pub fn new(
        wire: Wire,
        entra: Entra,
        (clock, tally): (Clock, Tally),
        (dice, life): (Dice, Duration),
    ) -> Self {
        let state = State {
            dice,
            life,
            refuses: false,
            ends: None,
        };
        Self {
            wire,
            entra,
            clock,
            tally,
            state: Arc::new(Mutex::new(state)),
        }
    }

    pub fn refuse(&self, refuses: bool) {
        self.state.lock().unwrap().refuses = refuses;
    }

    pub fn tokens(&self) -> TokenSource {
        let logins = self.clone();
        TokenSource::fetching(self.clock.clone(), move |_| {
            let logins = logins.clone();
            Box::pin(async move {
                let pause = logins.state.lock().unwrap().dice.span(5, 300);
                logins.clock.sleep(pause).await;
                logins.token()
            })
        })
    }

    fn token(&self) -> Result<AccessToken, Error> {
        if self.wire.is_cut(Link::Login) {
            self.tally.count(Kind::LoginCut);
            let because = "no way to the authority (played)".to_owned();
            return Err(Error::TryAgain { because });
        }
        let mut state = self.state.lock().unwrap();
        if state.refuses {
            self.tally.count(Kind::TokenRefused);
            let code = "AADSTS7000215".to_owned();
            return Err(Error::Refused { code });
        }
        let here = self.clock.now();
        if state.ends.is_some_and(|ends| ends <= here) {
            self.tally.count(Kind::TokenExpired);
        }
        let ends = here.plus(state.life);
        state.ends = Some(ends);
        let text = self.entra.access_token_for("https://graph.microsoft.com");
        AccessToken::new(&text.unwrap_or_default().into(), ends)
    }
}
