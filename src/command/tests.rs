//! The forms of words: tokens as text, plans as sentences.

use uuid::Uuid;

use super::find::Looked;
use super::plan::{Found, Shown};
use super::token::Halves;
use super::wording::called;
use super::{NewName, at_the_machine, may_at_tier, reasoned};
use crate::domain::entity::{Entity, ObjectId};
use crate::domain::id::TokenId;
use crate::domain::moment::Moment;
use crate::domain::order::{Operator, Scope};

fn id(number: u128) -> ObjectId {
    ObjectId::from_uuid(Uuid::from_u128(number))
}

fn halves() -> Halves {
    Halves::of(TokenId::from_uuid(Uuid::from_u128(7)), [0xAB; 32])
}

fn found(entity: Entity, enabled: bool) -> Found {
    Found {
        entity,
        name: Some("invoice-bot".to_owned()),
        enabled,
    }
}

fn shown(family: Vec<Found>, enabled: bool) -> Shown {
    Shown {
        radius: None,
        plan_digest: String::new(),
        entity: found(Entity::agent(id(1)), enabled),
        tier: 0,
        people: 0,
        steps: Vec::new(),
        family,
        stops: Vec::new(),
        not_stopped: Vec::new(),
        undo: Vec::new(),
        remarks: Vec::new(),
        stopped_by: Vec::new(),
        expires_at: Moment::from_millis(0),
    }
}

#[test]
fn a_token_is_read_back_from_its_text() {
    let text = halves().spelled();

    assert!(text.starts_with("estop_"), "{text}");
    assert_eq!(text.len(), "estop_".len() + 26 + 1 + 43);
    assert_eq!(Halves::read(&text).unwrap().spelled(), text);
}

#[test]
fn a_text_that_is_not_exactly_a_token_is_none() {
    let text = halves().spelled();
    let cut = &text[..text.len() - 1];

    for wrong in [
        "",
        "estop_",
        cut,
        &format!("{text}A"),
        &format!(" {text}"),
        &text.to_uppercase(),
        &text.replace("estop_", "github_"),
        &text.replacen("estop_0", "estop_9", 1),
        &format!("{}é", &text[..text.len() - 2]),
    ] {
        assert!(Halves::read(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn a_token_name_cannot_pretend_to_be_another_kind_of_operator() {
    for wrong in ["", "a b", "local:root", "x\ny", &"x".repeat(65)] {
        assert!(NewName::new(wrong).is_none(), "{wrong}");
    }
    assert_eq!(at_the_machine("dana; rm").name, "local:danarm");
}

#[test]
fn c03_a_token_is_refused_from_tier_2_on_and_a_person_is_not() {
    let token = Operator {
        name: "token:soc".to_owned(),
        scope: Scope::Respond,
        person: None,
    };

    assert!(may_at_tier(&token, 1).is_ok());
    assert_eq!(may_at_tier(&token, 2).unwrap_err().code, "tier-too-high");
    assert!(may_at_tier(&at_the_machine("dana"), 2).is_ok());
}

#[test]
fn a_reason_is_wanted_and_has_a_limit() {
    assert_eq!(reasoned("  \n").unwrap_err().code, "reason-required");
    assert_eq!(
        reasoned(&"ä".repeat(501)).unwrap_err().code,
        "reason-too-long"
    );
    assert_eq!(reasoned(" leaked \n").unwrap(), "leaked");
}

#[test]
fn changes_name_what_is_new_gone_and_switched() {
    let before = shown(vec![found(Entity::agent_user(id(2)), true)], true);
    let after = shown(vec![found(Entity::agent_user(id(3)), true)], false);

    let changes = after.changes_since(&before);

    assert_eq!(
        changes,
        [
            format!("agent {} is disabled now", id(1)),
            format!("agent_user {} is new", id(3)),
            format!("agent_user {} is gone", id(2)),
        ]
    );
    assert!(before.changes_since(&before).is_empty());
}

#[test]
fn an_object_is_called_by_kind_name_and_whole_guid() {
    let words = called(&found(Entity::agent(id(1)), true));

    assert_eq!(words, format!("agent invoice-bot ({})", id(1)));
}

#[test]
fn the_guards_are_asked_about_everything_that_would_stop() {
    let looked = Looked {
        radius: None,
        found: found(Entity::blueprint(id(1)), true),
        ids: vec![id(1), id(9)],
        family: vec![found(Entity::agent(id(2)), true)],
        remarks: Vec::new(),
    };

    let ids = looked.everything();

    assert_eq!(ids, [id(1), id(9), id(2)]);
}
