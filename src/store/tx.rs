//! An open write transaction.

use std::sync::Arc;

use super::chain::Head;
use super::error::Error;
use super::moved::Moved;
use super::sql::{Connection, query};
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
}

impl Tx {
    pub(super) async fn execute(&mut self, sql: &'static str) -> Result<(), Error> {
        query(sql).execute(&mut self.db).await?;
        Ok(())
    }

    /// Opens the transaction and reads the head of the chain, which a visiting command may have
    /// moved.
    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        self.execute("begin immediate").await?;
        match Head::read(&mut self.db).await {
            Ok(head) => self.head = head,
            Err(error) => {
                self.roll_back().await;
                return Err(error);
            }
        }
        Ok(())
    }

    pub(super) async fn roll_back(&mut self) {
        // It fails where SQLite has rolled back by itself, which is as good.
        let _ = self.execute("rollback").await;
    }
}
