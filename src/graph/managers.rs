//! Who stands above a person.

use serde::Deserialize;

use super::call::Call;
use super::error::Error;
use super::place::Place;
use super::shape;
use super::{Ask, Graph};
use crate::domain::entity::ObjectId;

#[derive(Deserialize)]
struct ManagerJson {
    id: ObjectId,
}

impl Graph {
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
