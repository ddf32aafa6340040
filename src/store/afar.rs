//! What a part of a service that carries nothing out tells the workers at once: something is stored
//! that is theirs to do.
//!
//! A hint and no more: what is lost on the way is found by looking.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::Store;
use super::error::Error;
use super::sql::query;
use crate::domain::id::{DeliveryId, RunId};
use crate::domain::run::Lane;

/// Most that is told in one word, which has at most 8,000 bytes.
pub const TOLD_MAX: usize = 150;
/// Most that is kept of what was heard and nobody asked for yet.
const HEARD_MAX: usize = 8192;

/// Something to do that was stored elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// A delivery to be read.
    Delivery(DeliveryId),
    /// A run to be carried on.
    Run(RunId, Lane),
}

/// What was heard of it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Afar(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    heard: Mutex<Vec<Due>>,
    told: Notify,
}

impl Afar {
    /// Takes what is understood of a word.
    pub(super) fn heard(&self, word: &str) {
        let due = word
            .split_whitespace()
            .filter_map(|one| one.parse::<Due>().ok());
        let mut heard = self.0.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.extend(due);
        heard.truncate(HEARD_MAX);
        self.0.told.notify_one();
    }

    fn take(&self) -> Vec<Due> {
        let mut heard = self.0.heard.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *heard)
    }
}

impl Store {
    /// Tells every worker on this database, with the next commit; at most [`TOLD_MAX`].
    pub async fn tell_workers(&self, due: &[Due]) -> Result<(), Error> {
        let words: Vec<String> = due.iter().take(TOLD_MAX).map(Due::to_string).collect();
        let word = words.join(" ");
        self.write_with_the_next(move |tx| {
            Box::pin(async move {
                if tx.db.is_shared() {
                    query("select count(pg_notify('estop_due', $1))")
                        .bind(word)
                        .execute(&mut tx.db)
                        .await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Waits until another part of the service has stored something to do.
    pub async fn due_elsewhere(&self) -> Vec<Due> {
        loop {
            let due = self.afar.take();
            if !due.is_empty() {
                return due;
            }
            self.afar.0.told.notified().await;
        }
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivery(id) => id.fmt(f),
            Self::Run(id, Lane::Contain) => write!(f, "{id}/contain"),
            Self::Run(id, Lane::Bulk) => write!(f, "{id}/bulk"),
        }
    }
}

impl FromStr for Due {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        let run = |id: &str| id.parse().map_err(drop);
        match word.split_once('/') {
            None => word.parse().map(Self::Delivery).map_err(drop),
            Some((id, "contain")) => Ok(Self::Run(run(id)?, Lane::Contain)),
            Some((id, "bulk")) => Ok(Self::Run(run(id)?, Lane::Bulk)),
            Some(_) => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Afar, Due, HEARD_MAX, Lane, TOLD_MAX};
    use crate::domain::id::{DeliveryId, RunId};

    #[test]
    fn a_word_is_understood_as_it_was_meant_and_fits_into_what_one_may_hold() {
        let id = Uuid::from_u128(u128::MAX >> 8);
        let meant = [
            Due::Delivery(DeliveryId::from_uuid(id)),
            Due::Run(RunId::from_uuid(id), Lane::Contain),
            Due::Run(RunId::from_uuid(id), Lane::Bulk),
        ];
        let words = meant.map(|due| due.to_string());
        let afar = Afar::default();

        afar.heard(&format!("{} later/word nonsense", words.join(" ")));

        assert_eq!(afar.take(), meant);
        assert!((words[1].len() + 1) * TOLD_MAX < 8_000, "{}", words[1]);
    }

    #[test]
    fn what_nobody_asks_for_does_not_pile_up() {
        let afar = Afar::default();
        let word = Due::Delivery(DeliveryId::from_uuid(Uuid::nil())).to_string();

        for _ in 0..=HEARD_MAX {
            afar.heard(&word);
        }

        assert_eq!(afar.take().len(), HEARD_MAX);
    }
}
