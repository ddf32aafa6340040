//! The inventory as it is filled: page by page, marked whole or broken off at the end. Rows that a
//! whole listing did not see are gone; a broken listing takes nothing away.

use super::Store;
use super::error::Error;
use super::rows::{bytes, to_json, uuid};
use super::sql::query;
use super::writer::Tx;
use crate::domain::entity::{Entity, ObjectId};
use crate::domain::inventory::{Extent, Instance, Known, Part, Person};
use crate::domain::moment::Moment;

/// Most rows of one piece of work, so that a page never holds up a strike for long.
pub const ROWS_AT_ONCE: usize = 25;

/// How a listing ended.
#[derive(Clone, Debug)]
pub enum Rollcall {
    /// Everything there is was seen.
    Whole,
    /// It ended early, and why.
    Broken(String),
}

impl Store {
    /// Notes objects that a listing has seen.
    pub async fn inventory_seen(&self, objects: Vec<Known>) -> Result<(), Error> {
        self.write_with_the_next(move |tx| {
            Box::pin(async move {
                for known in &objects {
                    keep(tx, known).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Notes registered agents that a listing has seen.
    pub async fn instances_seen(&self, seen: Vec<Instance>, at: Moment) -> Result<(), Error> {
        self.write_with_the_next(move |tx| {
            Box::pin(async move {
                for instance in &seen {
                    keep_instance(tx, instance, at).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Notes which application object each blueprint has, by app id.
    pub async fn applications_seen(
        &self,
        pairs: Vec<(ObjectId, ObjectId)>,
    ) -> Result<usize, Error> {
        self.write_with_the_next(move |tx| {
            Box::pin(async move {
                for (app_id, application) in &pairs {
                    query(
                        "update inventory set application = $2 \
                         where entity_kind = 'blueprint' and app_id = $1",
                    )
                    .bind(bytes(app_id.uuid()))
                    .bind(bytes(application.uuid()))
                    .execute(&mut tx.db)
                    .await?;
                }
                Ok(pairs.len())
            })
        })
        .await
    }

    /// Notes everyone who sponsors and owns one object.
    pub async fn people_seen(
        &self,
        of: ObjectId,
        people: Vec<Person>,
        at: Moment,
    ) -> Result<(), Error> {
        self.write_with_the_next(move |tx| {
            Box::pin(async move { keep_people(tx, of, &people, at).await })
        })
        .await
    }

    /// The objects whose people were read longest ago, or never.
    pub async fn people_due(&self, before: Moment, most: u32) -> Result<Vec<Entity>, Error> {
        let rows = query(
            "select entity_kind, entity_id from inventory \
             where entity_kind in ('agent', 'blueprint') and coalesce(people_at, 0) < $1 \
             order by coalesce(people_at, 0), entity_id limit $2",
        )
        .bind(before.as_millis())
        .bind(most)
        .fetch_all(self.reading())
        .await?;
        rows.iter().map(super::rows::entity).collect()
    }

    /// Ends a listing that began at `at`, and answers how far it came.
    pub async fn end_rollcall(
        &self,
        part: Part,
        at: Moment,
        how: Rollcall,
    ) -> Result<Extent, Error> {
        self.write_with_the_next(move |tx| {
            Box::pin(async move { end_in(tx, part, at, &how).await })
        })
        .await
    }
}

async fn keep(tx: &mut Tx, known: &Known) -> Result<(), Error> {
    query(
        "insert into inventory (entity_id, entity_kind, app_id, application, parent, enabled, \
         by_microsoft, owner_tenant, name, tags, seen_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         on conflict (entity_id) do update set entity_kind = $2, app_id = $3, \
         application = coalesce($4, inventory.application), parent = $5, enabled = $6, by_microsoft = $7, \
         owner_tenant = $8, name = $9, tags = $10, seen_at = $11",
    )
    .bind(bytes(known.entity.id.uuid()))
    .bind(known.entity.kind.word())
    .bind(blob(known.app_id))
    .bind(blob(known.application))
    .bind(blob(known.parent))
    .bind(known.enabled)
    .bind(known.disabled_by_microsoft)
    .bind(blob(known.owner_tenant))
    .bind(known.name.as_deref())
    .bind(to_json(&known.tags)?)
    .bind(known.seen_at.as_millis())
    .execute(&mut tx.db)
    .await?;
    Ok(())
}

async fn keep_instance(tx: &mut Tx, instance: &Instance, at: Moment) -> Result<(), Error> {
    query(
        "insert into inventory_instance (instance_id, agent, application, name, platform, seen_at, \
         source_agent) values ($1, $2, $3, $4, $5, $6, $7) \
         on conflict (instance_id) do update set agent = $2, application = $3, name = $4, \
         platform = $5, seen_at = $6, source_agent = $7",
    )
    .bind(bytes(instance.id.uuid()))
    .bind(blob(instance.agent))
    .bind(blob(instance.application))
    .bind(instance.name.as_deref())
    .bind(instance.platform.as_deref())
    .bind(at.as_millis())
    .bind(instance.source.as_deref())
    .execute(&mut tx.db)
    .await?;
    Ok(())
}

async fn keep_people(
    tx: &mut Tx,
    of: ObjectId,
    people: &[Person],
    at: Moment,
) -> Result<(), Error> {
    query("delete from inventory_person where of_id = $1")
        .bind(bytes(of.uuid()))
        .execute(&mut tx.db)
        .await?;
    for person in people {
        query(
            "insert into inventory_person (of_id, bond, person_id, name) values ($1, $2, $3, $4) \
             on conflict do nothing",
        )
        .bind(bytes(of.uuid()))
        .bind(person.bond.word())
        .bind(bytes(person.id.uuid()))
        .bind(person.name.as_deref())
        .execute(&mut tx.db)
        .await?;
    }
    query("update inventory set people_at = $2 where entity_id = $1")
        .bind(bytes(of.uuid()))
        .bind(at.as_millis())
        .execute(&mut tx.db)
        .await?;
    Ok(())
}

async fn end_in(tx: &mut Tx, part: Part, at: Moment, how: &Rollcall) -> Result<Extent, Error> {
    let whole = matches!(how, Rollcall::Whole);
    if whole {
        forget_unseen(tx, part, at).await?;
    }
    let (extent, enabled) = counted(tx, part, at).await?;
    let why = match how {
        Rollcall::Whole => None,
        Rollcall::Broken(why) => Some(why.as_str()),
    };
    query(
        "insert into inventory_part (part, measured_at, read, total, enabled, why) \
         values ($1, $2, $3, $4, $5, $6) on conflict (part) do update set \
         measured_at = coalesce($2, inventory_part.measured_at), read = $3, total = $4, enabled = $5, why = $6",
    )
    .bind(part.word())
    .bind(whole.then(|| at.as_millis()))
    .bind(i64::try_from(extent.read).unwrap_or(i64::MAX))
    .bind(i64::try_from(extent.of).unwrap_or(i64::MAX))
    .bind(enabled)
    .bind(why)
    .execute(&mut tx.db)
    .await?;
    Ok(extent)
}

/// What a whole listing did not see is there no more, nor are its people.
async fn forget_unseen(tx: &mut Tx, part: Part, at: Moment) -> Result<(), Error> {
    if part == Part::Instances {
        query("delete from inventory_instance where seen_at < $1")
            .bind(at.as_millis())
            .execute(&mut tx.db)
            .await?;
        super::ties::forget_unseen(tx, at).await?;
    }
    let Some(kind) = part.kind() else {
        return Ok(());
    };
    let gone =
        query("delete from inventory where entity_kind = $1 and seen_at < $2 returning entity_id")
            .bind(kind.word())
            .bind(at.as_millis())
            .fetch_all(&mut tx.db)
            .await?;
    for row in &gone {
        query("delete from inventory_person where of_id = $1")
            .bind(bytes(uuid(row, "entity_id")?))
            .execute(&mut tx.db)
            .await?;
    }
    Ok(())
}

/// How many rows this listing saw of how many there are, and how many of those are enabled.
async fn counted(tx: &mut Tx, part: Part, at: Moment) -> Result<(Extent, i64), Error> {
    let counting = match (part, part.kind()) {
        (_, Some(kind)) => query(
            "select count(*) as total, coalesce(sum(case when seen_at >= $1 then 1 else 0 end), 0) as read, \
             coalesce(sum(enabled), 0) as enabled from inventory where entity_kind = $2",
        )
        .bind(at.as_millis())
        .bind(kind.word()),
        (Part::Instances, None) => query(
            "select count(*) as total, coalesce(sum(case when seen_at >= $1 then 1 else 0 end), 0) as read, 0 as enabled \
             from inventory_instance",
        )
        .bind(at.as_millis()),
        (Part::People, None) => query(
            "select count(*) as total, count(people_at) as read, 0 as enabled from inventory \
             where entity_kind in ('agent', 'blueprint')",
        ),
        (_, None) => query(
            "select count(*) as total, count(application) as read, 0 as enabled from inventory \
             where entity_kind = 'blueprint'",
        ),
    };
    let row = counting.fetch_one(&mut tx.db).await?;
    let count = |name| -> Result<usize, Error> {
        Ok(usize::try_from(row.get::<i64>(name)?).unwrap_or_default())
    };
    let extent = Extent {
        read: count("read")?,
        of: count("total")?,
    };
    Ok((extent, row.get("enabled")?))
}

fn blob(id: Option<ObjectId>) -> Option<Vec<u8>> {
    id.map(|id| bytes(id.uuid()))
}
