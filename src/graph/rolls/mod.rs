//! Whole collections, page by page, for the inventory: everything of one kind in the tenant.
//!
//! Every path and property is of facts: v1.0 for objects, beta for the agent registry, which
//! Microsoft is replacing. All are asked without `ConsistencyLevel`.

mod rows;

use serde::de::DeserializeOwned;

use rows::{ApplicationRow, InstanceRow, PrincipalRow, Seen, UserRow};

use super::error::Error;
use super::page::Pages;
use super::place::Place;
use super::{Ask, Graph};
use crate::domain::entity::ObjectId;
use crate::domain::inventory::{Instance, Known, Part};
use crate::domain::moment::Moment;
use crate::domain::reach::Reach;

/// One page of a roll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RollPage {
    /// Blueprint principals, agents, agent users or classic agents.
    Objects(Vec<Known>),
    /// App id and application object id of blueprints.
    Applications(Vec<(ObjectId, ObjectId)>),
    /// Registered agents.
    Instances(Vec<Registered>),
}

/// A registered agent, and who is tied to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The agent.
    pub instance: Instance,
    /// Who made it, and who owns it, in the registry's words.
    pub ties: Vec<(Reach, ObjectId)>,
}

/// What is to be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Which collection.
    pub part: Part,
    /// The set of custom security attributes that is read beside the tags of service principals.
    /// Whoever may not read attributes is refused the whole list (facts: the permission is
    /// CustomSecAttributeAssignment.Read.All; what Graph answers without it is unverified).
    pub attributes: Option<&'a str>,
}

impl Wanted<'_> {
    /// Does this list carry custom security attributes?
    pub const fn asks_for_attributes(self) -> bool {
        self.attributes.is_some()
            && matches!(
                self.part,
                Part::Blueprints | Part::Agents | Part::ClassicAgents
            )
    }
}

/// A collection on its way in.
#[derive(Debug)]
pub struct Roll {
    part: Part,
    at: Moment,
    attributes: Option<Box<str>>,
    pages: Pages,
}

impl Graph {
    /// Begins to list one part; `at` is what its rows are stamped with. `None` for people, who are
    /// read object by object.
    pub fn roll(&self, ask: Ask, wanted: Wanted<'_>, at: Moment) -> Option<Roll> {
        Some(Roll {
            part: wanted.part,
            at,
            attributes: wanted.attributes.map(Into::into),
            pages: Pages::new(self, ask, place(wanted)?),
        })
    }
}

impl Roll {
    /// The next page, or `None` behind the last. After an error the same page may be asked again.
    pub async fn next(&mut self) -> Result<Option<RollPage>, Error> {
        match self.part {
            Part::Blueprints => self.objects(PrincipalRow::blueprint).await,
            Part::Agents => self.objects(PrincipalRow::agent).await,
            Part::AgentUsers => self.objects(UserRow::agent_user).await,
            Part::ClassicAgents => self.objects(PrincipalRow::classic_agent).await,
            Part::Applications => {
                let page = self.pages.next::<ApplicationRow>().await?;
                let pairs = |rows: Vec<ApplicationRow>| {
                    rows.into_iter().map(|row| (row.app_id, row.id)).collect()
                };
                Ok(page.map(|rows| RollPage::Applications(pairs(rows))))
            }
            Part::Instances => {
                let page = self.pages.next::<InstanceRow>().await?;
                let read = |rows: Vec<InstanceRow>| {
                    rows.into_iter().filter_map(InstanceRow::instance).collect()
                };
                Ok(page.map(|rows| RollPage::Instances(read(rows))))
            }
            Part::People => Ok(None),
        }
    }

    /// A page whose every item must be of its kind, or none of it is believed.
    async fn objects<T: DeserializeOwned>(
        &mut self,
        known: impl Fn(T, Seen<'_>) -> Result<Option<Known>, Error>,
    ) -> Result<Option<RollPage>, Error> {
        let Some(rows) = self.pages.next::<T>().await? else {
            return Ok(None);
        };
        let seen = Seen {
            at: self.at,
            spoken: self.pages.spoken(),
            attributes: self.attributes.as_deref(),
        };
        let read = rows.into_iter().map(|row| known(row, seen));
        let objects: Result<Vec<Option<Known>>, Error> = read.collect();
        Ok(Some(RollPage::Objects(
            objects?.into_iter().flatten().collect(),
        )))
    }
}

fn place(wanted: Wanted<'_>) -> Option<Place> {
    let place = match wanted.part {
        Part::Blueprints => {
            Place::v1("/servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal").then(
                "?$select=id,appId,accountEnabled,appOwnerOrganizationId,\
                 disabledByMicrosoftStatus,displayName,tags",
            )
        }
        Part::Agents => Place::v1("/servicePrincipals/microsoft.graph.agentIdentity").then(
            "?$select=id,accountEnabled,agentIdentityBlueprintId,\
             disabledByMicrosoftStatus,displayName,tags",
        ),
        Part::AgentUsers => Place::v1("/users/microsoft.graph.agentUser")
            .then("?$select=id,accountEnabled,identityParentId,displayName"),
        Part::Applications => {
            Place::v1("/applications/microsoft.graph.agentIdentityBlueprint?$select=id,appId")
        }
        Part::ClassicAgents => Place::v1("/servicePrincipals").then(
            "?$select=id,appId,accountEnabled,appOwnerOrganizationId,\
             disabledByMicrosoftStatus,displayName,tags",
        ),
        Part::Instances => Place::beta("/agentRegistry/agentInstances"),
        Part::People => return None,
    };
    let place = if wanted.asks_for_attributes() {
        place.then(",customSecurityAttributes")
    } else {
        place
    };
    Some(match wanted.part {
        Part::ClassicAgents => place.then("&$top=999"),
        Part::Blueprints
        | Part::Agents
        | Part::AgentUsers
        | Part::Applications
        | Part::Instances
        | Part::People => place,
    })
}
