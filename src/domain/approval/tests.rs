use uuid::Uuid;

use super::{
    About, Approval, ApprovalState, ApprovalTerms, NoSay, OnTimeout, Requester, Switched, Vote,
    World,
};
use crate::domain::entity::{Entity, ObjectId};
use crate::domain::id::{ApprovalId, RunId};
use crate::domain::moment::Moment;
use crate::domain::order::{Operator, Scope};
use crate::domain::person::{GroupName, Person, Role};

fn id(number: u128) -> ObjectId {
    ObjectId::from_uuid(Uuid::from_u128(number))
}

fn asked() -> Approval {
    Approval {
        id: ApprovalId::from_uuid(Uuid::from_u128(1)),
        run: RunId::from_uuid(Uuid::from_u128(2)),
        about: About::Begin,
        state: ApprovalState::Asked,
        because: "the playbook asks".to_owned(),
        terms: ApprovalTerms::any_lead(2),
        requester: None,
        world: None,
        asked_at: Moment::from_millis(0),
        expires_at: Moment::from_millis(1000),
        extensions: 0,
        decided_at: None,
        result: None,
        votes: Vec::new(),
    }
}

fn person(number: u128, role: Role, groups: &[&str]) -> Operator {
    Operator {
        name: format!("person:{number}"),
        scope: Scope::Respond,
        person: Some(Person {
            entra: id(number),
            role,
            groups: groups
                .iter()
                .filter_map(|name| GroupName::new(name))
                .collect(),
        }),
    }
}

#[test]
fn c03_whoever_is_no_person_has_no_say() {
    let token = Operator {
        name: "token:soc".to_owned(),
        scope: Scope::Respond,
        person: None,
    };

    assert_eq!(asked().decider(&token), Err(NoSay::NotAPerson));
}

#[test]
fn a_lead_decides_and_neither_a_responder_nor_the_requester_does() {
    let mut approval = asked();
    approval.requester = Some(Requester {
        name: "person:1".to_owned(),
        person: id(1),
    });

    let say = |number, role| {
        let operator = person(number, role, &[]);
        approval.decider(&operator).map(|person| person.entra)
    };

    assert_eq!(say(1, Role::Lead), Err(NoSay::Requester));
    assert_eq!(
        say(2, Role::Responder),
        Err(NoSay::NotALead(Role::Responder))
    );
    assert_eq!(say(3, Role::Lead), Ok(id(3)));
}

#[test]
fn only_the_groups_that_are_asked_decide() {
    let mut approval = asked();
    approval.terms.from = GroupName::new("soc-leads").into_iter().collect();

    let inside = person(1, Role::Lead, &["ops", "soc-leads"]);
    let outside = person(2, Role::Lead, &["ops"]);

    assert!(approval.decider(&inside).is_ok());
    assert_eq!(
        approval.decider(&outside),
        Err(NoSay::OtherGroup("soc-leads".to_owned()))
    );
}

#[test]
fn the_last_instant_is_too_late() {
    let approval = asked();

    assert!(!approval.is_over(Moment::from_millis(999)));
    assert!(approval.is_over(Moment::from_millis(1000)));
    let mut decided = asked();
    decided.state = ApprovalState::Denied;
    assert!(decided.is_over(Moment::from_millis(0)));
}

#[test]
fn words_on_different_plans_are_not_added_up() {
    let mut approval = asked();
    for (number, digest) in [(1, "a"), (2, "b"), (3, "a")] {
        approval.votes.push(Vote {
            person: id(number),
            name: String::new(),
            at: Moment::from_millis(0),
            plan_digest: digest.to_owned(),
        });
    }

    assert_eq!(approval.in_favour("a"), 2);
    assert_eq!(approval.in_favour("b"), 1);
}

#[test]
fn another_world_is_another_digest_and_says_what_changed() {
    let seen = |number, enabled| Switched {
        entity: Entity::agent(id(number)),
        enabled,
    };
    let before = World {
        playbook: Some("aa".to_owned()),
        switches: vec![seen(1, true), seen(2, true)],
    };
    let now = World {
        playbook: Some("bb".to_owned()),
        switches: vec![seen(1, false), seen(3, true)],
    };

    let changes = now.changes_since(&before);

    assert_ne!(
        now.digest(About::Begin, "plan"),
        before.digest(About::Begin, "plan")
    );
    assert_ne!(
        now.digest(About::Keep, "plan"),
        now.digest(About::Begin, "plan")
    );
    assert_eq!(changes.len(), 4, "{changes:?}");
    assert_eq!(changes[0], format!("agent {} is disabled now", id(1)));
    assert!(before.changes_since(&before).is_empty());
}

/// The store keeps the words, so they stay what they are.
#[test]
fn every_word_of_an_approval_is_read_back() {
    let about = [About::Begin, About::Keep, About::Hold];
    assert_eq!(about.map(About::word), ["begin", "keep", "hold"]);
    assert_eq!(about.map(|it| About::from_word(it.word())), about.map(Some));
    assert_eq!(About::from_word("xyzzy"), None);

    assert_eq!(
        ApprovalState::ALL.map(ApprovalState::word),
        ["asked", "approved", "denied", "expired", "void"]
    );
    for state in ApprovalState::ALL {
        assert_eq!(ApprovalState::from_word(state.word()), Some(state));
        assert_eq!(state.to_string(), state.word());
    }
    assert_eq!(ApprovalState::from_word("xyzzy"), None);
}

#[test]
fn whoever_is_asked_reads_what_silence_leads_to() {
    let told = |about, on_timeout| {
        let mut approval = asked();
        approval.about = about;
        approval.terms.on_timeout = on_timeout;
        approval.then()
    };

    assert_eq!(told(About::Begin, OnTimeout::Undo), "nothing is done");
    assert_eq!(told(About::Keep, OnTimeout::Undo), "it is put back");
    assert_eq!(told(About::Keep, OnTimeout::Keep), "it stays contained");
    assert!(told(About::Hold, OnTimeout::Undo).starts_with("it stays contained"));
}
