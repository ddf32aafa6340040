//! A refusal, or a word to come later, speaks for the one write it answers. What lies on the way may
//! have carried that write twice, and of several switches one may have been turned before the next
//! was refused.

use std::time::Duration;

use futures_util::future::join_all;

use super::{Bench, READS_APART};
use crate::act::{Context, Ended, Reading, read_back};
use crate::domain::entity::Entity;
use crate::domain::guard::Guards;
use crate::domain::step::{Before, Outcome, Step, Switch};
use crate::store::Claimed;

/// How often a switch is read whose write was refused: one replica may answer old news.
const READS: u32 = 2;

/// How often a read that fails is made: what it does not say is known from nobody else.
const TRIES: u32 = 4;
const TRIES_APART: Duration = Duration::from_millis(100);

/// How long the read may take after a write was told to come later.
const READ_WITHIN: Duration = Duration::from_secs(2);

/// The end of a step, read once more if it was refused: what reads closed, and was not known to be
/// so before, may be our doing. Then nobody knows (law 7), and it is held and read back as such.
pub(super) async fn unless_closed(
    bench: &Bench,
    claimed: &Claimed,
    step: &Step,
    (outcome, evidence): Ended,
) -> Ended {
    if outcome != Outcome::Refused {
        return (outcome, evidence);
    }
    match turned_off(bench, claimed, step, READS).await {
        None => (outcome, evidence),
        Some(entity) => {
            let and_yet = format!("{evidence}; and yet {entity} reads closed");
            (Outcome::Unknown, and_yet)
        }
    }
}

/// Does it read closed at once after its write was told to come later? What closes it during the
/// pause is somebody else's doing; what closed it before may be ours. A read that says nothing in
/// time leaves it to them.
pub(super) async fn reads_closed_already(bench: &Bench, claimed: &Claimed, step: &Step) -> bool {
    let reading = turned_off(bench, claimed, step, 1);
    let read = bench.clock.within(READ_WITHIN, reading).await;
    read.is_ok_and(|closed| closed.is_some())
}

/// What this step would have closed, was open before it, and reads closed now.
async fn turned_off(bench: &Bench, claimed: &Claimed, step: &Step, reads: u32) -> Option<Entity> {
    let guards = bench.guards.load();
    let about = (&**guards, claimed);
    let turned = was_open(step).into_iter();
    let closed = join_all(turned.map(|entity| reads_closed(bench, about, entity, reads)));
    closed.await.into_iter().flatten().next()
}

/// What this step would have closed, but for what was closed before.
fn was_open(step: &Step) -> Vec<Entity> {
    let mut entities = step.closes();
    if let Some(Before::Switches { switches }) = &step.before {
        let was_closed = |switch: &&Switch| !switch.account_enabled;
        for switch in switches.iter().filter(was_closed) {
            entities.retain(|entity| entity.id != switch.id);
        }
    }
    entities
}

/// The entity, if its own switch reads off. A read that keeps failing says nothing.
async fn reads_closed(
    bench: &Bench,
    (guards, claimed): (&Guards, &Claimed),
    entity: Entity,
    reads: u32,
) -> Option<Entity> {
    let context = bench.context(guards, claimed.run.id);
    for read in 1..=reads {
        if read_at_last(bench, &context, entity).await == Some(Reading::Closed) {
            return Some(entity);
        }
        if read < reads {
            bench.clock.sleep(READS_APART).await;
        }
    }
    None
}

async fn read_at_last(bench: &Bench, context: &Context<'_>, entity: Entity) -> Option<Reading> {
    for left in (0..TRIES).rev() {
        if let Ok(reading) = read_back(context, entity).await {
            return Some(reading);
        }
        if left > 0 {
            bench.clock.sleep(TRIES_APART).await;
        }
    }
    None
}
