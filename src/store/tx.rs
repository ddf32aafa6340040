//! An open write transaction.

use std::sync::Arc;

use super::chain::Head;
use super::error::Error;
use super::moved::Moved;
use super::sql::Connection;
use crate::clock::Clock;
use crate::domain::moment::Moment;
use crate::vault::Vault;

/// An open write transaction, with the end of the record chain at hand.
#[derive(Debug)]
pub(super) struct Tx {
    pub(super) db: Connection,
    pub(super) head: Head,
    /// Told of whoever is closed or opened.
    pub(super) moved: Moved,
    /// What closes the bodies of deliveries.
    pub(super) vault: Arc<Vault>,
    pub(super) clock: Clock,
    /// When it was opened, where several services share the database.
    pub(super) opened: Option<Opened>,
    /// Was a step started in it? Whoever hears of that may write to the tenant, so it is on disk by then.
    pub(super) starts: bool,
}

/// The same moment by two clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opened {
    /// By the one clock of all services that share the database.
    theirs: Moment,
    ours: Moment,
}

impl Tx {
    /// Opens the transaction and reads the head of the chain, which a visiting command or another
    /// service may have moved.
    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        let opened = self.db.begin(Head::question()).await.and_then(|row| {
            let now: Option<i64> = match &row {
                Some(row) => row.get("now")?,
                None => None,
            };
            Ok((Head::of(row.as_ref())?, now))
        });
        match opened {
            Ok((head, now)) => {
                self.head = head;
                self.opened = now.map(|now| Opened {
                    theirs: self.clock.told(Moment::from_millis(now)),
                    ours: self.clock.now(),
                });
            }
            Err(error) => {
                self.roll_back().await;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Leases are measured by one clock: ours, unless several services share the database.
    pub(super) fn now(&self, ours: Moment) -> Moment {
        self.opened.map_or(ours, |opened| opened.theirs)
    }

    /// When a run is due by that clock, which claims are measured by: a service whose clock is an
    /// hour fast makes nobody wait for an hour (threat E09).
    pub(super) fn due(&self, ours: Moment) -> Moment {
        self.opened.map_or(ours, |opened| {
            let ahead = opened.theirs.as_millis() - opened.ours.as_millis();
            Moment::from_millis(ours.as_millis().saturating_add(ahead))
        })
    }

    pub(super) async fn roll_back(&mut self) {
        // It fails where the database has rolled back by itself, which is as good.
        let _ = self.db.guide("rollback").await;
    }
}
