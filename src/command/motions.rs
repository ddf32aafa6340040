//! What takes two people: raising a cap, freezing the tenant, putting a freeze back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::contain::guarded;
use super::error::{Error, Sort};
use super::{Answer, Desk, may_respond, reasoned};
use crate::domain::approval::NoSay;
use crate::domain::caps::Caps;
use crate::domain::freeze::FreezeEvent;
use crate::domain::id::{FreezeId, MotionId};
use crate::domain::moment::Span;
use crate::domain::motion::{CAP_MAX, Motion, MotionKind, RAISE_MAX, RaisedCaps};
use crate::domain::order::{Operator, OrderKind};
use crate::store::{Asked, Saw, Taking};

/// A motion as a person is shown it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MotionShown {
    /// The motion.
    #[serde(flatten)]
    pub motion: Motion,
    /// What it does, in words.
    pub what: String,
    /// What a yes names.
    pub digest: String,
}

/// The caps as they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapsShown {
    /// What the configuration says.
    pub configured: Caps,
    /// May a blueprint be contained without a person where its playbook says so?
    pub automatic_blueprints: bool,
    /// What two people have raised them to, while that lasts.
    pub raised: Option<RaisedCaps>,
    /// What is in force now.
    pub in_force: Caps,
}

/// A person's word to raise the caps.
#[derive(Clone, Debug)]
pub struct ToRaise {
    /// Most entities in the tenant.
    pub tenant: Option<u32>,
    /// Most entities on one source's word.
    pub source: Option<u32>,
    /// Most of the fleet, in percent.
    pub fleet_percent: Option<u32>,
    /// For how long.
    pub lasts: Span,
    /// Why, in the person's words.
    pub reason: String,
    /// The same key asks for the same thing only once.
    pub idempotency_key: String,
}

/// A word on a motion that another person proposed.
#[derive(Clone, Debug)]
pub struct OnMotion {
    /// Which motion.
    pub motion: MotionId,
    /// Why, in the person's words; a yes may leave it out.
    pub reason: Option<String>,
    /// The same key asks for the same thing only once.
    pub idempotency_key: String,
}

impl Desk {
    /// The caps as configured, as raised, and as in force.
    pub async fn caps(&self) -> Answer<CapsShown> {
        let configured = self.tools.caps;
        let now = self.tools.clock.now();
        let raised = self.tools.store.raised_caps().await?;
        let raised = raised.filter(|raised| now < raised.until);
        Ok(CapsShown {
            configured,
            automatic_blueprints: configured.automatic_blueprints,
            raised,
            in_force: raised.map_or(configured, |raised| raised.over(configured, now)),
        })
    }

    /// Proposes higher caps for a time.
    pub async fn raise_caps(&self, operator: &Operator, word: ToRaise) -> Answer<Taking> {
        may_respond(operator)?;
        let reason = reasoned(&word.reason)?;
        let configured = self.tools.caps;
        let caps = RaisedCaps {
            tenant: word.tenant.unwrap_or(configured.tenant),
            source: word.source.unwrap_or(configured.source),
            fleet_percent: word.fleet_percent.unwrap_or(configured.fleet_percent),
            until: self.tools.clock.now().plus(word.lasts.0),
        };
        within_reason(&caps, word.lasts.0)?;
        let kind = OrderKind::Propose {
            motion: MotionKind::RaiseCaps { caps },
        };
        let said = (kind, reason, Some(word.idempotency_key));
        self.proposed(operator, said, Saw::default()).await
    }

    /// Ends raised caps before their time: one person is enough.
    pub async fn lower_caps(
        &self,
        operator: &Operator,
        (reason, key): (&str, String),
    ) -> Answer<Taking> {
        may_respond(operator)?;
        let reason = reasoned(reason)?;
        let said = (OrderKind::LowerCaps, reason, Some(key));
        self.taken(operator, said, Saw::default()).await
    }

    /// Proposes that everything a freeze contained is put back.
    pub async fn thaw(
        &self,
        operator: &Operator,
        (freeze, reason, key): (FreezeId, &str, String),
    ) -> Answer<Taking> {
        may_respond(operator)?;
        let reason = reasoned(reason)?;
        let state = self.freeze(freeze).await?.state;
        if state.after(FreezeEvent::ThawAsked).is_none() {
            return Err(Error::new(
                Sort::NotNow,
                "not-now",
                format!("{freeze} is {}", state.word()),
                "Look at where it stands: estop freeze show FREEZE",
            ));
        }
        let kind = OrderKind::Propose {
            motion: MotionKind::Thaw { freeze },
        };
        self.proposed(operator, (kind, reason, Some(key)), Saw::default())
            .await
    }

