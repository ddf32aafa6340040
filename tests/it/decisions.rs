//! What triage made of a delivery, and why; and what it keeps its hands off.

use std::time::Duration;

use estop::domain::decision::{Decision, ObserveReason, StandDownReason, Verdict};
use estop::domain::delivery::DeliveryState;
use estop::domain::id::{DeliveryId, DetectionId};
use estop::domain::order::OrderKind;
use estop::domain::playbook::ServiceMode;
use estop::domain::record::Actor;
use estop::domain::run::RunState;
use estop::sim::{Risk, Tenant};
use serde_json::json;
use uuid::Uuid;

use crate::world::{Setting, World, invoice_bot};

async fn with(yaml: &str) -> World {
    World::with(Setting {
        yaml: yaml.to_owned(),
        ..Setting::default()
    })
    .await
}

async fn decisions(world: &World, id: &str) -> Vec<Decision> {
    let id: DetectionId = id.replace("dlv_", "det_").parse().unwrap();
    let (_, decisions) = world.service.store.detection(id).await.unwrap().unwrap();
    decisions
}

fn body(world: &World, id: &str, kind: &str, agent: Uuid) -> serde_json::Value {
    json!({
        "type": kind, "severity": "high", "detection_id": id,
        "detected_at": world.clock.now().to_string(),
        "entities": [{ "kind": "agent", "id": agent.to_string() }],
    })
}

async fn post(world: &World, body: &serde_json::Value) -> String {
    let (_, reply) = world.post(&body.to_string()).await;
    reply["id"].as_str().unwrap().to_owned()
}

async fn delivery(world: &World, id: &str) -> estop::domain::delivery::Delivery {
    let id: DeliveryId = id.replace("det_", "dlv_").parse().unwrap();
    world.service.store.delivery(id).await.unwrap().unwrap()
}

#[tokio::test]
async fn every_playbook_says_why_or_why_not() {
    let world = World::new().await;

    let id = world.detect_agent(invoice_bot()).await;
    world.settle().await;

    let decisions = decisions(&world, &id).await;
    let [decision] = decisions.as_slice() else {
        panic!("{decisions:?}");
    };
    assert!(matches!(decision.verdict, Verdict::Respond { .. }));
    let shipped = estop::catalog::Catalog::shipped_files().len();
    assert_eq!(decision.considered.len(), shipped);
    for one in &decision.considered {
        let said = one.why_not.is_some() || !one.when.is_empty() || !one.unless.is_empty();
        assert!(said || one.matched, "{one:?} says nothing");
    }
    world.nothing_left_over().await;
}

#[tokio::test]
async fn a_detection_that_nothing_answers_is_kept_with_its_reasons() {
    let world = World::new().await;

    let id = world
        .detect("nothingKnowsThis", "agent", invoice_bot())
        .await;
    world.settle().await;

    let decision = decisions(&world, &id).await.remove(0);
    let because = StandDownReason::NoPlaybookMatches;
    assert_eq!(decision.verdict, Verdict::StandDown { because });
    let unsaid = decision.considered.iter().find(|one| one.why_not.is_none());
    assert!(unsaid.is_none(), "{unsaid:?}");
    assert!(world.runs().await.is_empty());
    world.nothing_left_over().await;
}

#[tokio::test]
async fn a_clause_that_does_not_hold_or_cannot_be_known_keeps_the_playbook_from_acting() {
    let world = World::new().await;
    let kind = "threatIntelligenceAccount";
    let mut old = body(&world, "old", kind, invoice_bot().uuid());
    old["detected_at"] = json!("2020-01-01T00:00:00Z");
    let mut undated = body(&world, "undated", kind, invoice_bot().uuid());
    undated.as_object_mut().unwrap().remove("detected_at");

    let (old, undated) = (post(&world, &old).await, post(&world, &undated).await);
    world.settle().await;

    let old = decisions(&world, &old).await.remove(0);
    let because = StandDownReason::NoPlaybookMatches;
    assert_eq!(old.verdict, Verdict::StandDown { because });
    let undated = decisions(&world, &undated).await.remove(0);
    let because = ObserveReason::ClauseUnknown;
    assert!(
        matches!(undated.verdict, Verdict::Observe { because: it, .. } if it == because),
        "{undated:?}"
    );
    assert_eq!(world.only_run().await.state, RunState::Observed);
    assert!(world.writes().is_empty());
    world.nothing_left_over().await;
}

#[tokio::test]
async fn p06_observe_mode_makes_no_write() {
    let world = with("mode: observe\nprotected: []\n").await;

    for agent in Tenant::contoso().agents.into_keys() {
        world.detect_agent(agent).await;
    }
    let by_hand = world
        .contain(estop::domain::entity::Entity::agent(invoice_bot()))
        .await;
    world.pass(Duration::from_secs(5)).await;

    assert!(world.writes().is_empty(), "{:?}", world.writes());
    for run in world.runs().await {
        if run.id == by_hand {
            assert_eq!(run.state, RunState::Queued, "the mode binds people alike");
        } else {
            assert_eq!(run.state, RunState::Observed, "{run:?}");
        }
    }
    world.order(OrderKind::Stop { run: by_hand }).await.unwrap();
    world.nothing_left_over().await;
}

#[tokio::test]
async fn what_entra_echoes_of_our_own_confirmation_is_not_acted_on() {
    let world = World::new().await;
    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    let first = world.only_run().await.id;
    let confirmed = "adminConfirmedAgentCompromised";

    world
        .pass_in(Duration::from_secs(47 * 3600), Duration::from_secs(600))
        .await;
    let echo = world.detect(confirmed, "agent", invoice_bot()).await;
    world.settle().await;
    world.undo(first).await;
    world.settle().await;
    let person = world.detect(confirmed, "agent", invoice_bot()).await;
    world.settle().await;

    let because = StandDownReason::EchoOfOurConfirm;
    let echo = decisions(&world, &echo).await.remove(0);
    assert_eq!(echo.verdict, Verdict::StandDown { because });
    let person = decisions(&world, &person).await.remove(0);
    assert!(
        matches!(person.verdict, Verdict::Respond { .. }),
        "{person:?}"
    );
    assert_eq!(world.switched(invoice_bot()), [false, true, false]);
    world.nothing_left_over().await;
}

