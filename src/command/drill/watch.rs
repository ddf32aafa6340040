//! The loop: carry the open drill on, begin what the schedule wants, and say when it is too long
//! ago.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Answer, Canary, Drills};
use crate::domain::drill::Drill;
use crate::domain::moment::{Moment, Span};
use crate::domain::notice::Urgency;
use crate::domain::record::Record;

/// How often an open drill is looked at: as exact as its hops need to be.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often the schedule is looked at.
const IDLE_EVERY: Duration = Duration::from_secs(10);
/// A scheduled drill does not follow another one sooner than this.
const APART: Duration = Duration::from_secs(10 * 60);
/// How often a person is told that the last good drill is too old.
const REMIND_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Carries drills out until told to stop. Without a canary there is nothing to do.
pub async fn drill_loop(drills: Drills, stop: CancellationToken) {
    let Some(canary) = drills.canary.clone() else {
        return;
    };
    let clock = drills.desk.tools.clock.clone();
    let began = clock.now();
    while !stop.is_cancelled() {
        let pause = match drills.look(&canary, began).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "a drill could not be carried on; trying again");
                IDLE_EVERY
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = drills.wake.notified() => {}
            () = clock.sleep(pause) => {}
        }
    }
}

impl Drills {
    async fn look(&self, canary: &Canary, began: Moment) -> Answer<Duration> {
        if let Some(drill) = self.desk.tools.store.open_drill().await? {
            self.advance(&drill).await?;
            return Ok(LOOK_EVERY);
        }
        self.alarm(canary).await?;
        if self.is_due(canary, began).await? {
            self.take(Drill::SCHEDULE).await?;
            return Ok(Duration::ZERO);
        }
        Ok(IDLE_EVERY)
    }

    /// Counted from the last drill of any kind, so that one missed while the service was down is
    /// made up for once, and a person's own drill delays the next.
    async fn is_due(&self, canary: &Canary, began: Moment) -> Answer<bool> {
        let Some(schedule) = &canary.schedule else {
            return Ok(false);
        };
        let last = self.desk.tools.store.drills(1).await?;
        let from = last.first().map_or(began, |drill| drill.asked_at);
        let now = self.desk.tools.clock.now();
        let due = schedule.next_after(from).is_some_and(|due| due <= now);
        let apart = last.is_empty() || now.since(from) >= APART;
        Ok(due && apart)
    }

    async fn alarm(&self, canary: &Canary) -> Answer<()> {
        let tools = &self.desk.tools;
        let good = tools.store.last_good_drill(canary.id).await?;
        let last = good.and_then(|drill| drill.ended_at);
        let now = tools.clock.now();
        // Before the first good drill the age of our own record counts.
        let since = match last {
            Some(last) => last,
            None => self.first_record().await?.unwrap_or(now),
        };
        let overdue = now.since(since) >= canary.max_age;
        self.metrics
            .drilled(last.map(Moment::as_seconds), overdue.into());
        if !overdue {
            return Ok(());
        }
        let age = match last {
            Some(last) => format!("the last good drill ended {last}"),
            None => "no drill has passed yet".to_owned(),
        };
        let text = format!(
            "Nobody has proved lately that an agent can be stopped: {age}, and it may be {} old. \
             Run: estop drill",
            Span(canary.max_age)
        );
        let key = "drill too old".to_owned();
        let notice = tools.store.notice(now, Urgency::Page, key, text);
        tools.store.remind(notice, now.minus(REMIND_EVERY)).await?;
        Ok(())
    }

    async fn first_record(&self) -> Answer<Option<Moment>> {
        let lines = self.desk.tools.store.sealed_lines(0, 1).await?;
        let first = lines.first();
        let record: Option<Record> = first.and_then(|line| serde_json::from_str(&line.line).ok());
        Ok(record.map(|record| record.at))
    }
}
