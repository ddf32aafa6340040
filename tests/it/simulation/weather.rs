//! How bad the day is between the process and the tenant, and what becomes of one request on it.

use std::time::Duration;

use estop::domain::moment::Span;
use estop::sim::{Garbage, Lag, RetryAfter, What};

use super::chance::Dice;
use super::sent::Sent;
use super::tally::{Kind, Tally};

/// What becomes of one request at the tenant and on the way back.
#[derive(Clone, Debug, Default)]
pub struct Fate {
    pub fault: Option<What>,
    pub loses_answer: bool,
    pub way_back: Duration,
}

/// How bad the day is, each in so many of a thousand requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// The far end's name is not known to anybody.
    pub nameless: u32,
    pub loses_request: u32,
    pub loses_answer: u32,
    pub slow: u32,
    pub doubled: u32,
    /// The tenant itself misbehaves.
    pub faulty: u32,
    /// Every write is performed, and its first answer lost: each step is done twice.
    pub twice: bool,
}

impl Weather {
    pub fn of(dice: &mut Dice) -> Self {
        let mut bad = |often| if dice.comes(400) { often } else { 0 };
        Self {
            nameless: bad(60),
            loses_request: bad(50),
            loses_answer: bad(80),
            slow: bad(80),
            doubled: bad(60),
            faulty: bad(150),
            twice: dice.comes(100),
        }
    }

    /// How long a request is under way.
    pub fn way_there(&self, (dice, tally): (&mut Dice, &Tally)) -> Duration {
        // What takes longer than a call may take is given up by then, and arrives all the same.
        let (slow, quick) = (dice.span(500, 9_000), dice.span(1, 60));
        if dice.comes(self.slow) {
            tally.count(Kind::Delayed);
            return slow;
        }
        quick
    }

    /// What becomes of a request that arrives.
    pub fn fate(
        &self,
        (sent, is_first): (&Sent, bool),
        (dice, tally): (&mut Dice, &Tally),
    ) -> Fate {
        let twice = self.twice && is_first && sent.writes();
        if twice {
            tally.count(Kind::StepTwice);
        }
        let fault = dice
            .comes(self.faulty)
            .then(|| fault(sent, (&mut *dice, tally)));
        let way_back = match dice.comes(self.slow) {
            true => dice.span(500, 12_000),
            false => dice.span(1, 60),
        };
        let lost = dice.comes(self.loses_answer);
        if lost {
            tally.count(Kind::AnswerLost);
        }
        Fate {
            fault,
            loses_answer: lost || twice,
            way_back,
        }
    }
}

/// One way in which the tenant misbehaves.
fn fault(sent: &Sent, (dice, tally): (&mut Dice, &Tally)) -> What {
    if !sent.writes() && dice.comes(300) {
        tally.count(Kind::Garbled);
        return What::Garbage(garbage(dice));
    }
    let (kind, what) = match dice.below(12) {
        0..=3 => throttle(dice),
        4 => (Kind::ServerError, status(500, "InternalServerError")),
        5 => (Kind::ServerError, status(503, "ServiceUnavailable")),
        6 => (Kind::ServerError, status(504, "GatewayTimeout")),
        7 => (Kind::Conflict, status(409, "Conflict")),
        8 => (Kind::Challenged, What::ClaimsChallenge),
        9 if dice.comes(300) => (Kind::Forbidden, status(403, "Authorization_RequestDenied")),
        10 if dice.comes(300) => (Kind::NotFound, status(404, "Request_ResourceNotFound")),
        _ => (Kind::StaleRead, What::StaleReads(lag(dice))),
    };
    tally.count(kind);
    what
}

fn status(status: u16, code: &str) -> What {
    What::Status {
        status,
        code: code.to_owned(),
    }
}

fn throttle(dice: &mut Dice) -> (Kind, What) {
    let retry_after = match dice.below(5) {
        0 | 1 => None,
        2 => Some(RetryAfter::Seconds(dice.throw() % 20)),
        3 => Some(RetryAfter::DateIn(Span(dice.span(0, 9_000)))),
        _ => Some(RetryAfter::Text("-1".to_owned())),
    };
    let kind = match retry_after {
        None => Kind::ThrottledWithout,
        Some(_) => Kind::ThrottledWithPause,
    };
    (kind, What::Throttle { retry_after })
}

fn garbage(dice: &mut Dice) -> Garbage {
    match dice.below(4) {
        0 => Garbage::Truncated,
        1 => Garbage::Html,
        2 => Garbage::Empty,
        _ => Garbage::Body("{\"accountEnabled\":\"no\"}".to_owned()),
    }
}

fn lag(dice: &mut Dice) -> Lag {
    match dice.below(3) {
        0 => Lag::Reads(1 + dice.below(4) as u32),
        1 => Lag::For(Span(dice.span(100, 20_000))),
        _ => Lag::Flapping(1 + dice.below(5) as u32),
    }
}
