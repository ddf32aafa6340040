//! Was it proved lately, by a real one, that an agent can be stopped and put back?

use std::time::Duration;

use super::report::{Line, State};
use crate::domain::drill::{Drill, DrillState};
use crate::domain::entity::ObjectId;
use crate::domain::evidence::TokenSeen;
use crate::domain::moment::{Moment, Span};

const CHECK: &str = "drill";

/// What the store says of drills.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The newest that has ended.
    pub(super) last: Option<Drill>,
    /// The newest of this canary that passed.
    pub(super) good: Option<Drill>,
    /// Was Entra seen to refuse the canary a token then?
    pub(super) token: Option<TokenSeen>,
}

pub(super) fn judge(
    canary: Option<(ObjectId, Duration)>,
    read: Option<&Result<Read, crate::store::Error>>,
    now: Moment,
) -> Line {
    let Some((_, max_age)) = canary else {
        let said = "no canary is configured: that an agent can be stopped was never proved here";
        let fix = "Make an agent that does nothing, set drill: { canary: GUID }, run: estop drill";
        return Line::of(CHECK, State::Warn, said, fix);
    };
    let read = match read {
        Some(Ok(read)) => read,
        Some(Err(error)) => {
            return Line::of(
                CHECK,
                State::Unknown,
                error.to_string(),
                "Look at the store",
            );
        }
        None => {
            let said = "the store of a service was not opened here";
            let fix = "Run this where the service's store is";
            return Line::of(CHECK, State::Skipped, said, fix);
        }
    };
    if let Some(last) = &read.last
        && last.state != DrillState::Passed
    {
        let why = last.because.as_deref().unwrap_or("no reason is known");
        let said = format!("the last one {}: {why}", last.state);
        return Line::of(CHECK, State::Fail, said, "Mend it and run: estop drill");
    }
    let good = read.good.as_ref();
    let Some(ended) = good.and_then(|drill| drill.ended_at) else {
        let said = "no drill has passed yet";
        return Line::of(CHECK, State::Warn, said, "Run: estop drill");
    };
    let seconds: f64 = good
        .into_iter()
        .flat_map(Drill::legs)
        .map(|(_, span)| span.as_secs_f64())
        .sum();
    let token = read.token.as_ref().unwrap_or(&TokenSeen::NotLooked);
    let said = format!("passed {ended}, {seconds:.1} s end to end; token refused: {token}");
    if matches!(token, TokenSeen::Issued { .. }) {
        let fix =
            "Look: estop evidence show RUN. Disabling did not stop it: who else has heard of it?";
        return Line::of(CHECK, State::Fail, said, fix);
    }
    if now.since(ended) >= max_age {
        let said = format!("{said}; it may be {} old", Span(max_age));
        return Line::of(CHECK, State::Fail, said, "Run: estop drill");
    }
    Line::ok(CHECK, said)
}
