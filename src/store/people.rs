//! People's own credentials: looked up by id, compared by hash, never kept in the clear.

use super::Store;
use super::error::Error;
use super::rows::{bytes, json, moment, moment_or_none, to_json, uuid, word};
use super::sql::{Row, query};
use crate::domain::entity::ObjectId;
use crate::domain::id::PersonId;
use crate::domain::moment::Moment;
use crate::domain::order::{Operator, Scope};
use crate::domain::person::{Person, Role};
use crate::domain::record::{Actor, Record};

/// A person's credential to be kept.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// Looks it up.
    pub id: PersonId,
    /// SHA-256 of its secret half.
    pub hash: [u8; 32],
    /// What the record calls them.
    pub name: String,
    /// Who they are and what they may.
    pub person: Person,
    /// When it ends.
    pub expires_at: Moment,
}

/// A person's credential as the store keeps it.
#[derive(Clone, Debug)]
pub struct StoredPerson {
    /// Looks it up.
    pub id: PersonId,
    /// SHA-256 of its secret half.
    pub hash: [u8; 32],
    /// What the record calls them.
    pub name: String,
    /// Who they are and what they may.
    pub person: Person,
    /// When it was made.
    pub created_at: Moment,
    /// When it ends.
    pub expires_at: Moment,
    /// When someone ended it.
    pub revoked_at: Option<Moment>,
}

impl StoredPerson {
    /// Whoever shows it, as every other module knows them.
    pub fn operator(&self) -> Operator {
        let scope = match self.person.role {
            Role::Viewer => Scope::View,
            Role::Responder | Role::Lead => Scope::Respond,
        };
        Operator {
            name: format!("person:{}", self.name),
            scope,
            person: Some(self.person.clone()),
        }
    }

    /// Is it still believed at this moment?
    pub fn lives(&self, now: Moment) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

impl Store {
    /// Keeps the hash of a person's new credential.
    pub async fn keep_person(&self, new: NewPerson, who: Actor, at: Moment) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                query(
                    "insert into person (person_id, hash, name, entra_id, role, groups, \
                     created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
                )
                .bind(bytes(new.id.uuid()))
                .bind(new.hash.to_vec())
                .bind(&new.name)
                .bind(bytes(new.person.entra.uuid()))
                .bind(new.person.role.word())
                .bind(to_json(&new.person.groups)?)
                .bind(at.as_millis())
                .bind(new.expires_at.as_millis())
                .execute(&mut tx.db)
                .await?;
                let detail = serde_json::json!({
                    "person": new.id, "name": new.name, "entra": new.person.entra,
                    "role": new.person.role, "groups": new.person.groups,
                    "expires_at": new.expires_at,
                });
                tx.record(&Record::new(at, "person.added", detail).by(who))
                    .await
            })
        })
        .await
    }

    /// One person's credential, by its id: no scan, whatever a stranger tries.
    pub async fn person(&self, id: PersonId) -> Result<Option<StoredPerson>, Error> {
        let row = query("select * from person where person_id = $1")
            .bind(bytes(id.uuid()))
            .fetch_optional(self.reading())
            .await?;
        row.as_ref().map(stored).transpose()
    }

    /// Every person's credential, newest first.
    pub async fn people(&self) -> Result<Vec<StoredPerson>, Error> {
        let rows = query("select * from person order by person_id desc limit 500")
            .fetch_all(self.reading())
            .await?;
        rows.iter().map(stored).collect()
    }

    /// Ends a person's credential now.
    pub async fn revoke_person(&self, id: PersonId, who: Actor, at: Moment) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                let ended = query(
                    "update person set revoked_at = $2 \
                     where person_id = $1 and revoked_at is null",
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
                let detail = serde_json::json!({ "person": id });
                tx.record(&Record::new(at, "person.revoked", detail).by(who))
                    .await
            })
        })
        .await
    }
}

pub(super) fn stored(row: &Row) -> Result<StoredPerson, Error> {
    let hash: Vec<u8> = row.get("hash")?;
    Ok(StoredPerson {
        id: PersonId::from_uuid(uuid(row, "person_id")?),
        hash: hash
            .try_into()
            .map_err(|_| Error::Damaged("a person's hash".to_owned()))?,
        name: row.get("name")?,
        person: Person {
            entra: ObjectId::from_uuid(uuid(row, "entra_id")?),
            role: word(row, "role", Role::from_word)?,
            groups: json(row, "groups")?,
        },
        created_at: moment(row, "created_at")?,
        expires_at: moment(row, "expires_at")?,
        revoked_at: moment_or_none(row, "revoked_at")?,
    })
}
