//! What is stored of every run, held against its records.

use super::chain::Bad;
use super::export::PAGE;
use crate::store::Store;

/// Is what is stored of every run what its records say?
pub(super) async fn rows_agree(store: &Store) -> Result<(), Bad> {
    let mut after = None;
    loop {
        let runs = store.runs_after(after, PAGE).await?;
        for run in &runs {
            if let Some(what) = store.differs(*run).await? {
                return Err(Bad::Rows { run: *run, what });
            }
        }
        match runs.last() {
            None => return Ok(()),
            last => after = last.copied(),
        }
    }
}
