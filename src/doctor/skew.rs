//! Does our clock agree with Graph's?

use std::time::Duration;

use super::report::{Line, State};
use crate::domain::moment::Moment;

const CHECK: &str = "clock";
/// `Date` has whole seconds, and the answer took a moment.
const FINE: Duration = Duration::from_secs(5);
/// Deliveries older than five minutes are refused, so this is where it hurts soon.
const MOST: Duration = Duration::from_secs(60);

pub(super) fn judge(theirs: Option<Moment>, ours: Moment) -> Line {
    let Some(theirs) = theirs else {
        let said = "Graph did not say what time it is";
        return Line::of(
            CHECK,
            State::Unknown,
            said,
            "Look whether Graph can be reached",
        );
    };
    let apart = ours.since(theirs).max(theirs.since(ours));
    let seconds = apart.as_secs();
    if apart <= FINE {
        return Line::ok(CHECK, format!("within {} s of Graph's", FINE.as_secs()));
    }
    let said = format!("{seconds} s from Graph's");
    let state = if apart <= MOST {
        State::Warn
    } else {
        State::Fail
    };
    let fix = "Let this machine keep its time by NTP: signatures are refused after five minutes";
    Line::of(CHECK, state, said, fix)
}
