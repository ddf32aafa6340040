//! Who answers for an agent is told that it was stopped, or is back: read afresh each time.
//!
//! Sponsors move to the manager when they leave (Microsoft, 2026-04), and a little late; so a
//! sponsor whose account is disabled is followed to the manager here. Where an agent has none, its
//! blueprint's stand in, then the manager of its user account, then its owners. For a user account
//! answers who answers for its agent; where that is gone, its own manager.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::attempt::{Ended, again, backoff, gone, send};
use super::{Teller, words};
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::domain::id::RunId;
use crate::domain::inventory::Bond;
use crate::domain::moment::Moment;
use crate::domain::notice::Urgency;
use crate::domain::run::{Run, RunState};
use crate::domain::telling::{DestinationName, NewTelling, Telling, Whom, Word};
use crate::graph::{Ask, Enabled, Error as Refusal, Priority};
use crate::pager::{Page, Sponsor, Taking};
use crate::store::{Error, TellingEnd};

/// How far up the managers are followed.
const MANAGERS_MAX: usize = 3;
/// Most people one agent's message is for.
const SPONSORS_MAX: usize = 50;

impl Teller {
    /// Makes of one word to sponsors one for each place that can reach them.
    pub(super) async fn address_sponsors(&self, tried: &Telling) -> Result<Ended, Error> {
        let places = self
            .places
            .iter()
            .filter(|it| it.takes.sponsors == Taking::Yes);
        let tellings: Vec<NewTelling> = places
            .map(|place| NewTelling {
                whom: Whom::SponsorsBy(place.name.clone()),
                word: tried.word,
                about: tried.about,
                due_at: self.clock.now(),
            })
            .collect();
        if tellings.is_empty() {
            let said = "no place under `page` takes sponsors".to_owned();
            return Ok((TellingEnd::Moot, said));
        }
        let said = format!("{} places", tellings.len());
        self.store
            .address(Vec::new(), tellings, self.clock.now())
            .await?;
        Ok((TellingEnd::Told, said))
    }

    /// Reads who answers for the agent, and tells them by one place.
    pub(super) async fn tell_sponsors(
        &self,
        tried: &Telling,
        name: &DestinationName,
    ) -> Result<Ended, Error> {
        let Some(place) = self.place(name) else {
            return Ok(gone(name));
        };
        let run = self.store.run(RunId::from_uuid(tried.about)).await?;
        let Some(run) = run else {
            return Ok((TellingEnd::Moot, "its run is gone".to_owned()));
        };
        // The key is another when the people are: a repeat that is for somebody else is none.
        let sponsors = match self.sponsors_of(run.entity).await {
            Ok(sponsors) => sponsors,
            Err(refusal) => {
                let said = format!("sponsors could not be read: {refusal}");
                return Ok(again(self, tried, (backoff(self, tried), said)));
            }
        };
        if sponsors.is_empty() {
            let said = format!("nobody answers for {}", run.entity);
            return Ok((TellingEnd::Moot, said));
        }
        let page = page(self, tried, (&run, sponsors));
        Ok(send(self, place, tried, &page).await)
    }

    /// Nobody is an answer; a refused read is not.
    async fn sponsors_of(&self, entity: Entity) -> Result<BTreeSet<Sponsor>, Refusal> {
        let found = match entity.kind {
            EntityKind::Agent => self.of_agent(entity).await?,
            EntityKind::AgentUser => self.of_agent_user(entity.id).await?,
            EntityKind::Blueprint => self.people(entity, Bond::Sponsor, "sponsor").await?,
            EntityKind::User | EntityKind::ServicePrincipal => Vec::new(),
        };
        let mut sponsors = BTreeSet::new();
        for sponsor in found.into_iter().take(SPONSORS_MAX) {
            sponsors.extend(self.heir_of(sponsor).await?);
        }
        Ok(sponsors)
    }

    async fn of_agent(&self, agent: Entity) -> Result<Vec<Sponsor>, Refusal> {
        let found = self.people(agent, Bond::Sponsor, "sponsor").await?;
        if found.is_empty() {
            return self.standing_in(agent).await;
        }
        Ok(found)
    }

    async fn of_agent_user(&self, user: ObjectId) -> Result<Vec<Sponsor>, Refusal> {
        let read = self.graph.agent_user(self.ask(), user).await?;
        match self.of_agent(Entity::agent(read.agent)).await {
            Err(Refusal::NotFound { .. }) => {
                let manager = self.manager_of(user).await?;
                let heir = manager.map(|id| Sponsor { id, by: "manager" });
                Ok(heir.into_iter().collect())
            }
            answer => answer,
        }
    }

