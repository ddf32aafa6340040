//! Agent identities and blueprint principals: read, list, switch.
//!
//! All by their cast paths, which protect the kind: Graph answers 404 to the wrong one (threat
//! G13). Reads carry no `ConsistencyLevel`, which would read a lagging index.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::call::{Answered, Call};
use super::error::{Error, Receipt};
use super::lanes::Lane;
use super::place::Place;
use super::shape::{self, Enabled};
use super::{Ask, Graph};
use crate::domain::entity::{ObjectId, TenantId};

const AGENT: &str = "#microsoft.graph.agentIdentity";
const BLUEPRINT: &str = "#microsoft.graph.agentIdentityBlueprintPrincipal";

/// An agent identity as Graph has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRead {
    /// Object id, which is its app id too.
    pub id: ObjectId,
    /// Its own switch. It stays `Yes` when only its blueprint principal is disabled.
    pub enabled: Enabled,
    /// The **app id** of its blueprint, absent only where Graph leaves it out.
    pub blueprint_app_id: Option<ObjectId>,
    /// Microsoft itself has disabled it; enabling it again is not ours.
    pub disabled_by_microsoft: bool,
    /// For people; never to decide by.
    pub display_name: Option<String>,
}

/// A blueprint principal as Graph has it: the switch for all its agents in this tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlueprintRead {
    /// Object id of the principal.
    pub id: ObjectId,
    /// App id of the blueprint, which its agents name.
    pub app_id: ObjectId,
    /// Its switch.
    pub enabled: Enabled,
    /// The tenant the blueprint's application lies in, when Graph says it.
    pub owner_tenant: Option<TenantId>,
    /// Microsoft itself has disabled it.
    pub disabled_by_microsoft: bool,
    /// For people; never to decide by.
    pub display_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AgentJson {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    id: ObjectId,
    account_enabled: Enabled,
    agent_identity_blueprint_id: Option<ObjectId>,
    disabled_by_microsoft_status: Option<String>,
    display_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlueprintJson {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    id: ObjectId,
    app_id: ObjectId,
    account_enabled: Enabled,
    app_owner_organization_id: Option<TenantId>,
    disabled_by_microsoft_status: Option<String>,
    display_name: Option<String>,
}

impl Graph {
    /// One agent identity. `NotFound` also when the id is something else.
    pub async fn agent(&self, ask: Ask, id: ObjectId) -> Result<AgentRead, Error> {
        let call = agent_call(id);
        let spoken = call.spoken();
        let answer = self.send(ask, call).await?;
        agent_in(&spoken, id, &answer)
    }

    /// Switches one agent identity. Safe to repeat.
    pub async fn set_agent_enabled(
        &self,
        ask: Ask,
        id: ObjectId,
        enabled: Enabled,
    ) -> Result<Receipt, Error> {
        self.switch(ask, agent_place(id), enabled).await
    }

    /// Every agent identity of one blueprint in this tenant, or an error: never a part of them.
    pub async fn agents_of(
        &self,
        ask: Ask,
        blueprint_app_id: ObjectId,
    ) -> Result<Vec<AgentRead>, Error> {
        // The filter is used by Microsoft's own tools but not documented: each item is checked.
        let place = Place::v1("/servicePrincipals/microsoft.graph.agentIdentity")
            .then("?$filter=agentIdentityBlueprintId%20eq%20'")
            .id(blueprint_app_id)
            .then("'&$select=id,accountEnabled,agentIdentityBlueprintId,")
            .then("disabledByMicrosoftStatus,displayName");
        let spoken = Call::read(place.clone()).spoken();
        let mut agents = self.agents_at(ask, place).await?;
        if agents.iter().any(|agent| agent.blueprint_app_id.is_none()) {
            return Err(Error::unknown(&spoken, "an agent without its blueprint"));
        }
        agents.retain(|agent| agent.blueprint_app_id == Some(blueprint_app_id));
        Ok(agents)
    }

    /// Every agent identity of the tenant.
    pub async fn agents(&self, ask: Ask) -> Result<Vec<AgentRead>, Error> {
        let place = Place::v1("/servicePrincipals/microsoft.graph.agentIdentity")
            .then("?$select=id,accountEnabled,agentIdentityBlueprintId,")
            .then("disabledByMicrosoftStatus,displayName");
        self.agents_at(ask, place).await
    }

    async fn agents_at(&self, ask: Ask, place: Place) -> Result<Vec<AgentRead>, Error> {
        let spoken = Call::read(place.clone()).spoken();
        let items: Vec<AgentJson> = self.all(ask, place).await?;
        for item in &items {
            shape::of_kind(&spoken, (AGENT, item.kind.as_deref()))?;
        }
        Ok(items.into_iter().map(AgentRead::from).collect())
    }

    /// One blueprint principal by its object id.
    pub async fn blueprint(&self, ask: Ask, id: ObjectId) -> Result<BlueprintRead, Error> {
        let place = blueprint_place(id)
            .then("?$select=id,appId,accountEnabled,appOwnerOrganizationId,")
            .then("disabledByMicrosoftStatus,displayName");
        let call = Call::read(place);
        let spoken = call.spoken();
        let answer = self.send(ask, call).await?;
        let json: BlueprintJson = shape::read(&spoken, &answer.body)?;
        shape::same(&spoken, id, json.id, (BLUEPRINT, json.kind.as_deref()))?;
        Ok(json.into())
    }

    /// The principal, in this tenant, of the blueprint with this app id. Asked as a list, which
    /// `AgentIdentityBlueprintPrincipal.Read.All` allows; the alternate key would need
    /// `Application.Read.All`.
    pub async fn blueprint_by_app_id(
        &self,
        ask: Ask,
        app_id: ObjectId,
    ) -> Result<BlueprintRead, Error> {
        let place = Place::v1("/servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal")
            .then("?$filter=appId%20eq%20'")
            .id(app_id)
            .then("'&$select=id,appId,accountEnabled,appOwnerOrganizationId,")
            .then("disabledByMicrosoftStatus,displayName");
        let spoken = Call::read(place.clone()).spoken();
        let items: Vec<BlueprintJson> = self.all(ask, place).await?;
        let mut ours = items.into_iter().filter(|item| item.app_id == app_id);
        let Some(one) = ours.next() else {
            return Err(Error::NotFound { because: spoken });
        };
        shape::of_kind(&spoken, (BLUEPRINT, one.kind.as_deref()))?;
        match ours.next() {
            None => Ok(one.into()),
            Some(_) => Err(Error::unknown(&spoken, "two principals with one app id")),
        }
    }

    /// Switches one blueprint principal, and with it the tokens of all its agents. Safe to repeat.
    pub async fn set_blueprint_enabled(
        &self,
        ask: Ask,
        id: ObjectId,
        enabled: Enabled,
    ) -> Result<Receipt, Error> {
        self.switch(ask, blueprint_place(id), enabled).await
    }

    async fn switch(&self, ask: Ask, place: Place, enabled: Enabled) -> Result<Receipt, Error> {
        let call = Call::write(Method::PATCH, place, Lane::DirectoryWrites)
            .with_body(&json!({ "accountEnabled": enabled.flag() }));
        let answer = self.send(ask, call).await?;
        accepted(answer)
    }
}

/// A switch is accepted by 204 without a body, or by 200 with the object. Anything else in the
/// two hundreds did not come from Graph.
pub(super) fn accepted(answer: Answered) -> Result<Receipt, Error> {
    #[derive(Deserialize)]
    struct Object {
        #[serde(rename = "id")]
        _id: ObjectId,
    }
    let spoken = answer.receipt.to_string();
    match (answer.receipt.status, answer.body.is_empty()) {
        (204, true) => Ok(answer.receipt),
        (200, false) => {
            shape::read::<Object>(&spoken, &answer.body)?;
            Ok(answer.receipt)
        }
        _ => Err(Error::unknown(&spoken, "an answer that no switch gives")),
    }
}

/// The read of one agent identity.
pub(super) fn agent_call(id: ObjectId) -> Call {
    Call::read(agent_place(id).then(
        "?$select=id,accountEnabled,agentIdentityBlueprintId,disabledByMicrosoftStatus,\
         displayName",
    ))
}

/// The agent identity in its answer, if it is the one that was asked for.
pub(super) fn agent_in(spoken: &str, id: ObjectId, answer: &Answered) -> Result<AgentRead, Error> {
    let json: AgentJson = shape::read(spoken, &answer.body)?;
    shape::same(spoken, id, json.id, (AGENT, json.kind.as_deref()))?;
    Ok(json.into())
}

fn agent_place(id: ObjectId) -> Place {
    Place::v1("/servicePrincipals/")
        .id(id)
        .then("/microsoft.graph.agentIdentity")
}

fn blueprint_place(id: ObjectId) -> Place {
    Place::v1("/servicePrincipals/")
        .id(id)
        .then("/microsoft.graph.agentIdentityBlueprintPrincipal")
}

impl From<AgentJson> for AgentRead {
    fn from(json: AgentJson) -> Self {
        Self {
            id: json.id,
            enabled: json.account_enabled,
            blueprint_app_id: json.agent_identity_blueprint_id,
            disabled_by_microsoft: shape::by_microsoft(
                json.disabled_by_microsoft_status.as_deref(),
            ),
            display_name: json.display_name,
        }
    }
}

impl From<BlueprintJson> for BlueprintRead {
    fn from(json: BlueprintJson) -> Self {
        Self {
            id: json.id,
            app_id: json.app_id,
            enabled: json.account_enabled,
            owner_tenant: json.app_owner_organization_id,
            disabled_by_microsoft: shape::by_microsoft(
                json.disabled_by_microsoft_status.as_deref(),
            ),
            display_name: json.display_name,
        }
    }
}
