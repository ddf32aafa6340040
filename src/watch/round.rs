//! One part of the inventory, listed from its first page to its last.

use std::time::Duration;

use super::Watch;
use crate::domain::inventory::Part;
use crate::domain::moment::Moment;
use crate::graph::{self, Roll, RollPage};
use crate::store::{Error, ROWS_AT_ONCE, Rollcall};

/// A page that is throttled or lost is asked for so often in all.
const TRIES: u32 = 4;
/// Longest pause before a page is asked for again; a longer one ends the listing.
const PAUSE_MAX: Duration = Duration::from_secs(60);

impl Watch {
    pub(super) async fn list(&self, part: Part) -> Result<(), Error> {
        let at = self.clock.now();
        let Some(mut roll) = self.graph.roll(self.ask(), part, at) else {
            return Ok(());
        };
        let how = loop {
            match self.page(&mut roll).await {
                Ok(Some(page)) => self.keep(page, at).await?,
                Ok(None) => break Rollcall::Whole,
                Err(error) => break Rollcall::Broken(error.to_string()),
            }
        };
        self.end(part, at, how).await
    }

    pub(super) async fn end(&self, part: Part, at: Moment, how: Rollcall) -> Result<(), Error> {
        let extent = self.store.end_rollcall(part, at, how.clone()).await?;
        match how {
            Rollcall::Whole => tracing::debug!(
                part = part.word(),
                read = extent.read,
                "the {part} were listed: {}",
                extent.words()
            ),
            Rollcall::Broken(why) => tracing::info!(
                part = part.word(),
                read = extent.read,
                "the {part} were not listed to the end, {}: {why}",
                extent.words()
            ),
        }
        Ok(())
    }

    /// The next page; what passes is waited for, a few times.
    async fn page(&self, roll: &mut Roll) -> Result<Option<RollPage>, graph::Error> {
        let mut tried = 1;
        loop {
            match roll.next().await {
                Err(graph::Error::TryAgain { after, .. })
                    if tried < TRIES && after <= PAUSE_MAX =>
                {
                    tried += 1;
                    self.clock.sleep(after.max(Duration::from_millis(50))).await;
                }
                answer => return answer,
            }
        }
    }

    async fn keep(&self, page: RollPage, at: Moment) -> Result<(), Error> {
        match page {
            RollPage::Objects(objects) => {
                for some in objects.chunks(ROWS_AT_ONCE) {
                    self.store.inventory_seen(some.to_vec()).await?;
                }
            }
            RollPage::Instances(instances) => {
                for some in instances.chunks(ROWS_AT_ONCE) {
                    self.store.instances_seen(some.to_vec(), at).await?;
                }
            }
            RollPage::Applications(pairs) => {
                for some in pairs.chunks(ROWS_AT_ONCE) {
                    self.store.applications_seen(some.to_vec()).await?;
                }
            }
        }
        Ok(())
    }
}
