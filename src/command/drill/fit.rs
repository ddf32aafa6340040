//! May the canary be touched now? Every no says why.

use super::super::Target;
use super::super::find::Looked;
use super::{Answer, Drills, entity};
use crate::command::error::Sort;
use crate::domain::containment::EntityState;
use crate::domain::drill::Drill;
use crate::domain::entity::EntityKind;
use crate::domain::guard::Judgement;
use crate::graph::Priority;

/// What looking at the canary came to.
pub(super) enum Fitness {
    /// It is the configured canary, an enabled agent that nobody holds.
    Fit,
    /// It must not be touched.
    Unfit(String),
    /// It could not be looked at yet.
    Later(String),
}

impl Drills {
    pub(super) async fn fitness(&self, drill: &Drill) -> Answer<Fitness> {
        if self.canary.as_ref().map(|canary| canary.id) != Some(drill.canary) {
            let why = "it is no longer the configured canary";
            return Ok(Fitness::Unfit(why.to_owned()));
        }
        if let Some(stop) = self.desk.standing_stop().await? {
            return Ok(Fitness::Unfit(stop.why));
        }
        let target = Target {
            kind: Some(EntityKind::Agent),
            id: drill.canary,
            also: Some(Vec::new()),
        };
        match self.desk.look(&target, Priority::Contain).await {
            Ok(looked) => self.judge(drill, &looked).await,
            Err(error) if error.sort == Sort::Later => Ok(Fitness::Later(error.why)),
            Err(error) => Ok(Fitness::Unfit(format!(
                "it could not be read as an agent: {}",
                error.why
            ))),
        }
    }

    async fn judge(&self, drill: &Drill, looked: &Looked) -> Answer<Fitness> {
        let unfit = |why: String| Ok(Fitness::Unfit(why));
        match self.desk.judged(looked) {
            Judgement::Free => {}
            Judgement::Protected => return unfit("it is protected".to_owned()),
            Judgement::Never { what } => return unfit(format!("it is never touched: {what}")),
        }
        if !looked.found.enabled {
            return unfit("it was not found enabled, so a drill would prove nothing".to_owned());
        }
        let held = self.desk.tools.store.containment(entity(drill)).await?;
        match held.filter(|held| held.state != EntityState::Open) {
            Some(held) => {
                let by: Vec<String> = held.held_by.iter().map(ToString::to_string).collect();
                unfit(format!("it is held already, by {}", by.join(", ")))
            }
            None => Ok(Fitness::Fit),
        }
    }
}
