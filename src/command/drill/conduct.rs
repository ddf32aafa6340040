//! One look at the open drill: what is the next thing to do, and is it time?
//!
//! Nothing is kept in memory between two looks, so that a restart goes on where the last one stood.

use std::time::Duration;

use super::super::{ToMove, ToUndo};
use super::fit::Fitness;
use super::hops::hops;
use super::{Answer, Drills, entity, operator};
use crate::command::error::Sort;
use crate::domain::drill::{Drill, DrillEvent, DrillState};
use crate::domain::id::{OrderId, RunId};
use crate::domain::order::{Order, OrderKind};
use crate::domain::plan::Plan;
use crate::domain::playbook::{Mode, PlaybookName};
use crate::domain::run::{Run, RunEvent, RunState, Standing};
use crate::domain::step::PriorWord;
use crate::store::{Asked, DrillMove, NewRun, Saw, Terms};

/// The canary must be looked at within this, counted from the asking.
const BEGIN_WITHIN: Duration = Duration::from_secs(60);
/// It must be contained within this.
const CONTAIN_WITHIN: Duration = Duration::from_secs(5 * 60);
/// It must be back within this, and the time for which it is held.
const RELEASE_WITHIN: Duration = Duration::from_secs(15 * 60);

impl Drills {
    /// Does the next thing on a drill that has not ended, if its time has come.
    pub(super) async fn advance(&self, drill: &Drill) -> Answer<()> {
        match drill.state {
            DrillState::Asked => self.begin(drill).await,
            DrillState::Containing => self.follow(drill).await,
            DrillState::Releasing => self.see_it_back(drill).await,
            DrillState::Passed | DrillState::Failed | DrillState::Refused => Ok(()),
        }
    }

    async fn begin(&self, drill: &Drill) -> Answer<()> {
        let key = format!("{}:contain", drill.id);
        let store = &self.desk.tools.store;
        if let Some((_, _, taken)) = store.order_by_key(&key).await? {
            // Someone died between the order and the next line.
            return self.contained_by(drill, taken.run).await;
        }
        match self.fitness(drill).await? {
            Fitness::Fit => {}
            Fitness::Unfit(why) => return self.end(drill, DrillEvent::Refused, Some(why)).await,
            Fitness::Later(why) if self.is_past(drill, BEGIN_WITHIN) => {
                return self.end(drill, DrillEvent::Refused, Some(why)).await;
            }
            Fitness::Later(_) => return Ok(()),
        }
        let order = Order {
            id: OrderId::from_uuid(self.desk.tools.clock.uuid()),
            at: self.desk.tools.clock.now(),
            operator: operator(drill),
            kind: OrderKind::Drill { drill: drill.id },
            reason: reason(drill),
        };
        let asked = Asked {
            order,
            makes: Some(self.new_run(drill)),
            idempotency_key: Some(key),
            saw: Saw::default(),
        };
        let taken = self.desk.woken(store.take_order(asked).await?);
        self.contained_by(drill, taken.run).await
    }

    fn new_run(&self, drill: &Drill) -> NewRun {
        NewRun {
            id: RunId::from_uuid(self.desk.tools.clock.uuid()),
            playbook: PlaybookName::drill(),
            mode: Mode::Enforce,
            plan: Plan::drill(entity(drill)),
            terms: Terms::default(),
            asks: None,
        }
    }

    async fn contained_by(&self, drill: &Drill, run: Option<RunId>) -> Answer<()> {
        let change = DrillMove {
            event: DrillEvent::ContainTaken,
            run,
            hops: hops(drill, None, &[]),
            because: None,
            notice: None,
        };
        self.store_move(drill, change).await
    }

    /// Waits for the containment to end, then has it put back, whatever it came to.
    async fn follow(&self, drill: &Drill) -> Answer<()> {
        let Some(run) = self.run_of(drill).await? else {
            let why = "its run is gone".to_owned();
            return self.end(drill, DrillEvent::Failed, Some(why)).await;
        };
        match run.state.standing() {
            Standing::AtWork if !self.is_past(drill, CONTAIN_WITHIN) => Ok(()),
            Standing::AtWork | Standing::NeedsPerson => self.give_up_containing(drill, &run).await,
            Standing::Ended if self.is_held(&run) => Ok(()),
            Standing::Ended => self.release(drill, &run).await,
        }
    }

    /// Is it to stay contained for now?
    fn is_held(&self, run: &Run) -> bool {
        let held = run.contained_at.map(|at| at.plus(self.hold()));
        let over = held.is_none_or(|until| self.desk.tools.clock.now() >= until);
        run.state == RunState::Contained && !over
    }

    fn hold(&self) -> Duration {
        self.canary.as_ref().map_or(Duration::ZERO, |it| it.hold)
    }

    async fn give_up_containing(&self, drill: &Drill, run: &Run) -> Answer<()> {
        if run.state.after(RunEvent::Stopped).is_err() {
            return self.unless_too_late(drill, "its run does not end").await;
        }
        let word = ToMove {
            run: run.id,
            reason: "the drill's time is over".to_owned(),
            idempotency_key: Some(format!("{}:stop", drill.id)),
        };
        self.desk.stop(&operator(drill), word).await.map(drop)
    }

    async fn release(&self, drill: &Drill, run: &Run) -> Answer<()> {
        let because = (run.state != RunState::Contained).then(|| {
            let why = run.because.as_deref().unwrap_or("no reason given");
            format!("its run ended as {}: {why}", run.state)
        });
        if run.state == RunState::Undone {
            let why = "someone else released it".to_owned();
            return self.releasing(drill, Some(why)).await;
        }
        if run.state.after(RunEvent::UndoAsked).is_err() {
            return self.end(drill, DrillEvent::Failed, because).await;
        }
        let word = ToUndo {
            run: run.id,
            risk: None,
            // A drill begins only with a canary that is found enabled.
            was: Some(PriorWord::Enabled),
            reason: reason(drill),
            idempotency_key: Some(format!("{}:release", drill.id)),
        };
        match self.desk.undo(&operator(drill), word).await {
            Ok(_) => self.releasing(drill, because).await,
            Err(error) if error.sort == Sort::Later => Ok(()),
            Err(error) => self.unless_too_late(drill, &error.why).await,
        }
    }

    async fn releasing(&self, drill: &Drill, because: Option<String>) -> Answer<()> {
        let change = DrillMove {
            event: DrillEvent::ReleaseTaken,
            run: drill.run,
            hops: drill.hops.clone(),
            because,
            notice: None,
        };
        self.store_move(drill, change).await
    }

    pub(super) async fn unless_too_late(&self, drill: &Drill, why: &str) -> Answer<()> {
        if self.is_past(drill, RELEASE_WITHIN + self.hold()) {
            return self
                .end(drill, DrillEvent::Failed, Some(why.to_owned()))
                .await;
        }
        Ok(())
    }

    pub(super) async fn run_of(&self, drill: &Drill) -> Answer<Option<Run>> {
        match drill.run {
            Some(run) => Ok(self.desk.tools.store.run(run).await?),
            None => Ok(None),
        }
    }

    fn is_past(&self, drill: &Drill, limit: Duration) -> bool {
        self.desk.tools.clock.now().since(drill.asked_at) >= limit
    }
}

fn reason(drill: &Drill) -> String {
    format!("{} of the canary", drill.id)
}