    async fn people(
        &self,
        entity: Entity,
        bond: Bond,
        by: &'static str,
    ) -> Result<Vec<Sponsor>, Refusal> {
        let people = self.graph.people_of(self.ask(), entity, bond).await?;
        Ok(people
            .into_iter()
            .map(|person| Sponsor { id: person.id, by })
            .collect())
    }

    /// An agent without a sponsor: its blueprint's, then its user account's manager, then its
    /// owners.
    async fn standing_in(&self, agent: Entity) -> Result<Vec<Sponsor>, Refusal> {
        let read = self.graph.agent(self.ask(), agent.id).await?;
        if let Some(app) = read.blueprint_app_id {
            let blueprint = self.graph.blueprint_by_app_id(self.ask(), app).await?;
            let principal = Entity {
                kind: EntityKind::Blueprint,
                id: blueprint.id,
            };
            let found = self
                .people(principal, Bond::Sponsor, "blueprint_sponsor")
                .await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        for user in self.graph.agent_users_of(self.ask(), agent.id).await? {
            if let Some(id) = self.manager_of(user.id).await? {
                return Ok(vec![Sponsor { id, by: "manager" }]);
            }
        }
        self.people(agent, Bond::Owner, "owner").await
    }

    /// Themselves, or whoever they report to where they have left. A group is nobody's employee.
    async fn heir_of(&self, sponsor: Sponsor) -> Result<Option<Sponsor>, Refusal> {
        let mut heir = sponsor;
        for _ in 0..MANAGERS_MAX {
            match self.graph.person(self.ask(), heir.id).await {
                Ok(Enabled::No) => {}
                // A group, or somebody we may not read: they are still the one who is named.
                Ok(Enabled::Yes) | Err(Refusal::NotFound { .. } | Refusal::Refused { .. }) => {
                    return Ok(Some(heir));
                }
                Err(other) => return Err(other),
            }
            match self.manager_of(heir.id).await? {
                Some(id) => heir = Sponsor { id, by: "manager" },
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// `None` where there is no manager, or where we may not read who it is.
    async fn manager_of(&self, user: ObjectId) -> Result<Option<ObjectId>, Refusal> {
        match self.graph.manager_of(self.ask(), user).await {
            Ok(id) => Ok(Some(id)),
            Err(Refusal::NotFound { .. } | Refusal::Refused { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    fn ask(&self) -> Ask {
        Ask {
            priority: Priority::Enrich,
            correlation: self.clock.uuid(),
        }
    }
}

fn page(teller: &Teller, tried: &Telling, (run, sponsors): (&Run, BTreeSet<Sponsor>)) -> Page {
    let sponsors: Vec<Sponsor> = sponsors.into_iter().collect();
    let ids: Vec<u8> = sponsors
        .iter()
        .flat_map(|sponsor| sponsor.id.uuid().into_bytes())
        .collect();
    Page {
        key: Uuid::new_v5(&tried.key(), &ids),
        thread: words::thread(&format!("sponsors {}", run.id)),
        word: tried.word,
        urgency: Urgency::Tell,
        text: text(tried.word, run),
        at: happened(tried.word, run),
        run: Some(run.id),
        link: teller.public_url.as_ref().map(url::Url::to_string),
        sponsors,
    }
}

fn happened(word: Word, run: &Run) -> Moment {
    let at = match word {
        Word::Raise | Word::Acknowledge => run.contained_at.or(run.struck_at),
        Word::Resolve => run.ended_at,
    };
    at.or(run.ended_at).unwrap_or(run.received_at)
}

/// Told once, so it must hold whatever the run comes to next.
fn text(word: Word, run: &Run) -> String {
    let (id, entity, playbook) = (run.id, run.entity, &run.playbook);
    match (word, run.state) {
        (Word::Resolve, _) => {
            format!("{entity}, which you answer for, was put back as it was ({id}).")
        }
        (Word::Raise | Word::Acknowledge, RunState::Contained) => format!(
            "{entity}, which you answer for, was stopped by estop (playbook {playbook}, {id}). If \
             what it did was meant, tell your security team and name {id}: it can be put back."
        ),
        (Word::Raise | Word::Acknowledge, RunState::Observed) => format!(
            "{entity}, which you answer for, called the playbook {playbook} ({id}), which only \
             watches: estop has changed nothing. Look whether it still does its work; your security \
             team knows more by {id}."
        ),
        (Word::Raise | Word::Acknowledge, _) => format!(
            "estop acted to stop {entity}, which you answer for (playbook {playbook}, {id}); not \
             everything is proved. If what it did was meant, tell your security team and name {id}."
        ),
    }
}
