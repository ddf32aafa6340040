//! What senders really send, through the door: it contains whom it names, or it ends ignored or set
//! aside. Nothing is lost, and no test of a sender acts.

use std::time::Duration;

use estop::domain::id::{DeliveryId, DetectionId};
use estop::domain::run::RunState;
use estop::sim::{Fault, INVOICE_BOT, On, Tenant, What};
use serde_json::{Value, json};

use crate::world::{Setting, World, invoice_bot};

const AGENT: &str = "7a4e1c90-52bd-4f38-9e61-c0d2a8b5f317";
const TENANT: &str = "e0c7b2a9-6d14-4583-b9f0-3a8d5e1c7f62";

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../fixtures/", $name, ".json"))
    };
}

/// Fixtures that name an agent, and the reader of their sender.
const NAMING: [(&str, &str, &str); 12] = [
    ("incident", "sentinel", fixture!("sentinel_incident")),
    ("alert", "sentinel", fixture!("sentinel_alert")),
    (
        "log alert",
        "azure_monitor",
        fixture!("azure_monitor_log_alert"),
    ),
    (
        "simple log alert",
        "azure_monitor",
        fixture!("azure_monitor_simple_log_alert"),
    ),
    ("defender", "defender", fixture!("defender_alert")),
    ("ocsf", "ocsf", fixture!("ocsf_finding")),
    ("cloud event", "cloudevents", fixture!("cloudevent_estop")),
    (
        "cloud event, ocsf",
        "cloudevents",
        fixture!("cloudevent_ocsf"),
    ),
    ("splunk", "splunk", fixture!("splunk_alert")),
    ("elastic", "elastic", fixture!("elastic_alert")),
    ("datadog", "datadog", fixture!("datadog_alert")),
    ("sumo", "sumo", fixture!("sumo_alert")),
];
/// Fixtures from which nothing may follow, and the state they end in.
const IDLE: [(&str, &str, &str); 6] = [
    ("ignored", "azure_monitor", fixture!("azure_monitor_test")),
    ("ignored", "datadog", fixture!("datadog_test")),
    ("ignored", "ocsf", fixture!("ocsf_test")),
    ("ignored", "cloudevents", fixture!("cloudevent_handshake")),
    ("ignored", "estop", fixture!("estop_test")),
    (
        "quarantined",
        "sentinel",
        fixture!("defender_for_cloud_alert"),
    ),
];

/// A world whose source is read so.
async fn world(reader: &str) -> World {
    World::with(Setting {
        reader: reader.to_owned(),
        ..Setting::default()
    })
    .await
}

/// The fixture about the world's own agent, of a type that the shipped playbooks answer, today.
fn at_home(world: &World, text: &str) -> String {
    let mut text = text
        .replace(AGENT, &invoice_bot().to_string())
        .replace(TENANT, &world.entra.tenant().id.to_string());
    for (from, to) in [
        ("suspiciousAgentActivity", "threatIntelligenceAccount"),
        ("suspiciousCredentialUsage", "threatIntelligenceAccount"),
        // Playbooks want it fresh, and the world begins a day later.
        ("2026-09-20", "2026-09-21"),
        ("1789898790", "1789985190"),
    ] {
        text = text.replace(from, to);
    }
    text
}

