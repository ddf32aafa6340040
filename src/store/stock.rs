//! The inventory as it is asked: any GUID, what it hangs from, the orphans, what is certain. One
//! entity's family is `family`.

use super::Store;
use super::error::Error;
use super::rows::{bytes, entity, json, moment, moment_or_none, uuid, uuid_or_none, word};
use super::sql::{Row, query};
use crate::domain::entity::{EntityKind, ObjectId};
use crate::domain::inventory::{
    Bond, Extent, Instance, Known, Listed, Orphan, Part, Person, Trace, orphans,
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

/// What a GUID is beside the id of an object.
#[derive(Default)]
struct Others {
    is_instance: bool,
    is_person: bool,
}

impl Store {
    /// Everything the inventory holds about one GUID, whichever id of whatever it is.
    pub async fn trace(&self, id: ObjectId) -> Result<Trace, Error> {
        let (objects, others) = self.objects(id).await?;
        let mut trace = Trace {
            objects,
            ..Trace::default()
        };
        let key = bytes(id.uuid());
        if others.is_instance {
            let rows = query("select * from inventory_instance where instance_id = $1")
                .bind(key.clone())
                .fetch_all(self.glancing())
                .await?;
            trace.instances = read(&rows, instance)?;
        }
        if others.is_person {
            let rows = query("select * from inventory_person where person_id = $1 limit 500")
                .bind(key)
                .fetch_all(self.glancing())
                .await?;
            trace.people = read(&rows, person)?;
        }
        Ok(trace)
    }

    /// The objects of which it is an id, and what else it is: in one look, for it is on the way of a kill.
    async fn objects(&self, id: ObjectId) -> Result<(Vec<Known>, Others), Error> {
        let rows = query(
            "select i.*, \
               exists(select 1 from inventory_instance where instance_id = $1) as is_instance, \
               exists(select 1 from inventory_person where person_id = $1) as is_person \
             from (select 1 as one) asked left join ( \
               select * from inventory where entity_id = $1 \
               union select * from inventory where app_id = $1 \
               union select * from inventory where application = $1 limit 16) i on true",
        )
        .bind(bytes(id.uuid()))
        .fetch_all(self.glancing())
        .await?;
        let others = |row: &Row| {
            Ok::<_, Error>(Others {
                is_instance: row.get("is_instance")?,
                is_person: row.get("is_person")?,
            })
        };
        let others = rows.first().map(others).transpose()?.unwrap_or_default();
        let mut objects = Vec::new();
        for row in &rows {
            // Of none there is a row without an object.
            if row.get::<Option<Vec<u8>>>("entity_id")?.is_some() {
                objects.push(known(row)?);
            }
        }
        Ok((objects, others))
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
}

pub(super) fn read<T>(
    rows: &[Row],
    one: impl Fn(&Row) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    rows.iter().map(one).collect()
}

fn id(row: &Row, column: &str) -> Result<Option<ObjectId>, Error> {
    Ok(uuid_or_none(row, column)?.map(ObjectId::from_uuid))
}

pub(super) fn known(row: &Row) -> Result<Known, Error> {
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

pub(super) fn instance(row: &Row) -> Result<Instance, Error> {
    Ok(Instance {
        id: ObjectId::from_uuid(uuid(row, "instance_id")?),
        agent: id(row, "agent")?,
        application: id(row, "application")?,
        name: row.get("name")?,
        platform: row.get("platform")?,
        source: row.get("source_agent")?,
    })
}

pub(super) fn person(row: &Row) -> Result<Person, Error> {
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
