//! The verbs that change a tenant. Each change is noted, so that effects can be counted.

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sim::belongings::Shelf;
use crate::sim::risk::Risk;
use crate::sim::tenant::{Kind, Tenant};

/// `accountEnabled`, as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// `accountEnabled: true`.
    Enabled,
    /// `accountEnabled: false`.
    Disabled,
}

impl From<bool> for Switch {
    fn from(enabled: bool) -> Self {
        if enabled {
            Self::Enabled
        } else {
            Self::Disabled
        }
    }
}

/// One property group that can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// `accountEnabled`.
    AccountEnabled,
    /// `riskLevel`, `riskState` and `riskDetail`.
    Risk,
    /// Refresh tokens made invalid.
    SessionsRevoked,
    /// Something the entity holds.
    Held(Shelf),
    /// Whether it is among the deleted items.
    Deleted,
    /// What an incident says, or a table holds. The entity is made of its name.
    Case,
}

/// One change, before anybody has said who made it.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) entity: Uuid,
    pub(super) aspect: Aspect,
    pub(super) from: Value,
    pub(super) to: Value,
}

impl Tenant {
    /// Sets `accountEnabled` of whatever has this object id. Unknown ids change nothing.
    pub fn switch(&mut self, id: Uuid, to: Switch) {
        let enabled = to == Switch::Enabled;
        let still = self.keeps_still;
        let slot = match self.kind(id) {
            Some(Kind::Agent) => self.agents.get_mut(&id).map(|it| &mut it.account_enabled),
            Some(Kind::BlueprintPrincipal) => self
                .blueprints
                .get_mut(&id)
                .map(|it| &mut it.account_enabled),
            Some(Kind::AgentUser | Kind::User) => {
                self.users.get_mut(&id).map(|it| &mut it.account_enabled)
            }
            Some(Kind::ServicePrincipal | Kind::ManagedIdentity) => self
                .principals
                .get_mut(&id)
                .map(|it| &mut it.account_enabled),
            None => None,
        };
        let Some(slot) = slot.filter(|slot| !still && **slot != enabled) else {
            return;
        };
        *slot = enabled;
        let (from, to) = (
            json!({"accountEnabled": !enabled}),
            json!({"accountEnabled": enabled}),
        );
        self.note(id, Aspect::AccountEnabled, from, to);
    }

    /// Says what ID Protection now thinks of an entity.
    pub fn judge(&mut self, id: Uuid, risk: Risk) {
        let before = self.risk(id);
        if self.keeps_still || before == risk {
            return;
        }
        let (from, to) = (before.seen(), risk.seen());
        self.risks.insert(id, risk);
        self.note(id, Aspect::Risk, from, to);
    }

    /// Makes the refresh tokens of a user invalid. Every call counts as an effect.
    pub fn revoke_sessions(&mut self, id: Uuid) {
        if self.keeps_still {
            return;
        }
        let Some(user) = self.users.get_mut(&id) else {
            return;
        };
        let from = json!({"sessionsRevoked": user.sessions_revoked});
        user.sessions_revoked += 1;
        let to = json!({"sessionsRevoked": user.sessions_revoked});
        self.note(id, Aspect::SessionsRevoked, from, to);
    }

    /// Deletes whatever has this object id; what it leaves behind stays as it is.
    pub fn delete(&mut self, id: Uuid) {
        self.agents.remove(&id);
        self.blueprints.remove(&id);
        self.users.remove(&id);
        self.principals.remove(&id);
    }

    pub(super) fn note(&mut self, entity: Uuid, aspect: Aspect, from: Value, to: Value) {
        self.changes.push(Change {
            entity,
            aspect,
            from,
            to,
        });
    }
}

impl Risk {
    fn seen(&self) -> Value {
        json!({"riskLevel": self.level, "riskState": self.state, "riskDetail": self.detail})
    }
}
