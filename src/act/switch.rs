//! What every `accountEnabled` switch has in common: off going forward, back to what was on undo.

use super::Error;
use crate::domain::step::{Before, Outcome, Switch, UndoOutcome};
use crate::graph::Enabled;

/// The switches a step stored before it struck.
pub(super) fn stored(before: &Before) -> &[Switch] {
    match before {
        Before::Switches { switches } => switches,
        Before::Nothing | Before::Unproven { .. } => &[],
    }
}

/// What turning one switch off came to, given what it was.
pub(super) const fn outcome_of(was: Switch) -> Outcome {
    if was.account_enabled {
        Outcome::Done
    } else {
        Outcome::AlreadyDone
    }
}

/// What to do about one switch on undo.
pub(super) enum Way {
    /// Write it on again.
    TurnOn,
    /// It was off before us: leave it off.
    WasOffBefore,
    /// It is on: someone has put it back already.
    IsOnAlready,
}

/// We turned it off, so only an off switch that was on before is ours to turn on.
pub(super) const fn way_back(was: Switch, now: Enabled) -> Way {
    match (was.account_enabled, now) {
        (false, _) => Way::WasOffBefore,
        (true, Enabled::Yes) => Way::IsOnAlready,
        (true, Enabled::No) => Way::TurnOn,
    }
}

/// Microsoft's own switch is not ours to fight: a person must look (threat G15).
pub(super) fn refuse_if_microsoft(disabled_by_microsoft: bool) -> Result<(), Error> {
    if disabled_by_microsoft {
        return Err(Error::Refused {
            code: "disabledByMicrosoftStatus".to_owned(),
            because: "Microsoft itself has disabled it; only Microsoft support can change that"
                .to_owned(),
        });
    }
    Ok(())
}

/// The words for an undo that has nothing to write.
pub(super) fn nothing(why: &str) -> (UndoOutcome, String) {
    (UndoOutcome::NothingToRestore, why.to_owned())
}

/// What a read said, for people.
pub(super) fn seen(enabled: Enabled) -> String {
    format!("accountEnabled reads {}", enabled.flag())
}
