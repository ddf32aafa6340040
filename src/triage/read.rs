//! One delivery, from its bytes to a stored decision.

use super::Triage;
use super::look_up::LookedUp;
use super::seat::Due;
use super::settle::Ground;
use crate::domain::delivery::{Delivery, DeliveryState};
use crate::domain::id::{DeliveryId, DetectionId};
use crate::domain::playbook::ServiceMode;
use crate::domain::reach::Caller;
use crate::domain::reading::{self, Reading};
use crate::domain::source::SourceTerms;
use crate::store::Error;
use crate::telemetry::{Metrics, crash_point};

/// Readings that may die before the delivery is set aside. The first, by the door's hint, is not counted
/// where it stands.
const READINGS_MAX: u32 = 3;

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
        let Some(service) = self.decides(mode) else {
            return Ok(Vec::new());
        };
        // Counted only where it is really read: one that merely waits has killed nobody.
        if left_behind && self.store.count_reading(id).await? >= READINGS_MAX {
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

    /// How far the service goes, if it decides now; if not, a delivery stays unread.
    pub(super) fn decides(&self, mode: Option<ServiceMode>) -> Option<ServiceMode> {
        let service = mode.unwrap_or(ServiceMode::Observe);
        (!self.is_blind() && service != ServiceMode::Off).then_some(service)
    }

    /// Until we know who we are nothing can be decided.
    pub(super) fn is_blind(&self) -> bool {
        self.guards.load().blindness().is_some()
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

    pub(super) fn context(&self, delivery: &Delivery, terms: &SourceTerms) -> reading::Context {
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
}
