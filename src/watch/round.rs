//! One part of the inventory, listed from its first page to its last.

use std::time::Duration;

use super::Watch;
use crate::domain::inventory::Part;
use crate::domain::moment::Moment;
use crate::graph::{self, Registered, Roll, RollPage, Wanted};
use crate::store::{Error, ROWS_AT_ONCE, Rollcall, Tie};

/// A page that is throttled or lost is asked for so often in all.
const TRIES: u32 = 4;
/// Longest pause before a page is asked for again; a longer one ends the listing.
const PAUSE_MAX: Duration = Duration::from_secs(60);

impl Watch {
    pub(super) async fn list(&self, part: Part) -> Result<(), Error> {
        let at = self.clock.now();
        let mut wanted = Wanted {
            part,
            attributes: self.attributes.as_deref(),
        };
        let how = loop {
            let Some(roll) = self.graph.roll(self.ask(), wanted, at) else {
                return Ok(());
            };
            match self.to_the_end(roll, at).await? {
                // The list is worth more than the attributes on it.
                Err(graph::Error::Refused { code, .. }) if wanted.asks_for_attributes() => {
                    wanted.attributes = None;
                    tracing::warn!(
                        part = part.word(),
                        code,
                        "the {part} are listed without their custom security attributes, which may \
                         not be read: grant CustomSecAttributeAssignment.Read.All, or take \
                         `inventory.attributes` out"
                    );
                }
                Err(error) => break Rollcall::Broken(error.to_string()),
                Ok(()) => break Rollcall::Whole,
            }
        };
        self.end(part, at, how).await
    }

    /// Keeps page after page; the outer error is the store's.
    async fn to_the_end(
        &self,
        mut roll: Roll,
        at: Moment,
    ) -> Result<Result<(), graph::Error>, Error> {
        loop {
            match self.page(&mut roll).await {
                Ok(Some(page)) => self.keep(page, at).await?,
                Ok(None) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
        }
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
            RollPage::Instances(registered) => {
                for some in registered.chunks(ROWS_AT_ONCE) {
                    let instances = some.iter().map(|one| one.instance.clone());
                    self.store.instances_seen(instances.collect(), at).await?;
                    let ties = some.iter().flat_map(ties).collect();
                    self.store.ties_seen(ties, at).await?;
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

/// Who is tied to the identity a registered agent acts as.
fn ties(registered: &Registered) -> Vec<Tie> {
    let Some(of) = registered.instance.agent else {
        return Vec::new();
    };
    let ties = registered.ties.iter();
    ties.map(|(way, person)| Tie {
        of,
        way: *way,
        person: *person,
    })
    .collect()
}
