//! Sponsors and owners: two reads for each object, so that they are paced over many rounds.

use std::time::Duration;

use super::Watch;
use crate::domain::entity::Entity;
use crate::domain::inventory::{Bond, Part, Person};
use crate::graph;
use crate::store::{Error, Rollcall};

/// Objects whose people are read in one round: 1,000 reads of the budget of one round's five
/// minutes (94,500), so that a tenant of 5,000 agents is read once within an hour.
const OBJECTS_PER_ROUND: u32 = 500;
/// People are read again after this long.
const AGAIN_AFTER: Duration = Duration::from_secs(3600);

impl Watch {
    /// Reads the people who were read longest ago. The first refusal ends the round: it is about
    /// us and would meet every other object too.
    pub(super) async fn people(&self) -> Result<(), Error> {
        let at = self.clock.now();
        let due = self
            .store
            .people_due(at.minus(AGAIN_AFTER), OBJECTS_PER_ROUND);
        let mut how = Rollcall::Whole;
        for entity in due.await? {
            match self.people_of(entity).await {
                Ok(people) => self.store.people_seen(entity.id, people, at).await?,
                // It has gone since it was listed.
                Err(graph::Error::NotFound { .. }) => {}
                Err(error) => {
                    how = Rollcall::Broken(error.to_string());
                    break;
                }
            }
        }
        self.end(Part::People, at, how).await
    }

    async fn people_of(&self, entity: Entity) -> Result<Vec<Person>, graph::Error> {
        let mut people = Vec::new();
        for bond in Bond::ALL {
            people.extend(self.graph.people_of(self.ask(), entity, bond).await?);
        }
        Ok(people)
    }
}
