//! Where people on call are told: PagerDuty, Opsgenie, a signed webhook.
//!
//! Knows: three far ends, their addresses and keys as configured.
//! Never: what a notice means, who wrote it, when to try again.
//!
//! Laws
//! * An address comes from the configuration alone; nothing of a payload can bend it.
//! * The same thing said twice carries the same key, so that the far end finds the repeat.
//! * A key leaves in its own header or member, and stands in no error and no log.
//! * Redirects are refused, answers are capped, every wait has a limit.
//!
//! Read next: `page`, then `exchange`, then any of the three.

mod exchange;
mod opsgenie;
mod page;
mod pagerduty;
mod place;
mod webhook;

use std::time::Duration;

pub use exchange::Error;
pub use opsgenie::Opsgenie;
pub use page::{Page, Sponsor};
pub use pagerduty::PagerDuty;
pub use place::{BadPlace, checked};
pub use webhook::Webhook;

use crate::clock::Clock;
use crate::domain::telling::DestinationName;
use crate::transport::Transport;

/// What a place is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Takes {
    /// What someone must act on.
    pub pages: Taking,
    /// What someone should know.
    pub notices: Taking,
    /// What the sponsors of an agent should know.
    pub sponsors: Taking,
}

/// Does it take a kind of word?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Taking {
    /// It does.
    Yes,
    /// It does not.
    #[default]
    No,
}

/// One far end, by kind.
#[derive(Clone, Debug)]
pub enum Far {
    /// PagerDuty, by Events API v2.
    PagerDuty(PagerDuty),
    /// Opsgenie, by its Alert API.
    Opsgenie(Opsgenie),
    /// Anyone, by a webhook that we sign.
    Webhook(Webhook),
}

/// One configured place.
#[derive(Clone, Debug)]
pub struct Destination {
    /// What the configuration calls it.
    pub name: DestinationName,
    /// What it is told.
    pub takes: Takes,
    /// How long a page must lie unacknowledged before it goes here; `None` is at once.
    pub after: Option<Duration>,
    /// Which far end.
    pub far: Far,
}

/// How a place is reached. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Way {
    /// The way out.
    pub transport: Transport,
    /// Time.
    pub clock: Clock,
}

impl Destination {
    /// Says one thing, and answers what was heard. Safe to repeat with the same page.
    pub async fn send(&self, way: &Way, page: &Page) -> Result<String, Error> {
        let request = match &self.far {
            Far::PagerDuty(it) => it.request(page),
            Far::Opsgenie(it) => it.request(page),
            Far::Webhook(it) => it.request(page, way.clock.now()),
        };
        exchange::spoken(way, request?).await
    }

    /// Has somebody taken this alarm in hand over there? `None` where the far end cannot be asked.
    pub async fn acknowledged(&self, way: &Way, thread: &str) -> Option<Result<bool, Error>> {
        match &self.far {
            Far::Opsgenie(it) => Some(it.acknowledged(way, thread).await),
            Far::PagerDuty(_) | Far::Webhook(_) => None,
        }
    }

    /// The kind, for people.
    pub const fn kind(&self) -> &'static str {
        match self.far {
            Far::PagerDuty(_) => "pagerduty",
            Far::Opsgenie(_) => "opsgenie",
            Far::Webhook(_) => "webhook",
        }
    }
}
