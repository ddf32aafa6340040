//! What holds playbooks back, as one whole, with a number that moves with every change.

use std::collections::BTreeMap;

use super::Store;
use super::error::Error;
use super::rows::{json, moment};
use super::sql::{Row, query};
use super::writer::Tx;
use super::{activation, expectations, wolf};
use crate::domain::moment::Moment;
use crate::domain::order::{Order, OrderKind};
use crate::domain::playbook::PlaybookName;
use crate::domain::restraint::{Activation, Demotion, Restraints};

/// The newest activations that count; older ones are of playbooks nobody has by now.
const ACTIVATED_MAX: u32 = 5_000;

impl Store {
    /// Everything that holds playbooks back at this moment. Whether bytes must be activated is the
    /// configuration's word, not the store's.
    pub async fn restraints(&self, now: Moment) -> Result<Restraints, Error> {
        // The number first: what changes meanwhile makes this copy old, never falsely new.
        let row =
            query("select (select value from setting where name = 'restraints') as restraints")
                .fetch_one(self.reading())
                .await?;
        let epoch = epoch(&row)?;
        let rows = query("select digest from activation order by at desc limit $1")
            .bind(ACTIVATED_MAX)
            .fetch_all(self.reading())
            .await?;
        let activated = rows.iter().map(|row| row.get("digest"));
        Ok(Restraints {
            epoch,
            activation: Activation::Optional,
            activated: activated.collect::<Result<_, Error>>()?,
            demoted: self.demoted().await?,
            expected: self.expectations(now).await?,
        })
    }

    async fn demoted(&self) -> Result<BTreeMap<PlaybookName, Demotion>, Error> {
        let rows = query("select playbook, since, because from demotion where lifted_at is null")
            .fetch_all(self.reading())
            .await?;
        rows.iter().map(demotion).collect()
    }
}

fn demotion(row: &Row) -> Result<(PlaybookName, Demotion), Error> {
    let name: String = row.get("playbook")?;
    let name =
        PlaybookName::new(&name).ok_or_else(|| Error::Damaged(format!("`{name}` in demotion")))?;
    let demotion = Demotion {
        since: moment(row, "since")?,
        because: row.get("because")?,
    };
    Ok((name, demotion))
}

/// The number in a row that selected it as `restraints`; before the first change it is nought.
pub(super) fn epoch(row: &Row) -> Result<i64, Error> {
    match row.get::<Option<String>>("restraints")? {
        None => Ok(0),
        Some(_) => json(row, "restraints"),
    }
}

/// Whoever keeps a copy finds it old.
pub(super) async fn moved(tx: &mut Tx, (by, at): (&str, Moment)) -> Result<(), Error> {
    query(
        "insert into setting (name, value, set_at, set_by) values ('restraints', '1', $1, $2) \
         on conflict (name) do update set \
             value = cast(cast(setting.value as bigint) + 1 as text), set_at = $1, set_by = $2",
    )
    .bind(at.as_millis())
    .bind(by)
    .execute(&mut tx.db)
    .await?;
    Ok(())
}

/// What a person's word about restraints changes.
pub(super) async fn carry(tx: &mut Tx, order: &Order) -> Result<(), Error> {
    if let OrderKind::Activate {
        playbook,
        digest,
        change,
        signer,
    } = &order.kind
    {
        let bytes = activation::Bytes {
            playbook,
            digest,
            change,
        };
        activation::take(tx, order, &bytes, signer.as_deref()).await?;
    }
    if let OrderKind::Lift { playbook } = &order.kind {
        wolf::lift(tx, order, playbook).await?;
    }
    if let OrderKind::Expect {
        blueprint,
        detections,
        span,
    } = &order.kind
    {
        expectations::take(tx, order, (*blueprint, span.0), detections).await?;
    }
    if let OrderKind::EndExpectation { expectation } = &order.kind {
        expectations::end(tx, order, *expectation).await?;
    }
    Ok(())
}
