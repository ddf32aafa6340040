//! How entities look in an answer, in Graph's property names.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::sim::belongings::Shelf;
use crate::sim::tenant::{Agent, Blueprint, Kind, Principal, Tenant, User};

/// The type a path promises. `@odata.type` is said only where an entity is more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Declared {
    DirectoryObject,
    ServicePrincipal,
    Agent,
    BlueprintPrincipal,
    User,
    AgentUser,
    RiskyAgent,
    BlueprintApplication,
    AgentInstance,
}

const PRINCIPAL: [&str; 19] = [
    "id",
    "deletedDateTime",
    "accountEnabled",
    "appDisplayName",
    "appId",
    "appOwnerOrganizationId",
    "appRoleAssignmentRequired",
    "createdByAppId",
    "customSecurityAttributes",
    "disabledByMicrosoftStatus",
    "displayName",
    "isDisabled",
    "keyCredentials",
    "notes",
    "passwordCredentials",
    "servicePrincipalNames",
    "servicePrincipalType",
    "signInAudience",
    "tags",
];
const AGENT_OWN: [&str; 2] = ["agentIdentityBlueprintId", "createdDateTime"];
const USER: [&str; 9] = [
    "id",
    "deletedDateTime",
    "accountEnabled",
    "displayName",
    "identityParentId",
    "mail",
    "userPrincipalName",
    "userType",
    "signInSessionsValidFromDateTime",
];
const RISKY_AGENT: [&str; 11] = [
    "id",
    "agentDisplayName",
    "blueprintId",
    "identityType",
    "isDeleted",
    "isEnabled",
    "isProcessing",
    "riskDetail",
    "riskLastModifiedDateTime",
    "riskLevel",
    "riskState",
];
const APPLICATION: [&str; 3] = ["id", "appId", "displayName"];
const INSTANCE: [&str; 8] = [
    "id",
    "displayName",
    "agentIdentityId",
    "agentIdentityBlueprintId",
    "agentUserId",
    "originatingStore",
    "sourceAgentId",
    "managedBy",
];
/// What a user shows when nobody chose: `accountEnabled` is not among it.
const USER_UNASKED: [&str; 4] = ["id", "displayName", "mail", "userPrincipalName"];

impl Declared {
    /// Whether `$select` and `$filter` may name this property.
    pub(in crate::sim) fn has(self, property: &str) -> bool {
        let principal = PRINCIPAL.contains(&property);
        match self {
            Self::ServicePrincipal | Self::BlueprintPrincipal => principal,
            Self::Agent => principal || AGENT_OWN.contains(&property),
            Self::User | Self::AgentUser => USER.contains(&property),
            Self::RiskyAgent => RISKY_AGENT.contains(&property),
            Self::BlueprintApplication => APPLICATION.contains(&property),
            Self::AgentInstance => INSTANCE.contains(&property),
            Self::DirectoryObject => {
                principal || AGENT_OWN.contains(&property) || USER.contains(&property)
            }
        }
    }

    /// What is shown when nobody chose; `None` is everything.
    pub(in crate::sim) fn unasked(self) -> Option<&'static [&'static str]> {
        match self {
            Self::User | Self::AgentUser => Some(&USER_UNASKED),
            Self::DirectoryObject
            | Self::ServicePrincipal
            | Self::Agent
            | Self::BlueprintPrincipal
            | Self::BlueprintApplication
            | Self::AgentInstance
            | Self::RiskyAgent => None,
        }
    }

    pub(in crate::sim) fn type_name(self) -> &'static str {
        match self {
            Self::DirectoryObject => "#microsoft.graph.directoryObject",
            Self::ServicePrincipal => "#microsoft.graph.servicePrincipal",
            Self::Agent => "#microsoft.graph.agentIdentity",
            Self::BlueprintPrincipal => "#microsoft.graph.agentIdentityBlueprintPrincipal",
            Self::User => "#microsoft.graph.user",
            Self::AgentUser => "#microsoft.graph.agentUser",
            Self::RiskyAgent => "#microsoft.graph.riskyAgent",
            Self::BlueprintApplication => "#microsoft.graph.agentIdentityBlueprint",
            Self::AgentInstance => "#microsoft.graph.agentInstance",
        }
    }

    /// The collection, as `@odata.context` names it.
    pub(in crate::sim) fn set_name(self) -> &'static str {
        match self {
            Self::DirectoryObject => "directoryObjects",
            Self::ServicePrincipal => "servicePrincipals",
            Self::Agent => "servicePrincipals/microsoft.graph.agentIdentity",
            Self::BlueprintPrincipal => {
                "servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal"
            }
            Self::User => "users",
            Self::AgentUser => "users/microsoft.graph.agentUser",
            Self::RiskyAgent => "identityProtection/riskyAgents",
            Self::BlueprintApplication => "applications/microsoft.graph.agentIdentityBlueprint",
            Self::AgentInstance => "agentRegistry/agentInstances",
        }
    }
}

