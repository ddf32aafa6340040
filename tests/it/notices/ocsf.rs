//! The record in OCSF's words, handed on to a file and a table, from where it stood.

use std::time::Duration;

use estop::domain::entity::Entity;
use estop::domain::id::DetectionId;
use estop::sim::{Roles, Tenant};
use serde_json::Value;

use super::super::world::{Setting, World, invoice_bot};

const PLACES: &str = "ocsf:\n  file: record.ocsf.ndjson\n  \
                      table: { endpoint: \"https://x.ingest.monitor.azure.com\", rule: dcr-0a1b, \
                      stream: Custom-Estop }\n";

async fn world_with(change: impl FnOnce(&mut Tenant)) -> World {
    let mut tenant = Tenant::contoso();
    tenant.cases.declare("dcr-0a1b", "Custom-Estop");
    change(&mut tenant);
    let usual = Setting::default();
    World::with(Setting {
        tenant,
        yaml: format!("{}{PLACES}", usual.yaml),
        ..usual
    })
    .await
}

fn in_file(world: &World) -> Vec<Value> {
    let path = world.folder.path().join("record.ocsf.ndjson");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

fn in_table(world: &World) -> Vec<Value> {
    world.entra.tenant().cases.tables["dcr-0a1b/Custom-Estop"].clone()
}

fn numbers(events: &[Value]) -> Vec<i64> {
    let number = |event: &Value| event["metadata"]["sequence"].as_i64().unwrap();
    events.iter().map(number).collect()
}

async fn head(world: &World) -> i64 {
    world
        .service
        .store
        .last_sealed()
        .await
        .unwrap()
        .unwrap()
        .number
}

async fn until_handed_on(world: &World) {
    for _ in 0..600 {
        world.pass(Duration::from_secs(1)).await;
        // Files are written on threads of their own, which move no clock.
        std::thread::sleep(Duration::from_millis(2));
        let last = head(world).await;
        let file = numbers(&in_file(world)).last().copied();
        let table = in_table(world)
            .last()
            .map(|line| line["Number"].as_i64().unwrap());
        if file == Some(last) && table == Some(last) {
            return;
        }
    }
    panic!(
        "file {:?}, table {}",
        numbers(&in_file(world)),
        in_table(world).len()
    );
}

#[tokio::test]
async fn every_record_is_handed_on_once_in_order_with_its_seal() {
    let world = world_with(|_| {}).await;
    let id = world.detect_agent(invoice_bot()).await;
    world.settle().await;
    until_handed_on(&world).await;

    let events = in_file(&world);
    let last = head(&world).await;
    assert_eq!(numbers(&events), (1..=last).collect::<Vec<_>>());
    let lines = world.service.store.sealed_lines(0, 10_000).await.unwrap();
    for (event, line) in events.iter().zip(&lines) {
        assert_eq!(event["metadata"]["uid"], line.seal.hex());
    }
    let finding = events.iter().find(|it| it["class_uid"] == 2004).unwrap();
    let id: DetectionId = id.parse().unwrap();
    assert_eq!(finding["finding_info"]["uid"], id.to_string());
    assert_eq!(finding["severity_id"], 4);
    assert_eq!(finding["resources"][0]["uid"], invoice_bot().to_string());
    let first = |event: &&Value| {
        let step = &event["unmapped"]["record"]["detail"]["step"];
        event["class_uid"] == 7001 && *step == 0
    };
    let step = events.iter().find(first).unwrap();
    assert_eq!(
        (&step["activity_id"], &step["status_id"]),
        (&1.into(), &1.into())
    );
    let closed = &step["unmapped"]["record"]["detail"]["closes"];
    assert_eq!(closed, &serde_json::json!([invoice_bot()]), "{step}");
    let table = in_table(&world);
    let sent: Vec<i64> = table
        .iter()
        .map(|it| it["Number"].as_i64().unwrap())
        .collect();
    assert_eq!(sent, (1..=last).collect::<Vec<_>>());
    assert_eq!(table[0]["Event"]["metadata"]["sequence"], 1);
}

#[tokio::test]
async fn what_was_put_back_is_handed_on_with_whom_it_touched() {
    let world = world_with(|_| {}).await;
    let run = world.contain(Entity::agent(invoice_bot())).await;
    world.settle().await;

    world.undo(run).await;
    world.settle().await;
    until_handed_on(&world).await;

    let events = in_file(&world);
    let back = events
        .iter()
        .map(|event| &event["unmapped"]["record"])
        .find(|record| record["what"] == "step.undone" && record["detail"]["step"] == 0);
    let closes = &back.unwrap()["detail"]["closes"];
    assert_eq!(closes, &serde_json::json!([invoice_bot()]));
}

#[tokio::test]
async fn after_a_restart_and_half_a_line_it_goes_on_from_where_it_stood() {
    let world = world_with(|_| {}).await;
    until_handed_on(&world).await;
    let before = head(&world).await;
    let path = world.folder.path().join("record.ocsf.ndjson");
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"half\": ");
    std::fs::write(&path, text).unwrap();

    let world = world.restart().await;
    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    // Where services may share the store, one hands on alone, and the next one once that is over.
    world.pass(Duration::from_secs(20)).await;
    until_handed_on(&world).await;

    let last = head(&world).await;
    assert!(last > before);
    assert_eq!(numbers(&in_file(&world)), (1..=last).collect::<Vec<_>>());
    let sent: Vec<i64> = in_table(&world)
        .iter()
        .map(|it| it["Number"].as_i64().unwrap())
        .collect();
    assert_eq!(sent, (1..=last).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_table_that_refuses_us_loses_nothing_and_a_person_is_told() {
    let world = world_with(|tenant| tenant.cases.roles = Roles::Missing).await;
    world
        .pass_in(Duration::from_secs(3600), Duration::from_secs(5))
        .await;
    let told = world.told().await;
    assert!(told.iter().any(|it| it.contains("ocsf.table")), "{told:?}");
    assert_eq!(in_table(&world).len(), 0);

    world
        .entra
        .foreign_write(|tenant| tenant.cases.roles = Roles::Held);
    until_handed_on(&world).await;

    let last = head(&world).await;
    let sent: Vec<i64> = in_table(&world)
        .iter()
        .map(|it| it["Number"].as_i64().unwrap())
        .collect();
    assert_eq!(sent, (1..=last).collect::<Vec<_>>());
}