#[tokio::test]
async fn whatever_a_sender_can_write_contains_the_agent_it_names() {
    for (name, reader, text) in NAMING {
        let world = world(reader).await;

        let location = world.post_for_location(&at_home(&world, text)).await;
        world.settle().await;

        let run = world.only_run().await;
        assert_eq!(run.state, RunState::Contained, "{name}");
        assert!(!world.entra.tenant().agents[&INVOICE_BOT].account_enabled);
        let status = world.get(&location).await;
        assert_eq!(status["state"], "contained", "{name}");
        assert!(status["resolved_from"].is_string(), "{name}");
        world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn a_senders_test_is_taken_recognised_and_touches_nobody() {
    for (state, reader, text) in IDLE {
        let world = world(reader).await;

        let location = world.post_for_location(&at_home(&world, text)).await;
        world.settle().await;

        let status = world.get(&location).await;
        assert_eq!(status["state"], state, "{reader}: {status}");
        assert!(!status["why"].as_str().unwrap().is_empty());
        assert_eq!(world.runs().await, []);
        assert!(world.entra.tenant().agents[&INVOICE_BOT].account_enabled);
    }
}

#[tokio::test]
async fn an_incident_and_its_alert_are_one_detection_and_one_run() {
    let world = world("sentinel").await;
    let incident = at_home(&world, fixture!("sentinel_incident"));
    let alert = at_home(&world, fixture!("sentinel_alert"));

    // A Logic App tries up to five times, and the alert's own rule may run beside it.
    for _ in 0..5 {
        world.post(&incident).await;
    }
    world.post(&alert).await;
    world.settle().await;
    // The automation rule runs again when the incident changes.
    let mut again: Value = serde_json::from_str(&incident).unwrap();
    again["objectEventType"] = json!("Update");
    again["object"]["properties"]["labels"] = json!([{ "labelName": "x" }]);
    world.post(&again.to_string()).await;
    world.settle().await;

    assert_eq!(world.only_run().await.state, RunState::Contained);
}

/// Drops each member of the body down to this depth, and what is left.
fn without_one(value: &Value, depth: usize) -> Vec<Value> {
    let mut all = Vec::new();
    if depth == 0 {
        return all;
    }
    for (key, member) in value.as_object().into_iter().flatten() {
        let mut without = value.clone();
        without.as_object_mut().unwrap().remove(key);
        all.push(without);
        for changed in without_one(member, depth - 1) {
            let mut with = value.clone();
            with[key] = changed;
            all.push(with);
        }
    }
    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
        for changed in without_one(item, depth) {
            let mut with = value.clone();
            with[n] = changed;
            all.push(with);
        }
    }
    all
}

#[tokio::test]
async fn w20_a_delivery_that_lost_any_member_is_read_ignored_or_set_aside() {
    for (name, reader, text) in NAMING {
        let world = world(reader).await;
        let body: Value = serde_json::from_str(&at_home(&world, text)).unwrap();
        let mut taken = Vec::new();

        for mutant in without_one(&body, 4) {
            let (_, reply) = world.post(&mutant.to_string()).await;
            let id: DetectionId = reply["id"].as_str().unwrap().parse().unwrap();
            taken.push(DeliveryId::from_uuid(id.uuid()));
        }
        world.settle().await;

        assert!(taken.len() > 4, "{name}");
        for id in taken {
            let kept = world.service.store.delivery(id).await.unwrap().unwrap();
            let state = kept.state.word();
            assert!(
                ["read", "ignored", "quarantined"].contains(&state),
                "{name}: {state}"
            );
        }
        for run in world.runs().await {
            assert_eq!(run.entity.id, invoice_bot(), "{name}");
        }
    }
}

/// A world that reads Sentinel, and an incident whose alert carries no custom details.
async fn incomplete() -> (World, String) {
    let mut tenant = Tenant::contoso();
    let permission = "SecurityAlert.Read.All".to_owned();
    tenant.client.permissions.push(permission);
    let world = World::with(Setting {
        reader: "sentinel".to_owned(),
        tenant,
        ..Setting::default()
    })
    .await;
    let text = at_home(&world, fixture!("sentinel_incident"));
    let mut body: Value = serde_json::from_str(&text).unwrap();
    let alert = &mut body["object"]["properties"]["alerts"][0]["properties"];
    alert["additionalData"] = json!({});
    alert["providerAlertId"] = json!("da638f2c91_1");
    (world, body.to_string())
}

fn know_the_alert(world: &World) {
    let alert = serde_json::from_str(&at_home(world, fixture!("defender_alert"))).unwrap();
    world.entra.foreign_write(|tenant| {
        tenant.alerts.insert("da638f2c91_1".to_owned(), alert);
    });
}

fn look_ups(world: &World) -> usize {
    let asked = world.entra.journal();
    asked
        .iter()
        .filter(|arrival| arrival.path.contains("/security/alerts_v2/"))
        .count()
}

#[tokio::test]
async fn an_incident_without_ids_is_completed_by_one_look_at_its_alert() {
    let (world, body) = incomplete().await;
    know_the_alert(&world);

    let location = world.post_for_location(&body).await;
    world.settle().await;

    let status = world.get(&location).await;
    assert_eq!(status["state"], "contained", "{status}");
    assert_eq!(
        status["resolved_from"],
        "alerts_v2/da638f2c91_1.evidence[0].agentId"
    );
    assert_eq!(look_ups(&world), 1);
}

#[tokio::test]
async fn an_incident_about_which_nobody_knows_more_is_set_aside_and_can_be_replayed() {
    let (world, body) = incomplete().await;

    let location = world.post_for_location(&body).await;
    world.settle().await;
    let unknown = world.get(&location).await;
    know_the_alert(&world);
    let id: DetectionId = unknown["id"].as_str().unwrap().parse().unwrap();
    let (id, now) = (DeliveryId::from_uuid(id.uuid()), world.clock.now());
    let who = estop::domain::record::Actor("test".to_owned());
    world.service.store.replay(id, who, now).await.unwrap();
    world.pass(Duration::from_secs(3)).await;
    world.settle().await;

    assert_eq!(unknown["state"], "quarantined");
    let why = unknown["why"].as_str().unwrap();
    assert!(
        why.contains("AgentId is missing") && why.contains("Graph does not know it"),
        "{why}"
    );
    assert_eq!(world.get(&location).await["state"], "contained");
    assert_eq!(look_ups(&world), 2);
}

#[tokio::test]
async fn a_look_up_that_is_not_permitted_says_what_to_grant() {
    let world = world("sentinel").await;
    let (_, body) = incomplete().await;

    let location = world.post_for_location(&body).await;
    world.settle().await;

    let why = world.get(&location).await["why"].to_string();
    assert!(why.contains("grant SecurityAlert.Read.All"), "{why}");
}

#[tokio::test]
async fn incidents_that_wait_for_a_look_up_delay_no_other_detection() {
    let (world, body) = incomplete().await;
    let asked = On::request("GET", "/security/alerts_v2/").always();
    world.entra.push_fault(Fault::new(asked, What::HoldRequest));
    for n in 0..100 {
        let body = body.replace("da638f2c91_1", &format!("da638f2c91_{n}"));
        world.post(&body).await;
    }
    world.breathe().await;

    let incident = at_home(&world, fixture!("sentinel_incident"));
    let location = world.post_for_location(&incident).await;
    world.pass(Duration::from_secs(3)).await;

    assert_eq!(world.get(&location).await["state"], "contained");
}
