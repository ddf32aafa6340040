//! How far the service may go right now: its mode and its brake.

use super::Store;
use super::error::Error;
use super::rows::moment;
use super::sql::{Row, query};
use super::writer::Tx;
use crate::domain::moment::Moment;
use crate::domain::playbook::ServiceMode;

/// Two looks-up: for a list SQLite makes a table each time.
pub(super) const READ: &str = "select name, value, set_at, set_by from setting where name = 'mode' \
     union all select name, value, set_at, set_by from setting where name = 'brake'";

/// The brake: on stops all writes to the tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Brake {
    /// Writes are allowed.
    #[default]
    Off,
    /// No run starts another write.
    On,
}

/// What people have set, and who and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The mode a person set, which beats the configuration's.
    pub mode: Option<ServiceMode>,
    /// Who set the mode, and when.
    pub mode_by: Option<(String, Moment)>,
    /// The brake.
    pub brake: Brake,
    /// Who last moved the brake, and when.
    pub brake_by: Option<(String, Moment)>,
}

impl Standing {
    /// Must an enforced run stand still now?
    pub fn stops_writes(&self) -> bool {
        self.brake == Brake::On
            || matches!(self.mode, Some(ServiceMode::Off | ServiceMode::Observe))
    }
}

impl Store {
    /// What people have set.
    pub async fn standing(&self) -> Result<Standing, Error> {
        gather(&query(READ).fetch_all(self.reading()).await?)
    }

    /// The same, on the way of a strike.
    pub(super) async fn standing_now(&self) -> Result<Standing, Error> {
        gather(&query(READ).fetch_all(self.glancing()).await?)
    }
}

pub(super) async fn standing_in(tx: &mut Tx) -> Result<Standing, Error> {
    gather(&query(READ).fetch_all(&mut tx.db).await?)
}

fn gather(rows: &[Row]) -> Result<Standing, Error> {
    let mut standing = Standing::default();
    for row in rows {
        let value: String = row.get("value")?;
        let by = Some((row.get("set_by")?, moment(row, "set_at")?));
        if row.get::<String>("name")? == "brake" {
            standing.brake = if value == "off" {
                Brake::Off
            } else {
                Brake::On
            };
            standing.brake_by = by;
        } else {
            let mode = ServiceMode::from_word(&value)
                .ok_or_else(|| Error::Damaged(format!("`{value}` in mode")))?;
            standing.mode = Some(mode);
            standing.mode_by = by;
        }
    }
    Ok(standing)
}

pub(super) async fn set(
    tx: &mut Tx,
    name: &str,
    value: &str,
    (by, at): (&str, Moment),
) -> Result<(), Error> {
    query(
        "insert into setting (name, value, set_at, set_by) values ($1, $2, $3, $4) \
         on conflict (name) do update set value = $2, set_at = $3, set_by = $4",
    )
    .bind(name)
    .bind(value)
    .bind(at.as_millis())
    .bind(by)
    .execute(&mut tx.db)
    .await?;
    Ok(())
}
