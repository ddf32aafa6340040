//! The Agent Registry (beta, being replaced since May 2026): which instances an agent has, and
//! which of them are in the Quarantined collection. Nobody says that it stops a token.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::call::Call;
use super::delete::QUARANTINED;
use super::error::{Error, Receipt};
use super::lanes::Lane;
use super::place::Place;
use super::{Ask, Graph};
use crate::domain::entity::ObjectId;
use crate::domain::found::OpaqueId;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InstanceJson {
    id: OpaqueId,
    agent_identity_id: Option<ObjectId>,
}

impl Graph {
    /// The registered instances of one agent identity.
    pub async fn instances_of(&self, ask: Ask, agent: ObjectId) -> Result<Vec<OpaqueId>, Error> {
        let place = Place::beta("/agentRegistry/agentInstances?$filter=agentIdentityId%20eq%20'")
            .id(agent)
            .then("'&$select=id,agentIdentityId");
        let items: Vec<InstanceJson> = self.all(ask, place).await?;
        let ours = items
            .into_iter()
            .filter(|item| item.agent_identity_id == Some(agent));
        Ok(ours.map(|item| item.id).collect())
    }

    /// Every instance that is quarantined.
    pub async fn quarantined(&self, ask: Ask) -> Result<Vec<OpaqueId>, Error> {
        #[derive(Deserialize)]
        struct Member {
            id: OpaqueId,
        }
        let place = members_place().then("?$select=id");
        let members: Vec<Member> = self.all(ask, place).await?;
        Ok(members.into_iter().map(|member| member.id).collect())
    }

    /// Quarantines one instance.
    pub async fn quarantine(&self, ask: Ask, instance: &OpaqueId) -> Result<Receipt, Error> {
        // The reference names the cloud's own Graph, also where a stand-in answers.
        let host = self.0.link.endpoints.scope().replace("/.default", "");
        let reference = format!("{host}/beta/agentRegistry/agentInstances('{instance}')");
        let place = members_place().then("/$ref");
        let call = Call::write(Method::POST, place, Lane::DirectoryWrites)
            .with_body(&json!({ "@odata.id": reference }));
        let answer = self.send(ask, call).await?;
        match (answer.receipt.status, answer.body.is_empty()) {
            (204, true) => Ok(answer.receipt),
            _ => Err(Error::unknown(
                &answer.receipt.to_string(),
                "an answer this call does not give",
            )),
        }
    }
}

fn members_place() -> Place {
    Place::beta("/agentRegistry/agentCollections/")
        .then(QUARANTINED)
        .then("/members")
}
