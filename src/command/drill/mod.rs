//! Drills: contain the canary and put it back, through the same door as any other order, and time
//! every hop.
//!
//! Knows: which agent is the canary, the order desk, the schedule.
//! Never: another agent, a word about risk, a cap.
//!
//! Laws
//! * Only the configured canary is ever touched, and only when it is found enabled.
//! * A drill is stored before it begins, and taken up where it stood after a crash.
//! * It passes only when the canary is read as it was; anything else is told to a person.
//! * A drill that is too old, or that failed, is an alarm.
//! * Whether Entra refused the canary a token is told by the sign-in log or not at all: a drill holds
//!   no credential but our own.
//!
//! Read next: `conduct`, then `fit`, `ending`, `hops`, `watch`.

mod conduct;
mod ending;
mod fit;
mod hops;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

pub use watch::drill_loop;

use super::error::{Error, Sort};
use super::{Answer, Desk, may_respond};
use crate::domain::drill::{Drill, DrillState};
use crate::domain::entity::{Entity, ObjectId};
use crate::domain::evidence::TokenSeen;
use crate::domain::id::DrillId;
use crate::domain::order::{Operator, Scope};
use crate::domain::schedule::Schedule;
use crate::store;
use crate::telemetry::Metrics;

/// The agent that exists to be stopped, and how often it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// Object id of an agent identity.
    pub id: ObjectId,
    /// When a drill is due by itself.
    pub schedule: Option<Schedule>,
    /// How old the last good drill may be.
    pub max_age: Duration,
    /// How long it stays contained.
    pub hold: Duration,
}

/// Takes drills and carries them out. Cheap to clone.
#[derive(Clone)]
pub struct Drills {
    /// Where their orders are given.
    pub desk: Desk,
    /// Without one every drill is refused.
    pub canary: Option<Canary>,
    /// Is the sign-in log looked at afterwards? Evidence does.
    pub evidence: bool,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Wakes [`drill_loop`]: a hint only.
    pub wake: Arc<Notify>,
}

impl Drills {
    /// Takes a person's word to drill. `canary`, where it is named, must be the configured one.
    pub async fn ask(&self, operator: &Operator, canary: Option<ObjectId>) -> Answer<Drill> {
        may_respond(operator)?;
        let configured = self.configured()?;
        if let Some(named) = canary
            && named != configured.id
        {
            return Err(Error::new(
                Sort::Guarded,
                "not-the-canary",
                format!("{named} is not the canary; a drill touches nothing else"),
                "Leave the id out, or set drill.canary in the configuration",
            ));
        }
        self.take(&operator.name).await
    }

    /// One drill.
    pub async fn show(&self, id: DrillId) -> Answer<Drill> {
        let found = self.desk.tools.store.drill(id).await?;
        found.ok_or_else(|| Error::missing(id))
    }

    /// The newest drills, newest first.
    pub async fn list(&self, limit: u32) -> Answer<Vec<Drill>> {
        Ok(self.desk.tools.store.drills(limit).await?)
    }

    /// Was Entra seen to refuse its canary a token, as far as the log shows it by now?
    pub async fn token_seen(&self, drill: &Drill) -> Answer<TokenSeen> {
        let Some(run) = drill.run.filter(|_| self.evidence) else {
            return Ok(TokenSeen::NotLooked);
        };
        Ok(self.desk.tools.store.token_seen(run).await?)
    }

    async fn take(&self, asked_by: &str) -> Answer<Drill> {
        let tools = &self.desk.tools;
        let drill = Drill {
            id: DrillId::from_uuid(tools.clock.uuid()),
            canary: self.configured()?.id,
            state: DrillState::Asked,
            asked_at: tools.clock.now(),
            asked_by: asked_by.to_owned(),
            run: None,
            hops: Vec::new(),
            because: None,
            ended_at: None,
        };
        match tools.store.ask_drill(drill.clone()).await {
            Ok(()) => {}
            Err(store::Error::Refused(why)) => {
                let fix = "Wait for it: estop drill --last";
                return Err(Error::new(Sort::NotNow, "drill-open", why, fix));
            }
            Err(error) => return Err(error.into()),
        }
        self.wake.notify_one();
        Ok(drill)
    }

    fn configured(&self) -> Answer<&Canary> {
        self.canary.as_ref().ok_or_else(|| {
            Error::new(
                Sort::Unfit,
                "no-canary",
                "no canary is configured".to_owned(),
                "Make an agent that does nothing, and set drill: { canary: GUID }",
            )
        })
    }
}

/// In whose name a drill gives its orders: whoever asked for it.
fn operator(drill: &Drill) -> Operator {
    Operator {
        name: drill.asked_by.clone(),
        scope: Scope::Respond,
        person: None,
    }
}

/// A canary is an agent identity.
fn entity(drill: &Drill) -> Entity {
    Entity::agent(drill.canary)
}
