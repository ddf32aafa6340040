//! What ID Protection knows of an entity, and what follows from it.

use serde::Serialize;
use uuid::Uuid;

use crate::domain::moment::Moment;

/// What ID Protection thinks of one entity, in Graph's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Risk {
    /// `none`, `low`, `medium` or `high`.
    pub level: String,
    /// `none`, `atRisk`, `confirmedCompromised`, `confirmedSafe`, `dismissed` or `remediated`.
    pub state: String,
    /// Why, such as `adminConfirmedAgentCompromised`.
    pub detail: String,
}

impl Risk {
    /// What an entity without any risk has.
    pub fn none() -> Self {
        Self::new("none", "none", "none")
    }

    /// A risk in Graph's own words.
    pub fn new(level: &str, state: &str, detail: &str) -> Self {
        Self {
            level: level.to_owned(),
            state: state.to_owned(),
            detail: detail.to_owned(),
        }
    }
}

/// Whether an enabled Conditional Access policy refuses access tokens to agents at high risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RiskPolicy {
    /// No such policy: marking risk blocks nothing.
    Absent,
    /// Agents at high risk get no new access tokens.
    BlocksHigh,
}

/// What ID Protection does with ids it does not know; Microsoft does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownIds {
    /// The whole call is a 404 and changes nothing.
    Refused,
    /// 204, and only the known ids change.
    Ignored,
}

/// One detection of ID Protection, about an agent or a plain service principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskDetection {
    /// Its own id.
    pub id: String,
    /// Object id of whom it is about. What that is decides which list shows it.
    pub entity: Uuid,
    /// In Graph's words, such as `threatIntelligenceAccount`.
    pub event_type: String,
    /// The level and state it is shown with.
    pub risk: Risk,
    /// When it was detected; lists are filtered by it.
    pub detected_at: Moment,
}
