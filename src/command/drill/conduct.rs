//! One look at the open drill: what is the next thing to do, and is it time?
//!
//! Nothing is kept in memory between two looks, so that a restart goes on where the last one stood.

use std::time::Duration;

use super::super::{ToMove, ToUndo};
use super::fit::Fitness;
use super::hops::{hops, passed};
use super::{Answer, Drills, entity, operator};
use crate::command::error::Sort;
use crate::domain::containment::EntityState;
use crate::domain::drill::{Drill, DrillEvent, DrillState, Hop};
use crate::domain::id::{OrderId, RunId};
use crate::domain::notice::Urgency;
use crate::domain::order::{Order, OrderKind};
use crate::domain::plan::Plan;
use crate::domain::playbook::{Mode, PlaybookName};
use crate::domain::run::{Run, RunEvent, RunState, Standing};
use crate::domain::step::UndoOutcome;
use crate::graph::{self, Ask, Enabled, Priority};
use crate::store::{Asked, DrillMove, NewRun, Terms};
use crate::telemetry::Metrics;

/// The canary must be looked at within this, counted from the asking.
const BEGIN_WITHIN: Duration = Duration::from_secs(60);
/// It must be contained within this.
const CONTAIN_WITHIN: Duration = Duration::from_secs(5 * 60);
/// It must be back within this.
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
            held: None,
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
            Standing::Ended => self.release(drill, &run).await,
        }
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
        let because = match run.state {
            RunState::Contained => None,
            state => Some(format!(
                "its run ended as {state}: {}",
                run.because.as_deref().unwrap_or("no reason given")
            )),
        };
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

    /// The run says that it is back; the drill believes only a read of its own.
    async fn see_it_back(&self, drill: &Drill) -> Answer<()> {
        let Some(run) = self.run_of(drill).await? else {
            let why = "its run is gone".to_owned();
            return self.end(drill, DrillEvent::Failed, Some(why)).await;
        };
        match run.state {
            RunState::Undone => {}
            RunState::Undoing => {
                return self.unless_too_late(drill, "its undo does not end").await;
            }
            state => {
                let why = format!("its undo ended as {state}");
                return self.end(drill, DrillEvent::Failed, Some(why)).await;
            }
        }
        if let Some(why) = self.not_restored(drill, &run).await? {
            return self.end(drill, DrillEvent::Failed, Some(why)).await;
        }
        let ask = Ask {
            priority: Priority::Verify,
            correlation: run.id.uuid(),
        };
        match self.desk.tools.graph.agent(ask, drill.canary).await {
            Ok(read) if read.enabled == Enabled::Yes => {
                let mut drill = drill.clone();
                let now = self.desk.tools.clock.now();
                drill.hops.push(passed(Hop::ReadBackEnabled, now));
                let (event, because) = match drill.because.clone() {
                    None => (DrillEvent::Passed, None),
                    because => (DrillEvent::Failed, because),
                };
                self.end(&drill, event, because).await
            }
            Ok(_) => self.unless_too_late(drill, "it does not read as enabled").await,
            Err(error @ graph::Error::TryAgain { .. }) => {
                self.unless_too_late(drill, &error.to_string()).await
            }
            Err(error) => {
                let why = format!("it could not be read back: {error}");
                self.end(drill, DrillEvent::Failed, Some(why)).await
            }
        }
    }

    /// What the run itself left otherwise than it was.
    async fn not_restored(&self, drill: &Drill, run: &Run) -> Answer<Option<String>> {
        let store = &self.desk.tools.store;
        let steps = store.steps(run.id).await?;
        let left = steps.iter().find(|step| {
            step.took_effect() && step.plan.action.contains() && step.undo != Some(UndoOutcome::Restored)
        });
        if let Some(step) = left {
            let undo = step.undo.map_or("not put back", UndoOutcome::word);
            return Ok(Some(format!("{}: {undo}", step.plan.action)));
        }
        let held = store.containment(entity(drill)).await?;
        let held = held.filter(|held| held.state != EntityState::Open);
        Ok(held.map(|held| format!("it is still {}", held.state.word())))
    }

    async fn unless_too_late(&self, drill: &Drill, why: &str) -> Answer<()> {
        if self.is_past(drill, RELEASE_WITHIN) {
            return self.end(drill, DrillEvent::Failed, Some(why.to_owned())).await;
        }
        Ok(())
    }

    /// Ends a drill; a person is told unless it passed.
    async fn end(&self, drill: &Drill, event: DrillEvent, because: Option<String>) -> Answer<()> {
        let tools = &self.desk.tools;
        let run = self.run_of(drill).await?;
        let records = match &run {
            Some(run) => tools.store.records_of(run.id).await?,
            None => Vec::new(),
        };
        let text = because.as_deref().map(|why| told(drill, event, why));
        let key = format!("{} ended", drill.id);
        let change = DrillMove {
            event,
            run: drill.run,
            hops: hops(drill, run.as_ref(), &records),
            because,
            notice: text.map(|text| {
                let mut notice = tools.store.notice(tools.clock.now(), Urgency::Page, key, text);
                notice.run = drill.run;
                notice
            }),
        };
        self.store_move(drill, change).await
    }

    async fn store_move(&self, drill: &Drill, change: DrillMove) -> Answer<()> {
        let tools = &self.desk.tools;
        let at = tools.clock.now();
        let state = tools.store.move_drill(drill.id, change, at).await?;
        if !state.is_open() {
            Metrics::count(&self.metrics.drills, state.word());
            tracing::info!(state = state.word(), "{} {state}", drill.id);
        }
        Ok(())
    }

    async fn run_of(&self, drill: &Drill) -> Answer<Option<Run>> {
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

fn told(drill: &Drill, event: DrillEvent, why: &str) -> String {
    let canary = drill.canary;
    match (event, drill.run) {
        (DrillEvent::Refused, _) | (_, None) => {
            format!("The drill of canary {canary} was not begun: {why}. Nothing was touched.")
        }
        (_, Some(run)) => format!(
            "The drill of canary {canary} failed: {why}. It may still be disabled: look, and if \
             need be run: estop undo {run} --reason TEXT"
        ),
    }
}
