//! Agents' user accounts: read, list, switch, revoke sessions. Of people only whether they are there.

use http::{HeaderValue, Method};
use serde::Deserialize;
use serde_json::json;

use super::agents::accepted;
use super::call::Call;
use super::error::{Error, Receipt};
use super::lanes::Lane;
use super::place::Place;
use super::shape::{self, Enabled};
use super::{Ask, Graph};
use crate::domain::entity::ObjectId;

const AGENT_USER: &str = "#microsoft.graph.agentUser";

/// An agent's user account as Graph has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentUserRead {
    /// Object id of the user.
    pub id: ObjectId,
    /// Its switch.
    pub enabled: Enabled,
    /// Object id of the agent identity it belongs to.
    pub agent: ObjectId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserJson {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    id: ObjectId,
    account_enabled: Enabled,
    // A person has none, so a user without one is not an agent's.
    identity_parent_id: ObjectId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersonJson {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    id: ObjectId,
    account_enabled: Enabled,
}

impl Graph {
    /// The user accounts of one agent identity; Microsoft allows one at most.
    pub async fn agent_users_of(
        &self,
        ask: Ask,
        agent: ObjectId,
    ) -> Result<Vec<AgentUserRead>, Error> {
        let place = Place::v1("/users/microsoft.graph.agentUser?$filter=identityParentId%20eq%20'")
            .id(agent)
            .then("'&$select=id,accountEnabled,identityParentId");
        let spoken = Call::read(place.clone()).spoken();
        let items: Vec<UserJson> = self.all(ask, place).await?;
        let ours = items
            .into_iter()
            .filter(|user| user.identity_parent_id == agent);
        ours.map(|user| user.checked(&spoken)).collect()
    }

    /// One agent's user account. A person's account is `Unknown`: it has no parent agent.
    pub async fn agent_user(&self, ask: Ask, id: ObjectId) -> Result<AgentUserRead, Error> {
        let place = user_place(id).then("?$select=id,accountEnabled,identityParentId");
        let call = Call::read(place);
        let spoken = call.spoken();
        let answer = self.send(ask, call).await?;
        let user: UserJson = shape::read(&spoken, &answer.body)?;
        shape::same(&spoken, id, user.id, (AGENT_USER, user.kind.as_deref()))?;
        user.checked(&spoken)
    }

    /// A person's user account: is it there, and is it on? An agent's account is `Unknown`.
    pub async fn person(&self, ask: Ask, id: ObjectId) -> Result<Enabled, Error> {
        let place = user_place(id).then("?$select=id,accountEnabled");
        let call = Call::read(place);
        let spoken = call.spoken();
        let answer = self.send(ask, call).await?;
        let person: PersonJson = shape::read(&spoken, &answer.body)?;
        if person.id != id {
            return Err(Error::unknown(&spoken, "another user than was asked for"));
        }
        if person.kind.as_deref() == Some(AGENT_USER) {
            return Err(Error::unknown(&spoken, "an agent's user, and no person"));
        }
        Ok(person.account_enabled)
    }

    /// Switches one agent's user account. Safe to repeat. The body names the type, so that the
    /// permission for agents' users is enough and Graph refuses a person's account.
    pub async fn set_agent_user_enabled(
        &self,
        ask: Ask,
        id: ObjectId,
        enabled: Enabled,
    ) -> Result<Receipt, Error> {
        let mut call = Call::write(Method::PATCH, user_place(id), Lane::DirectoryWrites)
            .with_body(&json!({ "@odata.type": AGENT_USER, "accountEnabled": enabled.flag() }));
        call.odata_version = Some(HeaderValue::from_static("4.0"));
        accepted(self.send(ask, call).await?)
    }

    /// Makes the refresh tokens and sessions of one user invalid, within minutes (Microsoft).
    pub async fn revoke_sessions(&self, ask: Ask, id: ObjectId) -> Result<Receipt, Error> {
        #[derive(Deserialize)]
        struct Revoked {
            value: bool,
        }
        let place = user_place(id).then("/revokeSignInSessions");
        let call = Call::write(Method::POST, place, Lane::DirectoryWrites);
        let answer = self.send(ask, call).await?;
        let spoken = answer.receipt.to_string();
        match (answer.receipt.status, answer.body.is_empty()) {
            (204, true) => return Ok(answer.receipt),
            (200, false) => {}
            _ => return Err(Error::unknown(&spoken, "an answer this call does not give")),
        }
        let revoked: Revoked = shape::read(&spoken, &answer.body)?;
        if revoked.value {
            Ok(answer.receipt)
        } else {
            Err(Error::unknown(
                &spoken,
                "Graph says that nothing was revoked",
            ))
        }
    }
}

impl UserJson {
    fn checked(self, spoken: &str) -> Result<AgentUserRead, Error> {
        shape::of_kind(spoken, (AGENT_USER, self.kind.as_deref()))?;
        Ok(AgentUserRead {
            id: self.id,
            enabled: self.account_enabled,
            agent: self.identity_parent_id,
        })
    }
}

fn user_place(id: ObjectId) -> Place {
    Place::v1("/users/").id(id)
}
