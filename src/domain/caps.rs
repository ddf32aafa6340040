//! How many entities may be contained without a person, counted over all replicas.
//!
//! A poisoned rule or a stolen signing key must not become an outage: above a cap nothing is
//! dropped, and everything waits for a person (threat E17).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::detection::DetectionType;
use super::moment::Span;
use super::playbook::Guardrail;

/// So many are allowed however small the fleet is (design §8).
const FLEET_MIN: u32 = 3;

/// The service's own limits. A playbook's guardrail may only be tighter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Caps {
    /// Most entities contained in the tenant within the window.
    pub tenant: u32,
    /// Most entities contained on one source's word within the window.
    pub source: u32,
    /// The window.
    pub window: Span,
    /// Most of the fleet, in percent. Counts once an inventory knows how large the fleet is.
    pub fleet_percent: u32,
    /// Kept on top of the tenant's cap for detections that are rarely wrong, so that decoys cannot
    /// shut out the real one.
    pub reserve: u32,
    /// May a blueprint be contained without a person where its playbook says so? Set beside the
    /// caps, as `automatic_blueprints`.
    #[serde(skip)]
    pub automatic_blueprints: bool,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            tenant: 5,
            source: 5,
            window: Span(Duration::from_secs(600)),
            fleet_percent: 5,
            reserve: 2,
            automatic_blueprints: false,
        }
    }
}

/// How much of the caps is used, counted in the transaction that would use more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapUse {
    /// Entities contained in the tenant within the service's window.
    pub tenant: u32,
    /// Those on this source's word.
    pub source: u32,
    /// Those by this playbook, within its own window.
    pub playbook: u32,
    /// Where the entity is a blueprint: how many this playbook contained within its own window.
    pub blueprints: Option<u32>,
    /// How many agents were enabled when the inventory last counted; `None` before it has.
    pub fleet: Option<u32>,
}

/// Who asks for one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimant {
    /// Any other detection.
    Ordinary,
    /// Threat intelligence, or a person's own confirmation: may use the reserve.
    Reserved,
}

impl Claimant {
    /// Which detections may use the reserve (design §8).
    pub fn of(detection_type: &DetectionType) -> Self {
        match detection_type.as_str() {
            "threatIntelligenceAccount" | DetectionType::ADMIN_CONFIRMED => Self::Reserved,
            _ => Self::Ordinary,
        }
    }
}

/// Which limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CapReached {
    /// The tenant's.
    #[error("the cap of {max} contained entities in the tenant within {window} is reached")]
    Tenant {
        /// How many.
        max: u32,
        /// Within what.
        window: Span,
    },
    /// The source's.
    #[error("the cap of {max} contained entities for this source within {window} is reached")]
    Source {
        /// How many.
        max: u32,
        /// Within what.
        window: Span,
    },
    /// The share of the fleet.
    #[error("the cap of {percent} % of {fleet} enabled agents, {max} within {window}, is reached")]
    Fleet {
        /// How many that is.
        max: u32,
        /// The share.
        percent: u32,
        /// Of how many.
        fleet: u32,
        /// Within what.
        window: Span,
    },
    /// No blueprint is contained without a person here.
    #[error(
        "a blueprint is the switch of all its agents, and `automatic_blueprints` is off: a person \
         must release it"
    )]
    BlueprintsOff,
    /// Its playbook does not say that one may be.
    #[error(
        "a blueprint is the switch of all its agents, and its playbook has no `blueprints_max`: a \
         person must release it"
    )]
    BlueprintsUnsaid,
    /// The playbook's guardrail for blueprints.
    #[error("the playbook's guardrail of {max} blueprints within {window} is reached")]
    Blueprints {
        /// How many.
        max: u32,
        /// Within what.
        window: Span,
    },
    /// The playbook's guardrail.
    #[error("the playbook's guardrail of {max} entities within {window} is reached")]
    Playbook {
        /// How many.
        max: u32,
        /// Within what.
        window: Span,
    },
}

impl Caps {
    /// May one more entity be contained without a person?
    pub fn allow(
        &self,
        used: CapUse,
        claimant: Claimant,
        guardrail: Option<Guardrail>,
    ) -> Result<(), CapReached> {
        if let Some(blueprints) = used.blueprints {
            self.allow_blueprint(blueprints, guardrail)?;
        }
        if let Some(Guardrail {
            entities_max,
            window,
            ..
        }) = guardrail
            && used.playbook >= entities_max
        {
            return Err(CapReached::Playbook {
                max: entities_max,
                window,
            });
        }
        let reserve = match claimant {
            Claimant::Ordinary => 0,
            Claimant::Reserved => self.reserve,
        };
        let tenant = self.tenant.saturating_add(reserve);
        if used.tenant >= tenant {
            return Err(CapReached::Tenant {
                max: tenant,
                window: self.window,
            });
        }
        let source = self.source.saturating_add(reserve);
        if used.source >= source {
            return Err(CapReached::Source {
                max: source,
                window: self.window,
            });
        }
        self.allow_of_fleet(used, reserve)
    }

