//! The cases: when in the story the program dies.

use std::fmt;
use std::time::Duration;

use estop::sim::{Fault, On, What};

/// Which half of the story it dies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Containing,
    Undoing,
}

/// How it dies.
#[derive(Clone, Copy, Debug)]
pub enum Kill {
    /// By its own hand, when it passes a named point for the `passes`th time.
    At { point: &'static str, passes: u32 },
    /// By `kill -9`, while the tenant holds this write.
    Holding(&'static Write, Held),
    /// By `kill -9`, so long after its start.
    After(Duration),
}

/// What the tenant holds.
#[derive(Clone, Copy, Debug)]
pub enum Held {
    /// The request, before its effect.
    Request,
    /// The reply, after its effect.
    Reply,
}

pub const HELD: [Held; 2] = [Held::Request, Held::Reply];

/// A call that changes the tenant.
#[derive(Debug)]
pub struct Write {
    pub act: Act,
    pub name: &'static str,
    method: &'static str,
    path: &'static str,
}

/// Every write of the story.
pub const WRITES: [Write; 6] = [
    write(Act::Containing, "disable agent", "PATCH", "agentIdentity$"),
    write(Act::Containing, "disable agent user", "PATCH", "/users/"),
    write(
        Act::Containing,
        "confirm compromised",
        "POST",
        "confirmCompromised",
    ),
    write(Act::Undoing, "enable agent", "PATCH", "agentIdentity$"),
    write(Act::Undoing, "enable agent user", "PATCH", "/users/"),
    write(Act::Undoing, "confirm safe", "POST", "confirmSafe"),
];

const fn write(act: Act, name: &'static str, method: &'static str, path: &'static str) -> Write {
    Write {
        act,
        name,
        method,
        path,
    }
}

/// One death in one story.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub act: Act,
    pub kill: Kill,
}

impl Case {
    pub fn of(act: Act, kill: Kill) -> Self {
        Self { act, kill }
    }

    /// What the program is told in its environment, for a death by its own hand.
    pub fn armed(self) -> Option<String> {
        match self.kill {
            Kill::At { point, passes } => Some(format!("{point}:{passes}")),
            Kill::Holding(..) | Kill::After(_) => None,
        }
    }

    /// When it is killed whatever it does.
    pub fn after(self) -> Option<Duration> {
        match self.kill {
            Kill::At { .. } | Kill::Holding(..) => None,
            Kill::After(span) => Some(span),
        }
    }

    /// What the tenant is told, for a death while it holds something.
    pub fn fault(self) -> Option<Fault> {
        match self.kill {
            Kill::At { .. } | Kill::After(_) => None,
            Kill::Holding(write, held) => {
                let what = match held {
                    Held::Request => What::HoldRequest,
                    Held::Reply => What::HoldReply,
                };
                Some(Fault::new(On::request(write.method, write.path), what))
            }
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kill {
            Kill::At { point, passes } => write!(f, "{:?} {point}:{passes}", self.act),
            Kill::After(span) => write!(f, "{:?} {span:?} after its start", self.act),
            Kill::Holding(write, held) => write!(f, "{:?} {}, {held:?} held", self.act, write.name),
        }
    }
}
