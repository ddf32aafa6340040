//! Names of the simulated tenant, for those who write tests: `invoice-bot` rather than a GUID.

use uuid::Uuid;

use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::sim::Tenant;

/// The simulated tenant with what only rehearsals need: an agent without a blueprint, and a
/// blueprint that was deleted.
pub(super) fn cast() -> Tenant {
    let mut tenant = Tenant::contoso();
    let retired = tenant.add_blueprint("Retired-Agents");
    tenant.soft_delete(retired.principal);
    let classic = tenant.add_service_principal("helpdesk-classic");
    tenant.add_tag(classic, "power-virtual-agents-helpdesk");
    tenant
}

/// The entity of this kind that goes by this name or object id. An unknown id is taken as it
/// stands: a detection may well name what is not there.
pub(super) fn find(tenant: &Tenant, kind: EntityKind, name: &str) -> Option<Entity> {
    let id = match name.parse::<ObjectId>() {
        Ok(id) => id,
        Err(_) => ObjectId::from_uuid(named(tenant, kind, name)?),
    };
    Some(Entity { kind, id })
}

fn named(tenant: &Tenant, kind: EntityKind, name: &str) -> Option<Uuid> {
    let mut everyone = everyone(tenant, kind).into_iter();
    everyone.find(|(_, known)| known == name).map(|(id, _)| id)
}

/// The names of everyone of this kind, for the message that one is not there.
pub(super) fn names(tenant: &Tenant, kind: EntityKind) -> Vec<String> {
    let everyone = everyone(tenant, kind).into_iter();
    everyone.map(|(_, name)| name).collect()
}

fn everyone(tenant: &Tenant, kind: EntityKind) -> Vec<(Uuid, String)> {
    match kind {
        EntityKind::Agent => {
            let agents = tenant.agents.values();
            agents
                .map(|one| (one.id, one.display_name.clone()))
                .collect()
        }
        EntityKind::Blueprint => {
            let blueprints = tenant.blueprints.values().chain(tenant.deleted.values());
            blueprints
                .map(|one| (one.ids.principal, one.display_name.clone()))
                .collect()
        }
        EntityKind::AgentUser | EntityKind::User => {
            let of_agents = kind == EntityKind::AgentUser;
            let users = tenant.users.values();
            users
                .filter(|one| one.identity_parent_id.is_some() == of_agents)
                .map(|one| (one.id, one.user_principal_name.clone()))
                .collect()
        }
        EntityKind::ServicePrincipal => {
            let principals = tenant.principals.values();
            principals
                .map(|one| (one.id, one.display_name.clone()))
                .collect()
        }
    }
}

/// Everyone who is disabled, by name, in order.
pub(super) fn disabled(tenant: &Tenant) -> Vec<String> {
    let agents = tenant.agents.values().filter(|one| !one.account_enabled);
    let blueprints = tenant
        .blueprints
        .values()
        .filter(|one| !one.account_enabled);
    let users = tenant.users.values().filter(|one| !one.account_enabled);
    let principals = tenant
        .principals
        .values()
        .filter(|one| !one.account_enabled);
    let mut names: Vec<String> = agents
        .map(|one| one.display_name.clone())
        .chain(blueprints.map(|one| one.display_name.clone()))
        .chain(users.map(|one| one.user_principal_name.clone()))
        .chain(principals.map(|one| one.display_name.clone()))
        .collect();
    names.sort();
    names
}
