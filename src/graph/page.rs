//! Following the pages of a collection, no further than they may lead (threats G11, G12).

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::call::Call;
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

impl Graph {
    /// Every item of a collection, or an error: never a part of it that looks like the whole.
    pub(super) async fn all<T: DeserializeOwned>(
        &self,
        ask: Ask,
        first: Place,
    ) -> Result<Vec<T>, Error> {
        self.all_from(ask, Call::read(first)).await
    }

    /// The same, beginning with a read in any lane.
    pub(super) async fn all_from<T: DeserializeOwned>(
        &self,
        ask: Ask,
        mut call: Call,
    ) -> Result<Vec<T>, Error> {
        let graph = self.0.link.endpoints.graph();
        let spoken = call.spoken();
        let mut visited = HashSet::from([call.place.text().to_owned()]);
        let mut items = Vec::new();
        for _ in 0..PAGE_LIMIT {
            let answer = self.send(ask, call.clone()).await?;
            let page: Page<T> = shape::read(&spoken, &answer.body)?;
            items.extend(page.value);
            let Some(link) = page.next else {
                return Ok(items);
            };
            call.place = call
                .place
                .next(graph, &link)
                .ok_or_else(|| Error::unknown(&spoken, "the next page lies elsewhere"))?;
            if !visited.insert(call.place.text().to_owned()) {
                return Err(Error::unknown(&spoken, "the pages go in a circle"));
            }
        }
        Err(Error::unknown(
            &spoken,
            format_args!("more than {PAGE_LIMIT} pages"),
        ))
    }
}
