//! The end of a drill: is the canary as it was, what is kept, and who is told.

use super::hops::{hops, passed};
use super::{Answer, Drills, entity};
use crate::domain::containment::EntityState;
use crate::domain::drill::{Drill, DrillEvent, Hop};
use crate::domain::notice::Urgency;
use crate::domain::run::{Run, RunState};
use crate::domain::step::UndoOutcome;
use crate::graph::{self, Ask, Enabled, Priority};
use crate::store::DrillMove;
use crate::telemetry::Metrics;

impl Drills {
    /// The run says that it is back; the drill believes only a read of its own.
    pub(super) async fn see_it_back(&self, drill: &Drill) -> Answer<()> {
        let Some(run) = self.run_of(drill).await? else {
            let why = "its run is gone".to_owned();
            return self.end(drill, DrillEvent::Failed, Some(why)).await;
        };
        if run.state == RunState::Undoing {
            return self.unless_too_late(drill, "its undo does not end").await;
        }
        if run.state != RunState::Undone {
            let why = format!("its undo ended as {}", run.state);
            return self.end(drill, DrillEvent::Failed, Some(why)).await;
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
            Ok(_) => {
                self.unless_too_late(drill, "it does not read as enabled")
                    .await
            }
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
            step.took_effect()
                && step.plan.action.contains()
                && step.undo != Some(UndoOutcome::Restored)
        });
        if let Some(step) = left {
            let undo = step.undo.map_or("not put back", UndoOutcome::word);
            return Ok(Some(format!("{}: {undo}", step.plan.action)));
        }
        let held = store.containment(entity(drill)).await?;
        let held = held.filter(|held| held.state != EntityState::Open);
        Ok(held.map(|held| format!("it is still {}", held.state.word())))
    }

    /// Ends a drill; a person is told unless it passed.
    pub(super) async fn end(
        &self,
        drill: &Drill,
        event: DrillEvent,
        because: Option<String>,
    ) -> Answer<()> {
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
                let mut notice = tools
                    .store
                    .notice(tools.clock.now(), Urgency::Page, key, text);
                notice.run = drill.run;
                notice
            }),
        };
        self.store_move(drill, change).await
    }

    pub(super) async fn store_move(&self, drill: &Drill, change: DrillMove) -> Answer<()> {
        let tools = &self.desk.tools;
        let at = tools.clock.now();
        let state = tools.store.move_drill(drill.id, change, at).await?;
        if !state.is_open() {
            Metrics::count(&self.metrics.drills, state.word());
            tracing::info!(state = state.word(), "{} {state}", drill.id);
        }
        Ok(())
    }
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
