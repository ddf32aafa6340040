//! Places at a worker's table. A run that gets one is begun in the transaction that makes it and is
//! handed on in memory; any other is due, and found by looking.

use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{BoxFuture, Either, join_all, select};
use futures_util::poll;

use crate::domain::guard::Guards;
use crate::domain::id::{DetectionId, RunId};
use crate::domain::inventory::{Certain, Known, certain};
use crate::domain::moment::Moment;
use crate::domain::playbook::Mode;
use crate::domain::run::Lane;
use crate::store::{AtOnce, Claimed, Made, Making, NewRun};

/// Gives a place in a lane, if one is free.
pub type Seats = Arc<dyn Fn(Lane) -> Option<Box<dyn Seat>> + Send + Sync>;

/// A place for one run. Dropping it unused leaves it to others.
pub trait Seat: Send {
    /// Whose it is, with what an early look will have read.
    fn at_once(&self) -> AtOnce;

    /// Begins to look at whom this run of a detection is about, where that may save time: it goes on
    /// for as long as it is polled. Whoever stores the run glimpses the answer, if there is one by then,
    /// else whoever is handed the run hears it.
    fn look_early(&mut self, run: &NewRun, of: DetectionId) -> Option<BoxFuture<'static, ()>>;

    /// Hands the run over.
    fn hand(self: Box<Self>, claimed: Claimed);
}

/// A run that nobody has begun, and who may work on it.
pub(super) type Due = (RunId, Lane);

/// The lane of a run, with the place it got there.
pub(super) type Seated = (Lane, Option<Box<dyn Seat>>);

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

/// Runs as they are to be stored, with their places in the same order.
pub(super) struct Seating {
    /// With each comes what of it may start unread.
    pub(super) runs: Vec<Making>,
    /// Who is handed them.
    pub(super) seats: Vec<Seated>,
    /// Looks at whom they are about.
    pub(super) looks: Vec<BoxFuture<'static, ()>>,
}

/// Each run gets a place, if one is free. Whoever is not certain is looked at.
pub(super) fn seated(
    give: &Seats,
    detection: DetectionId,
    wanted: impl Iterator<Item = (NewRun, Certainty)>,
) -> Seating {
    let (mut runs, mut seats, mut looks) = (Vec::new(), Vec::new(), Vec::new());
    for (run, certain) in wanted {
        let lane = Lane::of(run.mode);
        // What is asked about first is begun by nobody.
        let mut seat = match run.asks {
            Some(_) => None,
            None => give(lane),
        };
        if certain.is_empty() {
            looks.extend(
                seat.as_mut()
                    .and_then(|seat| seat.look_early(&run, detection)),
            );
        }
        let at_once = seat.as_ref().map(|seat| AtOnce {
            certain,
            ..seat.at_once()
        });
        runs.push(Making { run, at_once });
        seats.push((lane, seat));
    }
    Seating { runs, seats, looks }
}

/// Waits for `stored` alone, and looks meanwhile. The looks leave first: whoever stores may take the
/// processor from whoever asked it to. What a look asks is written by a task of its connection, which
/// gets its turn before that.
pub(super) async fn looking<T>(
    stored: impl Future<Output = T>,
    looks: Vec<BoxFuture<'static, ()>>,
) -> T {
    if looks.is_empty() {
        return stored.await;
    }
    let mut looks = pin!(join_all(looks));
    if poll!(&mut looks).is_pending() {
        tokio::task::yield_now().await;
    }
    match select(looks, pin!(stored)).await {
        Either::Left((_, stored)) => stored.await,
        Either::Right((stored, _)) => stored,
    }
}

/// Hands every run that was begun to whom it was begun for; answers the others.
pub(super) fn hand_over(made: Vec<Made>, seats: Vec<Seated>) -> Vec<Due> {
    let mut due = Vec::new();
    for (made, (lane, seat)) in made.into_iter().zip(seats) {
        match (made, seat) {
            (Made::Begun(claimed), Some(seat)) => seat.hand(*claimed),
            (Made::Begun(claimed), None) => due.push((claimed.run.id, lane)),
            (Made::Left(run), _) => due.push((run, lane)),
            (Made::Held { run, because }, _) => {
                tracing::warn!(run.id = %run, "{run} waits for a person: {because}");
            }
        }
    }
    due
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures_util::FutureExt as _;

    use super::looking;

    /// A connection writes what it is asked for in a task of its own.
    #[tokio::test]
    async fn what_a_look_asks_is_written_before_anything_is_stored() {
        let order = Arc::new(Mutex::new(Vec::new()));
        let done = |what| {
            let order = Arc::clone(&order);
            async move { order.lock().unwrap().push(what) }
        };
        let connection = done("written");
        #[expect(
            clippy::disallowed_methods,
            reason = "the test stands in for the client"
        )]
        let look = async move { tokio::spawn(connection).await.unwrap() };

        looking(done("stored"), vec![look.boxed()]).await;

        assert_eq!(*order.lock().unwrap(), ["written", "stored"]);
    }
}
