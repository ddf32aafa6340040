//! What the inventory answers, from rows made by hand.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    Bond, Extent, Family, IdKind, Instance, Known, Listed, Management, Part, Person, Radius, Trace,
    Want, orphans, resolve,
};
use crate::domain::entity::{Entity, ObjectId};
use crate::domain::moment::Moment;

const NOW: i64 = 1_790_000_000_000;

fn id(number: u128) -> ObjectId {
    ObjectId::from_uuid(Uuid::from_u128(number))
}

fn now() -> Moment {
    Moment::from_millis(NOW)
}

fn known(entity: Entity, parent: Option<ObjectId>) -> Known {
    Known {
        entity,
        app_id: None,
        application: None,
        parent,
        enabled: true,
        disabled_by_microsoft: false,
        owner_tenant: Some(id(1)),
        name: None,
        tags: BTreeMap::new(),
        seen_at: now(),
        people_at: Some(now()),
    }
}

/// Blueprint principal 10 with app id 11 and application 12.
fn blueprint() -> Known {
    Known {
        app_id: Some(id(11)),
        application: Some(id(12)),
        ..known(Entity::blueprint(id(10)), None)
    }
}

fn agent(number: u128) -> Known {
    Known {
        app_id: Some(id(number)),
        ..known(Entity::agent(id(number)), Some(id(11)))
    }
}

fn person(of: u128, bond: Bond, who: u128) -> Person {
    Person {
        of: id(of),
        bond,
        id: id(who),
        name: None,
    }
}

fn instance(number: u128, agent: Option<u128>) -> Instance {
    Instance {
        id: id(number),
        agent: agent.map(id),
        application: Some(id(12)),
        name: None,
        platform: Some("Foundry".to_owned()),
        source: None,
    }
}

fn whole(part: Part, count: usize) -> Listed {
    Listed {
        part,
        measured_at: Some(now()),
        extent: Extent {
            read: count,
            of: count,
        },
        why: None,
    }
}

fn family(agents: Vec<Known>) -> Family {
    Family {
        root: blueprint(),
        above: Vec::new(),
        agents,
        users: Vec::new(),
        instances: Vec::new(),
        people: Vec::new(),
        listed: vec![
            whole(Part::Blueprints, 1),
            whole(Part::Agents, 2),
            whole(Part::AgentUsers, 0),
        ],
    }
}

fn radius(family: &Family) -> Radius {
    Radius::of(family, (id(1), now()))
}

#[test]
fn every_id_of_a_blueprint_leads_to_its_principal_and_says_which_it_was() {
    let trace = Trace {
        objects: vec![blueprint()],
        ..Trace::default()
    };

    let [object, app, application] =
        [10, 11, 12].map(|number| resolve(id(number), &trace).unwrap());

    assert_eq!((object.was, object.correction), (IdKind::ObjectId, None));
    assert_eq!(app.was, IdKind::AppId);
    assert_eq!(application.was, IdKind::ApplicationObjectId);
    for corrected in [app, application] {
        let words = corrected.correction.unwrap();
        assert_eq!(corrected.entity, Entity::blueprint(id(10)));
        assert!(words.contains(&id(10).to_string()), "{words}");
    }
}

#[test]
fn an_object_id_beats_every_other_reading_of_the_same_guid() {
    let other = Known {
        app_id: Some(id(20)),
        ..known(Entity::blueprint(id(30)), None)
    };
    let trace = Trace {
        objects: vec![other, agent(20)],
        ..Trace::default()
    };

    let resolved = resolve(id(20), &trace).unwrap();

    assert_eq!(resolved.entity, Entity::agent(id(20)));
    assert_eq!(resolved.correction, None);
}

