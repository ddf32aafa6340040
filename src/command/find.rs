//! What a GUID really is: each cast is asked, and a blueprint's app id is put right.
//!
//! Entra answers 404 to the wrong cast, so the kind is never guessed (threat G13). What cannot be
//! read is said, never taken for "not there".

use futures_util::future::join4;

use super::error::{Error, Sort};
use super::plan::Found;
use super::{Answer, Desk};
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::domain::inventory::Radius;
use crate::domain::playbook::Also;
use crate::graph::{self, AgentRead, AgentUserRead, Ask, BlueprintRead, Priority};

/// What a person names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What they say it is; `None` means that estop should find out.
    pub kind: Option<EntityKind>,
    /// Its object id, or the app id of a blueprint.
    pub id: ObjectId,
    /// What else to stop. `None` means an agent's user accounts, where it has any.
    pub also: Option<Vec<Also>>,
}

/// What was found, as the tenant has it now.
pub(super) struct Looked {
    pub(super) found: Found,
    /// Every id it is known by, for the guards.
    pub(super) ids: Vec<ObjectId>,
    /// What its switch stops with it (a blueprint's agents), or belongs to it (an agent's users).
    pub(super) family: Vec<Found>,
    pub(super) remarks: Vec<String>,
    /// What its switch stops, counted from the inventory.
    pub(super) radius: Option<Radius>,
}

impl Looked {
    /// Every id that would stop, or is known by one that would.
    pub(super) fn everything(&self) -> Vec<ObjectId> {
        let family = self.family.iter().map(|found| found.entity.id);
        self.ids.iter().copied().chain(family).collect()
    }
}

impl Desk {
    /// Looks a target up. The inventory says what kind it is and which id was meant. Where it is
    /// fresh and whole it is enough for a plan that is only shown; to carry one out the entity
    /// itself is read again.
    pub(super) async fn look(&self, target: &Target, priority: Priority) -> Answer<Looked> {
        let (target, corrections) = self.corrected(target).await?;
        let stocked = self.look_in_stock(&target).await?;
        let mut looked = match stocked {
            Some(looked) if priority == Priority::Enrich => looked,
            stocked => self.look_in_tenant(&target, priority, stocked).await?,
        };
        looked.remarks.splice(0..0, corrections);
        Ok(looked)
    }

    async fn look_in_tenant(
        &self,
        target: &Target,
        priority: Priority,
        stocked: Option<Looked>,
    ) -> Answer<Looked> {
        let ask = Ask {
            priority,
            correlation: self.tools.clock.uuid(),
        };
        let mut looked = match target.kind {
            None => self.look_as_any(ask, target.id).await?,
            Some(EntityKind::Agent) => self.as_agent(ask, target.id).await?,
            Some(EntityKind::Blueprint) => self.as_blueprint(ask, target.id).await?,
            Some(EntityKind::AgentUser) => self.as_agent_user(ask, target.id).await?,
            Some(kind @ (EntityKind::ServicePrincipal | EntityKind::User)) => {
                return Err(not_ours(kind));
            }
        };
        match looked.found.entity.kind {
            EntityKind::Agent => self.add_users(ask, target, &mut looked).await?,
            EntityKind::Blueprint => match stocked {
                Some(stocked) => {
                    looked.family = stocked.family;
                    looked.remarks = stocked.remarks;
                    looked.radius = stocked.radius;
                }
                None => self.add_agents(ask, &mut looked).await?,
            },
            EntityKind::AgentUser | EntityKind::ServicePrincipal | EntityKind::User => {}
        }
        Ok(looked)
    }

    /// All four readings at once: one of them is right, or none is.
    async fn look_as_any(&self, ask: Ask, id: ObjectId) -> Answer<Looked> {
        let graph = &self.tools.graph;
        let (agent, blueprint, user, by_app) = join4(
            graph.agent(ask, id),
            graph.blueprint(ask, id),
            graph.agent_user(ask, id),
            graph.blueprint_by_app_id(ask, id),
        )
        .await;
        if let Ok(agent) = agent {
            return Ok(of_agent(agent));
        }
        if let Ok(blueprint) = blueprint {
            return Ok(self.of_blueprint(blueprint, id));
        }
        if let Ok(user) = user {
            return Ok(of_user(user));
        }
        if let Ok(blueprint) = by_app {
            return Ok(self.of_blueprint(blueprint, id));
        }
        let errors = [agent.err(), blueprint.err(), user.err(), by_app.err()];
        Err(worst_of(errors.into_iter().flatten(), id))
    }

