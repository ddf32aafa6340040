//! Sponsors and owners, and for whom an agent may act: two or three reads for each object, so that
//! they are paced over many rounds.

use std::time::Duration;

use super::Watch;
use crate::domain::entity::{Entity, EntityKind};
use crate::domain::inventory::{Bond, Part, Person};
use crate::domain::moment::Moment;
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
        // Whoever may not read grants still learns everything else.
        let mut consents = true;
        for entity in due.await? {
            if consents && entity.kind == EntityKind::Agent {
                consents = self.consents(entity, at).await?;
            }
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

    /// For whom this agent may act; false where we may not ask.
    async fn consents(&self, entity: Entity, at: Moment) -> Result<bool, Error> {
        match self.graph.grants_of(self.ask(), entity.id).await {
            Ok(grants) => {
                let people = grants.iter().filter_map(|grant| grant.principal_id);
                let people = people.collect();
                self.store.consents_seen(entity.id, people, at).await?;
                Ok(true)
            }
            Err(graph::Error::Refused { .. }) => Ok(false),
            // It is asked again with its people.
            Err(
                graph::Error::NotFound { .. }
                | graph::Error::TryAgain { .. }
                | graph::Error::Unknown { .. },
            ) => Ok(true),
        }
    }

    async fn people_of(&self, entity: Entity) -> Result<Vec<Person>, graph::Error> {
        let mut people = Vec::new();
        for bond in Bond::ALL {
            people.extend(self.graph.people_of(self.ask(), entity, bond).await?);
        }
        Ok(people)
    }
}
