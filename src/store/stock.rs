//! The inventory as it is asked: any GUID, one entity's family, the orphans, what is certain.

use super::Store;
use super::error::Error;
use super::rows::{bytes, entity, json, moment, moment_or_none, uuid, uuid_or_none, word};
use super::sql::{Row, query};
use super::writer::Tx;
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::domain::inventory::{
    Bond, Extent, Family, Instance, Known, Listed, Orphan, Part, Person, Trace, orphans,
};

/// Most rows one listing of the inventory answers.
pub const STOCK_MAX: u32 = 500;

/// Which objects to list.
#[derive(Clone, Debug)]
pub struct StockFilter {
    /// Of this kind.
    pub kind: EntityKind,
    /// Only agents of the blueprint with this app id.
    pub blueprint: Option<ObjectId>,
    /// Only those behind this one, in the order of object ids.
    pub after: Option<ObjectId>,
    /// At most so many.
    pub limit: u32,
}

impl Store {
    /// Everything the inventory holds about one GUID, whichever id of whatever it is.
    pub async fn trace(&self, id: ObjectId) -> Result<Trace, Error> {
        let key = bytes(id.uuid());
        let objects = query(
            "select * from inventory where entity_id = $1 \
             union select * from inventory where app_id = $1 \
             union select * from inventory where application = $1 limit 16",
        )
        .bind(key.clone())
        .fetch_all(self.glancing())
        .await?;
        let instances = query("select * from inventory_instance where instance_id = $1")
            .bind(key.clone())
            .fetch_all(self.glancing())
            .await?;
        let people = query("select * from inventory_person where person_id = $1 limit 500")
            .bind(key)
            .fetch_all(self.glancing())
            .await?;
        Ok(Trace {
            objects: read(&objects, known)?,
            instances: read(&instances, instance)?,
            people: read(&people, person)?,
        })
    }

    /// One object by its object id, with what it hangs from: enough to know its kind and parents
    /// for certain.
    pub async fn lineage(&self, id: ObjectId) -> Result<Vec<Known>, Error> {
        let rows = query(
            "select i.* from inventory i where i.entity_id = $1 \
             union all select b.* from inventory i \
               join inventory b on b.app_id = i.parent and b.entity_kind = 'blueprint' \
               where i.entity_id = $1 and i.entity_kind = 'agent' \
             union all select a.* from inventory i \
               join inventory a on a.entity_id = i.parent and a.entity_kind = 'agent' \
               where i.entity_id = $1 and i.entity_kind = 'agent_user' \
             union all select b.* from inventory i \
               join inventory a on a.entity_id = i.parent and a.entity_kind = 'agent' \
               join inventory b on b.app_id = a.parent and b.entity_kind = 'blueprint' \
               where i.entity_id = $1 and i.entity_kind = 'agent_user' limit 4",
        )
        .bind(bytes(id.uuid()))
        .fetch_all(self.glancing())
        .await?;
        read(&rows, known)
    }

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

    /// How far each listing came.
    pub async fn listed(&self) -> Result<Vec<Listed>, Error> {
        let rows = query("select * from inventory_part order by part")
            .fetch_all(self.reading())
            .await?;
        read(&rows, listed)
    }

    /// Objects of one kind, in the order of their object ids.
    pub async fn stock(&self, filter: StockFilter) -> Result<Vec<Known>, Error> {
        let rows = query(
            "select * from inventory where entity_kind = $1 and (parent = $2 or $2 is null) \
             and (entity_id > $3 or $3 is null) order by entity_id limit $4",
        )
        .bind(filter.kind.word())
        .bind(filter.blueprint.map(|id| bytes(id.uuid())))
        .bind(filter.after.map(|id| bytes(id.uuid())))
        .bind(filter.limit.min(STOCK_MAX))
        .fetch_all(self.reading())
        .await?;
        let mut found = read(&rows, known)?;
        let held = self.held_ids().await?;
        for known in &mut found {
            known.enabled &= !held.contains(&known.entity);
        }
        Ok(found)
    }

    /// Everything that lost what it hangs from, or that nobody answers for.
    pub async fn orphans(&self) -> Result<Vec<Orphan>, Error> {
        let objects = query("select * from inventory").fetch_all(self.reading());
        let objects = read(&objects.await?, known)?;
        let people = query("select * from inventory_person").fetch_all(self.reading());
        Ok(orphans(&objects, &read(&people.await?, person)?))
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

    async fn held_ids(&self) -> Result<std::collections::BTreeSet<Entity>, Error> {
        let rows = query(
            "select entity_kind, entity_id from containment \
             where state in ('closing', 'closed', 'unverified')",
        )
        .fetch_all(self.reading())
        .await?;
        rows.iter().map(entity).collect()
    }
}

/// How many agents were enabled when the last whole listing saw them; `None` before the first.
pub(super) async fn fleet_in(tx: &mut Tx) -> Result<Option<u32>, Error> {
    let row = query(
        "select enabled from inventory_part where part = 'agents' and measured_at is not null",
    )
    .fetch_optional(&mut tx.db)
    .await?;
    row.map(|row| row.get("enabled")).transpose()
}

fn read<T>(rows: &[Row], one: impl Fn(&Row) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    rows.iter().map(one).collect()
}

fn id(row: &Row, column: &str) -> Result<Option<ObjectId>, Error> {
    Ok(uuid_or_none(row, column)?.map(ObjectId::from_uuid))
}

fn known(row: &Row) -> Result<Known, Error> {
    Ok(Known {
        entity: entity(row)?,
        app_id: id(row, "app_id")?,
        application: id(row, "application")?,
        parent: id(row, "parent")?,
        enabled: row.get("enabled")?,
        disabled_by_microsoft: row.get("by_microsoft")?,
        owner_tenant: id(row, "owner_tenant")?,
        name: row.get("name")?,
        tags: json(row, "tags")?,
        seen_at: moment(row, "seen_at")?,
        people_at: moment_or_none(row, "people_at")?,
    })
}

fn instance(row: &Row) -> Result<Instance, Error> {
    Ok(Instance {
        id: ObjectId::from_uuid(uuid(row, "instance_id")?),
        agent: id(row, "agent")?,
        application: id(row, "application")?,
        name: row.get("name")?,
        platform: row.get("platform")?,
        source: row.get("source_agent")?,
    })
}

fn person(row: &Row) -> Result<Person, Error> {
    Ok(Person {
        of: ObjectId::from_uuid(uuid(row, "of_id")?),
        bond: word(row, "bond", Bond::from_word)?,
        id: ObjectId::from_uuid(uuid(row, "person_id")?),
        name: row.get("name")?,
    })
}

fn listed(row: &Row) -> Result<Listed, Error> {
    let count = |name| -> Result<usize, Error> {
        Ok(usize::try_from(row.get::<i64>(name)?).unwrap_or_default())
    };
    Ok(Listed {
        part: word(row, "part", Part::from_word)?,
        measured_at: moment_or_none(row, "measured_at")?,
        extent: Extent {
            read: count("read")?,
            of: count("total")?,
        },
        why: row.get("why")?,
    })
}
