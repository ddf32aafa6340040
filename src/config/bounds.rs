//! Limits and paces, from what is written to what is in force.

use std::time::Duration;

use super::BadConfig;
use crate::domain::caps::Caps;
use crate::domain::moment::Span;
use crate::domain::motion::CAP_MAX;

/// Longest window that caps are counted in.
const WINDOW_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// What is looked at again is looked at at least so often.
const PACE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// And no more often than this: every look asks the tenant.
const PACE_MIN: Duration = Duration::from_secs(1);
/// An access token lives no shorter (Microsoft: five minutes at least for any policy), and no longer.
const TOKEN_LIFETIMES: [Duration; 2] =
    [Duration::from_secs(300), Duration::from_secs(7 * 24 * 3600)];

/// The caps with what stands beside them. A cap of nothing is one: then every containment waits for a
/// person. A window of nothing counts nothing, and a cap that no tenant reaches is none.
pub(super) fn caps(caps: Caps, automatic_blueprints: Option<bool>) -> Result<Caps, BadConfig> {
    for (name, cap) in [
        ("tenant", caps.tenant),
        ("source", caps.source),
        ("reserve", caps.reserve),
    ] {
        if cap > CAP_MAX {
            return Err(BadConfig(format!(
                "`caps.{name}` is {cap}: at most {CAP_MAX}, or it caps nothing; 0 lets a person decide \
                 each time"
            )));
        }
    }
    if caps.fleet_percent > 100 {
        return Err(BadConfig(format!(
            "`caps.fleet_percent` is {}: a fleet has 100 percent; write 0 to 100",
            caps.fleet_percent
        )));
    }
    within("caps.window", caps.window.0, [PACE_MIN, WINDOW_MAX])?;
    Ok(Caps {
        automatic_blueprints: automatic_blueprints.unwrap_or(false),
        ..caps
    })
}

/// Refuses a length of time beyond these two.
fn within(name: &str, span: Duration, [min, max]: [Duration; 2]) -> Result<(), BadConfig> {
    if (min..=max).contains(&span) {
        return Ok(());
    }
    Err(BadConfig(format!(
        "`{name}` is {}; write {} to {}",
        Span(span),
        Span(min),
        Span(max)
    )))
}

/// How long an access token is thought to live.
pub(super) fn token_lifetime(
    written: Option<Span>,
    usual: Duration,
) -> Result<Duration, BadConfig> {
    let span = written.map_or(usual, |span| span.0);
    within("token_lifetime", span, TOKEN_LIFETIMES)?;
    Ok(span)
}

/// A set's name as Entra takes it: 1 to 32 letters and digits, beginning with a letter.
pub(super) fn attribute_set(written: Option<String>) -> Result<Option<String>, BadConfig> {
    let fits = |name: &String| {
        let begins = name.starts_with(|first: char| first.is_ascii_alphabetic());
        begins && name.len() <= 32 && name.chars().all(|one| one.is_ascii_alphanumeric())
    };
    match written {
        Some(name) if !fits(&name) => Err(BadConfig(format!(
            "`inventory.attributes: {name}` is no set of custom security attributes: a set's name is \
             1 to 32 letters and digits; name the set, not an attribute of it"
        ))),
        written => Ok(written),
    }
}

/// `0s` turns it off.
pub(super) fn pace(
    name: &str,
    written: Option<Span>,
    usual: Duration,
) -> Result<Option<Duration>, BadConfig> {
    let span = written.map_or(usual, |span| span.0);
    if span.is_zero() {
        return Ok(None);
    }
    within(name, span, [PACE_MIN, PACE_MAX])
        .map_err(|BadConfig(why)| BadConfig(format!("{why}; 0s turns it off")))?;
    Ok(Some(span))
}
