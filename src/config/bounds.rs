//! Limits and paces, from what is written to what is in force.

use std::time::Duration;

use super::BadConfig;
use crate::domain::caps::Caps;
use crate::domain::moment::Span;

/// The caps with what stands beside them.
pub(super) fn caps(caps: Caps, automatic_blueprints: Option<bool>) -> Caps {
    Caps {
        automatic_blueprints: automatic_blueprints.unwrap_or(false),
        ..caps
    }
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
pub(super) fn pace(written: Option<Span>, usual: Duration) -> Option<Duration> {
    let span = written.map_or(usual, |span| span.0);
    (!span.is_zero()).then_some(span)
}
