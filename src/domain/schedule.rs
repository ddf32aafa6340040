//! When something is due again and again, as a cron expression in UTC.

use std::fmt;
use std::str::FromStr as _;

use jiff::tz::TimeZone;

use super::moment::Moment;

/// Longest expression that is read.
const TEXT_MAX: usize = 100;

/// A cron expression: minute, hour, day of month, month, day of week. UTC, so that no clock change
/// doubles or skips it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    cron: croner::Cron,
}

/// This is no cron expression of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a schedule: {why}. Write five fields in UTC, such as \"0 9 * * 1\"")]
pub struct NotASchedule {
    text: String,
    why: String,
}

impl Schedule {
    /// Reads five fields. Seconds, which some write as a sixth, are refused.
    pub fn parse(text: &str) -> Result<Self, NotASchedule> {
        let refused = |why: &str| NotASchedule {
            text: text.chars().take(TEXT_MAX).collect(),
            why: why.to_owned(),
        };
        if text.len() > TEXT_MAX || text.split_whitespace().count() != 5 {
            return Err(refused("it has not five fields"));
        }
        let cron = croner::Cron::from_str(text).map_err(|error| refused(&error.to_string()))?;
        let schedule = Self {
            text: text.to_owned(),
            cron,
        };
        match schedule.next_after(Moment::from_millis(0)) {
            Some(_) => Ok(schedule),
            None => Err(refused("it never comes")),
        }
    }

    /// The first time after `moment`. `None` when it never comes again.
    pub fn next_after(&self, moment: Moment) -> Option<Moment> {
        let from = jiff::Timestamp::from_millisecond(moment.as_millis()).ok()?;
        let next = self
            .cron
            .find_next_occurrence(&from.to_zoned(TimeZone::UTC), false)
            .ok()?;
        Some(Moment::from_millis(next.timestamp().as_millisecond()))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use crate::domain::moment::Moment;

    fn at(text: &str) -> Moment {
        Moment::parse(text).unwrap()
    }

    #[test]
    fn a_weekly_schedule_comes_on_mondays_in_utc() {
        let schedule = Schedule::parse("0 9 * * 1").unwrap();

        let first = schedule.next_after(at("2026-11-21T10:00:00Z"));

        assert_eq!(first, Some(at("2026-11-23T09:00:00Z")));
        assert_eq!(
            schedule.next_after(first.unwrap()),
            Some(at("2026-11-30T09:00:00Z"))
        );
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for wrong in [
            "",
            "daily",
            "0 9 * *",
            "* * * * * *",
            "61 9 * * 1",
            "0 0 30 2 *",
        ] {
            assert!(Schedule::parse(wrong).is_err(), "{wrong}");
        }
    }
}
