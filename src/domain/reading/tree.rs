//! A body as a tree, for senders that are not on the way of every detection: members are found
//! without case, and each knows where it stands.

use std::borrow::Cow;

use serde_json::Value;

use super::folded::Loose;
use super::{NotUnderstood, strict};
use crate::domain::moment::Moment;

/// From here on a number of seconds would be beyond the year 5000: it counts milliseconds.
const SECONDS_BELOW: f64 = 1e11;

/// One value of a body and its place.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    pub(super) place: String,
}

impl<'a> Node<'a> {
    /// The whole body, or a part of it that stands at `place`.
    pub(super) fn at(value: &'a Value, place: &str) -> Self {
        Self {
            value,
            place: place.to_owned(),
        }
    }

    /// A member, `null` where there is none. Written twice in different case it is not understood.
    pub(super) fn get(&self, key: &str) -> Result<Self, NotUnderstood> {
        let place = match self.place.as_str() {
            "" => key.to_owned(),
            above => format!("{above}.{key}"),
        };
        let members = self.value.as_object().into_iter().flatten();
        let mut same = members.filter(|(name, _)| name.eq_ignore_ascii_case(key));
        match (same.next(), same.next()) {
            (None, _) => Ok(Self::at(&Value::Null, &place)),
            (Some((_, value)), None) => Ok(Self { value, place }),
            (Some(_), Some(_)) => Err(NotUnderstood::new(format!(
                "`{place}` stands there twice. Let the sender write it once"
            ))),
        }
    }

    /// The member at the end of these names.
    pub(super) fn dig(&self, keys: &[&str]) -> Result<Self, NotUnderstood> {
        keys.iter()
            .try_fold(self.clone(), |node, key| node.get(key))
    }

    /// The items of a list; of anything else none.
    pub(super) fn items(&self) -> impl Iterator<Item = Self> + '_ {
        let items = self.value.as_array().into_iter().flatten();
        items.enumerate().map(|(n, value)| Self {
            value,
            place: format!("{}[{n}]", self.place),
        })
    }

    pub(super) fn is_null(&self) -> bool {
        self.value.is_null()
    }

    /// The text, when it is one with something in it.
    pub(super) fn text(&self) -> Option<&'a str> {
        self.value.as_str().filter(|text| !text.is_empty())
    }

    /// The text or whole number, as people say it.
    pub(super) fn said(&self) -> Option<String> {
        match self.value.as_u64() {
            Some(number) => Some(number.to_string()),
            None => self.text().map(str::to_owned),
        }
    }

    /// Is it this word, in any case?
    pub(super) fn says(&self, word: &str) -> bool {
        self.text()
            .is_some_and(|text| text.eq_ignore_ascii_case(word))
    }

    /// A time: RFC 3339, or seconds or milliseconds since 1970 as number or text.
    pub(super) fn moment(&self) -> Option<Moment> {
        if let Some(at) = self.text().and_then(Moment::parse) {
            return Some(at);
        }
        let number = self.value.as_f64();
        let number = number.or_else(|| self.text()?.parse().ok())?;
        let millis = if number.abs() < SECONDS_BELOW {
            number * 1000.0
        } else {
            number
        };
        (millis.is_finite() && millis.abs() < 1e15).then(|| {
            #[allow(clippy::cast_possible_truncation, reason = "finite and far below 2^63")]
            Moment::from_millis(millis as i64)
        })
    }

    /// JSON within a text, as some senders write objects and lists: `None` when it is no text.
    pub(super) fn embedded(&self) -> Result<Option<Value>, NotUnderstood> {
        let Some(text) = self.value.as_str() else {
            return Ok(None);
        };
        let place = &self.place;
        strict::check(text.as_bytes())
            .map_err(|why| NotUnderstood::new(format!("{place}: {why}")))?;
        serde_json::from_str(text).map(Some).map_err(|why| {
            NotUnderstood::new(format!(
                "{place} is a text that holds no JSON: {why}. Let the sender write the object itself"
            ))
        })
    }
}

/// The whole body as a tree.
pub(super) fn parse(text: &str) -> Result<Value, NotUnderstood> {
    serde_json::from_str(text)
        .map_err(|why| NotUnderstood::new(format!("the body is not JSON: {why}. Send JSON")))
}

/// A value as the contract takes it: itself, or each item of a list; `null` is none.
pub(super) fn loose(value: &Value) -> Vec<Loose<'_>> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().map(single).collect(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            vec![single(value)]
        }
    }
}

fn single(value: &Value) -> Loose<'_> {
    match value.as_str() {
        Some(text) => Loose::Text(Cow::Borrowed(text)),
        None => value.as_u64().map_or(Loose::Other, Loose::Number),
    }
}
