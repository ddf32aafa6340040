//! Whether a person is still there, and who stands above them.

use serde::Deserialize;

use super::call::Call;
use super::error::Error;
use super::place::Place;
use super::shape::{self, Enabled};
use super::{Ask, Graph};
use crate::domain::entity::ObjectId;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersonJson {
    id: ObjectId,
    account_enabled: Enabled,
}

#[derive(Deserialize)]
struct ManagerJson {
    id: ObjectId,
}

impl Graph {
    /// A person's switch. `NotFound` for a group. Needs `User.Read.All` to be sure; a tenant that
    /// does not grant it refuses.
    pub async fn person_enabled(&self, ask: Ask, id: ObjectId) -> Result<Enabled, Error> {
        let place = Place::v1("/users/")
            .id(id)
            .then("?$select=id,accountEnabled");
        let call = Call::read(place);
        let spoken = call.spoken();
        let answer = self.send(ask, call).await?;
        let person: PersonJson = shape::read(&spoken, &answer.body)?;
        if person.id != id {
            return Err(Error::unknown(&spoken, "the answer is about another"));
        }
        Ok(person.account_enabled)
    }

    /// Whom a user reports to; `NotFound` when nobody. Needs `User.Read.All`.
    pub async fn manager_of(&self, ask: Ask, user: ObjectId) -> Result<ObjectId, Error> {
        let place = Place::v1("/users/").id(user).then("/manager?$select=id");
        let call = Call::read(place);
        let spoken = call.spoken();
        let answer = self.send(ask, call).await?;
        let manager: ManagerJson = shape::read(&spoken, &answer.body)?;
        Ok(manager.id)
    }
}