    /// Only where the deployment and the playbook both say so (design §8).
    fn allow_blueprint(&self, used: u32, guardrail: Option<Guardrail>) -> Result<(), CapReached> {
        if !self.automatic_blueprints {
            return Err(CapReached::BlueprintsOff);
        }
        let said = guardrail.and_then(|it| it.blueprints_max.map(|max| (max, it.window)));
        match said {
            None => Err(CapReached::BlueprintsUnsaid),
            Some((max, window)) if used >= max => Err(CapReached::Blueprints { max, window }),
            Some(_) => Ok(()),
        }
    }

    /// A share of a small fleet would be nobody, so a few are always allowed.
    fn allow_of_fleet(&self, used: CapUse, reserve: u32) -> Result<(), CapReached> {
        let Some(fleet) = used.fleet else {
            return Ok(());
        };
        let share = u64::from(fleet) * u64::from(self.fleet_percent) / 100;
        let share = u32::try_from(share).unwrap_or(u32::MAX).max(FLEET_MIN);
        let max = share.saturating_add(reserve);
        if used.tenant < max {
            return Ok(());
        }
        Err(CapReached::Fleet {
            max,
            percent: self.fleet_percent,
            fleet,
            window: self.window,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{CapReached, CapUse, Caps, Claimant};

    #[test]
    fn e17_the_sixth_ordinary_entity_waits_for_a_person() {
        let caps = Caps::default();
        let used = CapUse {
            tenant: 5,
            source: 5,
            playbook: 5,
            blueprints: None,
            fleet: None,
        };

        let ordinary = caps.allow(used, Claimant::Ordinary, None);
        let reserved = caps.allow(used, Claimant::Reserved, None);

        assert!(matches!(ordinary, Err(CapReached::Tenant { max: 5, .. })));
        assert_eq!(reserved, Ok(()));
    }

    #[test]
    fn e17_a_share_of_the_fleet_is_a_cap_of_its_own_and_never_below_three() {
        let caps = Caps {
            tenant: 1000,
            source: 1000,
            ..Caps::default()
        };
        let used = |tenant, fleet| CapUse {
            tenant,
            fleet,
            ..CapUse::default()
        };
        let allow = |used| caps.allow(used, Claimant::Ordinary, None);

        assert_eq!(allow(used(2, Some(10))), Ok(()));
        assert!(matches!(
            allow(used(3, Some(10))),
            Err(CapReached::Fleet { max: 3, .. })
        ));
        assert_eq!(allow(used(49, Some(1000))), Ok(()));
        assert!(allow(used(50, Some(1000))).is_err());
        assert_eq!(allow(used(900, None)), Ok(()));
    }

    #[test]
    fn a_blueprint_needs_the_word_of_the_deployment_and_of_its_playbook() {
        use super::super::moment::Span;
        use super::super::playbook::Guardrail;
        let window = Span(std::time::Duration::from_secs(600));
        let rail = |blueprints_max| {
            Some(Guardrail {
                entities_max: 5,
                blueprints_max,
                window,
            })
        };
        let used = |blueprints| CapUse {
            blueprints: Some(blueprints),
            ..CapUse::default()
        };
        let (off, on) = (Caps::default(), Caps::default());
        let on = Caps {
            automatic_blueprints: true,
            ..on
        };
        let reserved = Claimant::Reserved;

        assert_eq!(
            off.allow(used(0), reserved, rail(Some(1))),
            Err(CapReached::BlueprintsOff)
        );
        for unsaid in [None, rail(None)] {
            assert_eq!(
                on.allow(used(0), reserved, unsaid),
                Err(CapReached::BlueprintsUnsaid)
            );
        }
        assert_eq!(on.allow(used(0), reserved, rail(Some(1))), Ok(()));
        assert_eq!(
            on.allow(used(1), reserved, rail(Some(1))),
            Err(CapReached::Blueprints { max: 1, window })
        );
    }

    #[test]
    fn e17_the_reserve_ends_too() {
        let used = CapUse {
            tenant: 7,
            source: 0,
            playbook: 0,
            blueprints: None,
            fleet: None,
        };

        assert!(
            Caps::default()
                .allow(used, Claimant::Reserved, None)
                .is_err()
        );
    }
}
