//! Reading back: two equal reads, a while apart, or it is not called closed.

use std::time::Duration;

use super::{Bench, Broken, READS_APART};
use crate::act::{self, Reading, read_back};
use crate::domain::containment::EntityEvent;
use crate::domain::entity::Entity;
use crate::domain::run::RunLease;

/// Longest pause between two reads.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What reading one entity back came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proof {
    /// Whose.
    pub(super) entity: Entity,
    /// Did two equal reads say it is closed?
    pub(super) closed: bool,
    /// The last read, for people.
    pub(super) evidence: String,
}

/// Reads until two reads at least [`READS_APART`] apart agree that no new token is given out, for
/// at most `within`. A read that says *open* proves nothing yet: replicas may answer old news.
pub(super) async fn prove(
    bench: &Bench,
    lease: RunLease,
    entity: Entity,
    within: Duration,
) -> Result<Proof, Broken> {
    let proof = read_twice(bench, lease, entity, within).await;
    let event = if proof.closed {
        EntityEvent::ReadClosed
    } else {
        EntityEvent::GaveUpReading
    };
    bench
        .store
        .entity_read(lease, entity, event, bench.clock.now())
        .await?;
    Ok(proof)
}

async fn read_twice(bench: &Bench, lease: RunLease, entity: Entity, within: Duration) -> Proof {
    let started = bench.clock.elapsed();
    let mut pause = READS_APART;
    let mut closed_before = false;
    loop {
        let (closed, evidence) = read_once(bench, lease, entity).await;
        if closed && closed_before {
            return Proof {
                entity,
                closed,
                evidence,
            };
        }
        let spent = bench.clock.elapsed().saturating_sub(started);
        if spent >= within {
            return Proof {
                entity,
                closed: false,
                evidence,
            };
        }
        closed_before = closed;
        bench.clock.sleep(pause).await;
        if !closed {
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

async fn read_once(bench: &Bench, lease: RunLease, entity: Entity) -> (bool, String) {
    let guards = bench.guards.load();
    let context = bench.context(&guards, lease.run);
    match read_back(&context, entity).await {
        Ok(reading) => (reading.is_closed(), reading.words().to_owned()),
        Err(act::Error::TryAgain { after, because }) => {
            bench.clock.sleep(after.min(PAUSE_MAX)).await;
            (false, because)
        }
        Err(error) => (false, error.to_string()),
    }
}

/// Reads until an entity that was put back reads open, or `within` has passed.
pub(super) async fn reads_open(
    bench: &Bench,
    lease: RunLease,
    entity: Entity,
    within: Duration,
) -> bool {
    let started = bench.clock.elapsed();
    let mut open_before = false;
    loop {
        let guards = bench.guards.load();
        let context = bench.context(&guards, lease.run);
        let reading = read_back(&context, entity).await;
        // Its own switch is what we wrote; a blueprint that blocks it is someone else's word.
        let open = matches!(reading, Ok(Reading::Open | Reading::BlockedByBlueprint));
        if open && open_before {
            return true;
        }
        if bench.clock.elapsed().saturating_sub(started) >= within {
            return false;
        }
        open_before = open;
        bench.clock.sleep(READS_APART).await;
    }
}
