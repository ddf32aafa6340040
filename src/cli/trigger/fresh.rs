//! A recorded body, as if it were sent now, about whom one wishes.

use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use serde_json::Value;
use uuid::Uuid;

use super::fixtures::Fixture;
use crate::cli::answers::Failure;
use crate::domain::entity::ObjectId;
use crate::domain::moment::Moment;

/// Most parts of a place in a body.
const PARTS_MAX: usize = 16;

/// A time as senders write it.
#[expect(
    clippy::expect_used,
    reason = "the pattern is ours and a test reads it"
)]
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z").expect("a pattern")
});

/// The one moment that recorded bodies say as a number, in Unix seconds; some add three digits.
const RECORDED: &str = "1789898790";

/// What a fresh body should say.
pub(super) struct Wishes {
    pub(super) now: Moment,
    pub(super) agent: Option<ObjectId>,
    pub(super) tenant: Option<ObjectId>,
}

impl Fixture {
    /// The body with its newest time at this moment and all others as long before it as they
    /// were, with fresh names for this occasion, about the agent that is wished.
    pub(super) fn fresh(&self, wishes: &Wishes, mut draw: impl FnMut() -> Uuid) -> String {
        let mut text = self.text.to_owned();
        for occasion in self.occasion {
            text = text.replace(occasion, &draw().to_string());
        }
        for (recorded, wished) in [(self.agent, wishes.agent), (self.tenant, wishes.tenant)] {
            if let Some(wished) = wished {
                text = text.replace(recorded, &wished.to_string());
            }
        }
        text = text.replace(RECORDED, &wishes.now.as_seconds().to_string());
        let times = TIME.find_iter(&text);
        let newest = times
            .filter_map(|found| Moment::parse(found.as_str()))
            .max();
        let Some(newest) = newest else { return text };
        let later = |found: &regex::Captures<'_>| {
            let said = &found[0];
            Moment::parse(said).map_or(said.to_owned(), |at| {
                let before: Duration = newest.since(at);
                wishes.now.minus(before).to_string()
            })
        };
        TIME.replace_all(&text, later).into_owned()
    }
}

/// Puts a value at a place such as `entities.0.kind`: as JSON where it is some, else as text.
pub(super) fn put(body: &mut Value, place: &str, value: &str) -> Result<(), Failure> {
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    let nowhere = || Failure::usage(format!("the body has no place `{place}`"));
    let parts: Vec<&str> = place.split('.').collect();
    let (last, parents) = parts.split_last().ok_or_else(nowhere)?;
    if parts.len() > PARTS_MAX {
        return Err(nowhere());
    }
    let mut at = body;
    for part in parents {
        at = step(at, part).ok_or_else(nowhere)?;
    }
    if let Some(fields) = at.as_object_mut() {
        fields.insert((*last).to_owned(), value);
        return Ok(());
    }
    *step(at, last).ok_or_else(nowhere)? = value;
    Ok(())
}

fn step<'a>(value: &'a mut Value, part: &str) -> Option<&'a mut Value> {
    if value.is_array() {
        return value.get_mut(part.parse::<usize>().ok()?);
    }
    value.get_mut(part)
}
