use std::collections::BTreeMap;

use serde_json::json;
use uuid::Uuid;

use super::fixtures::FIXTURES;
use super::fresh::{Wishes, put};
use crate::domain::detection::{DetectionType, SourceName};
use crate::domain::entity::ObjectId;
use crate::domain::id::{DeliveryId, DetectionId};
use crate::domain::moment::Moment;
use crate::domain::reading::{Context, ReaderKind, Reading, read};

const NOW: i64 = 1_790_000_000_000;

fn id(n: u128) -> ObjectId {
    Uuid::from_u128(n).to_string().parse().unwrap()
}

#[test]
fn every_fixture_made_fresh_is_read_by_its_own_reader_as_this_occasion() {
    let wishes = Wishes {
        now: Moment::from_millis(NOW),
        agent: Some(id(0xA6E7)),
        tenant: Some(id(0x7E7A)),
    };
    for fixture in FIXTURES {
        let mut drawn = 0;
        let mut fresh = || {
            let draw = || {
                drawn += 1;
                Uuid::from_u128(drawn)
            };
            fixture.fresh(&wishes, draw)
        };
        let (one, other) = (fresh(), fresh());
        let context = Context {
            tenant: id(0x7E7A),
            types: BTreeMap::from([(
                "account".to_owned(),
                DetectionType::new("reportedByAnalyst").unwrap(),
            )]),
            mapping: None,
            source: SourceName::new("lab").unwrap(),
            id: DetectionId::from(DeliveryId::from_uuid(Uuid::from_u128(1))),
            received_at: Moment::from_millis(NOW),
        };

        let reader = ReaderKind::from_word(fixture.reader).unwrap();
        let reading = read(reader, one.as_bytes(), &context).unwrap();

        let Reading::Detection(detection) = reading else {
            panic!("{}: {reading:?}", fixture.name);
        };
        let sighted: Vec<_> = detection.entities.iter().map(|it| it.entity.id).collect();
        assert!(sighted.contains(&id(0xA6E7)), "{}", fixture.name);
        assert!(!one.contains(fixture.agent) && !one.contains(fixture.tenant));
        assert_ne!(one, other, "{}: an occasion of its own", fixture.name);
        assert!(!one.contains("2026-09-20T") && !one.contains("1789898790"));
        let at = detection.detected_at;
        assert!(
            at.is_none_or(|at| NOW - at.as_millis() < 600_000),
            "{}: {at:?}",
            fixture.name
        );
    }
}

#[test]
fn every_reader_of_a_sender_has_a_body_that_can_be_made_up() {
    for reader in ReaderKind::ALL {
        // What is mapped is the operator's own form, and what is pulled nobody sends.
        let sent = !matches!(reader, ReaderKind::Mapped | ReaderKind::Entra);
        let made = FIXTURES.iter().any(|it| it.reader == reader.word());

        assert_eq!(made, sent, "{reader}");
    }
}

#[test]
fn a_value_is_put_at_a_place_that_is_there() {
    let mut body = json!({ "severity": "high", "entities": [{ "kind": "agent" }] });

    put(&mut body, "severity", "low").unwrap();
    put(&mut body, "entities.0.kind", "user").unwrap();
    put(&mut body, "confidence", "90").unwrap();
    put(&mut body, "entities.0", "{\"kind\":\"agent_user\"}").unwrap();

    let expected = json!({
        "severity": "low", "confidence": 90, "entities": [{ "kind": "agent_user" }]
    });
    assert_eq!(body, expected);
    for nowhere in ["entities.1.kind", "a.b", "severity.x.y", "entities.x"] {
        assert!(put(&mut body, nowhere, "1").is_err(), "{nowhere}");
    }
}
