//! Reading back: two equal reads, a while apart, or it is not called closed.

use std::time::Duration;

use futures_util::future::join_all;

use super::{Bench, Broken, READS_APART, VERIFY_WITHIN};
use crate::act::{self, Reading, read_back};
use crate::domain::containment::EntityEvent;
use crate::domain::entity::Entity;
use crate::domain::playbook::Mode;
use crate::domain::run::RunLease;
use crate::domain::step::Outcome;
use crate::store::{Claimed, ReadBack, Verified};
use crate::telemetry::crash_point;

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

impl Proof {
    /// What it says of its entity.
    pub(super) fn event(&self) -> (Entity, EntityEvent) {
        let event = if self.closed {
            EntityEvent::ReadClosed
        } else {
            EntityEvent::GaveUpReading
        };
        (self.entity, event)
    }
}

/// Reads all of these back. Each of several is stored as soon as it is proved; what is left to be
/// stored comes with the proofs.
pub(super) async fn prove_all(
    bench: &Bench,
    claimed: &Claimed,
    entities: &[Entity],
) -> Result<(Vec<Proof>, ReadBack), Broken> {
    let lease = claimed.lease;
    let mut read_back = ReadBack::default();
    if let [only] = entities {
        let proof = prove(bench, lease, *only, VERIFY_WITHIN).await;
        read_back.entities.push(proof.event());
        return Ok((vec![proof], read_back));
    }
    let proofs = join_all(entities.iter().map(|entity| async {
        let proof = prove(bench, lease, *entity, VERIFY_WITHIN).await;
        let ((entity, event), at) = (proof.event(), bench.clock.now());
        bench.store.entity_read(lease, entity, event, at).await?;
        Ok::<_, Broken>(proof)
    }))
    .await;
    Ok((proofs.into_iter().collect::<Result<_, _>>()?, read_back))
}

/// How the step that verifies ends.
pub(super) fn verdict(mode: Mode, proofs: &[Proof]) -> (Outcome, String) {
    let closed = proofs.iter().filter(|proof| proof.closed).count();
    let outcome = match (mode, proofs.len()) {
        (Mode::Observe, _) => Outcome::Observed,
        (_, 0) => Outcome::Failed,
        (_, all) if all == closed => Outcome::Done,
        (_, _) => Outcome::Unknown,
    };
    let evidence = if outcome == Outcome::Observed {
        "nothing was touched".to_owned()
    } else {
        format!("{closed} of {} read back closed", proofs.len())
    };
    (outcome, evidence)
}

/// Called once the end of the step that verifies is stored.
pub(super) fn note_proof(bench: &Bench, claimed: &Claimed, verified: Option<&Verified>) {
    let Some((_, (outcome, _))) = verified else {
        return;
    };
    crash_point("run.verified");
    let first = claimed.run.contained_at.is_none();
    if *outcome == Outcome::Done && first && claimed.agreed() == 0 {
        let took = bench.clock.now().since(claimed.run.received_at);
        bench.metrics.took("received_to_contained", took);
    }
}

/// Reads until two reads at least [`READS_APART`] apart agree that no new token is given out, for
/// at most `within`. A read that says *open* proves nothing yet: replicas may answer old news.
async fn prove(bench: &Bench, lease: RunLease, entity: Entity, within: Duration) -> Proof {
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
        Err(act::Error::TryAgain { after, because, .. }) => {
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
