//! The break-glass, built without a store; and the loop that tells its journal to one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::tools::means;
use super::{Parts, StartError, guards};
use crate::clock::Clock;
use crate::domain::id::RunId;
use crate::domain::notice::Urgency;
use crate::domain::offline::stories;
use crate::domain::run::Lane;
use crate::graph::{Graph, Link};
use crate::offline::{Glass, read};
use crate::store::Store;

/// How often the journal is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The tenant and our guards, from the configuration and a fresh token alone.
pub async fn glass(parts: Parts) -> Result<Glass, StartError> {
    let Parts {
        config,
        clock,
        transport,
        tokens,
        foundry_tokens,
        budgets,
        ..
    } = parts;
    let tokens = tokens.ok_or_else(|| {
        let role = config.role;
        StartError::config(format!(
            "role `{role}` holds no credential for the tenant: do this where a worker runs"
        ))
    })?;
    let token = tokens.token().await;
    let token = token.map_err(|why| StartError::config(format!("no token: {why}")))?;
    let guards = guards(&config, token.identity());
    if let Some(why) = guards.blindness() {
        return Err(StartError::config(why.to_owned()));
    }
    let means = means(&config, foundry_tokens, (&transport, &clock));
    let link = Link {
        endpoints: config.endpoints.clone(),
        transport,
        tokens,
        clock: clock.clone(),
        budgets,
    };
    Ok(Glass {
        graph: Graph::new(link),
        guards,
        means,
        clock,
    })
}

/// Tells the store what the journal says and it does not know yet; answers the runs.
pub(super) async fn merge(store: &Store, file: &Path, clock: &Clock) -> Vec<RunId> {
    let journal = match read(file) {
        Ok(Some(journal)) => journal,
        Ok(None) => return Vec::new(),
        Err(why) => {
            tracing::error!("the journal {} cannot be read: {why}", file.display());
            return Vec::new();
        }
    };
    let now = clock.now();
    if journal.unreadable > 0 {
        let key = format!("journal {}", journal.unreadable);
        let text = format!(
            "{} line(s) of the offline journal cannot be read: what they say was done, or was about \
             to be, is not known here. Look at the journal and at the tenant",
            journal.unreadable
        );
        let told = store
            .tell_once(store.notice(now, Urgency::Page, key, text))
            .await;
        if let Err(error) = told {
            tracing::warn!(%error, "a damaged journal could not be told of; trying again");
        }
    }
    let merged = store.merge_offline(stories(&journal.lines), now).await;
    merged.unwrap_or_else(|error| {
        tracing::error!(%error, "the offline journal could not be merged; trying again");
        Vec::new()
    })
}

/// What the loop works with.
pub(super) struct Telling {
    pub(super) store: Store,
    pub(super) file: PathBuf,
    pub(super) clock: Clock,
    pub(super) wake: Arc<dyn Fn(RunId, Lane) + Send + Sync>,
    pub(super) stop: CancellationToken,
}

/// Looks for the journal until told to stop.
pub(super) async fn tell_loop(telling: Telling) {
    let mut size = None;
    loop {
        let now = std::fs::metadata(&telling.file)
            .ok()
            .map(|about| about.len());
        if now.is_some() && now != size {
            let merged = merge(&telling.store, &telling.file, &telling.clock).await;
            merged
                .iter()
                .for_each(|run| (telling.wake)(*run, Lane::Contain));
            size = now;
        }
        tokio::select! {
            biased;
            () = telling.stop.cancelled() => return,
            () = telling.clock.sleep(LOOK_EVERY) => {}
        }
    }
}
