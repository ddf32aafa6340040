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
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{CapReached, CapUse, Caps, Claimant};
    use crate::domain::detection::DetectionType;
    use crate::domain::moment::Span;

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
    fn e17_the_reserve_is_for_threat_intelligence_and_a_persons_confirmation() {
        let claimant = |word| Claimant::of(&DetectionType::new(word).unwrap());

        for rarely_wrong in ["threatIntelligenceAccount", DetectionType::ADMIN_CONFIRMED] {
            assert_eq!(claimant(rarely_wrong), Claimant::Reserved);
        }
        for other in [
            "signInSpike",
            "threatintelligenceaccount",
            DetectionType::HEARTBEAT,
        ] {
            assert_eq!(claimant(other), Claimant::Ordinary);
        }
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

    /// One ask for one more entity.
    #[derive(Clone, Copy, Debug)]
    struct Ask {
        at: u64,
        source: usize,
        reserved: bool,
    }

    fn asks() -> impl Strategy<Value = Vec<Ask>> {
        let ask = (0..120_u64, 0..3_usize, proptest::bool::weighted(0.2));
        proptest::collection::vec(ask, 0..120).prop_map(|steps| {
            let mut at = 0;
            let ask = |(step, source, reserved)| {
                at += step;
                Ask {
                    at,
                    source,
                    reserved,
                }
            };
            steps.into_iter().map(ask).collect()
        })
    }

    fn caps() -> impl Strategy<Value = Caps> {
        (0..8_u32, 0..8_u32, 1..600_u64, 0..=100_u32, 0..4_u32).prop_map(
            |(tenant, source, window, fleet_percent, reserve)| Caps {
                tenant,
                source,
                window: Span(Duration::from_secs(window)),
                fleet_percent,
                reserve,
                automatic_blueprints: false,
            },
        )
    }

    /// Those of the admitted that lie in the window that ends at `at`.
    fn within(admitted: &[Ask], caps: Caps, at: u64) -> impl Iterator<Item = &Ask> {
        let window = caps.window.0.as_secs();
        admitted.iter().filter(move |it| it.at + window > at)
    }

    fn used(admitted: &[Ask], caps: Caps, ask: Ask, fleet: Option<u32>) -> CapUse {
        let count = |n: usize| u32::try_from(n).unwrap();
        let of_source = within(admitted, caps, ask.at).filter(|it| it.source == ask.source);
        CapUse {
            tenant: count(within(admitted, caps, ask.at).count()),
            source: count(of_source.count()),
            fleet,
            ..CapUse::default()
        }
    }

    fn admitted(caps: Caps, asks: &[Ask], fleet: Option<u32>) -> Vec<Ask> {
        let mut admitted: Vec<Ask> = Vec::new();
        for ask in asks {
            let claimant = match ask.reserved {
                true => Claimant::Reserved,
                false => Claimant::Ordinary,
            };
            if caps
                .allow(used(&admitted, caps, *ask, fleet), claimant, None)
                .is_ok()
            {
                admitted.push(*ask);
            }
        }
        admitted
    }

    proptest! {
        /// Whoever asks, in whatever order and at whatever times: no window holds more than the cap,
        /// and more than it only for those who may use the reserve.
        #[test]
        fn e17_no_window_holds_more_than_a_cap(
            caps in caps(), asks in asks(), fleet in proptest::option::of(0..200_u32),
        ) {
            let admitted = admitted(caps, &asks, fleet);
            let share = fleet.map_or(u32::MAX, |fleet| (fleet * caps.fleet_percent / 100).max(3));
            let most = caps.tenant.min(share);
            for last in &admitted {
                let upto = admitted.iter().filter(|it| it.at <= last.at).copied().collect::<Vec<_>>();
                let all = within(&upto, caps, last.at).count();
                let ordinary = within(&upto, caps, last.at).filter(|it| !it.reserved).count();
                let source = within(&upto, caps, last.at).filter(|it| it.source == last.source).count();
                prop_assert!(all <= (most + caps.reserve) as usize, "{all} of {most}");
                prop_assert!(ordinary <= most as usize, "{ordinary} of {most}");
                prop_assert!(source <= (caps.source + caps.reserve) as usize);
            }
        }

        /// However many decoys come, the reserve is there for the real one.
        #[test]
        fn e17_no_order_of_decoys_uses_the_reserve(caps in caps(), asks in asks()) {
            let decoys: Vec<Ask> = asks.iter().map(|ask| Ask { reserved: false, ..*ask }).collect();
            let mut admitted = admitted(caps, &decoys, None);
            let at = decoys.last().map_or(0, |it| it.at);
            for nth in 0..caps.reserve {
                let real = Ask { at, source: 0, reserved: true };
                let used = used(&admitted, caps, real, None);
                prop_assert_eq!(caps.allow(used, Claimant::Reserved, None), Ok(()), "{}", nth);
                admitted.push(real);
            }
        }

        /// A larger cap refuses nothing that a smaller one takes.
        #[test]
        fn a_larger_cap_is_never_stricter(
            caps in caps(), tenant in 0..10_u32, source in 0..10_u32, more in 0..5_u32, reserved: bool,
        ) {
            let claimant = if reserved { Claimant::Reserved } else { Claimant::Ordinary };
            let used = CapUse { tenant, source, ..CapUse::default() };
            let wider = Caps { tenant: caps.tenant + more, source: caps.source + more, ..caps };
            if caps.allow(used, claimant, None).is_ok() {
                prop_assert_eq!(wider.allow(used, claimant, None), Ok(()));
            }
        }
    }
}
