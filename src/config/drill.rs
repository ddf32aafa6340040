//! The canary of drills, checked.

use std::time::Duration;

use super::BadConfig;
use super::file::DrillFile;
use crate::domain::entity::ObjectId;
use crate::domain::schedule::Schedule;

/// How old the last good drill may be where nothing is said: a weekly one, and a day of grace.
const MAX_AGE: Duration = Duration::from_secs(8 * 24 * 3600);

/// Which agent is the canary, and how often it is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillConfig {
    /// Object id of an agent identity.
    pub canary: ObjectId,
    /// When a drill is due by itself.
    pub schedule: Option<Schedule>,
    /// How old the last good drill may be.
    pub max_age: Duration,
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
    Ok(Some(DrillConfig {
        canary: file.canary,
        schedule,
        max_age: file.max_age.map_or(MAX_AGE, |span| span.0),
    }))
}
