//! What takes two people: one proposes it, another seconds it, or it ends undone.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::approval::{NoSay, Requester};
use super::caps::Caps;
use super::id::{FreezeId, MotionId};
use super::moment::Moment;
use super::order::Operator;
use super::person::{Person, Role};

/// How long a motion may be seconded.
pub const MOTION_LIFE: Duration = Duration::from_secs(3600);
/// Longest time caps stay raised.
pub const RAISE_MAX: Duration = Duration::from_secs(24 * 3600);
/// Highest cap that two people may agree on.
pub const CAP_MAX: u32 = 10_000;

/// Caps as two people have raised them, for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaisedCaps {
    /// Most entities contained in the tenant within the window.
    pub tenant: u32,
    /// Most entities contained on one source's word within the window.
    pub source: u32,
    /// Most of the fleet, in percent.
    pub fleet_percent: u32,
    /// Until when.
    pub until: Moment,
}

impl RaisedCaps {
    /// The caps in force at a moment: what is raised never lowers what is configured.
    pub fn over(self, caps: Caps, now: Moment) -> Caps {
        if now >= self.until {
            return caps;
        }
        Caps {
            tenant: caps.tenant.max(self.tenant),
            source: caps.source.max(self.source),
            fleet_percent: caps.fleet_percent.max(self.fleet_percent),
            ..caps
        }
    }
}

/// What is proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "motion", rename_all = "snake_case")]
pub enum MotionKind {
    /// Raise the caps for a time.
    RaiseCaps {
        /// To what.
        caps: RaisedCaps,
    },
    /// Contain every agent but the protected.
    Freeze {
        /// The digest of the list that was shown.
        plan_digest: String,
        /// How many agents it names.
        agents: u32,
    },
    /// Put back everything that a freeze contained.
    Thaw {
        /// Which freeze.
        freeze: FreezeId,
    },
}

impl MotionKind {
    /// What it does, in words.
    pub fn words(&self) -> String {
        match self {
            Self::RaiseCaps { caps } => format!(
                "raise the caps to {} in the tenant, {} a source, {} % of the fleet until {}",
                caps.tenant, caps.source, caps.fleet_percent, caps.until
            ),
            Self::Freeze { agents, .. } => format!("contain {agents} agents, the whole tenant"),
            Self::Thaw { freeze } => format!("put back everything that {freeze} contained"),
        }
    }
}

/// Where a motion stands. It moves once, away from `proposed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MotionState {
    /// It waits for a second person.
    Proposed,
    /// A second person agreed, and it is in force.
    Carried,
    /// Someone said no.
    Denied,
    /// Nobody seconded it in time.
    Expired,
}

impl MotionState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Proposed, Self::Carried, Self::Denied, Self::Expired];

    /// The word for it in JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Carried => "carried",
            Self::Denied => "denied",
            Self::Expired => "expired",
        }
    }

    /// The state a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl fmt::Display for MotionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One motion, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Motion {
    /// Its name; it shares its letters with the order that proposed it.
    pub id: MotionId,
    /// What is proposed.
    #[serde(flatten)]
    pub kind: MotionKind,
    /// Where it stands.
    pub state: MotionState,
    /// Why it is proposed, in the person's words.
    pub reason: String,
    /// Who proposed it, and so may not second it.
    pub by: Requester,
    /// Since when.
    pub at: Moment,
    /// Until when it may be seconded.
    pub expires_at: Moment,
    /// How it ended.
    pub result: Option<String>,
    /// When.
    pub decided_at: Option<Moment>,
}

impl Motion {
    /// What a yes binds to: SHA-256, in hex, over what is proposed and its name.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!(
            "estop-motion-1\n{}\n{}",
            self.id,
            self.kind.words()
        ));
        if let MotionKind::Freeze { plan_digest, .. } = &self.kind {
            hash.update(format!("\n{plan_digest}"));
        }
        hex::encode(hash.finalize())
    }

    /// The person behind this operator, if they may second or deny it.
    pub fn seconder<'o>(&self, operator: &'o Operator) -> Result<&'o Person, NoSay> {
        let person = operator.person.as_ref().ok_or(NoSay::NotAPerson)?;
        if person.entra == self.by.person {
            return Err(NoSay::Requester);
        }
        if person.role != Role::Lead {
            return Err(NoSay::NotALead(person.role));
        }
        Ok(person)
    }

    /// Is it over at this moment? The last instant is outside.
    pub fn is_over(&self, now: Moment) -> bool {
        self.state != MotionState::Proposed || now >= self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::{Caps, Moment, RaisedCaps};

    #[test]
    fn raised_caps_end_by_themselves_and_never_lower_anything() {
        let raised = RaisedCaps {
            tenant: 50,
            source: 1,
            fleet_percent: 5,
            until: Moment::from_millis(1000),
        };
        let caps = Caps::default();

        let before = raised.over(caps, Moment::from_millis(999));
        let after = raised.over(caps, Moment::from_millis(1000));

        assert_eq!((before.tenant, before.source), (50, caps.source));
        assert_eq!(after, caps);
    }
}
