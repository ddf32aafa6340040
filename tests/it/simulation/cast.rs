//! Who lives in the tenant, as the plot sees them.

use std::collections::BTreeMap;

use estop::sim::Tenant;
use uuid::Uuid;

#[derive(Clone, Debug)]
pub struct Cast {
    /// Agents anybody may name.
    pub agents: Vec<Uuid>,
    /// Nobody touches these: protected ones, people, ourselves, strangers.
    pub untouchable: Vec<Uuid>,
    /// Nobody names this one before the end.
    pub spare: Uuid,
    pub protected: Uuid,
    /// The users that agents act as, and whose they are.
    pub users: BTreeMap<Uuid, Uuid>,
}

impl Cast {
    pub fn of(tenant: &Tenant) -> Self {
        let mut agents: Vec<_> = tenant.agents.keys().copied().collect();
        let spare = agents.pop().unwrap();
        let protected = agents.pop().unwrap();
        let people = tenant
            .users
            .values()
            .filter(|it| it.identity_parent_id.is_none());
        let mut untouchable: Vec<_> = people.map(|it| it.id).collect();
        untouchable.extend([protected, tenant.client.principal, tenant.client.app]);
        untouchable.extend(tenant.blueprints.keys());
        untouchable.push(Uuid::from_u128(0xDEAD));
        agents.truncate(8);
        let users = tenant.users.values();
        Self {
            agents,
            untouchable,
            spare,
            protected,
            users: users
                .filter_map(|it| Some((it.id, it.identity_parent_id?)))
                .collect(),
        }
    }

    /// May nobody touch it, itself or as what a protected agent acts as?
    pub fn is_untouchable(&self, id: Uuid) -> bool {
        self.untouchable.contains(&id) || self.is_protected(id)
    }

    /// Is it the protected agent, or what that one acts as? Two people together may stop it.
    pub fn is_protected(&self, id: Uuid) -> bool {
        id == self.protected || self.users.get(&id) == Some(&self.protected)
    }
}
