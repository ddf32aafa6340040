//! One delivery, from its bytes to a stored decision.

use std::time::Duration;

use super::Triage;
use super::decide::{Echo, Weighing, decide};
use super::look_up::LookedUp;
use super::seat::{Due, Seating, certainty, hand_over, looking, seated};
use crate::catalog::Catalog;
use crate::domain::approval::ApprovalTerms;
use crate::domain::caps::Claimant;
use crate::domain::decision::{AskReason, Decision, Verdict};
use crate::domain::delivery::{Delivery, DeliveryState};
use crate::domain::detection::{Detection, DetectionType, Sighting};
use crate::domain::entity::Entity;
use crate::domain::guard::PEOPLE_FOR_PROTECTED;
use crate::domain::id::{ApprovalId, DeliveryId, DetectionId, RunId};
use crate::domain::moment::Moment;
use crate::domain::plan::Plan;
use crate::domain::playbook::{Mode, Playbook, ServiceMode};
use crate::domain::reach::Caller;
use crate::domain::reading::{self, Reading};
use crate::domain::source::SourceTerms;
use crate::store::{Error, NewApproval, NewRun, Terms, Triaged};
use crate::telemetry::{Metrics, crash_point};

/// Readings that may die before the delivery is set aside.
const READINGS_MAX: u32 = 3;
/// How long Entra may take to tell us what we told it.
const ECHO_WITHIN: Duration = Duration::from_secs(48 * 3600);

/// How a delivery came to be read.
#[derive(Debug)]
pub(super) enum Found {
    /// Handed on by the door that stored it, as it was stored.
    Handed(Box<Delivery>),
    /// Named by the door that stored it.
    Hinted,
    /// Found unread: its first reader may have died of it.
    LeftBehind,
}

/// What binds a decision beside what was sent.
struct Ground<'a> {
    terms: &'a SourceTerms,
    service: ServiceMode,
    epoch: i64,
}

impl Triage {
    /// Reads one delivery and stores what follows. A delivery that was read before is left alone.
    pub(super) async fn read_one(&self, id: DeliveryId, found: Found) -> Result<Vec<Due>, Error> {
        let left_behind = matches!(found, Found::LeftBehind);
        let to_read = match found {
            Found::Handed(delivery) => Some(self.store.handed_to_read(*delivery).await?),
            Found::Hinted | Found::LeftBehind => self.store.delivery_to_read(id).await?,
        };
        let Some(found_there) = to_read else {
            return Ok(Vec::new());
        };
        let (delivery, mode) = (found_there.delivery, found_there.mode);
        if delivery.state != DeliveryState::Received {
            return Ok(Vec::new());
        }
        // Until we know who we are nothing can be decided; the delivery stays unread.
        if self.guards.load().blindness().is_some() {
            return Ok(Vec::new());
        }
        let service = mode.unwrap_or(ServiceMode::Observe);
        if service == ServiceMode::Off {
            return Ok(Vec::new());
        }
        // Counted only where it is really read: one that merely waits has killed nobody.
        if left_behind && self.store.count_reading(id).await? > READINGS_MAX {
            let why = format!("reading it was begun {READINGS_MAX} times and never ended");
            return self.set_aside(id, why).await;
        }
        let caller = Caller::of(&delivery.source);
        let ours = caller.map(|_| SourceTerms::ours());
        let terms = ours.as_ref().or_else(|| self.sources.get(&delivery.source));
        let Some(terms) = terms else {
            let why = format!("the source {} is no longer configured", delivery.source);
            return self.set_aside(id, why).await;
        };
        let _span = self.traces.triage(id.uuid());
        let context = self.context(&delivery, terms);
        let read = match caller {
            Some(_) => reading::read_ours(&delivery.body, &context),
            None => reading::read(terms.reader, &delivery.body, &context),
        };
        crash_point("triage.read");
        let ground = Ground {
            terms,
            service,
            epoch: found_there.epoch,
        };
        match read {
            Ok(Reading::Incomplete(incomplete)) => {
                match self.look_up(id, &incomplete, &context).await {
                    LookedUp::Read(reading) => self.follow(id, Ok(reading), &ground).await,
                    LookedUp::Nobody(what) => self.set_aside(id, what).await,
                    LookedUp::Later => {
                        // It waited, and broke nobody.
                        self.store.forget_readings(id).await?;
                        Ok(Vec::new())
                    }
                }
            }
            read => self.follow(id, read, &ground).await,
        }
    }

    /// Stores what follows from a reading.
    async fn follow(
        &self,
        id: DeliveryId,
        read: Result<Reading, reading::NotUnderstood>,
        ground: &Ground<'_>,
    ) -> Result<Vec<Due>, Error> {
        match read {
            Err(not_understood) => self.set_aside(id, not_understood.what).await,
            Ok(Reading::Nothing { why }) => {
                Metrics::count(&self.metrics.triaged, "ignored");
                self.store.ignore(id, why, self.clock.now()).await?;
                Ok(Vec::new())
            }
            Ok(Reading::Incomplete(incomplete)) => self.set_aside(id, incomplete.why.what).await,
            Ok(Reading::Detection(detection)) => self.settle(id, *detection, ground).await,
        }
    }

    fn context(&self, delivery: &Delivery, terms: &SourceTerms) -> reading::Context {
        reading::Context {
            tenant: self.tenant,
            types: terms.types.clone(),
            mapping: terms.mapping.clone(),
            source: delivery.source.clone(),
            id: DetectionId::from(delivery.id),
            received_at: delivery.received_at,
        }
    }

    async fn set_aside(&self, id: DeliveryId, why: String) -> Result<Vec<Due>, Error> {
        Metrics::count(&self.metrics.triaged, "quarantined");
        tracing::warn!(delivery.id = %id, "{id} is quarantined: {why}");
        self.store.quarantine(id, why, self.clock.now()).await?;
        Ok(Vec::new())
    }

    async fn settle(
        &self,
        delivery: DeliveryId,
        mut detection: Detection,
        ground: &Ground<'_>,
    ) -> Result<Vec<Due>, Error> {
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
        if let Some(detected) = detection.detected_at {
            self.metrics.took(
                "detected_to_received",
                detection.received_at.since(detected),
            );
        }
        let triaged = Triaged {
            delivery,
            at: now,
            detection,
            decisions,
            runs,
            notices,
            counts,
        };
        let runs = looking(self.store.triaged(triaged), looks).await?;
        Metrics::count(
            &self.metrics.triaged,
            if runs.is_empty() { "nothing" } else { "runs" },
        );
        Ok(hand_over(runs, seats))
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