#[test]
fn a_registry_id_leads_to_the_identity_it_acts_as_and_to_nothing_without_one() {
    let acts = Trace {
        instances: vec![instance(40, Some(20))],
        ..Trace::default()
    };
    let lives_on_the_blueprint = Trace {
        instances: vec![instance(40, None)],
        ..Trace::default()
    };

    assert_eq!(
        resolve(id(40), &acts).unwrap().entity,
        Entity::agent(id(20))
    );
    assert_eq!(resolve(id(40), &lives_on_the_blueprint), None);
}

#[test]
fn agents_that_stop_are_counted_and_not_objects() {
    let mut shared = family(vec![agent(20), agent(21)]);
    shared.instances = vec![
        instance(40, Some(20)),
        instance(41, Some(20)),
        instance(42, Some(20)),
        instance(43, None),
    ];

    let radius = radius(&shared);

    assert_eq!((radius.agents, radius.identities), (3 + 1 + 1, 2));
    assert_eq!(radius.shared_identities, 1);
}

#[test]
fn what_a_disabled_blueprint_blocks_is_not_enabled_now() {
    let mut blocked = family(vec![agent(20), agent(21)]);
    blocked.root.enabled = false;
    let mut one_off = family(vec![agent(20), agent(21)]);
    one_off.agents[0].enabled = false;

    assert_eq!(radius(&blocked).enabled_now, 0);
    assert_eq!(radius(&one_off).enabled_now, 1);
}

#[test]
fn a_radius_is_complete_only_when_everything_was_listed_to_its_end_and_recently() {
    let complete = family(vec![agent(20), agent(21)]);
    let mut stale = complete.clone();
    stale.agents[1].seen_at = Moment::from_millis(NOW - 600_000);
    let mut broken = complete.clone();
    broken.listed[1].why = Some("throttled".to_owned());
    let mut never = complete.clone();
    never.listed.pop();

    assert!(radius(&complete).complete);
    assert_eq!(radius(&stale).extent.words(), "partial (1 of 2 read)");
    assert!(!radius(&stale).complete);
    assert!(!radius(&broken).complete);
    assert!(!radius(&never).complete);
}

#[test]
fn agents_of_people_who_have_nobody_in_common_are_unrelated() {
    let mut related = family(vec![agent(20), agent(21), agent(22)]);
    related.people = vec![
        person(20, Bond::Owner, 1),
        person(21, Bond::Owner, 2),
        person(22, Bond::Owner, 1),
        person(22, Bond::Sponsor, 2),
    ];
    let mut unrelated = related.clone();
    unrelated.people.truncate(2);

    assert!(!related.has_unrelated_owners());
    assert!(unrelated.has_unrelated_owners());
    assert_eq!((radius(&related).owners, radius(&related).sponsors), (2, 1));
}

#[test]
fn a_foreign_blueprint_and_one_of_microsoft_are_told_apart_from_ours() {
    let microsoft = "f8cdef31-a31e-4b4a-93e4-5f571e91255a".parse().unwrap();

    assert_eq!(Management::of(Some(id(1)), id(1)), Management::Own);
    assert_eq!(Management::of(Some(id(2)), id(1)), Management::Foreign);
    assert_eq!(
        Management::of(Some(microsoft), id(1)),
        Management::Microsoft
    );
    assert_eq!(Management::of(None, id(1)), Management::Unknown);
}

#[test]
fn orphans_are_those_without_parent_or_people_and_nobody_unread_is_one() {
    let stray = Known {
        parent: Some(id(99)),
        people_at: None,
        ..agent(21)
    };
    let user = known(Entity::agent_user(id(50)), Some(id(98)));
    let objects = [blueprint(), agent(20), stray, user];
    let people = [person(20, Bond::Sponsor, 1)];

    let found = orphans(&objects, &people);

    let found: Vec<_> = found.into_iter().map(|it| (it.entity, it.wants)).collect();
    let expected = vec![
        (Entity::agent(id(20)), vec![Want::Owner]),
        (Entity::agent(id(21)), vec![Want::Blueprint]),
        (Entity::agent_user(id(50)), vec![Want::Agent]),
    ];
    assert_eq!(found, expected);
}
