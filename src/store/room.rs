//! The room under the caps: counted and used up in the one transaction that begins a run.

use super::error::Error;
use super::rows::{bytes, entity, json};
use super::sql::{Row, query};
use super::terms::Terms;
use super::writer::Tx;
use crate::domain::caps::{CapReached, CapUse, Caps, Claimant};
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::domain::moment::{Moment, Span};

/// Counting stops here: no cap is larger.
const COUNT_MAX: u32 = 1_000_000;

const TENANT: &str = "tenant";

/// A run that needs room.
pub(super) struct Needs {
    pub(super) entity: Entity,
    /// Empty where no source asks.
    pub(super) source: String,
    pub(super) playbook: String,
    pub(super) terms: Terms,
}

impl Needs {
    /// What the run in this row needs.
    pub(super) fn of(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            entity: entity(row)?,
            source: row.get::<Option<String>>("source")?.unwrap_or_default(),
            playbook: row.get("playbook")?,
            terms: json(row, "terms")?,
        })
    }
}

/// Takes room for a run. An entity that was contained within the window already costs nothing
/// more.
pub(super) async fn take(
    tx: &mut Tx,
    needs: Needs,
    caps: Caps,
    at: Moment,
) -> Result<Result<(), CapReached>, Error> {
    let Needs { entity, terms, .. } = needs;
    let is_blueprint = entity.kind == EntityKind::Blueprint;
    let entity = entity.id;
    let source = format!("source {}", needs.source);
    let playbook = format!("playbook {}", needs.playbook);
    let blueprints = format!("blueprints of {playbook}");
    let since = |window: Span| at.minus(window.0);
    if let Some(used) = used(tx, (entity, &source), since(caps.window)).await? {
        let used = CapUse {
            playbook: match terms.guardrail {
                Some(guardrail) => count(tx, &playbook, since(guardrail.window)).await?,
                None => 0,
            },
            blueprints: match terms.guardrail.filter(|_| is_blueprint) {
                Some(guardrail) => Some(count(tx, &blueprints, since(guardrail.window)).await?),
                None => is_blueprint.then_some(0),
            },
            ..used
        };
        let claimant = if terms.reserved {
            Claimant::Reserved
        } else {
            Claimant::Ordinary
        };
        if let Err(reached) = caps.allow(used, claimant, terms.guardrail) {
            return Ok(Err(reached));
        }
    }
    for scope in [TENANT, &source, &playbook] {
        use_up(tx, scope, entity, at).await?;
    }
    if is_blueprint {
        use_up(tx, &blueprints, entity, at).await?;
    }
    Ok(Ok(()))
}

/// How much of the service's own caps is used, and of how large a fleet, in one look; `None` where the
/// entity is counted already.
async fn used(
    tx: &mut Tx,
    (entity, source): (ObjectId, &str),
    since: Moment,
) -> Result<Option<CapUse>, Error> {
    let row = query(
        "select (select 1 from cap_use where scope = $1 and entity_id = $2 and at > $4) as counted, \
         (select count(*) from (select 1 from cap_use \
             where scope = $1 and at > $4 limit $5) as uses) as tenant, \
         (select count(*) from (select 1 from cap_use \
             where scope = $3 and at > $4 limit $5) as uses) as source, \
         (select enabled from inventory_part \
             where part = 'agents' and measured_at is not null) as fleet",
    )
    .bind(TENANT)
    .bind(bytes(entity.uuid()))
    .bind(source)
    .bind(since.as_millis())
    .bind(COUNT_MAX)
    .fetch_one(&mut tx.db)
    .await?;
    if !row.is_null("counted") {
        return Ok(None);
    }
    Ok(Some(CapUse {
        tenant: row.get("tenant")?,
        source: row.get("source")?,
        fleet: row.get("fleet")?,
        ..CapUse::default()
    }))
}

async fn count(tx: &mut Tx, scope: &str, since: Moment) -> Result<u32, Error> {
    let row = query(
        "select count(*) as used from \
         (select 1 from cap_use where scope = $1 and at > $2 limit $3) as counted",
    )
    .bind(scope)
    .bind(since.as_millis())
    .bind(COUNT_MAX)
    .fetch_one(&mut tx.db)
    .await?;
    row.get("used")
}

async fn use_up(tx: &mut Tx, scope: &str, entity: ObjectId, at: Moment) -> Result<(), Error> {
    query(
        "insert into cap_use (scope, entity_id, at) values ($1, $2, $3) \
         on conflict (scope, entity_id) do update set at = $3",
    )
    .bind(scope)
    .bind(bytes(entity.uuid()))
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    Ok(())
}
