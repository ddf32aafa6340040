//! What a clause may ask about: one detection and one of its entities.
//!
//! The schema and the values stand side by side here, so that no field can be known to the check
//! at load and missing from the facts, or the other way round.

use std::collections::HashMap;
use std::ops::{Add, Sub};
use std::time::Duration;

use cel::Value;
use cel::common::value::Val;

use crate::domain::detection::{Background, Detection, Severity, Sighting};
use crate::domain::entity::EntityKind;
use crate::domain::moment::Moment;
use crate::domain::param::{Param, ParamKind};

/// Moments further than this from 1970 (8,000 years) are left out as if the sensor were silent.
const MILLIS_MAX: u64 = 8_000 * 366 * 86_400_000;

/// What a field or an expression is, as far as it can be told before there are facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Truth,
    Text,
    Number,
    Time,
    Length,
    List,
    /// It depends on the facts.
    Open,
}

impl From<ParamKind> for Kind {
    fn from(kind: ParamKind) -> Self {
        match kind {
            ParamKind::Text => Self::Text,
            ParamKind::Number => Self::Number,
            ParamKind::Truth => Self::Truth,
        }
    }
}

impl Kind {
    /// What a person calls it.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::Truth => "a condition",
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Time => "a time",
            Self::Length => "a length of time",
            Self::List => "a list",
            Self::Open => "something",
        }
    }
}

/// The things a clause may name.
pub(super) const ROOTS: [&str; 3] = ["detection", "entity", PARAM];
/// What a person said when they called the playbook; its fields are those of the playbook.
pub(super) const PARAM: &str = "param";

/// The fields of `detection` and of `entity`.
pub(super) fn fields_of(root: &str) -> &'static [(&'static str, Kind)] {
    match root {
        "detection" => &[
            ("id", Kind::Text),
            ("type", Kind::Text),
            ("source", Kind::Text),
            ("severity", Kind::Text),
            ("confidence", Kind::Number),
            ("activity_at", Kind::Time),
            ("detected_at", Kind::Time),
            ("received_at", Kind::Time),
        ],
        "entity" => &[
            ("id", Kind::Text),
            ("kind", Kind::Text),
            ("tenant", Kind::Text),
            ("tags", Kind::Open),
        ],
        _ => &[],
    }
}

/// The facts of one detection about one entity at one moment, ready for any number of clauses.
/// What the sensor did not say is left out, so that asking for it is unknown and never false.
pub struct Facts {
    pub(super) detection: Box<dyn Val>,
    pub(super) entity: Box<dyn Val>,
    pub(super) params: Box<dyn Val>,
    pub(super) now: Box<dyn Val>,
}

impl Facts {
    /// Gathers the facts; `now` is what `age()` counts from.
    pub fn new(detection: &Detection, sighting: &Sighting, now: Moment) -> Self {
        let entity = sighting.entity;
        Self {
            detection: map([
                ("id", Some(text(detection.id))),
                ("type", Some(text(&detection.detection_type))),
                ("source", Some(text(&detection.source))),
                ("severity", Some(text(detection.severity))),
                (
                    "confidence",
                    detection.confidence.map(|sure| Value::Int(sure.into())),
                ),
                ("activity_at", detection.activity_at.and_then(time)),
                ("detected_at", detection.detected_at.and_then(time)),
                ("received_at", time(detection.received_at)),
            ]),
            entity: map([
                ("id", Some(text(entity.id))),
                ("kind", Some(text(entity.kind))),
                ("tenant", sighting.tenant.map(text)),
                ("tags", sighting.background.as_ref().map(tags)),
            ]),
            params: params(detection),
            now: val(time(now).unwrap_or(Value::Null)),
        }
    }

    /// Facts of which only the closed words are known, for asking whether a clause can ever fail.
    pub(super) fn only_words(severity: Severity, kind: EntityKind) -> Self {
        Self {
            detection: map([("severity", Some(text(severity)))]),
            entity: map([("kind", Some(text(kind)))]),
            params: map([]),
            now: val(Value::Null),
        }
    }
}

fn text(shown: impl ToString) -> Value {
    Value::from(shown.to_string())
}

/// The entity's tags, as `entity.tags.env`. A tag it does not carry is absent and so unknown.
fn tags(background: &Background) -> Value {
    let tags = background.tags.iter();
    let values: HashMap<String, Value> = tags
        .map(|(name, value)| (name.clone(), text(value)))
        .collect();
    Value::Map(values.into())
}

/// What a person said; nothing where no person called.
fn params(detection: &Detection) -> Box<dyn Val> {
    let said = detection.called.iter().flat_map(|called| &called.params);
    let values: HashMap<String, Value> = said
        .map(|(name, value)| {
            let value = match value {
                Param::Truth(truth) => Value::Bool(*truth),
                Param::Number(number) => Value::Int(*number),
                Param::Text(said) => text(said),
            };
            (name.clone(), value)
        })
        .collect();
    val(Value::Map(values.into()))
}

fn map<const N: usize>(fields: [(&'static str, Option<Value>); N]) -> Box<dyn Val> {
    let known: HashMap<String, Value> = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    val(Value::Map(known.into()))
}

/// The value as CEL binds it. Only functions have no such form, and none is made here.
pub(super) fn val(value: Value) -> Box<dyn Val> {
    Box::<dyn Val>::try_from(value).unwrap_or_else(|_| Box::new(cel::common::types::CelNull))
}

fn time(moment: Moment) -> Option<Value> {
    let millis = moment.as_millis();
    let far = millis.unsigned_abs();
    (far <= MILLIS_MAX).then(|| Value::Timestamp(from_epoch(millis, Duration::from_millis(far))))
}

/// A moment of any clock whose default is the Unix epoch, `far` on the side that `sign` says; the
/// caller keeps it within the clock's range.
fn from_epoch<T>(sign: i64, far: Duration) -> T
where
    T: Default + Add<Duration, Output = T> + Sub<Duration, Output = T>,
{
    if sign < 0 {
        T::default() - far
    } else {
        T::default() + far
    }
}
