//! One risk list, from its first page to its last, each item handed on before the next page.

use std::time::Duration;

use serde_json::value::RawValue;

use super::item::{Item, Stored};
use super::{Memory, Pull};
use crate::domain::moment::Moment;
use crate::domain::pull::RiskList;
use crate::graph::{self, Risks};
use crate::store::Error;

/// A page that is throttled or lost is asked for so often in all.
const TRIES: u32 = 4;
/// Longest pause before a page is asked for again; a longer one ends the reading.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// How long before its risk was raised a detection may have been taken that explains it.
const EXPLAINED_WITHIN: Duration = Duration::from_secs(3600);

/// How a reading ended: whole, or why not.
type Read = Result<(), String>;

impl Pull {
    /// Reads what is new in a list. An error means that the store could not keep it.
    pub(super) async fn read(&self, list: RiskList, memory: &mut Memory) -> Result<Read, Error> {
        let now = self.clock.now();
        let since = match self.store.pulled_through(list).await? {
            Some(through) => through.minus(self.terms.overlap),
            None => now.minus(self.terms.first),
        };
        if !memory.whole.contains(&list) {
            match self.pages(list, (Some(since), since), memory).await? {
                Err(graph::Error::Refused {
                    status: Some(400), ..
                }) => {
                    tracing::warn!(
                        list = list.word(),
                        "Graph does not filter the {list} by time; from now on they are read whole"
                    );
                    memory.whole.insert(list);
                }
                end => return Ok(end.map_err(|why| why.to_string())),
            }
        }
        let end = self.pages(list, (None, since), memory).await?;
        Ok(end.map_err(|why| why.to_string()))
    }

    async fn pages(
        &self,
        list: RiskList,
        (asked, since): (Option<Moment>, Moment),
        memory: &mut Memory,
    ) -> Result<Result<(), graph::Error>, Error> {
        let mut risks = self.graph.risks(self.ask(), list, asked);
        loop {
            match self.page(&mut risks).await {
                Ok(Some(page)) => {
                    for raw in page {
                        self.take(list, (&raw, since), memory).await?;
                    }
                }
                Ok(None) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// The next page; what passes is waited for, a few times.
    async fn page(&self, risks: &mut Risks) -> Result<Option<Vec<Box<RawValue>>>, graph::Error> {
        let mut tried = 1;
        loop {
            match risks.next().await {
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

    async fn take(
        &self,
        list: RiskList,
        (raw, since): (&RawValue, Moment),
        memory: &mut Memory,
    ) -> Result<(), Error> {
        let item = Item::read(list, raw);
        // What cannot be dated is taken: triage keeps what it does not understand.
        if item.at.is_some_and(|at| at < since) {
            return Ok(());
        }
        if let (RiskList::AgentRiskDetections, Some(id), Some(at)) = (list, item.about, item.at) {
            let newest = memory.named.entry(id).or_insert(at);
            *newest = at.max(*newest);
        }
        if memory.seen.has(&item) || self.is_explained(list, &item, memory).await? {
            return Ok(());
        }
        let stored = self.deliver(&item).await?;
        let word = match stored {
            Stored::New => "taken",
            Stored::Known => "repeated",
        };
        self.metrics.delivery(self.terms.source.as_str(), word);
        memory.seen.keep(&item, self.clock.now());
        Ok(())
    }

    /// A risky agent says less than a detection does, so it is taken only where no detection
    /// accounts for it: none of this round names it, and no run was made about it.
    async fn is_explained(
        &self,
        list: RiskList,
        item: &Item,
        memory: &Memory,
    ) -> Result<bool, Error> {
        let (RiskList::RiskyAgents, Some(id), Some(at)) = (list, item.about, item.at) else {
            return Ok(false);
        };
        let since = at.minus(EXPLAINED_WITHIN);
        if memory.named.get(&id).is_some_and(|newest| *newest >= since) {
            return Ok(true);
        }
        self.store.run_about_since(id, since).await
    }
}
