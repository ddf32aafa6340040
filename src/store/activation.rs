//! Who let which bytes of a playbook act: two distinct people, or one signer.

use serde_json::json;

use super::Store;
use super::error::Error;
use super::rows::{bytes, json as from_json, moment, to_json};
use super::sql::{Row, query};
use super::writer::Tx;
use crate::domain::id::NoticeId;
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, Urgency};
use crate::domain::order::Order;
use crate::domain::playbook::PlaybookName;
use crate::domain::record::{Actor, Record};
use crate::domain::restraint::{ACTIVATORS, Activated, ChangeName, WORD_LIFE};

impl Store {
    /// Who activated these bytes, if anyone did.
    pub async fn activated(&self, digest: &str) -> Result<Option<Activated>, Error> {
        let row = query("select change, by_whom, at from activation where digest = $1")
            .bind(digest)
            .fetch_optional(self.reading())
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Activated {
            change: change(&row)?,
            by: from_json(&row, "by_whom")?,
            at: moment(&row, "at")?,
        }))
    }

    /// Who asked to activate these bytes and waits for another's word, newest change first.
    pub async fn half_activated(
        &self,
        digest: &str,
        now: Moment,
    ) -> Result<Option<Activated>, Error> {
        let rows = query(
            "select change, name, at from activation_word \
             where digest = $1 and at > $2 order by at desc limit 20",
        )
        .bind(digest)
        .bind(now.minus(WORD_LIFE).as_millis())
        .fetch_all(self.reading())
        .await?;
        let Some(newest) = rows.first() else {
            return Ok(None);
        };
        let change = change(newest)?;
        let mut by = Vec::new();
        let mut at = moment(newest, "at")?;
        for row in &rows {
            if row.get::<String>("change")? == change.as_str() {
                by.push(row.get("name")?);
                at = moment(row, "at")?;
            }
        }
        Ok(Some(Activated { change, by, at }))
    }
}

fn change(row: &Row) -> Result<ChangeName, Error> {
    let name: String = row.get("change")?;
    ChangeName::new(&name).ok_or_else(|| Error::Damaged(format!("`{name}` in change")))
}

/// What is to be activated, and by which change.
pub(super) struct Bytes<'a> {
    pub(super) playbook: &'a PlaybookName,
    pub(super) digest: &'a str,
    pub(super) change: &'a ChangeName,
}

/// Takes one person's word, or a signer's that stands for all that are needed.
pub(super) async fn take(
    tx: &mut Tx,
    order: &Order,
    wanted: &Bytes<'_>,
    signer: Option<&str>,
) -> Result<(), Error> {
    let Bytes {
        playbook,
        digest,
        change,
    } = wanted;
    refuse_if_active(tx, digest).await?;
    if let Some(signer) = signer {
        return activate(tx, order, wanted, vec![format!("signer:{signer}")]).await;
    }
    let Some(person) = &order.operator.person else {
        return Err(Error::Refused("only people activate a playbook".to_owned()));
    };
    query(
        "insert into activation_word (digest, change, entra_id, name, at) \
         values ($1, $2, $3, $4, $5) \
         on conflict (digest, change, entra_id) do update set name = $4, at = $5",
    )
    .bind(*digest)
    .bind(change.as_str())
    .bind(bytes(person.entra.uuid()))
    .bind(&order.operator.name)
    .bind(order.at.as_millis())
    .execute(&mut tx.db)
    .await?;
    let by = words(tx, wanted, order.at).await?;
    if u32::try_from(by.len()).is_ok_and(|given| given >= ACTIVATORS) {
        return activate(tx, order, wanted, by).await;
    }
    let text = format!(
        "{} asks to activate the playbook {playbook} ({}) by {change}. Another lead who has read \
         the same bytes agrees: estop playbook activate FILE --change {change}",
        order.operator.name,
        short(digest)
    );
    tell(tx, order, (format!("activation asked {digest}"), text)).await
}

async fn refuse_if_active(tx: &mut Tx, digest: &str) -> Result<(), Error> {
    let found = query("select 1 from activation where digest = $1")
        .bind(digest)
        .fetch_optional(&mut tx.db)
        .await?;
    match found {
        None => Ok(()),
        Some(_) => Err(Error::Refused("these bytes are active already".to_owned())),
    }
}

/// Whose words for these bytes and this change have not gone stale, one for each person.
async fn words(tx: &mut Tx, wanted: &Bytes<'_>, at: Moment) -> Result<Vec<String>, Error> {
    let rows = query(
        "select name from activation_word where digest = $1 and change = $2 and at > $3 \
         order by at, entra_id",
    )
    .bind(wanted.digest)
    .bind(wanted.change.as_str())
    .bind(at.minus(WORD_LIFE).as_millis())
    .fetch_all(&mut tx.db)
    .await?;
    rows.iter().map(|row| row.get("name")).collect()
}

async fn activate(
    tx: &mut Tx,
    order: &Order,
    wanted: &Bytes<'_>,
    by: Vec<String>,
) -> Result<(), Error> {
    let Bytes {
        playbook,
        digest,
        change,
    } = wanted;
    query(
        "insert into activation (digest, playbook, change, by_whom, at) \
         values ($1, $2, $3, $4, $5)",
    )
    .bind(*digest)
    .bind(playbook.as_str())
    .bind(change.as_str())
    .bind(to_json(&by)?)
    .bind(order.at.as_millis())
    .execute(&mut tx.db)
    .await?;
    let detail = json!({
        "playbook": playbook, "digest": digest, "change": change, "by": by,
    });
    let record = Record::new(order.at, "playbook.activated", detail);
    tx.record(&record.by(Actor(order.operator.name.clone())))
        .await?;
    super::restraints::moved(tx, (&order.operator.name, order.at)).await?;
    let text = format!(
        "the playbook {playbook} ({}) is active by {change}, on the word of {}",
        short(digest),
        by.join(" and ")
    );
    tell(tx, order, (format!("activated {digest}"), text)).await
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// One word is told once, so its notice may share its name.
async fn tell(tx: &mut Tx, order: &Order, (key, text): (String, String)) -> Result<(), Error> {
    let notice = Notice {
        id: NoticeId::from_uuid(order.id.uuid()),
        at: order.at,
        key,
        urgency: Urgency::Tell,
        text,
        run: None,
    };
    super::notices::write(tx, &notice).await
}
