//! Senders whose body is a template: Splunk, Elastic, Datadog, Sumo Logic, and any other, by a small
//! mapping in the source's configuration.
//!
//! Knows: where the mapping says that rows, rule, severity and state stand.
//! Never: a target from anywhere but the mapped columns, each under a name of the contract.
//!
//! Laws
//! * A row without an agent is remarked; when no row names one, the delivery is not understood.
//! * A template variable that the sender did not fill is no id, so it names nobody.
//!
//! Read next: `mapping`.

mod mapping;

use std::borrow::Cow;

use serde_json::Value;

use crate::domain::detection::{DetectionType, Severity};

use super::claim::{Claim, merge};
use super::contract::{self, Details, NAMES, Named};
use super::folded::Loose;
use super::tree::{self, Node, loose};
use super::{Context, NotUnderstood, Reading, typed};

pub use mapping::{BadPlace, Mapping, Place, SeverityFrom, When};

/// Reads text that passed the strict check.
pub(super) fn read(
    text: &str,
    mapping: &Mapping,
    context: &Context,
) -> Result<Reading, NotUnderstood> {
    let body = tree::parse(text)?;
    let root = Node::at(&body, "");
    if let Some(why) = nothing(&root, mapping)? {
        return Ok(Reading::Nothing { why });
    }
    let told = Told::of(&root, mapping)?;
    let rows = mapping.rows.in_body(&root)?;
    let unpacked = unpacked(&rows)?;
    let rows = match &unpacked {
        Some(value) => Node::at(value, &rows.place),
        None => rows,
    };
    let (mut claims, mut remarks, mut person) = (Vec::new(), Vec::new(), false);
    for row in listed(&rows) {
        let said = contract::told(&details(&row, mapping)?, &row.place)?;
        match &said.named {
            Named::Nobody => remarks.push(format!("{} names no agent", row.place)),
            Named::Person => person = true,
            Named::Entities(_) => claims.push(told.claim(said, &row.place, context)?),
        }
    }
    if claims.is_empty() && person {
        return Ok(Reading::Nothing {
            why: "the risk is a person's, not the agent's. Look at the person".to_owned(),
        });
    }
    if claims.is_empty() {
        return Err(NotUnderstood::new(format!(
            "`{}` names no agent. Let a column AgentId hold the agent's object id, or name the \
             column under sources.{}.map.columns",
            mapping.rows, context.source
        )));
    }
    let detection = merge(claims, remarks, context)?;
    Ok(Reading::Detection(Box::new(detection)))
}

fn nothing(root: &Node<'_>, mapping: &Mapping) -> Result<Option<String>, NotUnderstood> {
    if let Some(test) = &mapping.test
        && test.begins(root)?
    {
        return Ok(Some("a test of the sender: the way here works".to_owned()));
    }
    if let Some(ended) = &mapping.ended
        && ended.is(root)?
    {
        return Ok(Some(
            "the alert has ended, so nothing follows from it".to_owned(),
        ));
    }
    Ok(None)
}

/// JSON within a text, or tags such as `env:prod,agentid:GUID`.
fn unpacked(rows: &Node<'_>) -> Result<Option<Value>, NotUnderstood> {
    let Some(text) = rows.text() else {
        return Ok(None);
    };
    if text.trim_start().starts_with(['{', '[']) {
        return rows.embedded();
    }
    let mut tags = serde_json::Map::new();
    for tag in text.split(',') {
        let Some((name, value)) = tag.trim().split_once(':') else {
            continue;
        };
        if tags.insert(name.to_owned(), value.into()).is_some()
            && NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
        {
            return Err(NotUnderstood::new(format!(
                "{}: the tag {name} stands there twice. Group the alert by it",
                rows.place
            )));
        }
    }
    Ok(Some(Value::Object(tags)))
}

/// The rows: a list's items, or the one object.
fn listed<'a>(rows: &Node<'a>) -> Vec<Node<'a>> {
    if rows.value.is_array() {
        rows.items().collect()
    } else {
        vec![rows.clone()]
    }
}

/// The contract from a row's columns.
fn details<'a>(row: &Node<'a>, mapping: &'a Mapping) -> Result<Details<'a>, NotUnderstood> {
    let mut details = Details::default();
    for name in NAMES {
        let column = mapping.columns.get(name).map_or(name, String::as_str);
        let values = match column.strip_prefix('=') {
            Some(fixed) => vec![Loose::Text(Cow::Borrowed(fixed))],
            None => loose(row.get(column)?.value),
        };
        if !values.is_empty() && !details.put(name, values) {
            return Err(NotUnderstood::new(format!(
                "{}.{column} stands there twice. Write it once",
                row.place
            )));
        }
    }
    Ok(details)
}

/// What holds for every row.
struct Told {
    rule: Option<String>,
    alert_id: Option<String>,
    severity: Severity,
    detected_at: Option<crate::domain::moment::Moment>,
}

impl Told {
    fn of(root: &Node<'_>, mapping: &Mapping) -> Result<Self, NotUnderstood> {
        let at = |place: &Option<Place>| match place {
            Some(place) => place.in_body(root).map(Some),
            None => Ok(None),
        };
        Ok(Self {
            rule: at(&mapping.rule)?.and_then(|node| node.said()),
            alert_id: at(&mapping.alert_id)?.and_then(|node| node.said()),
            severity: mapping.severity_in(root)?,
            detected_at: at(&mapping.detected_at)?.and_then(|node| node.moment()),
        })
    }

    fn claim(
        &self,
        said: contract::Told,
        place: &str,
        context: &Context,
    ) -> Result<Claim, NotUnderstood> {
        let Named::Entities(sightings) = said.named else {
            return Err(NotUnderstood::new("the row names nobody. Add AgentId"));
        };
        let id = self.alert_id.clone();
        Ok(Claim {
            place: place.to_owned(),
            alert_id: id.unwrap_or_else(|| context.id.to_string()),
            detection_type: self.detection_type(&said.detection_types, place, context)?,
            severity: self.severity,
            activity_at: None,
            detected_at: self.detected_at,
            detection_ids: said.detection_ids,
            sightings,
        })
    }

    /// The row's own word, else what the configuration gives the rule.
    fn detection_type(
        &self,
        own: &[String],
        place: &str,
        context: &Context,
    ) -> Result<DetectionType, NotUnderstood> {
        if let [word] = own {
            return typed(word, &format!("{place}.DetectionType"));
        }
        let given = self.rule.as_deref().map(str::to_ascii_lowercase);
        let given = given.and_then(|rule| context.types.get(&rule));
        given.cloned().ok_or_else(|| {
            NotUnderstood::new(format!(
                "{place}.DetectionType is missing or says several. Add a column DetectionType, or \
                 write `types: {{ {}: DETECTION_TYPE }}` under sources.{}",
                self.rule.as_deref().unwrap_or("RULE"),
                context.source
            ))
        })
    }
}
