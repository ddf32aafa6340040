//! Who holds an entity beside a run that is about to close it, and what they know of it.

use super::containments::entity_state;
use super::error::Error;
use super::proof::take_first;
use super::rows::{bytes, word};
use super::sql::query;
use super::strikes::Strike;
use super::writer::Tx;
use crate::domain::containment::EntityState;
use crate::domain::entity::Entity;
use crate::domain::id::RunId;
use crate::domain::playbook::PlaybookName;

/// Whether another run of the same playbook holds all that a step is about to close (threat W27).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// No, or a person ordered it: their word is carried out whatever was done before.
    Alone,
    /// Yes, and it may be writing at this moment.
    Closing,
    /// Yes, and it has read it back closed.
    Closed,
}

/// What was there before us, as far as our other runs know it, and who holds it beside us.
pub(super) async fn weigh(
    tx: &mut Tx,
    run: (RunId, String),
    strike: &mut Strike,
) -> Result<Company, Error> {
    if are_open(tx, &strike.closes).await? {
        return Ok(Company::Alone);
    }
    take_first(tx, strike).await?;
    company(tx, run, &strike.closes).await
}

/// Do we hold none of these? Then none of our runs knows anything of them.
async fn are_open(tx: &mut Tx, entities: &[Entity]) -> Result<bool, Error> {
    for entity in entities {
        if entity_state(tx, *entity).await? != EntityState::Open {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The least of what is so for each of the entities.
async fn company(
    tx: &mut Tx,
    (run, playbook): (RunId, String),
    closes: &[Entity],
) -> Result<Company, Error> {
    if closes.is_empty() || playbook == PlaybookName::BY_HAND {
        return Ok(Company::Alone);
    }
    let mut company = Company::Closed;
    for entity in closes {
        // One that is being put back may be written open at any moment.
        let row = query(
            "select c.state from containment c where c.entity_kind = $1 and c.entity_id = $2 \
             and exists (select 1 from hold h join run r on r.run_id = h.run_id \
                         where h.entity_kind = c.entity_kind and h.entity_id = c.entity_id \
                           and h.released_at is null and r.run_id <> $3 and r.playbook = $4 \
                           and r.state <> 'undoing')",
        )
        .bind(entity.kind.word())
        .bind(bytes(entity.id.uuid()))
        .bind(bytes(run.uuid()))
        .bind(&playbook)
        .fetch_optional(&mut tx.db)
        .await?;
        let state = row.map(|row| word(&row, "state", EntityState::from_word));
        match state.transpose()? {
            Some(EntityState::Closed) => {}
            Some(EntityState::Closing) => company = Company::Closing,
            Some(EntityState::Open | EntityState::Unverified | EntityState::Releasing) | None => {
                return Ok(Company::Alone);
            }
        }
    }
    Ok(company)
}
