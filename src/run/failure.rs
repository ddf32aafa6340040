//! What a failure means for a step: wait, or end; and whether anything may have reached the tenant.

use std::time::Duration;

use super::{Bench, CONTAIN_DEADLINE, NOT_FOUND_LIMIT};
use crate::act::{self, Error};
use crate::domain::step::{Outcome, Step};

/// Whether any write of this step may have reached the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trace {
    None,
    Perhaps,
}

impl Trace {
    /// A step that was started by someone who died may have been sent.
    pub(super) fn of(step: &Step) -> Self {
        if step.before.is_some() {
            Self::Perhaps
        } else {
            Self::None
        }
    }

    /// How a step ends that can go no further: with a trace left, nobody knows.
    fn or_unknown(self, outcome: Outcome) -> Outcome {
        match self {
            Self::None => outcome,
            Self::Perhaps => Outcome::Unknown,
        }
    }
}

/// What to do next.
pub(super) enum Verdict {
    End(act::Ended),
    Pause {
        span: Duration,
        /// It was sent, and is not known to be done. Else it never left.
        answered: bool,
        because: String,
    },
}

/// What a failure means for the step: wait, or end. Unknown is tried again, because every act may
/// be done twice; only the deadline ends it. A refusal does not take back a write that was lost
/// before it.
pub(super) fn verdict_on(
    bench: &Bench,
    step: &Step,
    error: Error,
    (pause, trace): (Duration, &mut Trace),
) -> Verdict {
    let now = bench.clock.now();
    // Counted from the beginning: a delivery may have waited for days to be read.
    let waited = now.since(step.begun_at.unwrap_or(now));
    let late = waited >= CONTAIN_DEADLINE;
    if matches!(error, Error::Unknown { .. }) && step.before.is_some() {
        *trace = Trace::Perhaps;
    }
    match error {
        Error::Forbidden { because } => Verdict::End((trace.or_unknown(Outcome::Denied), because)),
        Error::Refused { because, code } => {
            let outcome = trace.or_unknown(Outcome::Refused);
            Verdict::End((outcome, format!("{code}: {because}")))
        }
        Error::NotFound { because } if waited >= NOT_FOUND_LIMIT => {
            Verdict::End((Outcome::NotFound, because))
        }
        Error::Unknown { because } | Error::TryAgain { because, .. } if late => {
            Verdict::End((trace.or_unknown(Outcome::Failed), because))
        }
        Error::TryAgain {
            after,
            answered,
            because,
        } => Verdict::Pause {
            span: after.max(Duration::from_millis(1)),
            answered,
            because,
        },
        Error::NotFound { because } | Error::Unknown { because } => {
            let span = pause.min(Duration::from_secs(30));
            Verdict::Pause {
                span: span / 2 + bench.clock.jitter(span / 2),
                answered: true,
                because,
            }
        }
    }
}
