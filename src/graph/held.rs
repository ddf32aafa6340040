//! What an entity holds: grants, app roles, directory roles, access packages. Each is listed, and
//! put back from what was listed; taking away is `delete`, but for packages, which are asked for.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Answered, Call};
use super::error::{Error, Receipt};
use super::lanes::Lane;
use super::place::Place;
use super::{Ask, Graph, shape};
use crate::domain::entity::ObjectId;
use crate::domain::found::{AppRole, DirectoryRole, Grant, OpaqueId, Package};

/// An access package assignment as it is listed with what it points to.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PackageJson {
    id: OpaqueId,
    access_package: Named,
    assignment_policy: Named,
    target: Target,
}

#[derive(Deserialize)]
struct Named {
    id: ObjectId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    object_id: ObjectId,
}

impl Graph {
    /// The delegated permission grants a service principal holds, for users and for everyone.
    pub async fn grants_of(&self, ask: Ask, client: ObjectId) -> Result<Vec<Grant>, Error> {
        let place = Place::v1("/oauth2PermissionGrants?$filter=clientId%20eq%20'")
            .id(client)
            .then("'");
        self.held(ask, place, |grant: &Grant| grant.client_id == client)
            .await
    }

    /// Grants again what was granted.
    pub async fn grant(&self, ask: Ask, grant: &Grant) -> Result<Receipt, Error> {
        let body = json!({
            "clientId": grant.client_id, "consentType": grant.consent_type,
            "principalId": grant.principal_id, "resourceId": grant.resource_id,
            "scope": grant.scope,
        });
        self.make(ask, Place::v1("/oauth2PermissionGrants"), &body)
            .await
    }

    /// The app roles a service principal holds itself. What it inherits sits on its blueprint.
    pub async fn app_roles_of(&self, ask: Ask, holder: ObjectId) -> Result<Vec<AppRole>, Error> {
        let place = app_roles_place(holder);
        self.held(ask, place, |role: &AppRole| role.principal_id == holder)
            .await
    }

    /// Assigns again an app role that was assigned.
    pub async fn assign_app_role(&self, ask: Ask, role: &AppRole) -> Result<Receipt, Error> {
        let body = json!({
            "principalId": role.principal_id, "resourceId": role.resource_id,
            "appRoleId": role.app_role_id,
        });
        self.make(ask, app_roles_place(role.principal_id), &body)
            .await
    }

    /// The directory roles an entity holds for good. What Privileged Identity Management activates
    /// for a time is among them while it lasts.
    pub async fn directory_roles_of(
        &self,
        ask: Ask,
        holder: ObjectId,
    ) -> Result<Vec<DirectoryRole>, Error> {
        let place = directory_roles_place()
            .then("?$filter=principalId%20eq%20'")
            .id(holder)
            .then("'");
        self.held(ask, place, |role: &DirectoryRole| {
            role.principal_id == holder
        })
        .await
    }

    /// Assigns again a directory role that was assigned.
    pub async fn assign_directory_role(
        &self,
        ask: Ask,
        role: &DirectoryRole,
    ) -> Result<Receipt, Error> {
        let body = json!({
            "roleDefinitionId": role.role_definition_id, "principalId": role.principal_id,
            "directoryScopeId": role.directory_scope_id,
        });
        self.make(ask, directory_roles_place(), &body).await
    }

    /// The access packages that were delivered to an entity.
    pub async fn packages_of(&self, ask: Ask, target: ObjectId) -> Result<Vec<Package>, Error> {
        let place = Place::v1("/identityGovernance/entitlementManagement/assignments")
            .then("?$expand=target,accessPackage,assignmentPolicy&$filter=state%20eq%20'delivered'")
            .then("%20and%20target/objectId%20eq%20'")
            .id(target)
            .then("'");
        let listed: Vec<PackageJson> = self
            .held(ask, place, |one: &PackageJson| {
                one.target.object_id == target
            })
            .await?;
        let packages = listed.into_iter().map(|one| Package {
            id: one.id,
            access_package_id: one.access_package.id,
            assignment_policy_id: one.assignment_policy.id,
            target_id: one.target.object_id,
        });
        Ok(packages.collect())
    }

    /// Asks entitlement management to take a package away; it does so a while later.
    pub async fn remove_package(&self, ask: Ask, package: &Package) -> Result<Receipt, Error> {
        let body = json!({
            "requestType": "adminRemove", "assignment": { "id": package.id },
        });
        self.make(ask, requests_place(), &body).await
    }

    /// Asks entitlement management to assign a package again; it does so a while later.
    pub async fn assign_package(&self, ask: Ask, package: &Package) -> Result<Receipt, Error> {
        let body = json!({
            "requestType": "adminAdd",
            "assignment": {
                "targetId": package.target_id, "accessPackageId": package.access_package_id,
                "assignmentPolicyId": package.assignment_policy_id,
            },
        });
        self.make(ask, requests_place(), &body).await
    }

    /// Every item of a list that was asked for about one entity. An item about another means that
    /// the filter was not understood, and then nothing of the answer is.
    pub(super) async fn held<T: serde::de::DeserializeOwned>(
        &self,
        ask: Ask,
        place: Place,
        is_ours: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>, Error> {
        let spoken = Call::read(place.clone()).spoken();
        let items = self.all(ask, place).await?;
        if items.iter().all(is_ours) {
            Ok(items)
        } else {
            Err(Error::unknown(
                &spoken,
                "the answer is about another object",
            ))
        }
    }

    /// Makes an object. What was made answers with its id.
    pub(super) async fn make(
        &self,
        ask: Ask,
        place: Place,
        body: &Value,
    ) -> Result<Receipt, Error> {
        let call = Call::write(Method::POST, place, Lane::DirectoryWrites).with_body(body);
        made(self.send(ask, call).await?)
    }
}

fn made(answer: Answered) -> Result<Receipt, Error> {
    #[derive(Deserialize)]
    struct Made {
        #[serde(rename = "id")]
        _id: OpaqueId,
    }
    let spoken = answer.receipt.to_string();
    if !matches!(answer.receipt.status, 200 | 201) {
        return Err(Error::unknown(&spoken, "an answer this call does not give"));
    }
    shape::read::<Made>(&spoken, &answer.body)?;
    Ok(answer.receipt)
}

fn app_roles_place(holder: ObjectId) -> Place {
    Place::v1("/servicePrincipals/")
        .id(holder)
        .then("/appRoleAssignments")
}

pub(super) fn directory_roles_place() -> Place {
    Place::v1("/roleManagement/directory/roleAssignments")
}

fn requests_place() -> Place {
    Place::v1("/identityGovernance/entitlementManagement/assignmentRequests")
}