    /// One motion, with what a yes to it names.
    pub async fn motion(&self, id: MotionId) -> Answer<MotionShown> {
        let found = self.tools.store.motion(id).await?;
        let motion = found.ok_or_else(|| Error::missing(id))?;
        Ok(MotionShown {
            what: motion.kind.words(),
            digest: motion.digest(),
            motion,
        })
    }

    /// A second person agrees.
    pub async fn second(
        &self,
        operator: &Operator,
        (digest, word): (String, OnMotion),
    ) -> Answer<MotionShown> {
        let reason = reasoned(word.reason.as_deref().unwrap_or("seconded"))?;
        let kind = OrderKind::Second {
            motion: word.motion,
            digest: digest.clone(),
        };
        if self
            .repeated(operator, &kind, &word.idempotency_key)
            .await?
            .is_some()
        {
            return self.motion(word.motion).await;
        }
        let shown = self.open_motion(operator, word.motion).await?;
        if shown.digest != digest {
            return Err(super::contain::stale(Vec::new()));
        }
        // What is written to the tenant is bound by mode and brake; a cap is not.
        if !matches!(shown.motion.kind, MotionKind::RaiseCaps { .. })
            && let Some(stop) = self.standing_stop().await?
        {
            return Err(guarded(&stop));
        }
        let said = (kind, reason, Some(word.idempotency_key));
        self.taken(operator, said, Saw::default()).await?;
        self.motion(word.motion).await
    }

    /// Says no, which ends it.
    pub async fn deny_motion(&self, operator: &Operator, word: OnMotion) -> Answer<MotionShown> {
        let reason = reasoned(word.reason.as_deref().unwrap_or_default())?;
        let kind = OrderKind::DenyMotion {
            motion: word.motion,
        };
        if self
            .repeated(operator, &kind, &word.idempotency_key)
            .await?
            .is_some()
        {
            return self.motion(word.motion).await;
        }
        self.open_motion(operator, word.motion).await?;
        let said = (kind, reason, Some(word.idempotency_key));
        self.taken(operator, said, Saw::default()).await?;
        self.motion(word.motion).await
    }

    /// Only a person's own credential proposes: a token stands for nobody.
    pub(super) async fn proposed(
        &self,
        operator: &Operator,
        said: (OrderKind, String, Option<String>),
        saw: Saw,
    ) -> Answer<Taking> {
        if operator.person.is_none() {
            return Err(no_say(&NoSay::NotAPerson));
        }
        self.taken(operator, said, saw).await
    }

    async fn taken(
        &self,
        operator: &Operator,
        (kind, reason, idempotency_key): (OrderKind, String, Option<String>),
        saw: Saw,
    ) -> Answer<Taking> {
        let asked = Asked {
            order: self.order(operator, kind, reason),
            makes: None,
            idempotency_key,
            saw,
        };
        Ok(self.tools.store.take_order(asked).await?)
    }

    async fn open_motion(&self, operator: &Operator, id: MotionId) -> Answer<MotionShown> {
        let shown = self.motion(id).await?;
        shown.motion.seconder(operator).map_err(|no| no_say(&no))?;
        if shown.motion.is_over(self.tools.clock.now()) {
            let how = shown.motion.result.as_deref();
            return Err(Error::new(
                Sort::NotNow,
                "motion-over",
                how.unwrap_or("its time is over").to_owned(),
                "Propose it anew",
            ));
        }
        Ok(shown)
    }
}

fn within_reason(caps: &RaisedCaps, lasts: Duration) -> Answer<()> {
    let too_high = caps.tenant > CAP_MAX || caps.source > CAP_MAX || caps.fleet_percent > 100;
    if lasts.is_zero() || lasts > RAISE_MAX || too_high {
        return Err(Error::amend(
            "caps-out-of-range",
            format!("caps are raised to at most {CAP_MAX}, and for at most 24 hours"),
            "Raise them less, or freeze the tenant: estop freeze plan",
        ));
    }
    Ok(())
}

fn no_say(no: &NoSay) -> Error {
    let (code, fix) = match no {
        NoSay::NotAPerson => (
            "not-a-person",
            "Use a credential of your own: estop person add NAME --role lead --entra OBJECT_ID",
        ),
        NoSay::NotALead(_) | NoSay::OtherGroup(_) => ("role-missing", "Ask a lead"),
        NoSay::Requester => ("self-approval", "Ask someone else to second it"),
    };
    Error::new(Sort::NotAllowed, code, no.to_string(), fix)
}
