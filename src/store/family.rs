//! One entity's family, as the inventory knows it: what hangs from it, and who is behind that.

use std::collections::BTreeSet;

use super::Store;
use super::error::Error;
use super::rows::{bytes, entity};
use super::sql::query;
use super::stock::{instance, known, person, read};
use crate::domain::entity::{Entity, EntityKind};
use crate::domain::inventory::{Family, Instance, Known, Person};

impl Store {
    /// The containment graph of one entity; `None` where the inventory does not know it. What we
    /// hold closed ourselves counts as disabled, whatever the last listing saw.
    pub async fn family(&self, of: Entity) -> Result<Option<Family>, Error> {
        let mut line = self.lineage(of.id).await?.into_iter();
        let Some(root) = line.next().filter(|root| root.entity == of) else {
            return Ok(None);
        };
        let above: Vec<Known> = line.collect();
        // Two readers at once, however large it is: the others are for whoever strikes meanwhile.
        let beside = async {
            let users = self.users_under(of, &root).await?;
            let instances = self.instances_under(of, &root).await?;
            let people = self.people_under(of, &root).await?;
            Ok((users, instances, people))
        };
        let (agents, (users, instances, people)) =
            futures_util::try_join!(self.agents_under(of, &root), beside)?;
        let mut family = Family {
            users,
            instances,
            people,
            listed: self.listed().await?,
            root,
            above,
            agents,
        };
        self.mark_held(&mut family).await?;
        Ok(Some(family))
    }

    async fn agents_under(&self, of: Entity, root: &Known) -> Result<Vec<Known>, Error> {
        let app = match (of.kind, root.app_id) {
            (EntityKind::Blueprint, Some(app)) => app,
            (EntityKind::Agent | EntityKind::ServicePrincipal, _) => return Ok(vec![root.clone()]),
            (EntityKind::Blueprint | EntityKind::AgentUser | EntityKind::User, _) => {
                return Ok(Vec::new());
            }
        };
        let rows = query("select * from inventory where parent = $1 and entity_kind = 'agent'")
            .bind(bytes(app.uuid()))
            .fetch_all(self.reading())
            .await?;
        read(&rows, known)
    }

    async fn users_under(&self, of: Entity, root: &Known) -> Result<Vec<Known>, Error> {
        let asked = match (of.kind, root.app_id) {
            (EntityKind::Agent, _) => {
                query("select * from inventory where parent = $1 and entity_kind = 'agent_user'")
                    .bind(bytes(of.id.uuid()))
            }
            (EntityKind::Blueprint, Some(app)) => query(
                "select u.* from inventory a join inventory u \
                 on u.parent = a.entity_id and u.entity_kind = 'agent_user' \
                 where a.parent = $1 and a.entity_kind = 'agent'",
            )
            .bind(bytes(app.uuid())),
            (
                EntityKind::Blueprint
                | EntityKind::AgentUser
                | EntityKind::User
                | EntityKind::ServicePrincipal,
                _,
            ) => return Ok(Vec::new()),
        };
        read(&asked.fetch_all(self.reading()).await?, known)
    }

    async fn instances_under(&self, of: Entity, root: &Known) -> Result<Vec<Instance>, Error> {
        let asked = if of.kind == EntityKind::Blueprint {
            query(
                "select n.* from inventory_instance n where n.agent is null and n.application = $1 \
                 union select n.* from inventory a join inventory_instance n \
                   on n.agent = a.entity_id where a.parent = $2 and a.entity_kind = 'agent'",
            )
            .bind(root.application.map(|id| bytes(id.uuid())))
            .bind(root.app_id.map(|id| bytes(id.uuid())))
        } else {
            query("select * from inventory_instance where agent = $1").bind(bytes(of.id.uuid()))
        };
        read(&asked.fetch_all(self.reading()).await?, instance)
    }

    async fn people_under(&self, of: Entity, root: &Known) -> Result<Vec<Person>, Error> {
        let rows = query(
            "select p.* from inventory_person p where p.of_id = $1 \
             union select p.* from inventory a join inventory_person p on p.of_id = a.entity_id \
               where a.parent = $2 and a.entity_kind = 'agent'",
        )
        .bind(bytes(of.id.uuid()))
        .bind(root.app_id.map(|id| bytes(id.uuid())))
        .fetch_all(self.reading())
        .await?;
        read(&rows, person)
    }

    async fn mark_held(&self, family: &mut Family) -> Result<(), Error> {
        let held = self.held_ids().await?;
        let Family {
            root,
            above,
            agents,
            users,
            ..
        } = family;
        let all = std::iter::once(root)
            .chain(above)
            .chain(agents)
            .chain(users);
        for known in all {
            known.enabled &= !held.contains(&known.entity);
        }
        Ok(())
    }

    pub(super) async fn held_ids(&self) -> Result<BTreeSet<Entity>, Error> {
        let rows = query(
            "select entity_kind, entity_id from containment \
             where state in ('closing', 'closed', 'unverified')",
        )
        .fetch_all(self.reading())
        .await?;
        rows.iter().map(entity).collect()
    }
}
