//! API tokens: looked up by id, compared by hash, never kept in the clear.

use super::Store;
use super::error::Error;
use super::rows::{bytes, moment, moment_or_none, uuid, word};
use super::sql::{Row, query};
use crate::domain::id::TokenId;
use crate::domain::moment::Moment;
use crate::domain::order::Scope;
use crate::domain::record::{Actor, Record};

/// A token to be kept.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Looks it up.
    pub id: TokenId,
    /// SHA-256 of its secret half.
    pub hash: [u8; 32],
    /// What people call it.
    pub name: String,
    /// What it allows.
    pub scope: Scope,
    /// When it ends.
    pub expires_at: Moment,
}

/// A token as the store keeps it.
#[derive(Clone, Debug)]
pub struct StoredToken {
    /// Looks it up.
    pub id: TokenId,
    /// SHA-256 of its secret half.
    pub hash: [u8; 32],
    /// What people call it.
    pub name: String,
    /// What it allows.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Moment,
    /// When it ends.
    pub expires_at: Moment,
    /// When a person ended it.
    pub revoked_at: Option<Moment>,
}

impl Store {
    /// Keeps a new token's hash.
    pub async fn keep_token(&self, new: NewToken, who: Actor, at: Moment) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                query(
                    "insert into token (token_id, hash, name, scope, created_at, expires_at) \
                     values ($1, $2, $3, $4, $5, $6)",
                )
                .bind(bytes(new.id.uuid()))
                .bind(new.hash.to_vec())
                .bind(&new.name)
                .bind(new.scope.to_string())
                .bind(at.as_millis())
                .bind(new.expires_at.as_millis())
                .execute(&mut tx.db)
                .await?;
                let detail = serde_json::json!({
                    "token": new.id, "name": new.name, "scope": new.scope.to_string(),
                    "expires_at": new.expires_at,
                });
                tx.record(&Record::new(at, "token.created", detail).by(who))
                    .await
            })
        })
        .await
    }

    /// One token, by its id: no scan, whatever a stranger tries.
    pub async fn token(&self, id: TokenId) -> Result<Option<StoredToken>, Error> {
        let row = query("select * from token where token_id = $1")
            .bind(bytes(id.uuid()))
            .fetch_optional(self.reading())
            .await?;
        row.as_ref().map(stored).transpose()
    }

    /// Every token, newest first.
    pub async fn tokens(&self) -> Result<Vec<StoredToken>, Error> {
        let rows = query("select * from token order by token_id desc limit 500")
            .fetch_all(self.reading())
            .await?;
        rows.iter().map(stored).collect()
    }

    /// Ends a token now.
    pub async fn revoke_token(&self, id: TokenId, who: Actor, at: Moment) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                let ended = query(
                    "update token set revoked_at = $2 where token_id = $1 and revoked_at is null",
                )
                .bind(bytes(id.uuid()))
                .bind(at.as_millis())
                .execute(&mut tx.db)
                .await?;
                if ended.rows_affected() == 0 {
                    return Err(Error::Refused(format!(
                        "there is no {id} that could be revoked"
                    )));
                }
                let detail = serde_json::json!({ "token": id });
                tx.record(&Record::new(at, "token.revoked", detail).by(who))
                    .await
            })
        })
        .await
    }
}

fn stored(row: &Row) -> Result<StoredToken, Error> {
    let hash: Vec<u8> = row.get("hash")?;
    Ok(StoredToken {
        id: TokenId::from_uuid(uuid(row, "token_id")?),
        hash: hash
            .try_into()
            .map_err(|_| Error::Damaged("a token's hash".to_owned()))?,
        name: row.get("name")?,
        scope: word(row, "scope", Scope::parse)?,
        created_at: moment(row, "created_at")?,
        expires_at: moment(row, "expires_at")?,
        revoked_at: moment_or_none(row, "revoked_at")?,
    })
}
