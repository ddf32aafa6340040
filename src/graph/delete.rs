//! The only things that are ever deleted (law 13): what an entity holds, never the entity.

use http::Method;

use super::call::Call;
use super::error::{Error, Receipt};
use super::lanes::Lane;
use super::place::Place;
use super::{Ask, Graph};
use crate::domain::entity::ObjectId;
use crate::domain::found::OpaqueId;

/// The Agent Registry's reserved collection Quarantined.
pub(super) const QUARANTINED: &str = "00000000-0000-0000-0000-000000000002";

/// What a DELETE may name; `*` stands for one id. `may_leave_now` lets no other pass.
const DELETABLE: [&str; 5] = [
    "/v1.0/oauth2PermissionGrants/*",
    "/v1.0/servicePrincipals/*/appRoleAssignments/*",
    "/v1.0/roleManagement/directory/roleAssignments/*",
    "/v1.0/applications/*/microsoft.graph.agentIdentityBlueprint/federatedIdentityCredentials/*",
    "/beta/agentRegistry/agentCollections/00000000-0000-0000-0000-000000000002/members/*/$ref",
];

/// One thing that may be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removable<'a> {
    /// A delegated permission grant.
    Grant(&'a OpaqueId),
    /// An app role, of this service principal.
    AppRole(ObjectId, &'a OpaqueId),
    /// A directory role assignment.
    DirectoryRole(&'a OpaqueId),
    /// A federated credential, of this blueprint's application.
    Trust(ObjectId, &'a OpaqueId),
    /// An instance's place in the Quarantined collection, not the instance.
    Quarantine(&'a OpaqueId),
}

impl Removable<'_> {
    fn place(self) -> Place {
        match self {
            Self::Grant(id) => Place::v1("/oauth2PermissionGrants/").opaque(id),
            Self::AppRole(principal, id) => Place::v1("/servicePrincipals/")
                .id(principal)
                .then("/appRoleAssignments/")
                .opaque(id),
            Self::DirectoryRole(id) => {
                Place::v1("/roleManagement/directory/roleAssignments/").opaque(id)
            }
            Self::Trust(application, id) => Place::v1("/applications/")
                .id(application)
                .then("/microsoft.graph.agentIdentityBlueprint/federatedIdentityCredentials/")
                .opaque(id),
            Self::Quarantine(id) => Place::beta("/agentRegistry/agentCollections/")
                .then(QUARANTINED)
                .then("/members/")
                .opaque(id)
                .then("/$ref"),
        }
    }
}

impl Graph {
    /// Deletes one thing of the list. `NotFound` when it is gone already.
    pub async fn delete(&self, ask: Ask, what: Removable<'_>) -> Result<Receipt, Error> {
        let call = Call::write(Method::DELETE, what.place(), Lane::DirectoryWrites);
        let answer = self.send(ask, call).await?;
        match (answer.receipt.status, answer.body.is_empty()) {
            (204, true) => Ok(answer.receipt),
            _ => Err(Error::unknown(
                &answer.receipt.to_string(),
                "an answer that no deletion gives",
            )),
        }
    }
}

/// May this path be deleted?
pub(super) fn is_deletable(path: &str) -> bool {
    DELETABLE.iter().any(|pattern| fits(pattern, path))
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some("*"), Some(id)) if OpaqueId::new(id).is_some() => {}
            (Some(wanted), Some(part)) if wanted == part => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Removable, is_deletable};
    use crate::domain::entity::ObjectId;
    use crate::domain::found::OpaqueId;

    #[test]
    fn law_13_only_what_an_entity_holds_may_be_deleted() {
        let id = "7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0";
        for entity in [
            format!("/v1.0/servicePrincipals/{id}"),
            format!("/v1.0/servicePrincipals/{id}/microsoft.graph.agentIdentity"),
            format!("/v1.0/applications/{id}"),
            format!("/v1.0/users/{id}"),
            format!("/v1.0/directory/deletedItems/{id}"),
            format!("/v1.0/groups/{id}/members/{id}/$ref"),
            format!("/v1.0/identity/conditionalAccess/policies/{id}"),
            format!("/beta/agentRegistry/agentInstances/{id}"),
            "/v1.0/oauth2PermissionGrants/".to_owned(),
            "/v1.0/oauth2PermissionGrants/../users".to_owned(),
            format!("/v1.0/oauth2PermissionGrants/{id}/more"),
            format!("/v1.0/oauth2PermissionGrants/{id}?x"),
        ] {
            assert!(!is_deletable(&entity), "{entity}");
        }
    }

    #[test]
    fn law_13_everything_that_can_be_asked_for_is_on_the_list() {
        let (id, object) = (
            OpaqueId::new("l5eW7x0ga0-WDO_1").unwrap(),
            "7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0"
                .parse::<ObjectId>()
                .unwrap(),
        );
        for what in [
            Removable::Grant(&id),
            Removable::AppRole(object, &id),
            Removable::DirectoryRole(&id),
            Removable::Trust(object, &id),
            Removable::Quarantine(&id),
        ] {
            assert!(is_deletable(what.place().text()), "{what:?}");
        }
    }
}