impl Tenant {
    /// Every property of a directory object, and its `@odata.type`.
    pub(in crate::sim) fn whole(&self, id: Uuid) -> Option<Map<String, Value>> {
        let mut whole = self.bare(id)?;
        if let Some(item) = self.item(Shelf::Attributes, &id.to_string()) {
            whole.insert("customSecurityAttributes".to_owned(), item.body.clone());
        }
        Some(whole)
    }

    fn bare(&self, id: Uuid) -> Option<Map<String, Value>> {
        match self.kind(id)? {
            Kind::Agent => Some(self.whole_agent(self.agents.get(&id)?)),
            Kind::BlueprintPrincipal => Some(whole_blueprint(self.blueprints.get(&id)?)),
            Kind::AgentUser | Kind::User => Some(whole_user(self.users.get(&id)?)),
            Kind::ServicePrincipal | Kind::ManagedIdentity => {
                Some(self.whole_principal(self.principals.get(&id)?))
            }
        }
    }

    fn whole_agent(&self, agent: &Agent) -> Map<String, Value> {
        fields(json!({
            "@odata.type": Declared::Agent.type_name(),
            "id": agent.id,
            "deletedDateTime": null,
            "accountEnabled": agent.account_enabled,
            "agentIdentityBlueprintId": agent.blueprint_app_id,
            "appId": agent.id,
            "appOwnerOrganizationId": self.id,
            "createdByAppId": agent.blueprint_app_id,
            "createdDateTime": "2026-01-15T09:00:00Z",
            "disabledByMicrosoftStatus": agent.disabled_by_microsoft,
            "displayName": agent.display_name,
            "isDisabled": null,
            "keyCredentials": [],
            "passwordCredentials": [],
            "servicePrincipalNames": [agent.id],
            "servicePrincipalType": "ServiceIdentity",
            "tags": self.tags_of(agent.id),
        }))
    }

    fn whole_principal(&self, principal: &Principal) -> Map<String, Value> {
        fields(json!({
            "@odata.type": Declared::ServicePrincipal.type_name(),
            "id": principal.id,
            "deletedDateTime": null,
            "accountEnabled": principal.account_enabled,
            "appDisplayName": principal.display_name,
            "appId": principal.app_id,
            "appOwnerOrganizationId": self.id,
            "disabledByMicrosoftStatus": null,
            "displayName": principal.display_name,
            "isDisabled": null,
            "servicePrincipalNames": [principal.app_id],
            "servicePrincipalType": principal.service_principal_type,
            "tags": self.tags_of(principal.id),
        }))
    }

    fn tags_of(&self, id: Uuid) -> &[String] {
        self.tags.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Every property of a risky agent, or `None` where no risk was ever seen.
    pub(in crate::sim) fn whole_risk(&self, id: Uuid) -> Option<Map<String, Value>> {
        let risk = self.risks.get(&id)?;
        let whole = self.whole(id)?;
        let (type_name, identity, blueprint) = match self.kind(id)? {
            Kind::Agent => (
                "riskyAgentIdentity",
                "agentIdentity",
                self.agents.get(&id).map(|it| it.blueprint_app_id),
            ),
            Kind::BlueprintPrincipal => (
                "riskyAgentIdentityBlueprintPrincipal",
                "agentIdentityBlueprintPrincipal",
                self.blueprints.get(&id).map(|it| it.ids.app),
            ),
            Kind::AgentUser => ("riskyAgentUser", "agentUser", None),
            Kind::User | Kind::ServicePrincipal | Kind::ManagedIdentity => return None,
        };
        Some(fields(json!({
            "@odata.type": format!("#microsoft.graph.{type_name}"),
            "id": id,
            "agentDisplayName": whole.get("displayName"),
            "blueprintId": blueprint,
            "identityType": identity,
            "isDeleted": false,
            "isEnabled": whole.get("accountEnabled"),
            "isProcessing": false,
            "riskDetail": risk.detail,
            "riskLastModifiedDateTime": self.judged_at.get(&id),
            "riskLevel": risk.level,
            "riskState": risk.state,
        })))
    }
}

fn whole_blueprint(blueprint: &Blueprint) -> Map<String, Value> {
    fields(json!({
        "@odata.type": Declared::BlueprintPrincipal.type_name(),
        "id": blueprint.ids.principal,
        "deletedDateTime": null,
        "accountEnabled": blueprint.account_enabled,
        "appDisplayName": blueprint.display_name,
        "appId": blueprint.ids.app,
        "appOwnerOrganizationId": blueprint.owner_tenant,
        "disabledByMicrosoftStatus": null,
        "displayName": blueprint.display_name,
        "isDisabled": null,
        "servicePrincipalNames": [blueprint.ids.app],
        "servicePrincipalType": "Application",
        "tags": [],
    }))
}

fn whole_user(user: &User) -> Map<String, Value> {
    let declared = match user.identity_parent_id {
        Some(_) => Declared::AgentUser,
        None => Declared::User,
    };
    fields(json!({
        "@odata.type": declared.type_name(),
        "id": user.id,
        "deletedDateTime": null,
        "accountEnabled": user.account_enabled,
        "displayName": user.display_name,
        "identityParentId": user.identity_parent_id,
        "mail": user.user_principal_name,
        "userPrincipalName": user.user_principal_name,
        "userType": "Member",
    }))
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}
