//! Several runs of one playbook on one entity: one of them writes its switch, the others see that
//! it is done (threat W27).
//!
//! Every one of them holds the entity and reads it back for itself, so nothing rests on another's
//! word: what is spared is a write that would change nothing.

use std::time::Duration;

use super::Bench;
use crate::act::{self, Ended};
use crate::domain::step::{Before, Outcome, Step};
use crate::store::Company;

/// How often a switch is read that another run may be writing at this moment. After that we write.
const READS: u32 = 4;
/// The pause after the first of these reads; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// What a step's own look said of its switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// There was none yet.
    NotYet,
    /// All are off.
    Off,
    /// One is on, or there is none.
    On,
}

/// What a look says of the switches it saw.
pub(super) fn first_read(seen: &Before) -> Read {
    match seen {
        Before::Switches { switches } if !switches.is_empty() => {
            let off = switches.iter().all(|switch| !switch.account_enabled);
            if off { Read::Off } else { Read::On }
        }
        Before::Switches { .. }
        | Before::Found { .. }
        | Before::Nothing
        | Before::Unproven { .. } => Read::On,
    }
}

/// The end of a step whose work another run of the same playbook has done: it is off. `None` where
/// it must write for itself, because nobody else holds it or it reads on.
pub(super) async fn spares(
    bench: &Bench,
    context: &act::Context<'_>,
    step: &Step,
    (company, mut read): (Company, Read),
) -> Option<Ended> {
    let reads = match company {
        Company::Alone => return None,
        // What was read back and is on was turned on by somebody: nobody is writing.
        Company::Closed => 1,
        Company::Closing => READS,
    };
    let mut pause = FIRST_PAUSE;
    for left in (0..reads).rev() {
        if read == Read::NotYet {
            let seen = act::look(context, &step.plan).await.ok()?;
            read = first_read(&seen.before);
        }
        if read == Read::Off {
            let evidence = "another run of this playbook holds it; accountEnabled reads false";
            return Some((Outcome::AlreadyDone, evidence.to_owned()));
        }
        if left > 0 {
            bench.clock.sleep(pause).await;
            pause = pause.saturating_mul(2);
            read = Read::NotYet;
        }
    }
    None
}
