//! What must be so before anything is taken, and what is kept so afterwards.

use std::time::Duration;

use super::StartError;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::config::Config;
use crate::graph::{Ask, Graph, Priority};
use crate::reload::{active_set, owners};
use crate::store::Store;

/// How often the connection to Graph is kept warm; idle ones are closed after 90 s.
const WARM_EVERY: Duration = Duration::from_secs(60);

/// What must be so before anything is taken; a worker sees to it.
pub(super) async fn settle_in(
    store: &Store,
    config: &Config,
    catalog: &Catalog,
    clock: &Clock,
) -> Result<(), StartError> {
    if !config.role.works() {
        return Ok(());
    }
    let missing = store.missing_keys().await;
    let missing = missing.map_err(|error| StartError::config(format!("the store: {error}")))?;
    if let [key, ..] = missing.as_slice() {
        return Err(StartError::config(format!(
            "deliveries that nobody has read yet are closed with the key {key}: put its line back into \
             the file `store_key_file` names, behind the others"
        )));
    }
    let now = clock.now();
    let mut set = active_set(catalog, ("start", config.activation.required));
    if let Some(folder) = &config.playbooks {
        set.owners = owners(catalog, folder);
    }
    let settled = async {
        store.free_leases().await?;
        store.due_at_once(now).await?;
        store.configured_mode(config.mode, now).await?;
        store.activate_set(set, now).await
    };
    settled
        .await
        .map_err(|error| StartError::config(format!("the store: {error}")))
}

pub(super) async fn keep_warm(graph: Graph, clock: Clock) {
    loop {
        let ask = Ask {
            priority: Priority::Watch,
            correlation: clock.uuid(),
        };
        if let Err(error) = graph.warm(ask).await {
            tracing::debug!(%error, "the connection could not be kept warm");
        }
        clock.sleep(WARM_EVERY).await;
    }
}