#[tokio::test]
async fn a_persons_confirmation_days_later_is_no_echo() {
    let world = World::new().await;
    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    world
        .pass_in(Duration::from_secs(49 * 3600), Duration::from_secs(600))
        .await;
    let risk = Risk::new(
        "high",
        "confirmedCompromised",
        "adminConfirmedAgentCompromised",
    );
    world
        .entra
        .foreign_write(|tenant| tenant.judge(invoice_bot().uuid(), risk));
    let kind = "adminConfirmedAgentCompromised";
    let person = world.detect(kind, "agent", invoice_bot()).await;
    world.settle().await;

    let person = decisions(&world, &person).await.remove(0);
    assert!(
        matches!(person.verdict, Verdict::Respond { .. }),
        "{person:?}"
    );
    world.nothing_left_over().await;
}

#[tokio::test]
async fn an_entity_of_another_tenant_or_a_kind_the_source_may_not_name_is_left_alone() {
    let world = World::new().await;
    let mut foreign = body(
        &world,
        "foreign",
        "threatIntelligenceAccount",
        invoice_bot().uuid(),
    );
    foreign["entities"][0]["tenant"] = json!("99999999-0000-4000-8000-000000000001");
    let mut person = body(
        &world,
        "person",
        "threatIntelligenceAccount",
        invoice_bot().uuid(),
    );
    person["entities"][0]["kind"] = json!("user");

    let (foreign, person) = (post(&world, &foreign).await, post(&world, &person).await);
    world.settle().await;

    let foreign = decisions(&world, &foreign).await.remove(0);
    let because = StandDownReason::AnotherTenant;
    assert_eq!(foreign.verdict, Verdict::StandDown { because });
    let person = decisions(&world, &person).await.remove(0);
    assert!(
        matches!(
            &person.verdict,
            Verdict::StandDown {
                because: StandDownReason::SourceMayNot { .. }
            }
        ),
        "{person:?}"
    );
    assert!(world.writes().is_empty());
    world.nothing_left_over().await;
}

#[tokio::test]
async fn what_is_not_understood_is_kept_told_and_can_be_replayed() {
    let world = World::new().await;

    let id = post(&world, &json!({ "type": "x", "severity": "high" })).await;
    world.settle().await;
    let aside = delivery(&world, &id).await;
    let told = world.told().await;
    let who = Actor("token:test".to_owned());
    let at = world.clock.now();
    world.service.store.replay(aside.id, who, at).await.unwrap();
    world.settle().await;

    assert_eq!(aside.state, DeliveryState::Quarantined);
    assert!(aside.why.unwrap().contains("entities"));
    assert!(
        told.iter()
            .any(|text| text.contains("could not be understood")),
        "{told:?}"
    );
    // Nothing was fixed meanwhile, so it is aside again.
    assert_eq!(
        delivery(&world, &id).await.state,
        DeliveryState::Quarantined
    );
    assert!(world.runs().await.is_empty());
    world.nothing_left_over().await;
}

#[tokio::test]
async fn the_same_detection_by_another_delivery_joins_its_run() {
    let world = World::new().await;
    let one = body(
        &world,
        "same",
        "threatIntelligenceAccount",
        invoice_bot().uuid(),
    );
    let mut other = one.clone();
    other["severity"] = json!("critical");

    let first = post(&world, &one).await;
    world.settle().await;
    let second = post(&world, &other).await;
    world.settle().await;

    assert_ne!(first, second);
    assert_eq!(world.runs().await.len(), 1);
    let id: DeliveryId = second.replace("det_", "dlv_").parse().unwrap();
    let status = world.service.store.status_of(id).await.unwrap().unwrap();
    assert_eq!(
        status.runs.len(),
        1,
        "the second delivery follows the first one's run"
    );
    world.nothing_left_over().await;
}

#[tokio::test]
async fn a_constant_detection_id_swallows_no_other_agents_detection() {
    let world = World::new().await;
    let kind = "threatIntelligenceAccount";
    let agents: Vec<_> = Tenant::contoso().agents.into_keys().take(3).collect();

    for agent in &agents {
        post(&world, &body(&world, "a rule's name", kind, *agent)).await;
        world.settle().await;
    }
    let another = body(
        &world,
        "a rule's name",
        "earlyLifeMaliciousActivity",
        agents[0],
    );
    post(&world, &another).await;
    world.settle().await;

    assert_eq!(world.runs().await.len(), 4);
    for agent in agents {
        assert!(
            !world.entra.agent(agent).unwrap().account_enabled,
            "{agent}"
        );
    }
    world.nothing_left_over().await;
}

#[tokio::test]
async fn while_the_service_is_off_deliveries_are_kept_and_not_read() {
    let world = with("mode: off\nprotected: []\n").await;

    let id = world.detect_agent(invoice_bot()).await;
    world.pass(Duration::from_secs(120)).await;
    let off = delivery(&world, &id).await.state;
    let runs = world.runs().await.len();
    let mode = ServiceMode::Enforce;
    world.order(OrderKind::Mode { mode }).await.unwrap();
    world.settle().await;

    assert_eq!((off, runs), (DeliveryState::Received, 0));
    assert_eq!(world.only_run().await.state, RunState::Contained);
    world.nothing_left_over().await;
}