    async fn as_agent(&self, ask: Ask, id: ObjectId) -> Answer<Looked> {
        Ok(of_agent(self.tools.graph.agent(ask, id).await?))
    }

    async fn as_agent_user(&self, ask: Ask, id: ObjectId) -> Answer<Looked> {
        Ok(of_user(self.tools.graph.agent_user(ask, id).await?))
    }

    async fn as_blueprint(&self, ask: Ask, id: ObjectId) -> Answer<Looked> {
        let graph = &self.tools.graph;
        let read = match graph.blueprint(ask, id).await {
            Err(graph::Error::NotFound { .. }) => graph.blueprint_by_app_id(ask, id).await?,
            read => read?,
        };
        Ok(self.of_blueprint(read, id))
    }

    fn of_blueprint(&self, read: BlueprintRead, asked: ObjectId) -> Looked {
        let mut remarks = microsoft(read.disabled_by_microsoft);
        if asked != read.id {
            remarks.push(format!(
                "{asked} is the app id of a blueprint; its switch in this tenant is the principal {}",
                read.id
            ));
        }
        if read
            .owner_tenant
            .is_some_and(|owner| owner != self.tools.tenant)
        {
            remarks.push("the blueprint's application belongs to another tenant".to_owned());
        }
        Looked {
            found: Found {
                entity: Entity::blueprint(read.id),
                name: read.display_name,
                enabled: read.enabled.flag(),
            },
            ids: vec![read.id, read.app_id],
            family: Vec::new(),
            remarks,
            radius: None,
        }
    }

    /// An agent's user accounts. Where nobody asked for them by name, a failure to read them does
    /// not hold up the agent's own switch.
    async fn add_users(&self, ask: Ask, target: &Target, looked: &mut Looked) -> Answer<()> {
        let users = self.tools.graph.agent_users_of(ask, target.id).await;
        let named = target.also.as_deref().is_some_and(|also| !also.is_empty());
        match users {
            Ok(users) => looked.family = users.into_iter().map(found_user).collect(),
            Err(error) if named => return Err(error.into()),
            Err(error) => looked.remarks.push(format!(
                "its user accounts could not be read and are not part of this plan: {error}"
            )),
        }
        Ok(())
    }

    async fn add_agents(&self, ask: Ask, looked: &mut Looked) -> Answer<()> {
        let Some(app_id) = looked.ids.last().copied() else {
            return Ok(());
        };
        let agents = self.tools.graph.agents_of(ask, app_id).await?;
        looked.family = agents
            .into_iter()
            .map(|agent| of_agent(agent).found)
            .collect();
        Ok(())
    }
}

fn of_agent(read: AgentRead) -> Looked {
    Looked {
        found: Found {
            entity: Entity::agent(read.id),
            name: read.display_name,
            enabled: read.enabled.flag(),
        },
        ids: [read.id].into_iter().chain(read.blueprint_app_id).collect(),
        family: Vec::new(),
        remarks: microsoft(read.disabled_by_microsoft),
        radius: None,
    }
}

fn of_user(read: AgentUserRead) -> Looked {
    Looked {
        ids: vec![read.id, read.agent],
        remarks: vec![format!("it is the user account of agent {}", read.agent)],
        family: Vec::new(),
        radius: None,
        found: found_user(read),
    }
}

fn found_user(read: AgentUserRead) -> Found {
    Found {
        entity: Entity::agent_user(read.id),
        name: None,
        enabled: read.enabled.flag(),
    }
}

pub(super) fn microsoft(disabled: bool) -> Vec<String> {
    let words = "Microsoft itself has disabled it; only Microsoft can undo that";
    disabled.then(|| words.to_owned()).into_iter().collect()
}

fn not_ours(kind: EntityKind) -> Error {
    Error::amend(
        "target-unsupported",
        format!("estop does not contain entities of kind {kind}"),
        "Name an agent, a blueprint or an agent's user account",
    )
}

/// Not found by every cast means that it is not there. One cast that could not be read means that
/// nobody knows. A person's own account answers the user cast with something that is no agent's.
fn worst_of(errors: impl Iterator<Item = graph::Error>, id: ObjectId) -> Error {
    let mut answer = Error::new(
        Sort::NotFound,
        "target-unresolved",
        format!("{id} is no agent, no blueprint and no agent's user account in this tenant"),
        "Check the GUID; a new object can take minutes to be readable",
    );
    for error in errors {
        match error {
            graph::Error::NotFound { .. } => {}
            graph::Error::TryAgain { .. }
            | graph::Error::Unknown { .. }
            | graph::Error::Refused { .. } => answer = error.into(),
        }
    }
    answer
}
