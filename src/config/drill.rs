//! The canary of drills, checked.

use std::time::Duration;

use super::BadConfig;
use super::file::DrillFile;
use crate::domain::entity::ObjectId;
use crate::domain::schedule::Schedule;

/// How old the last good drill may be where nothing is said: a weekly one, and a day of grace.
const MAX_AGE: Duration = Duration::from_secs(8 * 24 * 3600);
/// Longest that a canary may be kept contained.
const HOLD_MAX: Duration = Duration::from_secs(3600);

/// Which agent is the canary, and how often it is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillConfig {
    /// Object id of an agent identity.
    pub canary: ObjectId,
    /// When a drill is due by itself.
    pub schedule: Option<Schedule>,
    /// How old the last good drill may be.
    pub max_age: Duration,
    /// How long it stays contained, so that whoever works as it asks for a token meanwhile.
    pub hold: Duration,
}

/// Checks the section, and that the canary is not one of those we must leave alone.
pub(super) fn drill(
    file: Option<DrillFile>,
    left_alone: &[ObjectId],
) -> Result<Option<DrillConfig>, BadConfig> {
    let Some(file) = file else { return Ok(None) };
    if left_alone.contains(&file.canary) {
        return Err(BadConfig(format!(
            "`drill.canary` is {}, which stands under `protected` or `self`: a canary is an agent \
             that may be stopped at any time",
            file.canary
        )));
    }
    let schedule = file.schedule.as_deref().map(Schedule::parse).transpose();
    let schedule = schedule.map_err(|why| BadConfig(format!("`drill.schedule`: {why}")))?;
    let hold = file.hold.map_or(Duration::ZERO, |span| span.0);
    if hold > HOLD_MAX {
        return Err(BadConfig("`drill.hold` is at most 1h".to_owned()));
    }
    let max_age = file.max_age.map_or(MAX_AGE, |span| span.0);
    if max_age.is_zero() {
        return Err(BadConfig(
            "`drill.max_age` is 0s: no drill would ever be good enough; write how old the last good one \
             may be, such as 8d"
                .to_owned(),
        ));
    }
    Ok(Some(DrillConfig {
        canary: file.canary,
        schedule,
        max_age,
        hold,
    }))
}
