//! Show the playbooks that are in force elsewhere: whoever only shows them takes them from the
//! store, as a worker has put them in force, and from no folder of its own.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::store::{Error, Store};

/// How often it is looked whether another set is in force.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What following needs.
pub struct Follower {
    /// Where it stands what is in force.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// What is shown.
    pub catalog: Arc<ArcSwap<Catalog>>,
}

/// Follows until told to stop.
pub async fn follow_loop(follower: Follower, stop: CancellationToken) {
    let mut shown = String::new();
    loop {
        match follower.look(&shown).await {
            Ok(Some(digest)) => shown = digest,
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "the playbooks in force could not be read; trying again");
            }
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = follower.clock.sleep(LOOK_EVERY) => {}
        }
    }
}

impl Follower {
    /// The digest of another set that was taken.
    async fn look(&self, shown: &str) -> Result<Option<String>, Error> {
        let set = self.store.set_in_force().await?;
        let Some(set) = set.filter(|set| set.digest != shown) else {
            return Ok(None);
        };
        let texts = self.store.texts_in_force().await?;
        let files: Vec<_> = texts
            .iter()
            .map(|(name, text)| (format!("{name}.yaml"), text.as_str()))
            .collect();
        let texts = files.iter().map(|(file, text)| (file.as_str(), *text));
        match Catalog::of_texts(texts) {
            Ok(catalog) => self.catalog.store(Arc::new(catalog)),
            Err(faults) => {
                let why = faults.first().map(ToString::to_string).unwrap_or_default();
                tracing::warn!(
                    "the playbooks in force are of another version of estop, and are not shown: {why}"
                );
            }
        }
        Ok(Some(set.digest))
    }
}
