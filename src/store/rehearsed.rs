//! The texts of whole sets of playbooks: the one in force, and the last whose own tests passed, which
//! a later start may come back to.

use super::Store;
use super::active::MEMBERS;
use super::error::Error;
use super::rows::{json as from_json, to_json};
use super::settings::set as note;
use super::sql::query;
use super::writer::Tx;
use crate::domain::moment::Moment;

/// The setting that holds the digests of its playbooks, as a JSON list.
const SETTING: &str = "playbooks_rehearsed";

impl Store {
    /// Name and text of each playbook in force; none where no set ever was.
    pub async fn texts_in_force(&self) -> Result<Vec<(String, String)>, Error> {
        self.texts_listed_in(MEMBERS).await
    }

    /// Notes that the tests of the set in force passed, by the digests of its playbooks.
    pub async fn set_rehearsed(&self, digests: Vec<String>, at: Moment) -> Result<(), Error> {
        self.write(move |tx| Box::pin(async move { keep(tx, &digests, at).await }))
            .await
    }

    /// Name and text of each playbook of the last set whose tests passed; none where no set did.
    pub async fn last_rehearsed(&self) -> Result<Vec<(String, String)>, Error> {
        self.texts_listed_in(SETTING).await
    }

    async fn texts_listed_in(&self, setting: &str) -> Result<Vec<(String, String)>, Error> {
        let row = query("select value from setting where name = $1")
            .bind(setting)
            .fetch_optional(self.reading())
            .await?;
        let digests: Vec<String> = match row {
            Some(row) => from_json(&row, "value")?,
            None => Vec::new(),
        };
        let mut texts = Vec::with_capacity(digests.len());
        for digest in digests {
            let row = query("select name, text from playbook where digest = $1")
                .bind(digest)
                .fetch_optional(self.reading())
                .await?;
            // A set of which one is missing is another set.
            let Some(row) = row else {
                return Ok(Vec::new());
            };
            texts.push((row.get("name")?, row.get("text")?));
        }
        Ok(texts)
    }
}

/// The same, within the transaction that puts the set in force.
pub(super) async fn keep(tx: &mut Tx, digests: &[String], at: Moment) -> Result<(), Error> {
    note(tx, SETTING, &to_json(&digests)?, ("tests", at)).await
}
