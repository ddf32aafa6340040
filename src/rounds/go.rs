//! One look at the schedules: which time is due, what is found, what is called.

use std::time::Duration;

use super::Rounds;
use super::find::{Found, Looked};
use crate::domain::detection::Severity;
use crate::domain::id::DeliveryId;
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, Urgency};
use crate::domain::playbook::{Call, Playbook};
use crate::domain::reach::{Called, Caller, Calling};
use crate::domain::schedule::Schedule;
use crate::domain::trigger::Finding;
use crate::store::{Error, NewCall, NewTick};

/// Most entities that one time calls a playbook for; the rest come with the next.
const CALLS_MAX: usize = 200;
/// Most times that were missed and are looked through at once.
const MISSED_MAX: usize = 1_000;
/// What was found is found again only after this long, unless the playbook has changed.
const AGAIN_AFTER: Duration = Duration::from_secs(30 * 86_400);
/// A time for which the inventory is never complete is given up after this.
const GIVE_UP_AFTER: Duration = Duration::from_secs(3_600);

/// One schedule whose time has come.
struct Due<'a> {
    playbook: &'a Playbook,
    schedule: String,
    find: Finding,
    within: Duration,
    from: Moment,
    to: Moment,
}

impl Rounds {
    /// Carries out every schedule whose time has come.
    ///
    /// # Errors
    /// When the store cannot keep it; then nothing of that time was kept.
    pub async fn go(&self) -> Result<(), Error> {
        let catalog = self.catalog.load_full();
        for loaded in catalog.all() {
            if let Some(due) = self.due(&loaded.playbook).await? {
                self.carry_out(&due).await?;
            }
        }
        Ok(())
    }

    async fn due<'a>(&self, playbook: &'a Playbook) -> Result<Option<Due<'a>>, Error> {
        let Call::Schedule { at, find, within } = &playbook.trigger.call else {
            return Ok(None);
        };
        let Some(schedule) = at.schedule() else {
            return Ok(None);
        };
        let now = self.clock.now();
        let written = at.to_string();
        let from = self
            .store
            .ticked(&playbook.name, written.clone(), now)
            .await?;
        Ok(last_due(&schedule, from, now).map(|to| Due {
            playbook,
            schedule: written,
            find: *find,
            within: within.map_or(Duration::ZERO, |span| span.0),
            from,
            to,
        }))
    }

    async fn carry_out(&self, due: &Due<'_>) -> Result<(), Error> {
        let now = self.clock.now();
        let about = (due.playbook.entity, due.within);
        let (found, notice) = match self.look(due.find, about).await? {
            Looked::All(found) => self.new_ones(due, found, now).await?,
            Looked::NotYet(why) if now.since(due.to) < GIVE_UP_AFTER => {
                tracing::debug!(playbook = %due.playbook.name, "not yet: {why}");
                return Ok(());
            }
            Looked::NotYet(why) => (Vec::new(), Some(self.given_up(due, &why, now))),
        };
        let calls = found.into_iter().map(|one| self.call(due, one, now));
        let tick = NewTick {
            playbook: due.playbook.name.clone(),
            schedule: due.schedule.clone(),
            from: due.from,
            to: due.to,
            calls: calls.collect(),
            notice,
        };
        for made in self.store.tick(tick).await? {
            (self.wake)(made);
        }
        Ok(())
    }

    /// Those that this playbook, as it is, has not found lately; and whom to tell of the rest.
    async fn new_ones(
        &self,
        due: &Due<'_>,
        found: Vec<Found>,
        now: Moment,
    ) -> Result<(Vec<Found>, Option<Notice>), Error> {
        let since = now.minus(AGAIN_AFTER);
        let mut new = Vec::new();
        for one in found {
            let digest = &due.playbook.digest;
            if !self.store.found_since(digest, one.entity, since).await? {
                new.push(one);
            }
        }
        let left = new.len().saturating_sub(CALLS_MAX);
        new.truncate(CALLS_MAX);
        let notice = (left > 0).then(|| {
            let text = format!(
                "{} found {left} more than the {CALLS_MAX} it is called for at once. They follow \
                 with its next times.",
                due.playbook.name
            );
            self.notice(due, text, now)
        });
        Ok((new, notice))
    }

    fn given_up(&self, due: &Due<'_>, why: &str, now: Moment) -> Notice {
        let text = format!(
            "The schedule of {} was due {} and could not be carried out: {why}. Look with estop \
             doctor; its next time is tried again.",
            due.playbook.name, due.to
        );
        self.notice(due, text, now)
    }

    fn notice(&self, due: &Due<'_>, text: String, now: Moment) -> Notice {
        let key = format!("schedule {}", due.playbook.name);
        self.store.notice(now, Urgency::Tell, key, text)
    }

    fn call(&self, due: &Due<'_>, found: Found, now: Moment) -> NewCall {
        NewCall {
            id: DeliveryId::from_uuid(self.clock.uuid()),
            key: format!(
                "{}/{}/{}",
                due.playbook.name,
                due.to.as_millis(),
                found.entity.id
            ),
            calling: Calling {
                caller: Caller::Schedule,
                called: Called::by_itself(due.playbook.name.clone()),
                severity: Severity::Low,
                entities: vec![found.entity],
                because: vec![found.because],
            },
            at: now,
        }
    }
}

/// The last time that has come since `from`; those before it were missed, and once is enough.
fn last_due(schedule: &Schedule, from: Moment, now: Moment) -> Option<Moment> {
    let mut last = None;
    let mut at = from;
    for _ in 0..MISSED_MAX {
        match schedule.next_after(at) {
            Some(next) if next <= now => {
                last = Some(next);
                at = next;
            }
            Some(_) | None => break,
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::{Moment, Schedule, last_due};

    #[test]
    fn of_times_that_were_missed_only_the_last_is_due() {
        let daily = Schedule::parse("0 6 * * *").unwrap();
        let at = |text: &str| Moment::parse(text).unwrap();
        let from = at("2026-11-20T06:00:00Z");

        let none = last_due(&daily, from, at("2026-11-21T05:59:59Z"));
        let one = last_due(&daily, from, at("2026-11-21T06:00:00Z"));
        let after_a_week = last_due(&daily, from, at("2026-11-27T12:00:00Z"));

        assert_eq!(none, None);
        assert_eq!(one, Some(at("2026-11-21T06:00:00Z")));
        assert_eq!(after_a_week, Some(at("2026-11-27T06:00:00Z")));
    }
}
