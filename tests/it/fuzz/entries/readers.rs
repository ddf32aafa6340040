//! Every reader of deliveries: whatever a sender sends, nobody is named whom it did not write, and
//! what is not understood says so in words that harm no log (threats W19, W20, L01).

use std::collections::BTreeMap;

use estop::domain::detection::{DetectionType, ENTITIES_MAX, SourceName};
use estop::domain::entity::ObjectId;
use estop::domain::id::DetectionId;
use estop::domain::reading::{
    Context, LOOK_UPS_MAX, Mapping, Place, ReaderKind, Reading, SeverityFrom, read,
};
use serde_json::Value;
use uuid::Uuid;

use super::now;

fn context(reader: ReaderKind) -> Context {
    let typed = |name| DetectionType::new(name).unwrap();
    Context {
        tenant: "e0c7b2a9-6d14-4583-b9f0-3a8d5e1c7f62".parse().unwrap(),
        types: BTreeMap::from([("account".to_owned(), typed("reportedByAnalyst"))]),
        mapping: (reader == ReaderKind::Mapped).then(|| {
            let severity = Place::new("/severity").unwrap();
            Mapping::of(Place::new("/rows").unwrap(), SeverityFrom::At(severity))
        }),
        source: SourceName::new("lab").unwrap(),
        id: DetectionId::from_uuid(Uuid::from_u128(9)),
        received_at: now(),
    }
}

pub fn read_as(reader: ReaderKind, bytes: &[u8]) {
    let context = context(reader);
    let reading = read(reader, bytes, &context);
    assert_eq!(reading, read(reader, bytes, &context), "read twice");
    match reading {
        Ok(Reading::Detection(found)) => {
            assert_eq!((found.id, &found.source), (context.id, &context.source));
            assert_eq!(found.received_at, context.received_at);
            assert!((1..=ENTITIES_MAX).contains(&found.entities.len()));
            assert!(found.confidence.is_none_or(|sure| sure <= 100));
            assert!(!found.key.is_empty());
            assert_eq!(
                DetectionType::new(found.detection_type.as_str()).as_ref(),
                Some(&found.detection_type)
            );
            let said = said(bytes);
            for sighting in &found.entities {
                is_written(sighting.entity.id, &said);
                assert!(!sighting.found_at.is_empty());
            }
            let mut ids: Vec<_> = found.entities.iter().map(|it| it.entity).collect();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), found.entities.len(), "one entity twice");
        }
        Ok(Reading::Incomplete(incomplete)) => {
            assert!((1..=LOOK_UPS_MAX).contains(&incomplete.alerts.len()));
            is_plain(&incomplete.why.what);
        }
        Ok(Reading::Nothing { why }) => is_plain(&why),
        Err(why) => is_plain(&why.what),
    }
}

/// An id stands in the delivery, letter by letter, and is written in its one spelling.
fn is_written(id: ObjectId, said: &str) {
    assert_eq!(id.to_string().parse(), Ok(id));
    assert!(said.contains(&id.to_string()), "{id} is nobody's word");
}

/// Every text of a body, also of a body within a text, in lower case.
fn said(bytes: &[u8]) -> String {
    let mut said = String::new();
    let mut open: Vec<Value> = serde_json::from_slice(bytes).into_iter().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => {
                said.push_str(&text.to_lowercase());
                said.push('\n');
                let inner = serde_json::from_str::<Value>(&text).ok();
                open.extend(inner.filter(|inner| inner.is_array() || inner.is_object()));
            }
            Value::Array(items) => open.extend(items),
            Value::Object(members) => {
                said.extend(members.keys().map(|key| key.to_lowercase() + "\n"));
                open.extend(members.into_iter().map(|(_, member)| member));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    said
}

/// Words for people, of bounded length and without what moves a cursor or turns a text round.
fn is_plain(why: &str) {
    let wild = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!why.is_empty() && why.chars().count() <= 1_100, "{why}");
    assert!(!why.contains(wild), "{why:?}");
}
