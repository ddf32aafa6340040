//! How people are tied to agents beside sponsoring and owning them: who made one, for whom one may
//! act. As the listings say; a cache like the rest of the inventory.

use super::Store;
use super::error::Error;
use super::rows::{bytes, uuid, word};
use super::sql::query;
use super::writer::Tx;
use crate::domain::entity::ObjectId;
use crate::domain::moment::Moment;
use crate::domain::reach::Reach;

/// Most ties of one person that are looked at.
const TIES_MAX: u32 = 500;

/// One tie as a listing saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tie {
    /// To which agent.
    pub of: ObjectId,
    /// How.
    pub way: Reach,
    /// Whose.
    pub person: ObjectId,
}

impl Store {
    /// Notes ties that a listing has seen.
    pub async fn ties_seen(&self, ties: Vec<Tie>, at: Moment) -> Result<(), Error> {
        self.write_with_the_next(move |tx| {
            Box::pin(async move {
                for tie in &ties {
                    keep(tx, *tie, at).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Notes everyone for whom an agent may act, and nobody else.
    pub async fn consents_seen(
        &self,
        of: ObjectId,
        people: Vec<ObjectId>,
        at: Moment,
    ) -> Result<(), Error> {
        self.write_with_the_next(move |tx| {
            Box::pin(async move {
                query("delete from tie where of_id = $1 and way = $2")
                    .bind(bytes(of.uuid()))
                    .bind(Reach::Consent.word())
                    .execute(&mut tx.db)
                    .await?;
                for person in people {
                    let way = Reach::Consent;
                    keep(tx, Tie { of, way, person }, at).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// What a person is tied to, and how.
    pub async fn ties_of(&self, person: ObjectId) -> Result<Vec<(ObjectId, Reach)>, Error> {
        let rows = query("select of_id, way from tie where person_id = $1 limit $2")
            .bind(bytes(person.uuid()))
            .bind(TIES_MAX)
            .fetch_all(self.reading())
            .await?;
        let tie = |row| {
            let of = ObjectId::from_uuid(uuid(row, "of_id")?);
            Ok((of, word(row, "way", Reach::from_word)?))
        };
        rows.iter().map(tie).collect()
    }
}

/// What a whole listing of the registry did not see is there no more.
pub(super) async fn forget_unseen(tx: &mut Tx, at: Moment) -> Result<(), Error> {
    query("delete from tie where way <> $1 and seen_at < $2")
        .bind(Reach::Consent.word())
        .bind(at.as_millis())
        .execute(&mut tx.db)
        .await?;
    Ok(())
}

async fn keep(tx: &mut Tx, tie: Tie, at: Moment) -> Result<(), Error> {
    query(
        "insert into tie (of_id, way, person_id, seen_at) values ($1, $2, $3, $4) \
         on conflict (of_id, way, person_id) do update set seen_at = $4",
    )
    .bind(bytes(tie.of.uuid()))
    .bind(tie.way.word())
    .bind(bytes(tie.person.uuid()))
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    Ok(())
}
