//! Places at a worker's table. A run that gets one is begun in the transaction that makes it and is
//! handed on in memory; any other is due, and found by looking.

use std::sync::Arc;

use crate::domain::guard::Guards;
use crate::domain::id::RunId;
use crate::domain::inventory::{Certain, Known, certain};
use crate::domain::moment::Moment;
use crate::domain::playbook::Mode;
use crate::domain::run::Lane;
use crate::store::{AtOnce, Claimed, Made, Making, NewRun};

/// Gives a place in a lane, if one is free.
pub type Seats = Arc<dyn Fn(Lane) -> Option<Seat> + Send + Sync>;

/// A place for one run. Dropping it unused leaves it to others.
pub struct Seat {
    /// Whose it is.
    pub at_once: AtOnce,
    /// Hands the run over.
    pub hand: Box<dyn FnOnce(Claimed) + Send>,
}

/// A run that nobody has begun, and who may work on it.
pub(super) type Due = (RunId, Lane);

/// The lane of a run, with the place it got there.
pub(super) type Seated = (Lane, Option<Seat>);

/// Steps of a run whose entity is certain, by their position.
pub(super) type Certainty = Vec<(u16, Certain)>;

/// Which steps of this run may start unread, as the inventory knows what its entity hangs from.
pub(super) fn certainty(run: &NewRun, line: &[Known], judges: (&Guards, Moment)) -> Certainty {
    if run.mode == Mode::Observe {
        return Vec::new();
    }
    let steps = (0..).zip(&run.plan.steps);
    let certain = steps.filter_map(|(n, step)| Some((n, certain(step, line, judges)?)));
    certain.collect()
}

/// Each run with the place it gets, and the places in the same order. With each comes what of it may
/// start unread.
pub(super) fn seated(
    seats: &Seats,
    runs: impl Iterator<Item = (NewRun, Certainty)>,
) -> (Vec<Making>, Vec<Seated>) {
    let one = |(run, certain): (NewRun, Certainty)| {
        let lane = Lane::of(run.mode);
        // What is asked about first is begun by nobody.
        let seat = match run.asks {
            Some(_) => None,
            None => seats(lane),
        };
        let at_once = seat.as_ref().map(|seat| AtOnce {
            certain,
            ..seat.at_once.clone()
        });
        (Making { run, at_once }, (lane, seat))
    };
    runs.map(one).unzip()
}

/// Hands every run that was begun to whom it was begun for; answers the others.
pub(super) fn hand_over(made: Vec<Made>, seats: Vec<Seated>) -> Vec<Due> {
    let mut due = Vec::new();
    for (made, (lane, seat)) in made.into_iter().zip(seats) {
        match (made, seat) {
            (Made::Begun(claimed), Some(seat)) => (seat.hand)(*claimed),
            (Made::Begun(claimed), None) => due.push((claimed.run.id, lane)),
            (Made::Left(run), _) => due.push((run, lane)),
            (Made::Held { run, because }, _) => {
                tracing::warn!(run.id = %run, "{run} waits for a person: {because}");
            }
        }
    }
    due
}
