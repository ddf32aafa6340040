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
        let graph = self.0.link.endpoints.graph();
        let spoken = Call::read(first.clone()).spoken();
        let mut visited = HashSet::from([first.text().to_owned()]);
        let mut items = Vec::new();
        let mut place = first;
        for _ in 0..PAGE_LIMIT {
            let answer = self.send(ask, Call::read(place.clone())).await?;
            let page: Page<T> = shape::read(&spoken, &answer.body)?;
            items.extend(page.value);
            let Some(link) = page.next else {
                return Ok(items);
            };
            place = place
                .next(graph, &link)
                .ok_or_else(|| Error::unknown(&spoken, "the next page lies elsewhere"))?;
            if !visited.insert(place.text().to_owned()) {
                return Err(Error::unknown(&spoken, "the pages go in a circle"));
            }
        }
        Err(Error::unknown(
            &spoken,
            format_args!("more than {PAGE_LIMIT} pages"),
        ))
    }
}
