//! Tool calls that a run has blocked, and whose bots the inventory knows.

use std::collections::BTreeMap;

use super::Store;
use super::error::Error;
use super::rows::{bytes, json, uuid};
use super::sql::query;
use super::writer::Tx;
use crate::domain::entity::ObjectId;
use crate::domain::id::RunId;
use crate::domain::moment::Moment;
use crate::domain::tools::BotId;

/// Most bots that are read from the inventory.
const BOTS_MAX: u32 = 100_000;
/// Rows read between two pauses for others.
const ROWS_AT_ONCE: usize = 256;
/// How Copilot Studio marks the service principal of a bot; the bot's id follows. Seen on tenants,
/// not documented.
const BOT_TAG: &str = "power-virtual-agents-";

impl Store {
    /// The bots the inventory knows, and whom each acts as: by the tag of a service principal, or
    /// by what the agent registry calls the agent at its source.
    pub async fn known_bots(&self) -> Result<Vec<(BotId, ObjectId)>, Error> {
        let rows = query(
            "select agent as entity_id, source_agent as word, '{}' as tags \
             from inventory_instance where agent is not null and source_agent is not null \
             union all select entity_id, null as word, tags from inventory \
             where entity_kind in ('agent', 'service_principal') \
             and lower(tags) like '%power-virtual-agents-%' limit $1",
        )
        .bind(BOTS_MAX)
        .fetch_all(self.reading())
        .await?;
        let mut known = Vec::new();
        for (n, row) in rows.iter().enumerate() {
            if n % ROWS_AT_ONCE == 0 {
                // Whoever waits for an answer of the gate must not wait for this.
                tokio::task::yield_now().await;
            }
            let id = ObjectId::from_uuid(uuid(row, "entity_id")?);
            let word: Option<String> = row.get("word")?;
            let tags: BTreeMap<String, String> = json(row, "tags")?;
            let tagged = tags.keys().filter_map(|tag| tag.strip_prefix(BOT_TAG));
            let bots = word.as_deref().into_iter().chain(tagged);
            known.extend(bots.filter_map(|bot| Some((bot.parse().ok()?, id))));
        }
        Ok(known)
    }

    /// Every agent the inventory knows, and its blueprint's principal.
    pub async fn agents_and_blueprints(&self) -> Result<BTreeMap<ObjectId, ObjectId>, Error> {
        let rows = query(
            "select a.entity_id as agent, b.entity_id as blueprint from inventory a \
             join inventory b on b.app_id = a.parent and b.entity_kind = 'blueprint' \
             where a.entity_kind = 'agent'",
        )
        .fetch_all(self.reading())
        .await?;
        rows.iter()
            .map(|row| {
                let id = |column| Ok::<_, Error>(ObjectId::from_uuid(uuid(row, column)?));
                Ok((id("agent")?, id("blueprint")?))
            })
            .collect()
    }
}

/// From here on the gate refuses this object's tool calls.
pub(super) async fn block(
    tx: &mut Tx,
    id: ObjectId,
    (run, at): (RunId, Moment),
) -> Result<(), Error> {
    query(
        "insert into tool_block (entity_id, run_id, since) values ($1, $2, $3) \
         on conflict (entity_id, run_id) do update set released_at = null",
    )
    .bind(bytes(id.uuid()))
    .bind(bytes(run.uuid()))
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    tx.moved.note(id);
    Ok(())
}

/// This run blocks it no longer.
pub(super) async fn unblock(
    tx: &mut Tx,
    id: ObjectId,
    (run, at): (RunId, Moment),
) -> Result<(), Error> {
    query(
        "update tool_block set released_at = $3 \
         where entity_id = $1 and run_id = $2 and released_at is null",
    )
    .bind(bytes(id.uuid()))
    .bind(bytes(run.uuid()))
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    tx.moved.note(id);
    Ok(())
}
