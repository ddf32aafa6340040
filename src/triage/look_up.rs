//! Asking Graph for the alerts behind a delivery that came without ids: once, bounded, and only
//! then is it set aside.
//!
//! Few are asked for at a time, so that a source whose incidents all lack ids keeps nobody else's
//! detection from being read; what has to wait stays unread and is found again.

use std::fmt::Write as _;
use std::time::Duration;

use super::Triage;
use crate::domain::id::DeliveryId;
use crate::domain::reading::{Context, Incomplete, Reading};
use crate::graph::{Ask, Error, Priority};

/// Deliveries that are looked up at the same time.
pub(super) const AT_ONCE: usize = 4;
/// Longest wait for all alerts of one delivery.
const WITHIN: Duration = Duration::from_secs(10);

/// What the look-up came to.
pub(super) enum LookedUp {
    /// The alert says whom, or that nothing follows.
    Read(Reading),
    /// Nobody says whom: the reason for people.
    Nobody(String),
    /// Too many are being looked up; this one stays unread for now.
    Later,
}

impl Triage {
    pub(super) async fn look_up(
        &self,
        delivery: DeliveryId,
        incomplete: &Incomplete,
        context: &Context,
    ) -> LookedUp {
        let Ok(_place) = self.looking_up.try_acquire() else {
            return LookedUp::Later;
        };
        let asking = self.ask_for_alerts(delivery, incomplete, context);
        match self.clock.within(WITHIN, asking).await {
            Ok(looked_up) => looked_up,
            Err(_) => LookedUp::Nobody(format!(
                "{}. Graph did not say more within {} s",
                incomplete.why,
                WITHIN.as_secs()
            )),
        }
    }

    /// Each alert in turn, until one says whom.
    async fn ask_for_alerts(
        &self,
        delivery: DeliveryId,
        incomplete: &Incomplete,
        context: &Context,
    ) -> LookedUp {
        let ask = Ask {
            priority: Priority::Enrich,
            correlation: delivery.uuid(),
        };
        let mut why = incomplete.why.to_string();
        let mut nothing = None;
        for id in &incomplete.alerts {
            let answer = match self.graph.alert(ask, id).await {
                Ok(answer) => answer,
                Err(error) => {
                    // Writing to a string cannot fail.
                    let _ = write!(why, ". Asked for the alert {id}: {}", explained(&error));
                    continue;
                }
            };
            match incomplete.completed(id, &answer, context) {
                Ok(found @ Reading::Detection(_)) => return LookedUp::Read(found),
                Ok(other) => nothing = Some(other),
                Err(more) => {
                    let _ = write!(why, ". The alert {id} does not say it either: {more}");
                }
            }
        }
        nothing.map_or(LookedUp::Nobody(why), LookedUp::Read)
    }
}

/// What a person can do about it.
fn explained(error: &Error) -> String {
    match error {
        Error::NotFound { .. } => "Graph does not know it".to_owned(),
        Error::Refused {
            status: Some(403), ..
        } => "Graph refuses us; grant SecurityAlert.Read.All, then replay".to_owned(),
        Error::TryAgain { .. } | Error::Unknown { .. } | Error::Refused { .. } => error.to_string(),
    }
}
