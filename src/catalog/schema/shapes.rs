//! What can stand behind a key, in the schema's words.

use serde_json::{Value, json};

use super::{Key, map};
use crate::catalog::fields::Words;
use crate::catalog::{steps, trigger, written};
use crate::domain::detection::Severity;

/// What a key takes.
pub(super) enum Shape {
    /// The name of a playbook.
    Name,
    /// One line of text of at most so many characters.
    Line(usize),
    /// One of a few words.
    Word(Vec<&'static str>),
    /// A list of such words, at most so many.
    Words(Vec<&'static str>, usize),
    /// Detection types: an open set with known members.
    Types,
    /// One detection type.
    Type,
    /// Names of sources.
    Sources,
    /// One name of a source.
    Source,
    /// `high` or `high+`.
    Band,
    /// Named clauses.
    Clauses,
    /// Actions, each with its options or without.
    Steps,
    /// A number from 1 to this.
    Count(u32),
    /// One number and one unit.
    Time,
    /// Either of two.
    Either(Box<Shape>, Box<Shape>),
    /// `true` or `false`.
    Truth,
    /// Any short texts, at most so many.
    Texts(usize),
    /// A map with these keys.
    Map(Words<'static>, Vec<Key>),
    /// A list of at most so many of these.
    List(Box<Shape>, usize),
    /// A map from words of the first to the second.
    Each(Vec<&'static str>, Box<Shape>),
    /// A map from any name to the second.
    Named(Box<Shape>),
}

/// One number and one unit, as `Span` reads it.
const TIME: &str = "^[0-9]+(ms|s|m|h|d)$";

impl Shape {
    pub(super) fn schema(&self) -> Value {
        match self {
            Self::Name => json!({ "type": "string", "pattern": "^[a-z0-9-]{1,64}$" }),
            Self::Line(most) => json!({ "type": "string", "minLength": 1, "maxLength": most }),
            Self::Word(words) => json!({ "enum": words }),
            Self::Words(words, most) => json!({
                "type": "array", "maxItems": most, "uniqueItems": true, "items": { "enum": words },
            }),
            Self::Types => json!({
                "type": "array", "minItems": 1, "maxItems": trigger::NAMES_MAX,
                "uniqueItems": true, "items": Self::Type.schema(),
            }),
            Self::Type => {
                let known: Vec<&str> = trigger::detection_types().collect();
                let open = json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$" });
                json!({ "anyOf": [{ "enum": known }, open] })
            }
            Self::Sources => json!({
                "type": "array", "minItems": 1, "maxItems": trigger::NAMES_MAX,
                "uniqueItems": true, "items": Self::Source.schema(),
            }),
            Self::Source => json!({ "type": "string", "pattern": "^[a-z0-9_-]{1,64}$" }),
            Self::Band => {
                let plain = Severity::ALL.map(|severity| severity.word().to_owned());
                let worse = plain.clone().map(|word| format!("{word}+"));
                let words = [plain, worse].concat();
                json!({ "enum": words })
            }
            Self::Clauses => json!({
                "type": "object", "minProperties": 1, "maxProperties": written::CLAUSES_MAX,
                "propertyNames": { "pattern": "^[a-z0-9_]{1,64}$" },
                "additionalProperties": {
                    "type": "string", "maxLength": crate::catalog::clause::TEXT_MAX,
                },
            }),
            Self::Steps => steps(),
            Self::Count(most) => json!({ "type": "integer", "minimum": 1, "maximum": most }),
            Self::Time => json!({ "type": "string", "pattern": TIME }),
            Self::Either(one, other) => json!({ "anyOf": [one.schema(), other.schema()] }),
            Self::Truth => json!({ "type": "boolean" }),
            Self::Texts(most) => json!({
                "type": "array", "maxItems": most, "items": { "type": "string" },
            }),
            Self::Map(words, keys) => map(words, keys),
            Self::List(of, most) => json!({
                "type": "array", "minItems": 1, "maxItems": most, "items": of.schema(),
            }),
            Self::Each(words, to) => json!({
                "type": "object", "propertyNames": { "enum": words },
                "additionalProperties": to.schema(),
            }),
            Self::Named(to) => json!({ "type": "object", "additionalProperties": to.schema() }),
        }
    }
}

fn steps() -> Value {
    let actions = steps::actions();
    let options = map(&steps::OPTIONS, &super::keys::options());
    let with_options: serde_json::Map<String, Value> = actions
        .iter()
        .map(|action| ((*action).to_owned(), options.clone()))
        .collect();
    json!({
        "type": "array", "minItems": 1, "maxItems": steps::STEPS_MAX,
        "items": { "oneOf": [
            { "enum": actions },
            {
                "type": "object", "properties": described(with_options),
                "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
            },
        ] },
    })
}

fn described(mut properties: serde_json::Map<String, Value>) -> serde_json::Map<String, Value> {
    for (action, said) in &mut properties {
        said["description"] = json!(format!("{action}, with options."));
    }
    properties
}
