//! Following the pages of a collection, no further than they may lead (threats G11, G12).

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::call::{Answered, Call};
use super::error::Error;
use super::place::Place;
use super::shape;
use super::{Ask, Graph};

/// Most pages of one collection. Agents come in pages of 100 (Microsoft: default and maximum).
const PAGE_LIMIT: usize = 200;

#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

/// The answer is a page of a collection, whatever is on it. A sign-in page of a proxy says 200 too.
pub(super) fn listed(answer: &Answered) -> Result<(), Error> {
    let spoken = answer.receipt.to_string();
    shape::read::<Page<serde::de::IgnoredAny>>(&spoken, &answer.body).map(drop)
}

/// The place in a collection that is read page by page.
#[derive(Debug)]
pub(super) struct Pages {
    graph: Graph,
    ask: Ask,
    spoken: String,
    visited: HashSet<String>,
    next: Option<Call>,
}

impl Pages {
    pub(super) fn new(graph: &Graph, ask: Ask, first: Place) -> Self {
        Self::of(graph, ask, Call::read(first))
    }

    pub(super) fn of(graph: &Graph, ask: Ask, first: Call) -> Self {
        Self {
            graph: graph.clone(),
            ask,
            spoken: first.spoken(),
            visited: HashSet::from([first.place.text().to_owned()]),
            next: Some(first),
        }
    }

    /// How the call is named in evidence.
    pub(super) fn spoken(&self) -> &str {
        &self.spoken
    }

    /// The next page, or `None` behind the last. After an error the same page may be asked again.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<Vec<T>>, Error> {
        let Some(mut call) = self.next.clone() else {
            return Ok(None);
        };
        let graph = &self.graph;
        let answer = graph.send(self.ask, call.clone()).await?;
        let page: Page<T> = shape::read(&self.spoken, &answer.body)?;
        self.next = match page.next {
            None => None,
            Some(link) => {
                call.place = self.behind(&call.place, &link)?;
                Some(call)
            }
        };
        Ok(Some(page.value))
    }

    fn behind(&mut self, place: &Place, link: &str) -> Result<Place, Error> {
        let unknown = |why: &str| Error::unknown(&self.spoken, why);
        let next = place
            .next(self.graph.0.link.endpoints.graph(), link)
            .ok_or_else(|| unknown("the next page lies elsewhere"))?;
        if self.visited.len() >= PAGE_LIMIT {
            return Err(unknown(&format!("more than {PAGE_LIMIT} pages")));
        }
        if !self.visited.insert(next.text().to_owned()) {
            return Err(Error::unknown(&self.spoken, "the pages go in a circle"));
        }
        Ok(next)
    }
}

impl Graph {
    /// Every item of a collection, or an error: never a part of it that looks like the whole.
    pub(super) async fn all<T: DeserializeOwned>(
        &self,
        ask: Ask,
        first: Place,
    ) -> Result<Vec<T>, Error> {
        self.all_from(ask, Call::read(first)).await
    }

    /// The first pages of a collection that may be endless, such as a log, and whether they were
    /// all there are.
    pub(super) async fn some_from<T: DeserializeOwned>(
        &self,
        ask: Ask,
        (first, pages_max): (Call, usize),
    ) -> Result<(Vec<T>, bool), Error> {
        let mut pages = Pages::of(self, ask, first);
        let mut items = Vec::new();
        for _ in 0..pages_max {
            match pages.next().await? {
                Some(page) => items.extend(page),
                None => break,
            }
        }
        Ok((items, pages.next.is_none()))
    }

    /// Every item of a collection, beginning with a read in any lane.
    pub(super) async fn all_from<T: DeserializeOwned>(
        &self,
        ask: Ask,
        first: Call,
    ) -> Result<Vec<T>, Error> {
        let mut pages = Pages::of(self, ask, first);
        let mut items = Vec::new();
        while let Some(page) = pages.next().await? {
            items.extend(page);
        }
        Ok(items)
    }
}
