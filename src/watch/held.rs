//! What we hold, looked at again: is it still closed, and has its blueprint anything it had not?

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Held, offer};
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::domain::hold::{Seen, What};
use crate::graph::{self, BlueprintRead, Enabled};
use crate::store::{Error, Watched};

/// Entities looked at in one go; a round takes as many as it needs.
const AT_ONCE: u32 = 200;
/// Most entities of one round.
const ROUND_MAX: usize = 20_000;
/// Two equal reads must lie this far apart: a replica may answer old news.
const READS_APART: Duration = Duration::from_millis(500);

/// What was read of blueprints in this round, by their app ids.
type Blueprints = BTreeMap<ObjectId, Option<BlueprintRead>>;
/// The credentials that blueprints have, by their app ids.
type Credentials = BTreeMap<ObjectId, Option<Vec<String>>>;

/// What is read once in a round, however many agents share it.
#[derive(Default)]
struct Shared {
    blueprints: Blueprints,
    credentials: Credentials,
    /// The app id of the blueprint over each entity that was read.
    above: BTreeMap<ObjectId, ObjectId>,
}

/// Looks at what is held, at its pace, until told to stop.
pub async fn held_loop(held: Held, stop: CancellationToken) {
    let rounds = async {
        loop {
            held.clock.sleep(held.every).await;
            if let Err(error) = held.look().await {
                tracing::warn!(%error, "what is held could not be looked at; trying again");
            }
        }
    };
    // A read that waits for its turn must not hold up the end.
    let _ = stop.run_until_cancelled(rounds).await;
}

impl Held {
    /// One round over everything that is held. An error means that the store could not keep it.
    pub async fn look(&self) -> Result<(), Error> {
        let mut shared = Shared::default();
        let (mut after, mut looked) = (None, 0);
        loop {
            let some = self.store.watched(after, AT_ONCE).await?;
            let Some(last) = some.last() else { break };
            after = Some(last.entity.id);
            looked += some.len();
            for watched in &some {
                self.look_at(*watched, &mut shared).await?;
            }
            if looked >= ROUND_MAX {
                break;
            }
        }
        offer::offer_due(self).await
    }

    async fn look_at(&self, watched: Watched, shared: &mut Shared) -> Result<(), Error> {
        if let Some(seen) = self.seen_twice(watched.entity, shared).await {
            let at = self.clock.now();
            if let Some(run) = self.store.note_look(watched.entity, seen, at).await? {
                (self.wake)(run);
            }
        }
        if watched.entity.kind == EntityKind::Blueprint {
            self.look_for_agents(watched, shared).await?;
        }
        self.look_for_credentials(watched, shared).await
    }

    /// *Closed* is believed at once; *open* only where two reads agree. `None` where it could not
    /// be read: what is not known is not drift.
    async fn seen_twice(&self, entity: Entity, shared: &mut Shared) -> Option<Seen> {
        let first = self.seen(entity, shared).await?;
        if first == Seen::Closed {
            return Some(first);
        }
        self.clock.sleep(READS_APART).await;
        // Its blueprint is asked anew, too.
        let again = self.seen(entity, &mut Shared::default()).await?;
        Some(again)
    }

    async fn seen(&self, entity: Entity, shared: &mut Shared) -> Option<Seen> {
        let (graph, ask) = (&self.graph, self.ask());
        let read = match entity.kind {
            EntityKind::Agent => match graph.agent(ask, entity.id).await {
                Ok(agent) => {
                    let above = agent.blueprint_app_id;
                    shared.above.extend(above.map(|app_id| (entity.id, app_id)));
                    return self.by_blueprint((agent.enabled, above), shared).await;
                }
                Err(error) => Err(error),
            },
            EntityKind::Blueprint => graph.blueprint(ask, entity.id).await.map(|read| {
                shared.above.insert(entity.id, read.app_id);
                read.enabled
            }),
            EntityKind::AgentUser => graph.agent_user(ask, entity.id).await.map(|it| it.enabled),
            EntityKind::ServicePrincipal => {
                graph.principal(ask, entity.id).await.map(|it| it.enabled)
            }
            EntityKind::User => return None,
        };
        match read {
            Ok(Enabled::No) => Some(Seen::Closed),
            Ok(Enabled::Yes) => Some(Seen::Open),
            Err(error) => {
                tracing::debug!(entity.id = %entity.id, %error, "{entity} could not be looked at");
                None
            }
        }
    }

    /// An agent whose own switch is on counts as closed where its blueprint's is off.
    async fn by_blueprint(
        &self,
        (own, blueprint): (Enabled, Option<ObjectId>),
        shared: &mut Shared,
    ) -> Option<Seen> {
        if own == Enabled::No {
            return Some(Seen::Closed);
        }
        let Some(app_id) = blueprint else {
            return Some(Seen::Open);
        };
        let blueprint = self.blueprint(app_id, shared).await?;
        Some(match blueprint.enabled {
            Enabled::No => Seen::Closed,
            Enabled::Yes => Seen::Open,
        })
    }

    async fn blueprint(&self, app_id: ObjectId, shared: &mut Shared) -> Option<BlueprintRead> {
        if let Some(known) = shared.blueprints.get(&app_id) {
            return known.clone();
        }
        let read = self.graph.blueprint_by_app_id(self.ask(), app_id).await;
        let read = read.ok();
        shared.blueprints.insert(app_id, read.clone());
        read
    }

    async fn look_for_agents(&self, watched: Watched, shared: &Shared) -> Result<(), Error> {
        let Some(app_id) = shared.above.get(&watched.entity.id) else {
            return Ok(());
        };
        let Ok(agents) = self.graph.agents_of(self.ask(), *app_id).await else {
            return Ok(());
        };
        let agents = agents.iter().map(|agent| agent.id.to_string()).collect();
        let at = self.clock.now();
        let seen = (What::NewAgent, agents);
        self.store.note_new(watched, seen, at).await.map(drop)
    }

    async fn look_for_credentials(
        &self,
        watched: Watched,
        shared: &mut Shared,
    ) -> Result<(), Error> {
        let Some(app_id) = shared.above.get(&watched.entity.id).copied() else {
            return Ok(());
        };
        let read = match shared.credentials.get(&app_id) {
            Some(read) => read.clone(),
            None => {
                let read = self.credentials(app_id).await;
                shared.credentials.insert(app_id, read.clone());
                read
            }
        };
        let Some(now) = read else { return Ok(()) };
        let at = self.clock.now();
        let seen = (What::NewCredential, now);
        self.store.note_new(watched, seen, at).await.map(drop)
    }

    /// The id of every credential. A blueprint whose application lies elsewhere shows none, and
    /// without the permission nothing is known.
    async fn credentials(&self, app_id: ObjectId) -> Option<Vec<String>> {
        match self.graph.credentials_of(self.ask(), app_id).await {
            Ok(found) => Some(found.ids()),
            Err(graph::Error::NotFound { .. }) => None,
            Err(error) => {
                tracing::debug!(%error, "the credentials of a blueprint could not be looked at");
                None
            }
        }
    }
}
