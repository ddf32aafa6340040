//! What follows from a detection: every entity weighed, every run made ready, every reason kept.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Triage;
use super::decide::{Echo, Weighing, decide};
use super::seat::{Due, Seated, Seating, certainty, hand_over, looking, seated};
use crate::catalog::Catalog;
use crate::domain::approval::ApprovalTerms;
use crate::domain::caps::Claimant;
use crate::domain::decision::{AskReason, Decision, Verdict};
use crate::domain::detection::{Detection, DetectionType, Sighting};
use crate::domain::entity::Entity;
use crate::domain::guard::PEOPLE_FOR_PROTECTED;
use crate::domain::id::{ApprovalId, DeliveryId, RunId};
use crate::domain::moment::Moment;
use crate::domain::plan::Plan;
use crate::domain::playbook::{Mode, Playbook, ServiceMode};
use crate::domain::source::SourceTerms;
use crate::store::{Error, Made, NewApproval, NewRun, Terms, Triaged};
use crate::telemetry::{Metrics, crash_point};

/// How long Entra may take to tell us what we told it.
const ECHO_WITHIN: Duration = Duration::from_secs(48 * 3600);

/// What binds a decision beside what was sent.
pub(super) struct Ground<'a> {
    pub(super) terms: &'a SourceTerms,
    pub(super) service: ServiceMode,
    pub(super) epoch: i64,
}

/// What follows from a delivery, ready to be stored, and who waits for it.
pub(super) struct Settled {
    pub(super) triaged: Triaged,
    /// Looks at whom its runs are about.
    pub(super) looks: Vec<BoxFuture<'static, ()>>,
    pub(super) after: After,
}

/// What is done once it is stored.
pub(super) struct After {
    triage: Triage,
    seats: Vec<Seated>,
    /// From detection to receipt, where the sender says when it detected.
    lag: Option<Duration>,
}

impl After {
    /// Hands every run that was begun to whom it was begun for; answers the others.
    pub(super) fn stored(self, made: Vec<Made>) -> Vec<Due> {
        let metrics = &self.triage.metrics;
        if let Some(lag) = self.lag {
            metrics.took("detected_to_received", lag);
        }
        let what = if made.is_empty() { "nothing" } else { "runs" };
        Metrics::count(&metrics.triaged, what);
        hand_over(made, self.seats)
    }
}

impl Triage {
    /// Stores what follows from a detection, and begins it.
    pub(super) async fn settle(
        &self,
        delivery: DeliveryId,
        detection: Detection,
        ground: &Ground<'_>,
    ) -> Result<Vec<Due>, Error> {
        let settled = self.settled(delivery, detection, ground).await?;
        let made = looking(self.store.triaged(settled.triaged), settled.looks).await?;
        Ok(settled.after.stored(made))
    }

    /// What follows from a detection.
    pub(super) async fn settled(
        &self,
        delivery: DeliveryId,
        mut detection: Detection,
        ground: &Ground<'_>,
    ) -> Result<Settled, Error> {
        let now = self.clock.now();
        let restraints = self.restraints.at(&self.store, ground.epoch, now).await?;
        let lines = self.add_background(&mut detection).await?;
        let catalog = self.catalog.load_full();
        let ways = catalog.reaches(&detection);
        let about = (&mut detection, lines.as_slice());
        self.add_reached(about, &ways).await?;
        let guards = self.guards.load_full();
        let mut decisions = Vec::with_capacity(detection.entities.len());
        for sighting in &detection.entities {
            let weighing = Weighing {
                catalog: &catalog,
                guards: &guards,
                restraints: &restraints,
                may: &ground.terms.may,
                tenant: self.tenant,
                service: ground.service,
                now,
                echo: self.echo(&detection, sighting, now).await?,
            };
            decisions.push(decide(&weighing, &detection, sighting));
        }
        crash_point("triage.decided");
        let by = (&*catalog, &ground.terms.may);
        let counts = self.counts(by, (&detection, &lines), &decisions).await?;
        let runs = decisions.iter().enumerate().filter_map(|(n, decision)| {
            let run = self.run_for(&catalog, &detection, decision)?;
            let line = lines.get(n).map_or(&[][..], Vec::as_slice);
            let certain = certainty(&run, line, (&guards, now));
            Some((run, certain))
        });
        let Seating { runs, seats, looks } = seated(&self.seats, detection.id, runs);
        let notices = self.notices(&detection, &decisions, now);
        let lag = detection
            .detected_at
            .map(|detected| detection.received_at.since(detected));
        let triaged = Triaged {
            delivery,
            at: now,
            detection,
            decisions,
            runs,
            notices,
            counts,
        };
        let triage = self.clone();
        Ok(Settled {
            triaged,
            looks,
            after: After { triage, seats, lag },
        })
    }

    async fn echo(
        &self,
        detection: &Detection,
        sighting: &Sighting,
        now: Moment,
    ) -> Result<Echo, Error> {
        if detection.detection_type.as_str() != DetectionType::ADMIN_CONFIRMED {
            return Ok(Echo::NotOurs);
        }
        let ours = self
            .store
            .confirmed_by_us(sighting.entity.id, now.minus(ECHO_WITHIN))
            .await?;
        Ok(if ours { Echo::Ours } else { Echo::NotOurs })
    }

    fn run_for(
        &self,
        catalog: &Catalog,
        detection: &Detection,
        decision: &Decision,
    ) -> Option<NewRun> {
        let (name, mode, asks) = match &decision.verdict {
            Verdict::StandDown { .. } => return None,
            Verdict::Respond { playbook } => (playbook, Mode::Enforce, None),
            Verdict::Provisional { playbook } => (playbook, Mode::Provisional, None),
            Verdict::Observe { playbook, .. } => (playbook, Mode::Observe, None),
            Verdict::AskFirst { playbook, because } => (playbook, Mode::Ask, Some(*because)),
        };
        let playbook = catalog.get(name)?;
        let requester = detection.called.as_ref();
        let requester = requester.and_then(|called| called.requester.clone());
        let asks = asks.map(|because| NewApproval {
            requester,
            ..self.asks(playbook, (decision.entity, because))
        });
        Some(NewRun {
            id: RunId::from_uuid(self.clock.uuid()),
            playbook: name.clone(),
            mode,
            plan: Plan::of(playbook, decision.entity),
            terms: Terms {
                reserved: Claimant::of(&detection.detection_type) == Claimant::Reserved,
                guardrail: playbook.guardrail,
                hold_for: playbook.hold.map(|hold| hold.span),
                hold_then: playbook.hold.map(|hold| hold.then),
                reassert_max: playbook.hold.and_then(|hold| hold.reassert_max),
                approval: playbook.approval.clone(),
                approved: None,
                notify: playbook.tells(mode),
            },
            asks,
        })
    }

    /// Whom the playbook asks, or any lead; about a protected entity, two of them at least.
    fn asks(&self, playbook: &Playbook, (entity, because): (Entity, AskReason)) -> NewApproval {
        let people = match because {
            AskReason::EntityIsProtected => PEOPLE_FOR_PROTECTED,
            AskReason::CapReached
            | AskReason::PlaybookAsks
            | AskReason::ClauseUnknown
            | AskReason::PlaybookDemoted
            | AskReason::ChangeExpected
            | AskReason::SourceMayOnlyAsk
            | AskReason::OnlyProposed
            | AskReason::RequesterMayOnlyAsk => 1,
        };
        let terms = playbook.approval.clone();
        NewApproval {
            id: ApprovalId::from_uuid(self.clock.uuid()),
            because: because.words(entity),
            terms: terms
                .unwrap_or_else(|| ApprovalTerms::any_lead(1))
                .of_at_least(people),
            requester: None,
            world: None,
        }
    }
}
